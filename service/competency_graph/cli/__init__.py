"""The command line: one file for each group of commands. Decides nothing itself."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import click

from competency_graph.errors import CompetencyGraphError

_COMMANDS: Final = {
    "serve": "serving:serve",
    "validate": "editing:validate",
    "import": "importing:import_",
    "query": "reading:query",
    "export": "reading:export",
    "fmt": "editing:fmt",
    "check": "checking:check",
    "lsp": "lsp:lsp",
    "diff": "comparing:diff",
    "lint": "editing:lint",
    "history": "history:show_history",
    "show": "history:show_change",
    "blame": "history:show_blame",
    "revert": "reverting:revert",
    "token": "tokens:token",
    "backup": "history:backup",
    "restore": "history:restore",
    "verify": "history:verify",
    "redact": "history:redact",
    "settings": "serving:show_settings",
}
"""Each command, and where it is: only the one that is asked for is loaded."""


class _Group(click.Group):
    """Tells errors of our tree as one sentence, with the exit code of their class."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of all commands in the order of their help."""
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Load one command."""
        if name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[name].partition(":")
        command: click.Command = getattr(import_module(f"competency_graph.cli.{module}"), attribute)
        return command

    def invoke(self, context: click.Context) -> object:
        """Run the command and end the process where it fails."""
        try:
            return super().invoke(context)
        except CompetencyGraphError as error:
            click.echo(f"competency-graph: {error.detail}", err=True)
            context.exit(error.exit_code)
        except BrokenPipeError:
            # The reader of a pipe went away: there is nobody to tell.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            context.exit(0)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="competency-graph")
def command() -> None:
    """Competency frameworks as one knowledge graph: serve them, ask them, check them."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; the entry point of the installed program."""
    command(args=arguments, prog_name="competency-graph")

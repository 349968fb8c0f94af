"""The command line: one file for each group of commands. Decides nothing itself."""

import os
import sys
from collections.abc import Sequence

import click

from competency_graph.cli.editing import fmt, validate
from competency_graph.cli.history import (
    backup,
    redact,
    restore,
    show_blame,
    show_change,
    show_history,
    verify,
)
from competency_graph.cli.reading import export, query
from competency_graph.cli.serving import serve, show_settings
from competency_graph.errors import CompetencyGraphError


class _Group(click.Group):
    """Tells errors of our tree as one sentence, with the exit code of their class."""

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


_READING = (serve, validate, query, export, fmt, show_settings)
_LOG = (show_history, show_change, show_blame, backup, restore, verify, redact)
for _part in (*_READING, *_LOG):
    command.add_command(_part)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; the entry point of the installed program."""
    command(args=arguments, prog_name="competency-graph")

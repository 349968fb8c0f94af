"""`serve` and `settings`: running the service and seeing how it is set."""

import os
import sys
from collections.abc import Callable
from typing import Any, Final

import click

from competency_graph import machine
from competency_graph.config import ENVIRONMENT_PREFIX, Settings, setting_fields


def _with_settings(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command one option for each setting."""
    for setting in reversed(setting_fields()):
        option = click.option(
            "--" + setting.name.replace("_", "-"),
            setting.name,
            metavar="VALUE",
            help=setting.metadata["help"][0].upper() + setting.metadata["help"][1:] + ".",
        )
        function = option(function)
    return function


_FIRST: Final = (
    "Changing something needs a token. To make one, in another terminal and on the same database: "
    "competency-graph token create NAME --role editor"
)


@click.command(epilog="Example: competency-graph serve --bind 127.0.0.1:8080 --query-timeout 3s")
@_with_settings
def serve(**options: str | None) -> None:
    """Start the service. Every option is a setting; without it the environment decides.

    An empty database is filled with the shipped framework first.
    """
    settings = Settings.load(os.environ, options)
    # To a person only: a log has no use for it.
    first = _FIRST if sys.stderr.isatty() else ""
    sys.exit(
        machine.run(settings, tell=lambda sentence: click.echo(sentence, err=True), first=first)
    )


@click.command("settings", epilog="Example: competency-graph settings | grep LIMIT")
def show_settings() -> None:
    """Print every setting with its value, where that comes from, and what it means.

    Set one by its name in the environment (COMPETENCY_GRAPH_QUERY_TIMEOUT=3s), or as an option of
    serve (--query-timeout 3s). Exit code 0, or 2 if one is misspelt or impossible.
    """
    settings = Settings.load(os.environ)
    origins = Settings.origins(os.environ)
    said = settings.environment()
    for setting in setting_fields():
        variable = ENVIRONMENT_PREFIX + setting.name.upper()
        value = f"{variable}={said[variable]}"
        click.echo(f"{value:<56} {origins[setting.name]:<12} {setting.metadata['help']}")

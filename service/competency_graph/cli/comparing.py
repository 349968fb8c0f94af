"""`diff`: two states of a framework, a vocabulary or shapes compared by meaning."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from competency_graph import git
from competency_graph.cli.reading import lines_of_database, lines_of_service, token_option
from competency_graph.config import Settings
from competency_graph.diff import Comparison, Side, compare
from competency_graph.diff.reports import Format, render
from competency_graph.documents import read_documents
from competency_graph.errors import LimitReached, UnreadableInput
from competency_graph.vocab import GRAPH

_AT: Final = re.compile(r"(.+)@(\d+)")
_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "major": {"fg": "red", "bold": True},
    "minor": {"fg": "yellow"},
    "patch": {"fg": "blue"},
    "aside": {"dim": True},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is asked of databases and services: one graph or all, and with which token."""

    graph: str | None = None
    token: str | None = None


@click.command(epilog="Example: competency-graph diff main framework/ --format markdown")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--framework", metavar="NAME", help="Of databases and services only this graph.")
@token_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "markdown", "html", "json"]),
    default="text",
    show_default=True,
    help="For a terminal, a pull request, a browser, or programs.",
)
def diff(
    before: str, after: str, framework: str | None, token: str | None, format_: Format
) -> None:
    """Say what differs in meaning between A and B, and how much it asks of others.

    A and B are files, folders, git revisions (main, v1.2, HEAD~1:roles.ttl; beside a file or
    folder, the same there), databases (sqlite:///competency-graph.db) or running services
    (http://127.0.0.1:8000), either also as it was (…@12 is revision 12). Each difference is
    major, minor or patch, with the reason; the version that follows is named. Order, prefixes and
    names of blank nodes make no difference.
    Exit code 0: compared, whatever differs; 2: a side cannot be used; 3: a service does not
    answer.
    """
    settings = Settings.load(os.environ)
    name = framework if framework is None or ":" in framework else GRAPH + framework
    chosen = Chosen(graph=name, token=token)
    old = side_of(before, after, settings, chosen)
    new = side_of(after, before, settings, chosen)
    click.echo(render(compare_sides(old, new, settings), format_, paint=paint))


def paint(text: str, part: str) -> str:
    """Return a piece of text in the look of its part of a comparison."""
    return click.style(text, **_LOOKS[part])


def compare_sides(before: Side, after: Side, settings: Settings) -> Comparison:
    """Compare two sides under the limits of the settings.

    Raises:
        UnreadableInput: a side cannot be read, or it takes too much: exit code 1 would say that
            something was found.
    """
    try:
        return compare(
            before,
            after,
            seconds=settings.validation_timeout,
            memory=settings.query_memory * 4,
        )
    except LimitReached as reached:
        raise UnreadableInput(reached.detail) from None


def side_of(argument: str, other: str, settings: Settings, chosen: Chosen) -> Side:
    """Return what an argument names.

    Args:
        argument: a file or folder goes before a revision of the same name.
        other: what it is compared with: of a revision alone, the same file or folder is meant.
        settings: limits, and what a database is opened by.
        chosen: what is asked of databases and services.

    Raises:
        UnreadableInput: it names nothing that can be read.
        NotFound: there is no such framework or revision.
        UnusableDatabase, Unavailable: the database or the service cannot be asked.
    """
    if "://" in argument:
        return Side(name=argument, lines=tuple(_lines(argument, chosen)))
    most = settings.max_body
    if Path(argument).is_dir():
        names = git.files_in(argument)
        if not names:
            raise UnreadableInput(f"There is no RDF file in the folder {argument}.")
        return Side(name=argument, documents=tuple(read_documents(names, most=most)))
    if Path(argument).exists():
        return Side(name=argument, documents=tuple(read_documents([argument], most=most)))
    revision, _, path = argument.partition(":")
    try:
        if not path and Path(other).exists():
            path = other
        elif path and not path.startswith(("./", "../")):
            path = os.path.join(git.top_of(), path)
        documents = git.documents_at(revision, paths=[path] if path else [], most=most)
    except UnreadableInput as error:
        raise UnreadableInput(f"There is no file or folder {argument}. {error.detail}") from None
    if not documents:
        raise UnreadableInput(f"There is no RDF file at {argument}.")
    return Side(name=argument, documents=tuple(documents))


def _lines(argument: str, chosen: Chosen) -> list[bytes]:
    found = _AT.fullmatch(argument)
    place, at = (found[1], int(found[2])) if found else (argument, None)
    if place.startswith(("http://", "https://")):
        return lines_of_service(place, chosen.graph, at, chosen.token)
    return lines_of_database(Settings.load(os.environ, {"database": place}), chosen.graph, at)

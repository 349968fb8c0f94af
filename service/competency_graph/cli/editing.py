"""`validate` and `fmt`: what an editor runs on files before sending them."""

import os
from pathlib import Path
from typing import Any, Final

import click

from competency_graph import history, rdf
from competency_graph.cli.reading import fetch
from competency_graph.config import Settings
from competency_graph.errors import UnreadableInput
from competency_graph.judging import judge, read_documents
from competency_graph.model import SEVERITIES, Severity
from competency_graph.reports import Format, render

_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "place": {"bold": True},
    "aside": {"dim": True},
    "violation": {"fg": "red"},
    "warning": {"fg": "yellow"},
    "info": {"fg": "blue"},
}


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--against",
    metavar="URL|DB",
    help="The data that the files belong to: a running service, or a database URL "
    "(default: what ships).",
)
@click.option("--shapes", multiple=True, metavar="FILE", help="Judge by these shapes instead.")
@click.option("--format", "format_", type=click.Choice(["text", "json", "turtle"]), default="text")
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="violation",
    show_default=True,
    help="The least severe finding that makes the exit code 1.",
)
@click.pass_context
def validate(
    context: click.Context,
    files: tuple[str, ...],
    against: str | None,
    shapes: tuple[str, ...],
    format_: Format,
    fail_on: Severity,
) -> None:
    """Check files: what is wrong, in words, and where.

    Exit code 0 if nothing is, 1 if something is, 2 if a file cannot be read.
    """
    settings = Settings.load(os.environ)
    verdict = judge(
        read_documents(files, most=settings.max_body),
        shapes=read_documents(shapes, most=settings.max_body),
        context=None if against is None else _data_of(against),
        seconds=settings.validation_timeout,
        memory=settings.query_memory * 4,
    )
    # click drops the colours where the output is not a terminal.
    click.echo(render(verdict, format_, paint=_paint))
    context.exit(1 if verdict.fails(fail_on) else 0)


def _paint(text: str, part: str) -> str:
    return click.style(text, **_LOOKS[part])


def _data_of(against: str) -> bytes:
    """Return the data of a service or a database as N-Triples."""
    if against.startswith(("http://", "https://")):
        return fetch(against, "/graphs?default", "application/n-triples")
    return history.n_triples(Settings.load(os.environ, {"database": against}))


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if a file would change.")
@click.option("--drop-comments", is_flag=True, help="Write files although comments are lost.")
@click.pass_context
def fmt(context: click.Context, files: tuple[str, ...], check: bool, drop_comments: bool) -> None:
    """Write Turtle files in the one canonical form, so that their differences are facts."""
    changed = 0
    for name in files:
        path = Path(name)
        try:
            before = path.read_bytes()
        except OSError as error:
            raise UnreadableInput(f"{name} cannot be read: {error.strerror}.") from None
        after = rdf.canonical_turtle(before, name=name)
        line = rdf.first_comment(before.decode())
        if line is not None and not drop_comments:
            raise UnreadableInput(
                f"{name}:{line} is a comment, which the canonical form cannot hold. Make it a "
                "note (skos:editorialNote), or give --drop-comments."
            )
        if after == before:
            continue
        changed += 1
        if check:
            click.echo(f"{name} is not in the canonical form. Run: competency-graph fmt {name}")
            continue
        # Written beside and renamed, so that a failure leaves the file as it was.
        partial = path.with_name(path.name + ".partial")
        partial.write_bytes(after)
        partial.replace(path)
        click.echo(f"{name} rewritten")
    context.exit(1 if check and changed else 0)

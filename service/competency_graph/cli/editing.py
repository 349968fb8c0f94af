"""`validate`, `lint` and `fmt`: what an editor runs on files before sending them."""

import os
import re
from collections.abc import Sequence
from typing import Any, Final

import click

from competency_graph import graphs, history, linting, rdf
from competency_graph.cli.reading import fetch, token_option, write_file
from competency_graph.config import Settings
from competency_graph.documents import Document, read_documents, read_text_file
from competency_graph.errors import BadRequest, LimitReached, UnreadableInput
from competency_graph.judging import judge
from competency_graph.model import SEVERITIES, Severity
from competency_graph.reports import Format, render, with_pages_at

_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "place": {"bold": True},
    "aside": {"dim": True},
    "violation": {"fg": "red"},
    "warning": {"fg": "yellow"},
    "info": {"fg": "blue"},
}


@click.command(epilog="Example: competency-graph validate roles.ttl --fail-on warning")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--against",
    metavar="URL|DB",
    help="The data that the files belong to: a running service (http://127.0.0.1:8000) or a "
    "database (sqlite:///competency-graph.db).  [default: what ships]",
)
@token_option
@click.option(
    "--shapes",
    multiple=True,
    metavar="FILE",
    help="Judge by the SHACL shapes in this file instead of those that ship; may be repeated.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "turtle", "sarif", "html", "github"]),
    default="text",
    show_default=True,
    help="How to report: for people (text, html), for programs (json), as a SHACL report (turtle), "
    "for code hosts and editors (sarif), or as annotations of GitHub Actions (github).",
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="violation",
    show_default=True,
    help="The least severe finding that makes the exit code 1; with --against, only one that the "
    "files bring anew.",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Also say, on standard error, which shapes pySHACL evaluates, and which are judged again "
    "more often than need be.",
)
@click.pass_context
def validate(
    context: click.Context,
    files: tuple[str, ...],
    against: str | None,
    token: str | None,
    shapes: tuple[str, ...],
    format_: Format,
    fail_on: Severity,
    explain: bool,
) -> None:
    """Check files: what is wrong, in words, and where.

    The ending of its name says what a file is written in: .ttl .jsonld .nt .rdf .owl .trig .nq.
    Exit code 0: nothing is as severe as --fail-on; 1: something is; 2: there is no verdict,
    because a file, the shapes or an option cannot be used; 3: --against does not answer.
    """
    settings = Settings.load(os.environ)
    documents = read_documents(files, most=settings.max_body)
    rules = read_documents(shapes, most=settings.max_body)
    try:
        verdict = judge(
            documents,
            shapes=rules,
            context=None if against is None else _data_of(against, token),
            seconds=settings.validation_timeout,
            memory=settings.query_memory * 4,
        )
        if explain:
            _explain(rules, settings)
    except LimitReached as reached:
        # Exit code 1 would say that something was found.
        raise UnreadableInput(reached.detail) from None
    if against is not None and against.startswith(("http://", "https://")):
        verdict = with_pages_at(verdict, against)
    # click drops the colours where the output is not a terminal.
    click.echo(render(verdict, format_, paint=paint))
    context.exit(1 if verdict.fails(fail_on) else 0)


@click.command(epilog="Example: competency-graph lint shapes/*.shacl.ttl --fail-on violation")
@click.argument("files", nargs=-1, required=True, metavar="SHAPES…")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to report: for people, or for programs.",
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="warning",
    show_default=True,
    help="The least severe finding that makes the exit code 1.",
)
@click.pass_context
def lint(
    context: click.Context, files: tuple[str, ...], format_: Format, fail_on: Severity
) -> None:
    """Look at SHACL shapes: what is slow, silent, out of reach or misspelt in them, and where.

    The files are one set of shapes. Exit code 0: nothing is as severe as --fail-on; 1: something
    is; 2: a file or an option cannot be used.
    """
    settings = Settings.load(os.environ)
    documents = read_documents(files, most=settings.max_body)
    try:
        verdict = linting.lint(
            documents, seconds=settings.validation_timeout, memory=settings.query_memory * 4
        )
    except LimitReached as reached:
        raise UnreadableInput(reached.detail) from None
    click.echo(render(verdict, format_, paint=paint))
    context.exit(1 if verdict.fails(fail_on) else 0)


def paint(text: str, part: str) -> str:
    """Return a piece of text in the look of its part of a report."""
    return click.style(text, **_LOOKS[part])


def _explain(rules: Sequence[Document], settings: Settings) -> None:
    """Say on standard error which shapes take long, so that the report stays what it is."""
    slow = linting.slow(
        rules, seconds=settings.validation_timeout, memory=settings.query_memory * 4
    )
    for finding in slow:
        called = finding.focus_label or re.split("[/#]", finding.focus.strip("<>"))[-1]
        click.echo(f"{finding.place}  {called}: {finding.message}", err=True)
    if not slow:
        click.echo(
            "No shape needs pySHACL, and none is judged again more often than need be.", err=True
        )


def _data_of(against: str, token: str | None) -> bytes:
    """Return the data of a service or a database as N-Triples."""
    if against.startswith(("http://", "https://")):
        return fetch(against, "/graphs?default", "application/n-triples", token=token)
    if "://" not in against:
        raise BadRequest(
            f"--against cannot be “{against}”. Give the address of a service, such as "
            "http://127.0.0.1:8000, or of a database, such as sqlite:///competency-graph.db."
        )
    return history.n_triples(Settings.load(os.environ, {"database": against}))


@click.command(epilog="Example: competency-graph fmt --check roles.ttl competencies.ttl")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if a file would change.")
@click.option("--drop-comments", is_flag=True, help="Write files although comments are lost.")
@click.pass_context
def fmt(context: click.Context, files: tuple[str, ...], check: bool, drop_comments: bool) -> None:
    """Write Turtle files in the one canonical form, so that their differences are facts.

    Exit code 0: done; 1: --check found a file that would change; 2: a file cannot be used.
    """
    most = Settings.load(os.environ).max_body
    # All are read before one is written: a wrong file leaves the others as they are.
    forms = {name: canonical(name, most, drop_comments) for name in dict.fromkeys(files)}
    changed = [name for name, (before, after) in forms.items() if before != after]
    for name in changed:
        if check:
            click.echo(f"{name} is not in the canonical form. Run: competency-graph fmt {name}")
            continue
        write_file(name, forms[name][1])
        click.echo(f"{name} rewritten")
    context.exit(1 if check and changed else 0)


def canonical(name: str, most: int, drop_comments: bool = False) -> tuple[bytes, bytes]:
    """Return a file as it is, and in the canonical form.

    Raises:
        UnreadableInput: it is not Turtle, or has a comment that would be lost.
    """
    syntax = rdf.syntax_of_file(name)
    if syntax is not None and syntax.name != "turtle":
        raise UnreadableInput(f"{name}: This is {syntax.title}; fmt writes Turtle files only.")
    before = read_text_file(name, most=most)
    after = graphs.canonical_turtle(before, name=name)
    line = graphs.first_comment(before.decode())
    if line is not None and not drop_comments:
        raise UnreadableInput(
            f"{name}:{line}: A comment, which the canonical form cannot hold. Make it a note "
            "(skos:editorialNote), or give --drop-comments."
        )
    return before, after

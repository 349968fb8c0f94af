"""`query` and `export`: asking a local database, or a running service."""

import io
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from competency_graph import history
from competency_graph.cli import answers
from competency_graph.config import Settings
from competency_graph.errors import (
    BadRequest,
    CompetencyGraphError,
    NotFound,
    Unauthorised,
    Unavailable,
    UnreadableInput,
)
from competency_graph.index import sealed, write_graph
from competency_graph.model import split
from competency_graph.rdf import RESULTS, SYNTAXES, canonical_quads, syntax_of_file
from competency_graph.vocab import GRAPH

_QUADS = ("n-quads", "trig")
# How long an older revision that a service has to build is waited for, in seconds.
_PATIENCE = 120.0
_FORMATS = [*RESULTS, *(s.name for s in SYNTAXES)]
_MEDIA = {name: media for name, (media, _) in RESULTS.items()} | {
    s.name: s.media_type for s in SYNTAXES
}


_ALWAYS_TOLD = ("type", "title", "status", "detail", "code")


class _Refused(CompetencyGraphError):
    """The service answered with an error, told as it told it."""


def _refused(told: dict[str, Any]) -> CompetencyGraphError:
    """Return the error that a problem body tells, with its facts and the exit code of its class."""
    kinds = {kind.code: kind for kind in CompetencyGraphError.__subclasses__()}
    kind = kinds.get(told["code"], _Refused)
    error = kind.__new__(kind)
    facts = {name: value for name, value in told.items() if name not in _ALWAYS_TOLD}
    CompetencyGraphError.__init__(error, told["detail"], **facts)
    return error


def fetch(
    url: str, path: str, accept: str, body: bytes | None = None, *, token: str | None = None
) -> bytes:
    """Return what a running service answers; raises as :func:`fetch_at`."""
    return fetch_at(url, path, accept, body, token=token)[1]


def fetch_at(
    url: str, path: str, accept: str, body: bytes | None = None, *, token: str | None = None
) -> tuple[int, bytes]:
    """Return the revision that a running service answers at, and what.

    An older revision that it has to build first is waited for.

    Raises:
        Unavailable: nobody answers there.
        CompetencyGraphError: it refused; the sentence is its own.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return _fetched(url, path, accept, body, token)
        except Unavailable as error:
            if "revision" not in error.facts or time.monotonic() > deadline:
                raise
        time.sleep(1)


def _fetched(
    url: str, path: str, accept: str, body: bytes | None, token: str | None
) -> tuple[int, bytes]:
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise BadRequest(f"{url} is not an http or https address.")
    headers = {"Accept": accept} | ({} if token is None else {"Authorization": f"Bearer {token}"})
    request = urllib.request.Request(url.rstrip("/") + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return int(answer.headers.get("Revision", 0)), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            content = error.read()
        try:
            told = json.loads(content)
            refused = _refused(told)
        except (ValueError, KeyError, TypeError):
            refused = _Refused(f"{url} answered {error.code} {error.reason}.")
        raise refused from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        reason = getattr(reason, "strerror", None) or reason
        raise Unavailable(f"Nobody answers at {url}: {reason}.") from None


token_option = click.option(
    "--token", envvar="COMPETENCY_GRAPH_TOKEN", show_envvar=True, help="Who you are to the service."
)
_EXAMPLE_QUERY = "SELECT ?role { ?role a <https://w3id.org/competency-graph/ns#Role> }"


@click.command(epilog=f"Example: competency-graph query --format csv -e '{_EXAMPLE_QUERY}'")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), required=False)
@click.option("-e", "text", metavar="SPARQL", help="The query itself instead of a file.")
@click.option("--database", metavar="URL", help="Ask this database (default: the setting).")
@click.option("--url", metavar="URL", help="Ask a running service instead.")
@click.option("--at", type=int, metavar="REVISION", help="Ask the data as it was then.")
@token_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", *_FORMATS]),
    help="How to write the answer.  [default: table at a terminal, else tsv; turtle for a graph]",
)
def query(
    file: str | None,
    text: str | None,
    database: str | None,
    url: str | None,
    at: int | None,
    token: str | None,
    format_: str | None,
) -> None:
    """Answer a SPARQL query from FILE (- for standard input) or from -e.

    Rows come as a table, or in json, xml, csv or tsv; graphs (CONSTRUCT, DESCRIBE) in the RDF
    syntaxes. Where standard error is a terminal, it tells rows, bytes, time and revision.
    Exit code 0: answered; 1: a limit was reached; 2: the query or the database cannot be used;
    3: the service does not answer.
    """
    if (file is None) == (text is None):
        raise BadRequest("Give the query either as a file or with -e.")
    _one_source(database, url)
    asked = _text_of(file) if text is None else text
    if format_ is None and sys.stdout.isatty():
        format_ = "table"
    drawn = format_ == "table"
    rows = "json" if drawn else format_ if format_ in RESULTS else None if format_ else "tsv"
    graph = "turtle" if drawn or not format_ else None if format_ in RESULTS else format_
    began = time.monotonic()
    if url is not None:
        accept = ", ".join(_MEDIA[name] for name in (rows, graph) if name)
        body = urllib.parse.urlencode({"query": asked}).encode()
        path = _address("/sparql", revision=at)
        revision, content = fetch_at(url, path, accept, body, token=token)
    else:
        settings = Settings.load(os.environ, {"database": database})
        held = history.read(settings, at=at)
        revision, began = held.revision, time.monotonic()

        def work() -> bytes:
            output = io.BytesIO()
            held.write_answer(asked, output, rows=rows, graph=graph)
            return output.getvalue()

        content = sealed(work, seconds=settings.query_timeout, memory=settings.query_memory)
    seconds = time.monotonic() - began
    # Where both were possible: JSON begins with a brace, TSV with the sign of a variable, and no
    # graph in Turtle does.
    kind = None if rows and graph and content[:1] not in (b"{", b"?") else rows
    _out(answers.table(content).encode() if drawn and kind else content)
    if sys.stderr.isatty():
        click.echo(answers.cost(content, kind, seconds=seconds, revision=revision), err=True)


def _text_of(file: str | None) -> str:
    """Return the query in a file, or on standard input."""
    assert file is not None
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableInput(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UnreadableInput(f"{file} is not a text in UTF-8. Save it as UTF-8.") from None


@click.command(
    epilog="Example: competency-graph export --framework implementation-support -o framework.ttl"
)
@click.option(
    "--framework", metavar="NAME", help="Its graph, by name or IRI (default: everything)."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice([s.name for s in SYNTAXES]),
    help="An RDF syntax.  [default: what the ending of --output says, else turtle]",
)
@click.option("--database", metavar="URL", help="Read this database (default: the setting).")
@click.option("--url", metavar="URL", help="Read from a running service.")
@click.option("--at", type=int, metavar="REVISION", help="Write the data as it was then.")
@token_option
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write to a file.")
def export(
    framework: str | None,
    format_: str | None,
    database: str | None,
    url: str | None,
    at: int | None,
    token: str | None,
    output: str | None,
) -> None:
    """Write a framework, or the whole graph, in an RDF syntax.

    N-Quads (.nq) and TriG (.trig) keep the graphs apart, and are the same for the same statements.
    Exit code 0: written; 2: the framework, the database or the output cannot be used; 3: the
    service does not answer.
    """
    _one_source(database, url)
    told = None if output is None or format_ else syntax_of_file(output)
    syntax = told or next(s for s in SYNTAXES if s.name == (format_ or "turtle"))
    name = framework if framework is None or ":" in framework else GRAPH + framework
    settings = Settings.load(os.environ, {"database": database})
    if syntax.name in _QUADS:
        lines = (
            lines_of_database(settings, name, at)
            if url is None
            else lines_of_service(url, name, at, token)
        )
        content = sealed(
            lambda: canonical_quads(lines, syntax),
            seconds=settings.validation_timeout,
            memory=settings.query_memory * 4,
        )
    elif url is not None:
        default = "" if name is None else None
        path = _address("/graphs", default=default, graph=name, revision=at)
        content = fetch(url, path, syntax.media_type, token=token)
    else:
        held = history.read(settings, at=at)
        if name is not None and name not in held.graph_names():
            raise _no_framework(name, held.graph_names())
        buffer = io.BytesIO()
        write_graph(held, name, syntax, buffer)
        content = buffer.getvalue()
    if output is None:
        _out(content)
        return
    write_file(output, content)


def _no_framework(name: str, known: Iterable[str]) -> NotFound:
    shown = ", ".join(sorted(graph.removeprefix(GRAPH) for graph in known))
    return NotFound(f"There is no framework “{name.removeprefix(GRAPH)}”. There are: {shown}.")


def _address(path: str, **parameters: object) -> str:
    """Return a path with those query parameters that are something."""
    told = {name: value for name, value in parameters.items() if value is not None}
    return f"{path}?{urllib.parse.urlencode(told)}" if told else path


def lines_of_database(settings: Settings, name: str | None, at: int | None = None) -> list[bytes]:
    """Return a named graph of a database, or all graphs, as lines of N-Quads.

    Raises:
        NotFound: there is no such graph, or no such revision ``at`` which to read.
        UnusableDatabase: as :func:`history.existing`.
    """
    with history.existing(settings) as log:
        graphs = history.lines_by_graph(log, at)
    if name is not None and name not in graphs:
        raise _no_framework(name, graphs)
    return [line for graph in graphs if name in (None, graph) for line in graphs[graph]]


def lines_of_service(
    url: str, name: str | None, at: int | None = None, token: str | None = None
) -> list[bytes]:
    """Return a named graph of a service, or all of them as they were at one revision.

    Raises:
        Unavailable: so much changed while they were read that it takes a token to go on.
    """
    path = _address("/graphs", revision=at)
    revision, listed = fetch_at(url, path, "application/json", token=token)
    lines: list[bytes] = []
    for graph in json.loads(listed)["graphs"] if name is None else [name]:
        wanted = _address("/graphs", graph=graph, revision=revision or None)
        try:
            content = fetch(url, wanted, "application/n-triples", token=token)
        except Unauthorised:
            if at is not None:
                raise
            raise Unavailable("Much was changed while it was read. Try again.") from None
        ending = f" <{graph}> .".encode()
        lines += [line.removesuffix(b" .") + ending for line in split(content)]
    return lines


def write_file(name: str, content: bytes) -> None:
    """Write a file beside and rename it, so that a failure leaves the old one as it was.

    Raises:
        UnreadableInput: it cannot be written there.
    """
    partial = Path(name + ".partial")
    try:
        partial.write_bytes(content)
        partial.replace(name)
    except OSError as error:
        raise UnreadableInput(f"{name} cannot be written: {error.strerror}.") from None


def _one_source(database: str | None, url: str | None) -> None:
    if database is not None and url is not None:
        raise BadRequest("Give either --database or --url, not both.")


def _out(content: bytes) -> None:
    sys.stdout.buffer.write(content)
    if not content.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()

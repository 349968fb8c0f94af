"""`history show blame verify backup restore redact`: the log of a local database."""

import json
import os
import sys
import urllib.parse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from competency_graph import changes, history
from competency_graph.cli.reading import fetch_at, token_option
from competency_graph.config import Settings
from competency_graph.errors import BadRequest, Unavailable
from competency_graph.model import Extent
from competency_graph.vocab import GRAPH, ID

_SHOWN: Final = 200
"""Statements of each side that a terminal is given; JSON has them all."""
_TRIES: Final = 3

Command = Callable[..., None]


def _database(command: Command) -> Command:
    option = click.option(
        "--database", metavar="URL", help="The database (default: the setting DATABASE)."
    )
    return option(command)


def _format(command: Command) -> Command:
    choice = click.Choice(["text", "json"])
    return click.option("--format", "format_", type=choice, default="text")(command)


def _settings(database: str | None) -> Settings:
    return Settings.load(os.environ, {"database": database})


def _iri(text: str) -> str:
    """Return an IRI as it is, and what follows our /id/ as the IRI that it stands for."""
    return text if ":" in text else ID + text.removeprefix("/")


@click.command(
    "history",
    epilog="Example: competency-graph history implementation-support/role/knowledge-broker",
)
@click.argument("iri", required=False, metavar="[IRI]")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--before", type=click.IntRange(1), metavar="N", help="Only changes before this one.")
@_database
@_format
def show_history(
    iri: str | None, limit: int, before: int | None, database: str | None, format_: str
) -> None:
    """List the changes, newest first; of one thing with what each changed about it.

    A thing is named by its IRI, or by the part that follows /id/. Exit code 0: listed. 2: there is
    no such database.
    """
    settings = _settings(database)
    with history.existing(settings) as log:
        if iri is None:
            page = changes.listed(log, before=before, limit=limit)
            things: list[list[Any]] = [[] for _ in page["items"]]
        else:
            page = changes.of_thing(log, _iri(iri), before=before, limit=limit)
            graph = history.graph_of(log, settings)
            things = [
                changes.by_thing(graph, item["added"], item["removed"], ["en"])
                if isinstance(item["added"], list)
                else []
                for item in page["items"]
            ]
    if format_ == "json":
        _tell_json(page)
        return
    for item, changed in zip(page["items"], things, strict=True):
        _line(item, counts=iri is None)
        for thing in changed:
            _sides(thing)
    if not page["items"]:
        earlier = "" if before is None else f" before change {before}"
        click.echo(
            f"There are no changes{earlier or ' yet'}."
            if iri is None
            else f"No change{earlier} touched {_iri(iri)}."
        )
    if page["next"] is not None:
        click.secho(f"… earlier ones: --before {page['next']}", dim=True)


@click.command("show", epilog="Example: competency-graph show 12")
@click.argument("number", type=click.IntRange(1), metavar="N")
@_database
@_format
def show_change(number: int, database: str | None, format_: str) -> None:
    """Show what change N added and removed, thing by thing, and its findings.

    Exit code 0: shown. 2: there is no such change, or no such database.
    """
    settings = _settings(database)
    with history.existing(settings) as log:
        told = changes.single(log, number, most=None if format_ == "json" else _SHOWN)
        emptied = told.get("redacted") == "content"
        things = []
        if not emptied:
            graph = history.graph_of(log, settings)
            things = changes.by_thing(graph, told["added"], told["removed"], ["en"])
    if format_ == "json":
        _tell_json(told | ({} if emptied else {"things": things}))
        return
    _line(told, counts=emptied)
    if emptied:
        click.echo("    Its content was redacted.")
        return
    for thing in things:
        click.secho(f"\n{_named(thing)}", bold=True)
        _sides(thing)
    left_off = sum(told["left_off"].values())
    if left_off:
        click.secho(f"\n… and {left_off:,} statements more: --format json has all", dim=True)
    for side, word in (("added", "new"), ("removed", "fixed")):
        for finding in told["findings"][side]:
            click.echo(f"\n{word} {finding.get('severity', 'finding')}: {_finding(finding)}")


@click.command(
    "blame", epilog="Example: competency-graph blame implementation-support/role/knowledge-broker"
)
@click.argument("iri", metavar="IRI")
@_database
@_format
def show_blame(iri: str, database: str | None, format_: str) -> None:
    """Say of each statement about a thing which change brought it, when, and by whom.

    Exit code 0: shown. 2: there is no such thing, or no such database.
    """
    settings = _settings(database)
    with history.existing(settings) as log:
        told = changes.blame(log, history.graph_of(log, settings), _iri(iri), ["en"])
    if format_ == "json":
        _tell_json(told)
        return
    click.secho(_named(told), bold=True)
    for statement in told["statements"]:
        change = statement["change"]
        by = "?" if change is None else f"{change['revision']}  {_day(change)}  {change['author']}"
        click.echo(f"  {click.style(by, dim=True)}  {_sentence(statement)}")


@click.command(epilog="Example: competency-graph verify --url http://127.0.0.1:8000")
@click.option("--url", metavar="URL", help="Compare with the graph of this running service too.")
@token_option
@_database
@_format
@click.pass_context
def verify(
    context: click.Context,
    url: str | None,
    token: str | None,
    database: str | None,
    format_: str,
) -> None:
    """Read the whole log again: is everything as it was recorded?

    Rebuilds the graph from the first change, and compares digests, snapshots and findings. Exit
    code 0: whole. 1: the first change that is not as recorded is named. 2: there is no such
    database. 3: nobody answers at --url.
    """
    with history.existing(_settings(database)) as log:
        fault = log.verify()
        wrong = None if fault is None else str(fault)
        revision, different = 0, []
        if wrong is None and url is not None:
            revision, served = _served(url, token)
            # The default graph, where it is not the union, is not compared: only conformance runs
            # have one.
            kept = history.digests(history.lines_by_graph(log, min(revision, log.head())))
            every = (kept.keys() | served.keys()) - {""}
            different = sorted(name for name in every if kept.get(name) != served.get(name))
        head = log.head()
        newest = log.change(head).digest if head else None
    if different:
        names = ", ".join(name.removeprefix(GRAPH) or "the default graph" for name in different)
        wrong = f"The service at {url} does not hold what the log has at {revision}: {names}."
    if format_ == "json":
        number = None if fault is None else fault.number
        _tell_json(
            {
                "whole": wrong is None,
                "revision": head,
                "digest": newest,
                "change": number,
                "graphs": different,
                "detail": wrong,
            }
        )
    elif wrong is not None:
        click.echo(wrong, err=True)
    elif not head:
        click.echo("There are no changes yet.")
    else:
        click.echo(f"Everything is as recorded, up to change {head} (digest {newest}).")
    context.exit(0 if wrong is None else 1)


def _served(url: str, token: str | None) -> tuple[int, dict[str, str]]:
    """Return the revision of a running service and the digests of its named graphs.

    Raises:
        Unavailable: nobody answers there, or it changes while it is read, again and again.
    """
    for _ in range(_TRIES):
        revision, names = fetch_at(url, "/graphs", "application/json", token=token)
        revisions, found = {revision}, {}
        for name in json.loads(names)["graphs"]:
            path = "/graphs?graph=" + urllib.parse.quote(name, safe="")
            at, lines = fetch_at(url, path, "application/n-triples", token=token)
            revisions.add(at)
            found[name] = history.digest(lines.removesuffix(b"\n").split(b"\n"))
        if len(revisions) == 1:
            return revision, found
    raise Unavailable(f"The service at {url} is being changed. Verify again when it is quiet.")


@click.command(epilog="Example: competency-graph backup monday.backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_database
def backup(file: Path, database: str | None) -> None:
    """Copy the whole database into FILE, a new one, while others read and write.

    Exit code 0: copied. 2: FILE is there already or cannot be written.
    """
    with history.existing(_settings(database)) as log:
        log.back_up(file)
    click.echo(f"{file} holds the whole database. Restore it into a new one to check it.")


@click.command(epilog="Example: competency-graph restore monday.backup --database sqlite:///new.db")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_database
def restore(file: Path, database: str | None) -> None:
    """Put what backup wrote to FILE into a database that is not there or empty, and verify it.

    Exit code 0: restored. 2: FILE is no backup, or the database is not empty.
    """
    settings = _settings(database)
    head = history.restore(settings, file)
    click.echo(f"{settings.database} is as it was at change {head}, and as it was recorded.")


@click.command(epilog="Example: competency-graph redact 12")
@click.argument("number", type=click.IntRange(1), metavar="N")
@click.option("--message-only", is_flag=True, help="Empty its message, and leave what it changed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_database
def redact(number: int, message_only: bool, yes: bool, database: str | None) -> None:
    """Empty change N for good: its message, what it added and removed, its findings.

    For personal data that must not be kept. Author, time and counts stay, and the log still
    verifies. What the change added must be gone from the graph before; the data as it was from
    then until now cannot be had any more. Exit code 0: emptied. 1: not, and why. 2: there is no
    such change, or no such database.
    """
    with history.existing(_settings(database)) as log:
        change = log.change(number)
        if not yes:
            if not sys.stdin.isatty():
                raise BadRequest("What is redacted cannot be had back. Say --yes if that is meant.")
            _line(changes.summary(change), counts=True)
            click.confirm("Empty this change for good?", abort=True)
        extent: Extent = "message" if message_only else "content"
        others = history.redact(log, number, extent, now=datetime.now(UTC))
    emptied = f"The message of change {number}" if message_only else f"Change {number}"
    click.echo(f"{emptied} was emptied. Backups made before still hold it.")
    if others:
        named = ", ".join(map(str, others))
        click.echo(f"These hold some of the same statements, so redact them too: {named}.")


def _tell_json(told: object) -> None:
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


def _day(change: Mapping[str, Any]) -> str:
    return datetime.fromisoformat(change["time"]).strftime("%Y-%m-%d %H:%M")


def _line(change: Mapping[str, Any], *, counts: bool) -> None:
    number = click.style(f"{change['revision']:>6}", bold=True)
    message = change["message"] or ("(redacted)" if "redacted" in change else "")
    click.echo(f"{number}  {_day(change)}  {change['author']}")
    click.echo(f"        {message}")
    if counts:
        said = [f"+{change['added']:,} −{change['removed']:,} statements"]
        findings = change["findings"]
        if any(findings.values()):
            said.append(f"findings: {findings['added']:,} new, {findings['removed']:,} fixed")
        click.secho(f"        {', '.join(said)}", dim=True)


def _named(thing: Mapping[str, Any]) -> str:
    if thing["label"]:
        return str(thing["label"])
    return "(a part without a name)" if thing["id"].startswith("_:") else str(thing["id"])


def _sides(thing: Mapping[str, Any]) -> None:
    for side, sign, colour in (("removed", "−", "red"), ("added", "+", "green")):
        for statement in thing[side]:
            click.secho(f"        {sign} {_sentence(statement)}", fg=colour)


def _finding(finding: Mapping[str, Any]) -> str:
    parts = (finding.get(name) for name in ("focus_label", "field_label", "message"))
    return ": ".join(str(part) for part in parts if part)


def _sentence(statement: Mapping[str, Any]) -> str:
    value = statement["value"]
    if "id" in value:
        said = _named(value)
    else:
        language = f" ({value['language']})" if "language" in value else ""
        said = f"“{value['text']}”{language}"
    return f"{statement['field']['label']}: {said}"

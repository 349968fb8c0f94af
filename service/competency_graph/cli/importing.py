"""`import`: files brought in as one change, with what it would remove shown before it does."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from competency_graph import exchange, importing
from competency_graph.cli.editing import paint
from competency_graph.cli.remote import Remote, Report
from competency_graph.config import Settings
from competency_graph.documents import Document, read_documents
from competency_graph.errors import BadRequest, InvalidChange, WouldRemove
from competency_graph.gate import Gate, Wish, told_findings
from competency_graph.importing import Import
from competency_graph.local_gate import local_gate
from competency_graph.model import (
    OPERATOR,
    Identity,
    Operation,
    Severity,
    Verdict,
    removals_json,
)
from competency_graph.rdf import SYNTAXES
from competency_graph.reports import render

_SHOWN: Final = 20
_FORMATS: Final = ["auto", *(f.name for f in exchange.FORMATS), *(s.name for s in SYNTAXES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    message: str
    dry_run: bool
    validate: bool
    severity: Severity
    yes: bool
    seconds: float
    memory: int


class _Destination(Protocol):
    """Where a change goes: a database of this machine, or a running service."""

    def change(
        self, operation: Operation, parameters: Mapping[str, str], report: Report
    ) -> dict[str, Any]:
        """Have it done with the query parameters of `/graphs`, and return the answer of that."""


@dataclass(frozen=True, slots=True)
class _Local:
    gate: Gate

    def change(
        self, operation: Operation, parameters: Mapping[str, str], report: Report
    ) -> dict[str, Any]:
        """Have it done as the operator of the database."""
        report(30, "trying it out")
        based_on = parameters.get("based-on")
        wish = Wish(
            operations=[operation],
            message=parameters["message"],
            dry_run=parameters["dry-run"] == "true",
            only_adds=parameters["only-adds"] == "true",
            based_on=None if based_on is None else int(based_on),
            severity="warning" if parameters["fail-on"] == "warning" else "violation",
            validate=parameters["validate"] == "true",
        )
        outcome = self.gate.change(wish, Identity(name=OPERATOR, role="admin"))
        return {
            "revision": outcome.revision,
            "recorded": outcome.recorded,
            "added": len(outcome.difference.added),
            "removed": len(outcome.difference.removed),
            "removals": removals_json(outcome.difference.removed),
            "findings": told_findings(outcome.findings),
        }


@click.command("import", epilog="Example: competency-graph import framework.ttl --dry-run")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--format", "format_", type=click.Choice(_FORMATS), default="auto", show_default=True)
@click.option("--graph", metavar="NAME", help="The graph that all goes to, by name or IRI.")
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would change.")
@click.option("--no-validate", is_flag=True, help="Record it unjudged (needs a maintainer).")
@click.option(
    "--fail-on",
    type=click.Choice(["violation", "warning"]),
    default="violation",
    show_default=True,
    help="The least severe new finding that refuses the change.",
)
@click.option("--license", "licence", metavar="IRI", help="The licence, where files state none.")
@click.option("-m", "--message", metavar="MESSAGE", help="What the log says of the change.")
@click.option("-y", "--yes", is_flag=True, help="Remove what would be removed without asking.")
@click.option("--database", metavar="URL", help="Import into this database (default: the setting).")
@click.option("--url", metavar="URL", help="Import into a running service.")
@click.option(
    "--token", metavar="TOKEN", envvar="COMPETENCY_GRAPH_TOKEN", help="Who one is to the service."
)
@click.pass_context
def import_(context: click.Context, /, files: tuple[str, ...], **given: Any) -> None:
    """Bring files in as one change: RDF as it is, and SKOS vocabularies as frameworks.

    The graphs that the files are about are replaced. What that would remove is shown first, and
    asked for on a terminal; elsewhere it needs --yes. Exit code 0: done. 1: findings, or refused.
    2: a file or an option cannot be used. 3: the service is not reachable. 4: not allowed.
    """
    url, format_, licence = given["url"], given["format_"], given["licence"]
    settings = Settings.load(os.environ, {} if url else {"database": given["database"]})
    if licence is not None and not licence.startswith(("http://", "https://")):
        raise BadRequest("Give the licence as its web address, such as --license https://….")
    options = _Options(
        message=given["message"] or f"Import {', '.join(os.path.basename(f) for f in files)}.",
        dry_run=given["dry_run"],
        validate=not given["no_validate"],
        severity=given["fail_on"],
        yes=given["yes"],
        seconds=settings.validation_timeout,
        memory=4 * settings.query_memory,
    )
    syntax = next((s for s in SYNTAXES if s.name == format_), None)
    documents = read_documents(files, most=settings.max_body, syntax=syntax)
    with _progress() as report:
        report(5, f"reading {_many(len(files), 'file')}")
        brought = importing.prepare(
            documents,
            format_="rdf" if syntax else None if format_ == "auto" else format_,
            target=_graph(given["graph"], settings),
            licence=licence,
            seconds=options.seconds,
            memory=options.memory,
        )
    for sentence in brought.losses:
        click.secho(f"Note: {sentence}", err=True, fg="yellow")
    try:
        with _destination(settings, url, given["token"]) as there:
            began = time.monotonic()
            told = _sent(there, brought, options)
    except InvalidChange as error:
        _tell_findings(error.findings, brought, documents, options, time.monotonic() - began)
        raise
    _tell_findings(told["findings"], brought, documents, options, time.monotonic() - began)
    _tell_outcome(told, brought, options)
    context.exit(1 if options.dry_run and _fails(told["findings"], options.severity) else 0)


@contextmanager
def _destination(settings: Settings, url: str | None, token: str | None) -> Iterator[_Destination]:
    if url is not None:
        yield Remote(url=url, token=token)
        return
    with local_gate(settings, now=lambda: datetime.now(UTC)) as (gate, _):
        yield _Local(gate)


def _graph(named: str | None, settings: Settings) -> str | None:
    """Return the IRI of a graph that is named by its IRI or by what follows graph/ in ours."""
    return named if named is None or ":" in named else f"{settings.base}graph/{named}"


def _sent(there: _Destination, brought: Import, options: _Options) -> dict[str, Any]:
    """Send the change; where it would remove something, only after that was shown and agreed to."""
    parameters = {
        "message": options.message,
        "dry-run": str(options.dry_run).lower(),
        "only-adds": str(not options.dry_run).lower(),
        "fail-on": options.severity,
        "validate": str(options.validate).lower(),
    }
    try:
        with _progress() as report:
            return there.change(brought.operation, parameters, report)
    except WouldRemove as error:
        _tell_removals(error.facts["removals"])
        _agree(options.yes)
        # What was shown is what goes: a change to the graphs since then refuses this one.
        parameters |= {"only-adds": "false", "based-on": str(error.facts["revision"])}
    with _progress() as report:
        return there.change(brought.operation, parameters, report)


def _agree(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise _NotAgreed(
            "Nothing was changed. If all of that is to go, give --yes; --dry-run shows it again."
        )
    if not click.confirm("Remove all of that?", err=True):
        raise _NotAgreed("Nothing was changed.")


class _NotAgreed(BadRequest):
    """Nobody agreed to what would be removed."""

    exit_code = 1


def _tell_removals(removals: Any) -> None:
    things, statements = removals["things"], removals["statements"]
    click.secho(
        f"This would remove {_many(statements, 'statement')} about {_many(things, 'thing')}:",
        err=True,
        bold=True,
    )
    for row in removals["listed"][:_SHOWN]:
        thing = row["thing"]
        count = _many(row["statements"], "statement")
        click.echo(f"  {thing['label'] or thing['id']}: {count}", err=True)
    if things > _SHOWN:
        click.echo(f"  … and {things - _SHOWN:,} more", err=True)


def _tell_findings(
    findings: Any, brought: Import, documents: list[Document], options: _Options, seconds: float
) -> None:
    """Print new findings as `validate` does, each with its place in the files."""
    if not findings["new"]:
        return
    verdict = Verdict(
        findings=importing.placed(
            findings["new"], documents, seconds=options.seconds, memory=options.memory
        ),
        files=len(documents),
        checked=brought.counts,
        seconds=seconds,
    )
    click.echo(render(verdict, "text", paint=paint))


def _tell_outcome(told: dict[str, Any], brought: Import, options: _Options) -> None:
    if options.dry_run and told["removed"]:
        _tell_removals(told["removals"])
    changes = f"{_many(told['added'], 'statement')} added, {told['removed']:,} removed"
    where = ", ".join(brought.graphs[:3]) + (" …" if brought.graphs[3:] else "")
    standing = told["findings"]["standing"]
    before = f" {_many(standing, 'finding')} stood before." if standing else ""
    if options.dry_run:
        click.echo(f"Nothing was changed. It would be: {changes}, in {where}.{before}")
    elif told["recorded"]:
        counted = ", ".join(_many(number, name) for name, number in brought.counts)
        what = f" ({counted})" if counted else ""
        click.echo(f"Recorded as change {told['revision']}: {changes}, in {where}{what}.{before}")
    else:
        click.echo("Nothing was changed: all of it is there already.")


def _fails(findings: Any, severity: Severity) -> bool:
    wanted = ("violation",) if severity == "violation" else ("violation", "warning")
    return any(row["severity"] in wanted for row in findings["new"])


@contextmanager
def _progress() -> Iterator[Report]:
    """Give what shows how far the work is, on a terminal only."""
    console = Console(stderr=True)
    # It is drawn when something is told and not by a thread of its own: this process forks.
    bar = Progress(
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} % {task.description}"),
        console=console,
        auto_refresh=False,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=100)

        def report(percentage: int, doing: str) -> None:
            bar.update(task, completed=percentage, description=doing, refresh=True)

        yield report


def _many(count: int, noun: str) -> str:
    many = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"1 {noun}" if count == 1 else f"{count:,} {many}"

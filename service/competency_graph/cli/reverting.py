"""`revert`: undo a change by a new one, on a local database or at a running service."""

import json
import os
import urllib.parse
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from competency_graph import history, record
from competency_graph.cli.reading import fetch
from competency_graph.config import Settings
from competency_graph.errors import BadRequest, InvalidChange
from competency_graph.gate import Wish, told_findings
from competency_graph.local_gate import local_gate
from competency_graph.model import OPERATOR, Identity


@click.command(epilog="Example: competency-graph revert 12 -m 'The level was right before'")
@click.argument("number", type=click.IntRange(1), metavar="N")
@click.option("-m", "--message", metavar="MESSAGE", help="Why (default: names what is reverted).")
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@click.option("--database", metavar="URL", help="The database (default: the setting DATABASE).")
@click.option("--url", metavar="URL", help="Revert at a running service instead, with a token.")
@click.option("--token", envvar="COMPETENCY_GRAPH_TOKEN", show_envvar=True, help="Who you are.")
@click.pass_context
def revert(
    context: click.Context,
    /,
    number: int,
    message: str | None,
    dry_run: bool,
    database: str | None,
    url: str | None,
    token: str | None,
) -> None:
    """Undo change N by a new change, checked as any other.

    It takes away what change N added and puts back what it removed; what was changed since stays as
    it is. Exit code 0 if that was done, or would be; 1 if the result would not be valid.
    """
    if database is not None and url is not None:
        raise BadRequest("Give either --database or --url.")
    try:
        if url is not None:
            told = _at_service(url, token, number, message, dry_run)
        else:
            told = _in_database(database, number, message, dry_run)
    except InvalidChange as refused:
        for finding in refused.findings["new"]:
            _tell_finding(finding)
        raise
    stopped = False
    if dry_run:
        for finding in told["findings"]["new"]:
            _tell_finding(finding)
            stopped = stopped or finding["severity"] == "violation"
    _tell(number, told, dry_run, stopped)
    context.exit(1 if stopped else 0)


def _at_service(
    url: str, token: str | None, number: int, message: str | None, dry_run: bool
) -> dict[str, Any]:
    query = urllib.parse.urlencode(
        {"dry-run": str(dry_run).lower()} | ({} if message is None else {"message": message})
    )
    path = f"/changes/{number}/revert?{query}"
    told: dict[str, Any] = json.loads(fetch(url, path, "application/json", b"", token=token))
    return told


def _in_database(
    database: str | None, number: int, message: str | None, dry_run: bool
) -> dict[str, Any]:
    settings = Settings.load(os.environ, {"database": database})
    history.existing(settings).close()
    with local_gate(settings, now=lambda: datetime.now(UTC)) as (gate, log):
        operation, named = record.reversal(log, number)
        outcome = gate.change(
            Wish(operations=[operation], message=message or named, dry_run=dry_run),
            Identity(name=OPERATOR, role="admin"),
        )
        change = log.change(number)
    added, removed = len(outcome.difference.added), len(outcome.difference.removed)
    return {
        "revision": outcome.revision,
        "recorded": outcome.recorded,
        "added": added,
        "removed": removed,
        "left": change.added + change.removed - added - removed,
        "findings": told_findings(outcome.findings),
    }


def _tell(number: int, told: Mapping[str, Any], dry_run: bool, refused: bool) -> None:
    amount = f"+{told['added']:,} −{told['removed']:,} statements"
    if not told["added"] + told["removed"]:
        click.echo(f"Nothing of change {number} is left to revert: all of it was changed since.")
        return
    if told["recorded"]:
        click.echo(f"Change {told['revision']} reverts change {number}: {amount}.")
    elif refused:
        click.echo(
            f"To revert change {number} ({amount}) would be refused for these violations. Revert "
            "what was built on it first, the newest change first. Nothing was changed."
        )
    elif dry_run:
        click.echo(f"It would revert change {number}: {amount}. Nothing was changed.")
    if told["left"]:
        click.echo(f"{told['left']:,} statements of it were changed since, and stay as they are.")


def _tell_finding(finding: Mapping[str, Any]) -> None:
    about = finding["focus"]["label"] or finding["focus"]["id"]
    field = f"{finding['field']['label']}: " if finding["field"]["label"] else ""
    click.echo(f"{finding['severity']}  {about}  {field}{finding['message']}")

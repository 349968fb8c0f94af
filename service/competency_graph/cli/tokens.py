"""`token`: who may change what, on a local database. Shows a secret once and keeps none."""

import os
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from competency_graph import access, history
from competency_graph.config import Settings
from competency_graph.errors import BadRequest
from competency_graph.model import ROLES, Role

_database = click.option(
    "--database", metavar="URL", help="The database (default: the setting DATABASE)."
)


@click.group(epilog="Example: competency-graph token list")
def token() -> None:
    """Make, list and revoke the tokens that changes need.

    Exit code 0: done. 2: no such token or database, or an impossible option.
    """


@token.command(epilog="Example: competency-graph token create 'Ada Lovelace' --role editor")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the token may do.")
@click.option(
    "--graph",
    "graphs",
    multiple=True,
    metavar="NAME",
    help="A graph it is for, by name or IRI; several may be given (default: every framework's).",
)
@click.option(
    "--expires",
    metavar="DATE|DAYS|never",
    default="365d",
    show_default=True,
    help="From when it counts no more (UTC).",
)
@_database
def create(
    name: str,
    role: Role,
    graphs: tuple[str, ...],
    expires: str,
    database: str | None,
) -> None:
    """Make a token for NAME and print it, once.

    Its changes are recorded under NAME. A reader reads where reading needs a token; an editor
    changes frameworks; a reviewer may also review; a maintainer also changes ontology, shapes and
    exemptions; an admin may do everything.
    """
    settings = Settings.load(os.environ, {"database": database})
    now = datetime.now(UTC)
    with history.existing(settings) as log:
        named = [access.graph_named(log, graph, settings.base) for graph in graphs]
        secret, made = access.create_token(
            log,
            name=name,
            role=role,
            graphs=[iri for iri, _ in named],
            expires=_expiry(expires, now),
            now=now,
            random=secrets.token_bytes(access.RANDOM_BYTES),
            base=settings.base,
        )
    click.echo(secret)
    for given, (_, known) in zip(graphs, named, strict=True):
        if not known:
            click.echo(f"There is no graph “{given}” yet: check its spelling.", err=True)
    until = "and never expires" if made.expires is None else f"until {_day(made.expires)}"
    click.echo(
        f"This is token {made.number}, {role}, {until}. It is not shown again. Send it as "
        "“Authorization: Bearer TOKEN”. To withdraw it: "
        f"competency-graph token revoke {made.number}",
        err=True,
    )


@token.command("list")
@click.option("--attempts", is_flag=True, help="List what was refused lately instead.")
@_database
def list_(attempts: bool, database: str | None) -> None:
    """List the tokens, without their secrets."""
    settings = Settings.load(os.environ, {"database": database})
    with history.existing(settings) as log:
        if attempts:
            _table(
                ("time", "from", "token", "refused as", "what"),
                (
                    (_time(a.time), a.address, a.token or "", a.outcome, a.what)
                    for a in log.tokens.attempts(100)
                ),
            )
            return
        now = datetime.now(UTC)
        _table(
            ("number", "name", "role", "for", "made", "expires", "last used", "state"),
            (
                (
                    t.number,
                    t.name,
                    t.role,
                    ", ".join(access.graph_name(g, settings.base) for g in sorted(t.graphs))
                    or "all",
                    _day(t.created),
                    "never" if t.expires is None else _day(t.expires),
                    "never" if t.last_used is None else _time(t.last_used),
                    f"revoked {_day(t.revoked)}"
                    if t.revoked
                    else "expired"
                    if t.expires is not None and t.expires <= now
                    else "good",
                )
                for t in log.tokens.all()
            ),
        )


@token.command()
@click.argument("number", type=click.IntRange(min=1, max=999_999_999))
@_database
def revoke(number: int, database: str | None) -> None:
    """Withdraw the token NUMBER, at once and for good."""
    settings = Settings.load(os.environ, {"database": database})
    with history.existing(settings) as log:
        revoked = log.tokens.revoke(number, now=datetime.now(UTC))
    assert revoked.revoked is not None
    click.echo(f"Token {number} ({revoked.name}) is revoked since {_time(revoked.revoked)}.")


def _expiry(text: str, now: datetime) -> datetime | None:
    """Return the time that a date, a number of days or “never” stands for."""
    said = text.strip().lower()
    if said == "never":
        return None
    if re.fullmatch(r"[0-9]{1,5}d?", said):
        return now + timedelta(days=int(said.removesuffix("d")))
    try:
        return datetime.strptime(said, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise BadRequest(
            f"--expires cannot be “{text}”. Give a date such as 2031-12-31, days such as 90d, "
            "or never."
        ) from None


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    lines = [head, *(tuple(map(str, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _day(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d}"


def _time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"

"""Redaction: a change emptied of what must not be kept, in a log that still verifies.

Never makes the graph another: what a change added must be gone from it before.
"""

from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, delete, insert, select, update

from competency_graph.errors import Redacted, StillInGraph
from competency_graph.log import snapshots
from competency_graph.log.blocks import split, unpack
from competency_graph.log.chain import time_text
from competency_graph.log.database import Database
from competency_graph.log.tables import (
    change,
    change_part,
    finding,
    redaction,
    snapshot,
    snapshot_part,
)
from competency_graph.log.values import Extent


def extents(database: Database) -> dict[int, Extent]:
    """Return what changes were emptied of, by their numbers."""
    return {row.number: row.extent for row in database.rows(select(redaction), redaction.c.number)}


def require_content(database: Database, first: int, last: int) -> None:
    """Raise ``Redacted`` where a change from the first to the last has no content any more."""
    query = select(redaction.c.number).where(
        redaction.c.extent == "content", redaction.c.number.between(first, last)
    )
    with database.transaction() as connection:
        number = connection.scalar(query.order_by(redaction.c.number).limit(1))
    if number is not None:
        raise Redacted(number)


def redact(database: Database, number: int, extent: Extent, *, now: datetime) -> list[int]:
    """Empty a change, and return the other changes that hold one of the same lines.

    The newest snapshot is what the head is rebuilt from afterwards, so it must be of this change
    or a later one; those between hold what is to go, and go.

    Raises:
        StillInGraph: the newest snapshot still holds something that the change added.
        ValueError: there is no such snapshot.
    """
    others: list[int] = []
    kept = snapshots.latest(database)
    if extent == "content":
        if kept < number:
            raise ValueError(f"a snapshot of change {number} or later is needed first")
        others, left = _shared(database, number, kept)
        if left:
            raise StillInGraph(number, left)
    with database.transaction(writing=True) as connection:
        before = connection.scalar(select(redaction.c.extent).where(redaction.c.number == number))
        if before in ("content", extent):
            return others
        connection.execute(update(change).where(change.c.number == number).values(message=""))
        if extent == "content":
            _empty(connection, number, kept)
        row = {"number": number, "time": time_text(now), "extent": extent}
        connection.execute(delete(redaction).where(redaction.c.number == number))
        connection.execute(insert(redaction), row)
    database.forget()
    return others


def _empty(connection: Connection, number: int, kept: int) -> None:
    # What it brought or took away of findings is still accounted for by their digests.
    mine = finding.c.number == number
    for row in connection.execute(select(finding).where(mine)).all():
        digest = sha256(row.content.encode()).hexdigest()
        one = update(finding).where(mine, finding.c.position == row.position)
        connection.execute(one.values(content=digest))
    connection.execute(delete(change_part).where(change_part.c.number == number))
    for table in (snapshot_part, snapshot):
        connection.execute(delete(table).where(table.c.number.between(number, kept - 1)))


def _shared(database: Database, number: int, kept: int) -> tuple[list[int], int]:
    """Return which other changes hold a line of this one, and how many that it added are left."""
    mine: dict[str, set[bytes]] = {"added": set(), "removed": set()}
    key = (change_part.c.number, change_part.c.part)
    own = select(change_part).where(change_part.c.number == number)
    for row in database.rows(own, *key, page=snapshots.PAGE):
        with database.unpacking(f"Change {row.number}"):
            mine[row.kind].update(split(unpack(row.content)))
    all_mine, left = mine["added"] | mine["removed"], set(mine["added"])
    others: dict[int, None] = {}
    for row in database.rows(select(change_part), *key, page=snapshots.PAGE):
        with database.unpacking(f"Change {row.number}"):
            found = all_mine.intersection(split(unpack(row.content)))
        if not found or row.number == number:
            continue
        others[row.number] = None
        if number < row.number <= kept:
            left = left - found if row.kind == "removed" else left | (found & mine["added"])
    return list(others), len(left)

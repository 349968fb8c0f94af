"""Redaction: a change emptied of what must not be kept, in a log that still verifies.

Never makes the graph another: what a change added must be gone from it before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from competency_graph.errors import Redacted, StillInGraph
from competency_graph.log import snapshots
from competency_graph.log.blocks import split, unpack
from competency_graph.log.chain import time_text
from competency_graph.log.database import Database
from competency_graph.log.snapshots import Graphs
from competency_graph.log.tables import (
    change,
    change_part,
    finding,
    redaction,
    snapshot,
    snapshot_part,
)
from competency_graph.model import Extent


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


def redact(
    database: Database,
    number: int,
    extent: Extent,
    *,
    now: datetime,
    graphs: Callable[[int], Graphs],
) -> list[int]:
    """Empty a change, and return the other changes that hold one of the same lines.

    See :meth:`Log.redact`. What is rebuilt afterwards begins at a later snapshot, which is made
    where there is none; snapshots that hold what is to go, go too.
    """
    found = _Found()
    if extent == "content":
        with database.transaction() as connection:
            head = connection.scalar(select(func.max(change.c.number))) or 0
        found = _look(database, number, head)
        if left := found.left[max(found.left)]:
            raise StillInGraph(number, left)
        # What goes may be the one snapshot that tells what a change emptied before had left.
        if found.dirty or not found.clean:
            snapshots.write(database, head, graphs(head))
    with database.transaction(writing=True) as connection:
        before = connection.scalar(select(redaction.c.extent).where(redaction.c.number == number))
        if before in ("content", extent):
            return found.others
        connection.execute(update(change).where(change.c.number == number).values(message=""))
        if extent == "content":
            _empty(connection, number, found.dirty)
        row = {"number": number, "time": time_text(now), "extent": extent}
        connection.execute(delete(redaction).where(redaction.c.number == number))
        connection.execute(insert(redaction), row)
    database.forget()
    return found.others


def _empty(connection: Connection, number: int, dirty: list[int]) -> None:
    # What it brought or took away of findings is still accounted for by their digests.
    mine = finding.c.number == number
    for row in connection.execute(select(finding).where(mine)).all():
        digest = sha256(row.content.encode()).hexdigest()
        one = update(finding).where(mine, finding.c.position == row.position)
        connection.execute(one.values(content=digest))
    connection.execute(delete(change_part).where(change_part.c.number == number))
    for table in (snapshot_part, snapshot):
        connection.execute(delete(table).where(table.c.number.in_(dirty)))


def _after_emptied(database: Database, number: int, head: int) -> list[int]:
    """Return the snapshots that tell what no change does any more: the next after each emptied."""
    emptied = [n for n, extent in extents(database).items() if extent == "content" and n != number]
    kept = [row.number for row in database.rows(select(snapshot), snapshot.c.number)]
    after = {min((at for at in kept if one <= at <= head), default=None) for one in emptied}
    return sorted(at for at in after if at is not None)


def _held(database: Database, at: int, lines: set[bytes]) -> set[bytes]:
    """Return which of these lines a snapshot holds."""
    held: set[bytes] = set()
    query = select(snapshot_part).where(snapshot_part.c.number == at)
    for row in database.rows(
        query, snapshot_part.c.number, snapshot_part.c.part, page=snapshots.PAGE
    ):
        with database.unpacking(f"The snapshot of change {at}"):
            held |= lines.intersection(split(unpack(row.content)))
    return held


@dataclass(slots=True)
class _Found:
    """Where else the lines of a change are: in which changes, and in which later snapshots.

    ``others`` are the changes that hold one of its lines that is not in the graph any more;
    ``left`` is how many of those that it added were in the graph after a change, for each change
    that made that number another.
    """

    others: list[int] = field(default_factory=list)
    left: dict[int, int] = field(default_factory=dict)
    clean: list[int] = field(default_factory=list)
    dirty: list[int] = field(default_factory=list)


def _look(database: Database, number: int, head: int) -> _Found:
    mine: dict[str, set[bytes]] = {"added": set(), "removed": set()}
    key = (change_part.c.number, change_part.c.part)
    own = select(change_part).where(change_part.c.number == number)
    for row in database.rows(own, *key, page=snapshots.PAGE):
        with database.unpacking(f"Change {row.number}"):
            mine[row.kind].update(split(unpack(row.content)))
    every, left = mine["added"] | mine["removed"], set(mine["added"])
    found = _Found(left={number: len(left)})
    holding: dict[int, set[bytes]] = {}
    stands: set[bytes] = set()
    upto = select(change_part).where(change_part.c.number <= head)
    told = _after_emptied(database, number, head)
    parts: Iterator[Any] = chain(database.rows(upto, *key, page=snapshots.PAGE), [None])
    for part in parts:
        while told and (part is None or part.number > told[0]):
            at = told.pop(0)
            stands = _held(database, at, every)
            if at >= number:
                left = stands & mine["added"]
                found.left[at] = len(left)
        if part is None:
            break
        with database.unpacking(f"Change {part.number}"):
            shared = every.intersection(split(unpack(part.content)))
        if not shared:
            continue
        stands = stands - shared if part.kind == "removed" else stands | shared
        if part.number != number:
            holding[part.number] = holding.get(part.number, set()) | shared
        if part.number > number:
            left = left - shared if part.kind == "removed" else left | (shared & mine["added"])
            found.left[part.number] = len(left)
    # What is in the graph is no secret, so who else brought or removed it does not matter.
    found.others = [other for other, shared in holding.items() if shared - stands]
    for row in database.rows(select(snapshot), snapshot.c.number):
        if number <= row.number <= head:
            last = max(changed for changed in found.left if changed <= row.number)
            (found.dirty if found.left[last] else found.clean).append(row.number)
    return found

"""Snapshots: the whole graph at a change, what rebuilds it, what undoes it. Reads no RDF."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b, sha256
from itertools import groupby
from typing import Final

import zstandard
from sqlalchemy import func, insert, select

from competency_graph.log.blocks import BLOCK_BYTES, Kind, Line, pack, split, unpack
from competency_graph.log.database import Database
from competency_graph.log.tables import (
    change,
    change_part,
    redaction,
    snapshot,
    snapshot_part,
)

MOST_CHANGES: Final = 10_000
MOST_WEIGHT: Final = 4
PAGE: Final = 16
"""Parts read in one go, of at most 4 MB each."""

Graphs = Iterable[tuple[str, Iterable[Line]]]
"""A whole graph: each named graph once, with its sorted N-Quads lines."""

Difference = tuple[int, bytes, bytes]
"""Number, removed lines and added lines of a change."""

_PART_KEY: Final = (change_part.c.number, change_part.c.part)
_SNAPSHOT_KEY: Final = (snapshot_part.c.number, snapshot_part.c.part)


def write(database: Database, number: int, graphs: Graphs) -> None:
    """Keep the graph as it was at a change; a snapshot that is there already stays."""
    # Packed before the transaction: appending waits for the insertion only.
    packed = [(graph, lines) for graph, given in graphs if (lines := pack(given)).count]
    row = {
        "number": number,
        "quads": sum(lines.count for _, lines in packed),
        "bytes": sum(lines.size for _, lines in packed),
        "digest": _digest((graph, lines.digest) for graph, lines in packed),
    }
    blocks = ((graph, block) for graph, lines in packed for block in lines.blocks)
    parts = [
        {"number": number, "part": part, "graph": graph, "content": block}
        for part, (graph, block) in enumerate(blocks)
    ]
    with database.transaction(writing=True) as connection:
        if connection.scalar(select(snapshot.c.number).where(snapshot.c.number == number)):
            return
        connection.execute(insert(snapshot), row)
        if parts:
            connection.execute(insert(snapshot_part), parts)


def latest(database: Database, upto: int | None = None) -> int:
    """Return the number of the newest snapshot, not past ``upto``; 0 where there is none."""
    newest = select(func.max(snapshot.c.number))
    if upto is not None:
        newest = newest.where(snapshot.c.number <= upto)
    with database.transaction() as connection:
        return connection.scalar(newest) or 0


def due(database: Database) -> bool:
    """Say whether the changes since the newest snapshot cost more to read than a new one would."""
    start = latest(database)
    since = select(
        func.count(),
        func.coalesce(func.sum(change.c.added_bytes), 0),
        func.coalesce(func.sum(change.c.removed_bytes), 0),
    ).where(change.c.number > start)
    with database.transaction() as connection:
        held = connection.scalar(select(snapshot.c.bytes).where(snapshot.c.number == start)) or 0
        changes, added, removed = connection.execute(since).one()
    graph, weight = held + added - removed, added + removed
    # What fits into one block is never worth a snapshot by its weight.
    return bool(changes >= MOST_CHANGES or weight > max(MOST_WEIGHT * graph, BLOCK_BYTES))


def blocks(database: Database, upto: int) -> Iterator[tuple[Kind, bytes]]:
    """Yield what rebuilds the graph at a change: the newest snapshot before it, then changes."""
    start = latest(database, upto)
    held = select(snapshot_part).where(snapshot_part.c.number == start)
    for row in database.rows(held, *_SNAPSHOT_KEY, page=PAGE):
        with database.unpacking(f"The snapshot of change {start}"):
            text = unpack(row.content)
        yield "added", text
    later = select(change_part).where(change_part.c.number > start, change_part.c.number <= upto)
    for row in database.rows(later, *_PART_KEY, page=PAGE):
        with database.unpacking(f"Change {row.number}"):
            text = unpack(row.content)
        yield row.kind, text


def tail(database: Database, upto: int, *, most: int, each: int, total: int) -> list[Difference]:
    """Return the last changes up to one; see :meth:`competency_graph.log.Log.tail`."""
    weighed = (
        select(change.c.number, change.c.added_bytes, change.c.removed_bytes, redaction.c.extent)
        .outerjoin(redaction)
        .where(change.c.number <= upto)
        .order_by(change.c.number.desc())
        .limit(most)
    )
    start, held = upto, 0
    with database.transaction() as connection:
        for row in connection.execute(weighed):
            size = row.added_bytes + row.removed_bytes
            held += size
            if size > each or held > total or row.extent == "content":
                break
            start = row.number - 1
    sides = {number: {"removed": b"", "added": b""} for number in range(start + 1, upto + 1)}
    parts = select(change_part).where(change_part.c.number > start, change_part.c.number <= upto)
    for row in database.rows(parts, *_PART_KEY):
        with database.unpacking(f"Change {row.number}"):
            sides[row.number][row.kind] += unpack(row.content)
    return [(number, side["removed"], side["added"]) for number, side in sides.items()]


def lines(database: Database, number: int, digest: bytes) -> set[bytes] | None:
    """Return the marks (``mark``) of what a snapshot holds; None where that was not written."""
    query = select(snapshot_part).where(snapshot_part.c.number == number)
    found: list[tuple[str, bytes]] = []
    held: set[bytes] = set()
    try:
        for graph, parts in groupby(
            database.rows(query, *_SNAPSHOT_KEY, page=PAGE), key=lambda row: str(row.graph)
        ):
            digested = sha256()
            for row in parts:
                digested.update(text := unpack(row.content))
                held.update(map(mark, split(text)))
            found.append((graph, digested.digest()))
    except zstandard.ZstdError:
        return None
    return held if _digest(found) == digest else None


def mark(line: bytes) -> bytes:
    """Return 16 bytes that stand for a line, so that a large graph can be compared in memory."""
    return blake2b(line, digest_size=16).digest()


def _digest(graphs: Iterable[tuple[str, bytes]]) -> bytes:
    digest = sha256()
    for graph, lines in graphs:
        digest.update(f"{graph}\n".encode() + lines)
    return digest.digest()

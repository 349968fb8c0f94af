"""Verification: does the log still hold what was recorded? Repairs nothing."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256
from heapq import merge
from itertools import islice
from typing import Any, Final

import zstandard
from sqlalchemy import select

from competency_graph.log import redaction, snapshots, standing
from competency_graph.log.blocks import split, unpack
from competency_graph.log.chain import ORIGIN, content_digest, finding_line, link, metadata_digest
from competency_graph.log.database import Database
from competency_graph.log.snapshots import PAGE, mark
from competency_graph.log.tables import change, change_part, finding, snapshot
from competency_graph.log.values import Fault

_PAGE: Final = 500


def first_fault(database: Database) -> Fault | None:
    """Return the first thing that is not as recorded: of changes, then snapshots, then findings."""
    extents = redaction.extents(database)
    emptied = {number for number, extent in extents.items() if extent == "content"}
    if number := _first_broken_change(database, set(extents), emptied):
        return Fault(number=number, what="change")
    if fault := _first_wrong_graph(database, emptied):
        return fault
    if number := standing.first_fault(database, emptied):
        return Fault(number=number, what="standing")
    return None


def _first_broken_change(
    database: Database, reworded: Collection[int], emptied: Collection[int]
) -> int | None:
    changes = database.rows(select(change), change.c.number, page=_PAGE)
    expected, previous = 1, ORIGIN
    while rows := list(islice(changes, _PAGE)):
        contents = _contents(database, rows[0].number, rows[-1].number)
        for row in rows:
            content, metadata = contents[row.number], metadata_digest(row._asdict())
            # What was redacted is known by its digests only, which the chain still binds.
            if row.number in reworded and row.message == "":
                metadata = row.metadata_digest
            if row.number in emptied:
                content = row.content_digest
            found = (row.number, content, metadata, link(previous, content, metadata))
            if found != (expected, row.content_digest, row.metadata_digest, row.digest):
                return expected
            expected, previous = expected + 1, row.digest
    return None


def _contents(database: Database, first: int, last: int) -> dict[int, bytes]:
    """Return the digests of what changes hold; that of a torn one is empty."""
    torn: set[int] = set()
    texts: dict[str, defaultdict[int, Any]] = {
        kind: defaultdict(sha256) for kind in ("removed", "added", "findings")
    }
    parts = select(change_part).where(change_part.c.number.between(first, last))
    key = (change_part.c.number, change_part.c.part)
    for row in database.rows(parts, *key, page=PAGE):
        try:
            texts[row.kind][row.number].update(unpack(row.content))
        except (KeyError, zstandard.ZstdError):
            torn.add(row.number)
    found = select(finding).where(finding.c.number.between(first, last))
    for row in database.rows(found, finding.c.number, finding.c.position):
        texts["findings"][row.number].update(finding_line(row.kind, row.content))
    return {
        number: b""
        if number in torn
        else content_digest(*(texts[kind][number].digest() for kind in texts))
        for number in range(first, last + 1)
    }


def _first_wrong_graph(database: Database, emptied: Iterable[int]) -> Fault | None:
    """Rebuild the graph from its first change, and compare it with each snapshot on the way."""
    held: set[bytes] = set()
    # After an emptied change nothing is known until the next snapshot.
    unknown: int | None = None
    for number, what, row in _steps(database, emptied):
        if what == "emptied":
            unknown = unknown or number
        elif what == "part" and unknown is None:
            lines = set(map(mark, split(unpack(row.content))))
            if not (held.isdisjoint(lines) if row.kind == "added" else held >= lines):
                return Fault(number=number, what="change")
            held ^= lines
        elif what == "snapshot":
            kept = snapshots.lines(database, number, row.digest)
            if kept is None or (unknown is None and kept != held):
                return Fault(number=number, what="snapshot")
            held, unknown = kept, None
    return None if unknown is None else Fault(number=unknown, what="snapshot")


def _steps(database: Database, emptied: Iterable[int]) -> Iterator[tuple[int, str, Any]]:
    """Yield emptied changes, parts of changes, and snapshots, in the order of their numbers."""
    key = (change_part.c.number, change_part.c.part)
    parts = database.rows(select(change_part), *key, page=PAGE)
    kept = database.rows(select(snapshot), snapshot.c.number)
    # Of one number, its parts come before the snapshot that was taken at it.
    yield from merge(
        ((number, "emptied", None) for number in sorted(emptied)),
        ((row.number, "part", row) for row in parts),
        ((row.number, "snapshot", row) for row in kept),
        key=lambda step: step[0],
    )

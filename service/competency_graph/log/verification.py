"""Verification: does the log still hold what was recorded? Repairs nothing."""

from collections import defaultdict
from hashlib import sha256
from itertools import islice
from typing import Any, Final

import zstandard
from sqlalchemy import select

from competency_graph.log import snapshots
from competency_graph.log.blocks import unpack
from competency_graph.log.chain import ORIGIN, content_digest, finding_line, link, metadata_digest
from competency_graph.log.database import Database
from competency_graph.log.tables import change, change_part, finding, snapshot

_PAGE: Final = 500


def first_fault(database: Database) -> int | None:
    """Return the number of the first change, or of the first snapshot, that is not as recorded."""
    return _first_broken_change(database) or _first_broken_snapshot(database)


def _first_broken_change(database: Database) -> int | None:
    changes = database.rows(select(change), change.c.number, page=_PAGE)
    expected, previous = 1, ORIGIN
    while rows := list(islice(changes, _PAGE)):
        contents = _contents(database, rows[0].number, rows[-1].number)
        for row in rows:
            content = contents[row.number]
            metadata = metadata_digest(row._asdict())
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
    for row in database.rows(parts, *key, page=snapshots.PAGE):
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


def _first_broken_snapshot(database: Database) -> int | None:
    for row in database.rows(select(snapshot), snapshot.c.number):
        try:
            whole = snapshots.is_whole(database, row.number, row.digest)
        except zstandard.ZstdError:
            whole = False
        if not whole:
            return int(row.number)
    return None

"""Append-only log of changes, in SQL. Never reads RDF beyond line ends; never updates a row.

A change is a set of N-Quads lines added and a set removed, with who, when and why. Its digest
chains the digests of content and of metadata onto the digest of the change before (DESIGN 4).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

import zstandard
from sqlalchemy import Engine, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from competency_graph.errors import StaleHead, UnusableDatabase
from competency_graph.log import tables as t
from competency_graph.log.schema import open_engine

__all__ = ["Change", "Draft", "Log"]

PART_BYTES: Final = 4_000_000
NORMAL_FORM: Final = 1
# A change that touches more subjects than this is found by its graphs alone: history by subject is
# for edits, and a bulk load would write as many rows here as it has subjects.
MOST_TOUCHED: Final = 10_000
_SNAPSHOT_EVERY: Final = 10_000
_SNAPSHOT_WEIGHT: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A change before it has a number. Lines are sorted N-Quads with their line ends."""

    author: str
    time: datetime
    message: str
    added: Iterable[bytes] = ()
    removed: Iterable[bytes] = ()
    touched: frozenset[tuple[str, str]] = frozenset()
    findings: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change as the log holds it; ``added`` and ``removed`` count lines."""

    number: int
    author: str
    time: datetime
    message: str
    added: int
    removed: int
    digest: str


class Log:
    """An open log. Close it before the process forks: a handle must not be shared."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str, *, base: str | None = None) -> Self:
        """Return the log at a database URL, made or migrated where needed.

        Args:
            url: an SQLAlchemy URL.
            base: the base of our IRIs; it must be the one that the first change was made with.

        Raises:
            UnusableDatabase: it cannot be opened, is not ours, is newer, or has another base.
        """
        log = cls(open_engine(url))
        held = log._setting("base")
        if base is not None and held is not None and held != base:
            log.close()
            raise UnusableDatabase(
                f"The database was made with BASE {held}; it cannot be served with {base}. "
                "Set BASE back, or name another database."
            )
        log._base = base
        return log

    _base: str | None = None

    def close(self) -> None:
        """Give every handle back."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _setting(self, name: str) -> str | None:
        with self._engine.connect() as connection:
            value: str | None = connection.scalar(
                select(t.meta.c.value).where(t.meta.c.name == name)
            )
            return value

    def head(self) -> int:
        """Return the number of the newest change; 0 for an empty log."""
        with self._engine.connect() as connection:
            return _head(connection)

    def append(self, draft: Draft, *, expected_head: int) -> int:
        """Record a change, whole or not at all, and return its number.

        Raises:
            StaleHead: another change came first.
            UnusableDatabase: the database refused, for instance because the disk is full.
        """
        writing = self._engine.connect().execution_options(writing=True)
        try:
            with writing as connection, connection.begin():
                head = _head(connection)
                if head != expected_head:
                    raise StaleHead(expected=expected_head, actual=head)
                return self._write(connection, draft, head + 1)
        except IntegrityError:
            raise StaleHead(expected=expected_head, actual=self.head()) from None
        except DBAPIError as error:
            raise UnusableDatabase(f"The change could not be recorded: {error.orig}.") from None

    def _write(self, connection: Connection, draft: Draft, number: int) -> int:
        before = connection.execute(
            select(t.change.c.digest, t.change.c.time).where(t.change.c.number == number - 1)
        ).first()
        moment = draft.time.astimezone(UTC)
        if before is not None:
            moment = max(moment, _aware(before.time))
        elif self._base is not None:
            connection.execute(t.meta.insert(), {"name": "base", "value": self._base})
        content = hashlib.sha256()
        part, weight, counts = 0, 0, {"removed": 0, "added": 0}
        for kind, lines in (("removed", draft.removed), ("added", draft.added)):
            for block, count in _blocks(lines):
                content.update(kind.encode() + block)
                packed = zstandard.compress(block, 6)
                connection.execute(
                    t.change_part.insert(),
                    {"number": number, "part": part, "kind": kind, "content": packed},
                )
                part, weight, counts[kind] = part + 1, weight + len(block), counts[kind] + count
        _write_touched(connection, draft, number)
        for place, (kind, text) in enumerate(draft.findings):
            connection.execute(
                t.finding.insert(),
                {"number": number, "part": place, "kind": kind, "content": text},
            )
        row = {
            "number": number,
            "author": draft.author,
            "time": moment,
            "message": draft.message,
            **counts,
            "weight": weight,
            "normal_form": NORMAL_FORM,
        }
        about = _metadata_digest(row)
        previous = b"" if before is None else before.digest
        chained = hashlib.sha256(previous + content.digest() + about).digest()
        connection.execute(
            t.change.insert(),
            row
            | {
                "content_digest": content.digest(),
                "metadata_digest": about,
                "digest": chained,
            },
        )
        return number

    def changes(self, *, after: int = 0, limit: int | None = None) -> Iterator[Change]:
        """Yield the changes past a number, oldest first, without their content."""
        query = select(t.change).where(t.change.c.number > after).order_by(t.change.c.number)
        with self._engine.connect() as connection:
            for row in connection.execute(query if limit is None else query.limit(limit)):
                yield Change(
                    number=row.number,
                    author=row.author,
                    time=_aware(row.time),
                    message=row.message,
                    added=row.added,
                    removed=row.removed,
                    digest=row.digest.hex(),
                )

    def parts(self, number: int) -> Iterator[tuple[str, bytes]]:
        """Yield the parts of a change, removed before added: kind and lines."""
        query = (
            select(t.change_part.c.kind, t.change_part.c.content)
            .where(t.change_part.c.number == number)
            .order_by(t.change_part.c.part)
        )
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                yield row.kind, zstandard.decompress(row.content)

    def history(self, graph: str, subject: str) -> list[int]:
        """Return the numbers of the changes that touched a subject in a graph, oldest first.

        A change of more than ``MOST_TOUCHED`` subjects counts as touching all of its graphs.
        """
        query = (
            select(t.touched.c.number)
            .where(t.touched.c.graph == graph, t.touched.c.subject.in_((subject, "")))
            .order_by(t.touched.c.number)
        )
        with self._engine.connect() as connection:
            return list(connection.scalars(query))

    def content_blocks(self) -> Iterator[tuple[str, bytes]]:
        """Yield what rebuilds the graph at the head: the newest snapshot, then later changes.

        Each block is ``("added" | "removed", N-Quads lines)`` of at most 4 MB, to apply in order.
        """
        with self._engine.connect() as connection:
            start = connection.scalar(select(func.max(t.snapshot.c.number))) or 0
            for row in connection.execute(
                select(t.snapshot.c.content)
                .where(t.snapshot.c.number == start)
                .order_by(t.snapshot.c.graph, t.snapshot.c.part)
            ):
                yield "added", zstandard.decompress(row.content)
            for row in connection.execute(
                select(t.change_part.c.kind, t.change_part.c.content)
                .where(t.change_part.c.number > start)
                .order_by(t.change_part.c.number, t.change_part.c.part)
            ):
                yield row.kind, zstandard.decompress(row.content)

    def snapshot_due(self) -> bool:
        """Say whether reading the changes since the last snapshot costs more than a new one."""
        with self._engine.connect() as connection:
            start = connection.scalar(select(func.max(t.snapshot.c.number))) or 0
            weigh = select(func.coalesce(func.sum(t.change.c.weight), 0))
            since = connection.scalar(weigh.where(t.change.c.number > start)) or 0
            kept = connection.scalar(
                select(func.coalesce(func.sum(func.length(t.snapshot.c.content)), 0)).where(
                    t.snapshot.c.number == start
                )
            )
            many = _head(connection) - start >= _SNAPSHOT_EVERY
            return many or bool(kept and since > _SNAPSHOT_WEIGHT * kept)

    def write_snapshot(self, number: int, graphs: Iterable[tuple[str, Iterable[bytes]]]) -> None:
        """Keep the whole state after a change: graph names and their sorted N-Quads lines."""
        writing = self._engine.connect().execution_options(writing=True)
        with writing as connection, connection.begin():
            for graph, lines in graphs:
                for part, (block, _) in enumerate(_blocks(lines)):
                    connection.execute(
                        t.snapshot.insert(),
                        {
                            "number": number,
                            "graph": graph,
                            "part": part,
                            "content": zstandard.compress(block, 6),
                        },
                    )

    def first_bad_change(self) -> int | None:
        """Re-read everything and return the first change whose digests do not hold, or nothing."""
        previous = b""
        with self._engine.connect() as connection:
            rows = connection.execute(select(t.change).order_by(t.change.c.number)).all()
        for expected, row in enumerate(rows, start=1):
            content = hashlib.sha256()
            try:
                for kind, block in self.parts(row.number):
                    content.update(kind.encode() + block)
            except zstandard.ZstdError:
                return expected
            told = dict(row._mapping) | {"time": _aware(row.time)}
            chained = hashlib.sha256(previous + row.content_digest + row.metadata_digest).digest()
            whole = (
                row.number == expected
                and content.digest() == row.content_digest
                and _metadata_digest(told) == row.metadata_digest
                and chained == row.digest
            )
            if not whole:
                return expected
            previous = row.digest
        return None


def _head(connection: Connection) -> int:
    return connection.scalar(select(func.max(t.change.c.number))) or 0


def _aware(moment: datetime) -> datetime:
    """Return a time as UTC; SQLite gives it back without its zone."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _metadata_digest(row: dict[str, object]) -> bytes:
    names = ("number", "author", "time", "message", "added", "removed", "normal_form")
    told = json.dumps([str(row[name]) for name in names], ensure_ascii=False)
    return hashlib.sha256(told.encode()).digest()


def _write_touched(connection: Connection, draft: Draft, number: int) -> None:
    touched = draft.touched
    if len(touched) > MOST_TOUCHED:
        touched = frozenset((graph, "") for graph, _ in touched)
    rows = [{"graph": g, "subject": s, "number": number} for g, s in sorted(touched)]
    if rows:
        connection.execute(t.touched.insert(), rows)


def _blocks(lines: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Yield lines joined to blocks of at most ``PART_BYTES``, and how many lines each holds."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        if held and size + len(line) > PART_BYTES:
            yield b"".join(held), len(held)
            held, size = [], 0
        held.append(line)
        size += len(line)
    if held:
        yield b"".join(held), len(held)

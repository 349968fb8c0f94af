"""The log: append at an expected head, read, keep snapshots, verify. Judges no change."""

import json
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, Row, Select, Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from competency_graph.errors import NotFound, StaleHead, UnusableDatabase
from competency_graph.log import backups, redaction, rows, snapshots, standing, touching
from competency_graph.log.blocks import Kind, pack, split, unpack
from competency_graph.log.database import Database
from competency_graph.log.schema import prepare
from competency_graph.log.snapshots import Difference
from competency_graph.log.tables import change, change_part, finding, setting, touched
from competency_graph.log.tables import redaction as redactions
from competency_graph.log.tokens import Tokens
from competency_graph.log.values import Change, Draft, Fault, Standing
from competency_graph.log.verification import first_fault
from competency_graph.model import Extent

# A change as it is told: with what it was emptied of, if anything.
_CHANGES: Final = select(change, redactions.c.extent).outerjoin(redactions)


class Log:
    """An open log. It holds database handles until it is closed: close it before a fork.

    No handle is in use while a caller works on what an iterator gave, so iterators may be left
    half read. Every method raises ``UnusableDatabase`` when the database fails it. ``tokens`` are
    kept beside the changes.
    """

    def __init__(self, database: Database, base: str | None) -> None:
        self._database = database
        self._base = base
        self.tokens = Tokens(database)

    @classmethod
    def open(cls, url: str, *, base: str | None = None, backup: bool = True) -> Self:
        """Open the log at a database URL; make it, or migrate it, where needed.

        Args:
            url: a SQLAlchemy URL of SQLite (a file) or PostgreSQL.
            base: the base of our IRIs, without which no first change can be appended.
            backup: copy an older SQLite file to ``<file>.schema-<its schema>.backup`` before
                migrating it; a PostgreSQL database is its operator's to back up.

        Raises:
            UnusableDatabase: it cannot be opened, is another program's or a newer version's, or
                was begun with another base.
        """
        database = Database.at(url)
        log = cls(database, base)
        try:
            prepare(database, backup=backup)
            with database.transaction() as connection:
                log._check_base(connection)
        except BaseException:
            log.close()
            raise
        return log

    @classmethod
    def restore(cls, url: str, file: Path, *, base: str | None = None) -> Self:
        """Put what :meth:`back_up` wrote into a database that is not there or empty; open that.

        Raises:
            BadRequest: there is no such file, or the database is not empty or not SQLite.
            UnusableDatabase: the file is no log, a newer version's, or not as it was recorded
                (:meth:`verify`); then nothing is restored. And as :meth:`open`.
        """
        database = Database.at(url)
        try:
            backups.restore(file, database)
        finally:
            database.close()
        return cls.open(url, base=base, backup=False)

    def close(self) -> None:
        """Give back every handle."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def head(self) -> int:
        """Return the number of the newest change, 0 where there is none."""
        with self._database.transaction() as connection:
            return _head(connection)

    def base(self) -> str | None:
        """Return the base of our IRIs as the first change fixed it, None before that."""
        with self._database.transaction() as connection:
            return _base(connection)

    def append(self, draft: Draft, *, expected_head: int) -> int:
        """Record a change after the expected head, whole or not at all, and return its number.

        The time recorded is never before that of the change before.

        Raises:
            StaleHead: the log is not at the expected head.
            ValueError: the lines are not sorted and distinct, or the log was opened without a base
                and this is its first change.
        """
        # Asked before the work of packing and again in the transaction, which is then short.
        if (head := self.head()) != expected_head:
            raise StaleHead(expected=expected_head, actual=head)
        removed, added = pack(draft.removed), pack(draft.added)
        findings = rows.of_findings(draft, expected_head + 1)
        try:
            with self._database.transaction(writing=True) as connection:
                newest = _newest(connection)
                if (head := newest.number if newest else 0) != expected_head:
                    raise StaleHead(expected=expected_head, actual=head)
                # Where writers do not queue for a transaction, a key conflict here is the stale
                # head: so the number follows from the row that was just read, and no second look.
                row = rows.of_change(draft, newest, removed, added, findings)
                connection.execute(insert(change), row)
                self._fix_base(connection, head)
                _insert(connection, change_part, rows.of_parts(row["number"], removed, added))
                _insert(connection, touched, rows.of_touched(row["number"], draft.touched))
                _insert(connection, finding, findings)
                standing.follow(connection, findings)
        except IntegrityError:
            raise StaleHead(expected=expected_head, actual=self.head()) from None
        return expected_head + 1

    def changes(self, *, after: int = 0, limit: int | None = None) -> Iterator[Change]:
        """Return what is said about the changes after a number, oldest first."""
        return self._changes(_CHANGES, after, limit)

    def change(self, number: int) -> Change:
        """Return what is said about a change.

        Raises:
            NotFound: there is no such change.
        """
        self._require(number)
        return self.recent(before=number + 1, limit=1)[0]

    def history(
        self,
        graph: str | None,
        subject: str | None = None,
        *,
        after: int = 0,
        limit: int | None = None,
    ) -> Iterator[Change]:
        """Return the changes that touched a subject of a graph, oldest first.

        Without a subject: that touched the graph at all; without a graph: the subject in any.
        A change of more than ``MOST_TOUCHED`` subjects is in the history of every subject of its
        graphs.
        """
        return self._changes(_CHANGES.where(touching.touches(graph, subject)), after, limit)

    def recent(
        self,
        *,
        before: int | None = None,
        limit: int,
        graph: str | None = None,
        subject: str | None = None,
    ) -> list[Change]:
        """Return the changes before a number, or the newest, newest first.

        With a graph or a subject only those that :meth:`history` would return.
        """
        query = _CHANGES.order_by(change.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(change.c.number < before)
        if graph is not None or subject is not None:
            query = query.where(touching.touches(graph, subject))
        with self._database.transaction() as connection:
            return [rows.told(row) for row in connection.execute(query)]

    def count(self, graph: str | None, subject: str | None) -> tuple[int, list[int]]:
        """Return how many changes name a subject of a graph, and which touch too many to name any.

        Together they are those that :meth:`history` returns.
        """
        return touching.count(self._database, graph, subject)

    def read(self, number: int) -> tuple[Iterator[bytes], Iterator[bytes]]:
        """Return the lines that a change added and those that it removed, read part by part.

        Raises:
            NotFound: there is no such change.
            Redacted: it was emptied.
        """
        self._require(number)
        redaction.require_content(self._database, number, number)
        return self._lines(number, "added"), self._lines(number, "removed")

    def findings(self, number: int) -> tuple[rows.Rows, rows.Rows]:
        """Return the findings that a change added and those that it removed.

        Raises:
            NotFound: there is no such change.
            Redacted: it was emptied.
        """
        self._require(number)
        redaction.require_content(self._database, number, number)
        query = select(finding).where(finding.c.number == number)
        found = list(self._database.rows(query, finding.c.position))
        added = [json.loads(row.content) for row in found if row.kind == "added"]
        removed = [json.loads(row.content) for row in found if row.kind == "removed"]
        return added, removed

    def standing(
        self, graphs: Collection[str] | None = None, *, nodes: Collection[str] | None = None
    ) -> list[Standing]:
        """Return the findings that stand at the head in these graphs or at these nodes, or all.

        A finding's graph is its member ``graph``; its node is its member ``node``, which was
        judged, or, without one, its ``focus``. It stands from the change that added it until one
        that removes it.
        """
        return [
            Standing(number=number, finding=json.loads(content))
            for number, content in standing.rows(self._database, graphs, nodes)
        ]

    def write_snapshot(self, number: int, graphs: snapshots.Graphs) -> None:
        """Keep the whole graph as it was at a change, so that reading need not begin at the first.

        Args:
            number: the change; if it has a snapshot already, that one stays.
            graphs: each named graph once, with its sorted N-Quads lines.

        Raises:
            NotFound: there is no such change.
        """
        self._require(number)
        snapshots.write(self._database, number, graphs)

    def latest_snapshot(self) -> int:
        """Return the number of the change that the newest snapshot was taken at, 0 without any."""
        return snapshots.latest(self._database)

    def snapshot_due(self) -> bool:
        """Say whether reading what came after the newest snapshot costs more than a new one.

        That is after 10,000 changes, or when they weigh four times the graph.
        """
        return snapshots.due(self._database)

    def content_blocks(self, upto: int | None = None) -> Iterator[tuple[Kind, bytes]]:
        """Return what rebuilds the graph at a change, or at the head: blocks to apply in order.

        First the newest snapshot that is not past it, then each later change: what it removed,
        then what it added. A block is N-Quads lines of at most 4 MB, or a single longer line.

        Raises:
            NotFound, Redacted: as :meth:`require_graph`.
        """
        upto = self.head() if upto is None else upto
        self.require_graph(upto)
        return snapshots.blocks(self._database, upto)

    def require_graph(self, number: int) -> None:
        """Return where the graph at a change can be rebuilt.

        Raises:
            NotFound: there is no such change.
            Redacted: a change after the newest snapshot before it was emptied.
        """
        head = self.head()
        if not 0 <= number <= head:
            raise _no_change(number, head)
        start = snapshots.latest(self._database, number) + 1
        redaction.require_content(self._database, start, number)

    def tail(self, upto: int, *, most: int, each: int, total: int) -> list[Difference]:
        """Return the last changes up to one, oldest first: its number, removed and added lines.

        At most so many, and back to the first that has more bytes than ``each``, that would make
        more than ``total``, or that was emptied.
        """
        return snapshots.tail(self._database, upto, most=most, each=each, total=total)

    def verify(self) -> Fault | None:
        """Return the first thing that is not as recorded, or None.

        It reads everything, rebuilds the graph, and compares that with the snapshots, and the
        findings that stand with those of the changes. Changes cut off at the end cannot show:
        whoever must know them gone keeps a later digest elsewhere. The index of histories is not
        covered, nor what was redacted.
        """
        return first_fault(self._database)

    def redact(
        self,
        number: int,
        extent: Extent,
        *,
        now: datetime,
        graphs: Callable[[int], snapshots.Graphs],
    ) -> list[int]:
        """Empty a change of its message, or of its content too, for good; the chain still holds.

        What needs that content is ``Redacted`` afterwards. Author, time and counts stay.

        Args:
            number: the change.
            extent: what of it.
            now: the time that is noted.
            graphs: gives the graph at a change, for a snapshot that the head is rebuilt from.

        Returns:
            The other changes that hold a line of it that is not in the graph any more.

        Raises:
            NotFound: there is no such change.
            StillInGraph: the graph holds something that it added.
        """
        self._require(number)
        return redaction.redact(self._database, number, extent, now=now, graphs=graphs)

    def back_up(self, file: Path) -> None:
        """Copy everything, as last committed, into a new file; others read and write meanwhile.

        Raises:
            BadRequest: there is such a file, or the database is not SQLite.
        """
        backups.back_up(self._database, file)

    def _require(self, number: int) -> None:
        head = self.head()
        if not 1 <= number <= head:
            raise _no_change(number, head)

    def _changes(
        self, query: Select[*tuple[Any, ...]], after: int, limit: int | None
    ) -> Iterator[Change]:
        query = query.where(change.c.number > after)
        # Numbers have no gaps, but a history has: it may need more rows than numbers.
        found = self._database.rows(query, change.c.number, page=min(limit or 500, 500))
        for place, row in enumerate(found, start=1):
            yield rows.told(row)
            if place == limit:
                return

    def _lines(self, number: int, kind: Kind) -> Iterator[bytes]:
        query = select(change_part).where(
            change_part.c.number == number, change_part.c.kind == kind
        )
        for row in self._database.rows(query, change_part.c.part, page=snapshots.PAGE):
            with self._database.unpacking(f"Change {number}"):
                text = unpack(row.content)
            yield from split(text)

    def _check_base(self, connection: Connection) -> None:
        fixed = _base(connection)
        if fixed is not None and self._base is not None and fixed != self._base:
            raise UnusableDatabase(
                f"The database {self._database.place} was begun with the base {fixed}, and "
                f"the setting BASE is {self._base}. Set BASE back, or name another database "
                "(DATABASE)."
            )

    def _fix_base(self, connection: Connection, head: int) -> None:
        # Checked again: another process may have begun the log since this one opened it.
        self._check_base(connection)
        if head == 0:
            if self._base is None:
                raise ValueError("the first change of a log needs the base that it was opened with")
            connection.execute(insert(setting), {"name": "base", "value": self._base})


def _head(connection: Connection) -> int:
    return connection.scalar(select(func.max(change.c.number))) or 0


def _newest(connection: Connection) -> Row[*tuple[Any, ...]] | None:
    return connection.execute(select(change).order_by(change.c.number.desc()).limit(1)).first()


def _base(connection: Connection) -> str | None:
    return connection.scalar(select(setting.c.value).where(setting.c.name == "base"))


def _no_change(number: int, head: int) -> NotFound:
    return NotFound(f"There is no change {number}; the newest is {head}.", revision=head)


def _insert(connection: Connection, table: Table, rows: rows.Rows) -> None:
    if rows:
        connection.execute(insert(table), rows)

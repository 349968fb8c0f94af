"""A database behind a URL: transactions, rows by the page, faults in sentences. Knows no table."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Self

import zstandard
from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Row,
    Select,
    create_engine,
    event,
    make_url,
    tuple_,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError

from competency_graph.errors import StorageFull, UnusableDatabase

BUSY_SECONDS: Final = 30
ANOTHER: Final = "Name another one (DATABASE)."
_IOERR_WRITE: Final = sqlite3.SQLITE_IOERR | 3 << 8
_SENTENCES: Final = {
    sqlite3.SQLITE_NOTADB: f"is not a database. {ANOTHER}",
    sqlite3.SQLITE_CORRUPT: "is damaged. Restore it from a backup.",
    sqlite3.SQLITE_READONLY: "may not be written. Change its permissions, or those of its folder.",
    sqlite3.SQLITE_BUSY: "is locked by another program. Try again.",
    sqlite3.SQLITE_FULL: "does not fit on the disk any more. Make room and try again.",
    sqlite3.SQLITE_IOERR: "could not be read or written. Check the disk.",
}


class Database:
    """Connections to one database, given back after each transaction and gone after ``close``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._closed = False

    @classmethod
    def at(cls, url: str) -> Self:
        """Return the database at a URL; nothing is opened yet.

        Raises:
            UnusableDatabase: it is no URL, or of something that a log cannot be kept in.
        """
        parsed = _parsed(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        try:
            engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS} if sqlite else {})
        except ImportError:
            raise UnusableDatabase(
                f"The database {_place(parsed)} needs a library that is not installed. "
                "Run: pip install 'competency-graph[postgresql]'"
            ) from None
        except (SQLAlchemyError, TypeError, ValueError) as fault:
            raise UnusableDatabase(
                f"The database {_place(parsed)} cannot be used: {_first_line(fault)}."
            ) from fault
        if sqlite:
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        return cls(engine)

    @property
    def place(self) -> str:
        """How to name it to a person: the file, or the URL without its password."""
        return _place(self._engine.url)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of ours, with nobody else to administer it."""
        return self._engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Give back every handle; nothing can be asked afterwards."""
        self._closed = True
        self._engine.dispose()

    @contextmanager
    def transaction(
        self, *, writing: bool = False, patience: float = BUSY_SECONDS
    ) -> Iterator[Connection]:
        """Offer a connection in a transaction: committed at the end, undone by an exception.

        ``patience`` is how many seconds a writer waits for others where they queue (SQLite).

        Raises:
            UnusableDatabase: the database failed. A key conflict passes as it is.
        """
        if self._closed:
            raise ValueError("this database was closed")
        with (
            self._in_sentences(),
            self._engine.execution_options(
                writing=writing, patience=patience
            ).begin() as connection,
        ):
            yield connection

    @contextmanager
    def driver(self) -> Iterator[sqlite3.Connection]:
        """Offer a connection of the driver itself, outside any transaction (SQLite only)."""
        with self._in_sentences():
            raw = self._engine.raw_connection()
            try:
                assert isinstance(raw.driver_connection, sqlite3.Connection)
                yield raw.driver_connection
            finally:
                raw.close()

    @property
    def path(self) -> Path:
        """The file that it is in (SQLite only)."""
        with self.driver() as connection:
            return Path(connection.execute("PRAGMA database_list").fetchone()[2])

    def copy_to(self, file: Path) -> None:
        """Copy it as last committed into one file of its own (SQLite only); nobody waits for it.

        The file is whole or not there, and nothing beside it belongs to it.
        """
        half = file.with_name(f"{file.name}.part")
        try:
            with self.driver() as source, closing(sqlite3.connect(half)) as copy:
                source.backup(copy)
                # One file, and not a file with its log beside it.
                copy.execute("PRAGMA journal_mode = DELETE")
            with half.open("rb") as written:
                os.fsync(written.fileno())
            half.replace(file)
        finally:
            half.unlink(missing_ok=True)

    def forget(self) -> None:
        """Overwrite on the disk what was deleted, as far as that is ours to do (SQLite)."""
        if self.is_sqlite:
            with self.driver() as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def rows(
        self, query: Select[*tuple[Any, ...]], *key: Column[Any], page: int = 500
    ) -> Iterator[Row[*tuple[Any, ...]]]:
        """Yield rows in the order of a unique key that is among their columns.

        Each page is a transaction of its own, so no handle is in use while the caller works.
        Append-only tables give the same rows all the same.
        """
        query, rest = query.order_by(*key).limit(page), None
        while True:
            with self.transaction() as connection:
                rows = connection.execute(query if rest is None else query.where(rest)).all()
            yield from rows
            if len(rows) < page:
                return
            rest = tuple_(*key) > tuple(rows[-1]._mapping[column] for column in key)

    @contextmanager
    def _in_sentences(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as fault:
            raise _error(self.place, fault.orig) from fault
        except (sqlite3.Error, SQLAlchemyError) as fault:
            raise _error(self.place, fault) from fault

    @contextmanager
    def unpacking(self, what: str) -> Iterator[None]:
        """Turn what the decompressor finds wrong with stored content into ``UnusableDatabase``."""
        try:
            yield
        except zstandard.ZstdError as fault:
            raise UnusableDatabase(
                f"{what} in the database {self.place} is damaged. Restore it from a backup."
            ) from fault


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise UnusableDatabase(
            "The setting DATABASE is not a database URL. "
            "Write one such as sqlite:///competency-graph.db."
        ) from None
    if kind not in ("sqlite", "postgresql"):
        raise UnusableDatabase(f"The log is kept in SQLite or PostgreSQL, not in {kind}. {ANOTHER}")
    nowhere = parsed.database in (None, "", ":memory:") or parsed.query.get("mode") == "memory"
    if kind == "sqlite" and nowhere:
        raise UnusableDatabase(
            "The log needs a file, or it is lost at the end. Name one (DATABASE)."
        )
    bare = parsed.drivername == "postgresql"
    return parsed.set(drivername="postgresql+psycopg") if bare else parsed


def _place(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return (url.database or "").removeprefix("file:")
    return url.render_as_string(hide_password=True)


def _error(place: str, fault: BaseException | None) -> UnusableDatabase:
    # A limit on the size of files (RLIMIT_FSIZE) shows as a failed write.
    full = getattr(fault, "sqlite_errorcode", 0) in (sqlite3.SQLITE_FULL, _IOERR_WRITE)
    kind = StorageFull if full else UnusableDatabase
    return kind(_sentence(place, fault))


def _sentence(place: str, fault: BaseException | None) -> str:
    # Extended codes keep the primary one in their lowest byte.
    code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_CANTOPEN:
        path = Path(place)
        if path.is_dir():
            return f"The database {place} is a folder. Name a file in it (DATABASE)."
        if not path.parent.is_dir():
            return (
                f"The database {place} cannot be made: there is no folder {path.parent}. "
                "Make the folder first."
            )
        return f"The database {place} cannot be opened. Check who may read it and its folder."
    return f"The database {place} {_SENTENCES.get(code, f'cannot be used: {_first_line(fault)}.')}"


def _first_line(fault: BaseException | None) -> str:
    return next(iter(str(fault).strip().splitlines()), "no reason given").rstrip(".")


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # The driver begins transactions late and never before DDL; _begin_sqlite does it instead.
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # What a redaction takes out is overwritten, not only unlinked.
    connection.execute("PRAGMA secure_delete = ON")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads before it writes fails at once when another wrote meanwhile, however
    # long it may wait; so a writer takes its place in the queue before it reads.
    options = connection.get_execution_options()
    if not options.get("writing", False):
        connection.exec_driver_sql("BEGIN")
    elif (patience := options["patience"]) == BUSY_SECONDS:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(patience * 1000)}")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")

"""Copies of a whole database: made while others write, put into an empty one. SQLite only."""

from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from sqlalchemy import Connection, inspect, literal, select, table

from competency_graph.errors import BadRequest, UnusableDatabase
from competency_graph.log.database import Database
from competency_graph.log.schema import prepare, schema_of
from competency_graph.log.tables import SCHEMA_TABLE
from competency_graph.log.verification import first_fault


def back_up(database: Database, file: Path) -> None:
    """Copy a database, as last committed, into a new file; see :meth:`Log.back_up`."""
    _require_sqlite(database, "Back it up with PostgreSQL's own pg_dump.")
    if file.exists():
        raise BadRequest(f"There is a file {file} already. Name another one, or move it away.")
    if not file.parent.is_dir():
        raise BadRequest(f"There is no folder {file.parent}. Make the folder first.")
    try:
        database.copy_to(file)
    except OSError as fault:
        raise BadRequest(f"{file} cannot be written: {fault.strerror}.") from fault


def restore(file: Path, database: Database) -> None:
    """Put what a backup holds into a database that is not there yet, or empty.

    Raises:
        BadRequest: there is no such file, the database is not SQLite, or it is not empty.
        UnusableDatabase: the backup is not of a log, of a newer version, or damaged.
    """
    _require_sqlite(database, "Restore it with PostgreSQL's own pg_restore.")
    if not file.is_file():
        raise BadRequest(f"There is no file {file}.")
    source = Database.at(f"sqlite:///file:{quote(str(file.resolve()))}?mode=ro&uri=true")
    try:
        with source.transaction() as connection:
            if schema_of(connection, str(file)) is None:
                raise UnusableDatabase(f"{file} holds no log. Name a file that “backup” made.")
        with database.transaction() as connection:
            if not _is_empty(connection):
                raise BadRequest(
                    f"The database {database.place} is not empty. Restore into a new one "
                    "(--database), then put it in the place of the old one."
                )
        with TemporaryDirectory(dir=Path(database.place).parent) as folder:
            tried = Database.at(f"sqlite:///{folder}/tried.db")
            try:
                _copy(source, tried)
                prepare(tried, backup=False)
                if fault := first_fault(tried):
                    raise UnusableDatabase(
                        f"{file} is damaged: {fault} Nothing was restored. Try an older backup."
                    )
                _copy(tried, database)
            finally:
                tried.close()
    finally:
        source.close()


def _copy(source: Database, target: Database) -> None:
    with source.driver() as held, target.driver() as copy:
        held.backup(copy)


def _is_empty(connection: Connection) -> bool:
    names = set(inspect(connection).get_table_names()) - {SCHEMA_TABLE}
    return not any(
        connection.execute(select(literal(1)).select_from(table(name)).limit(1)).first()
        for name in names
    )


def _require_sqlite(database: Database, instead: str) -> None:
    if not database.is_sqlite:
        raise BadRequest(f"The database {database.place} is not a file of ours. {instead}")

"""The schema of a database: recognised, made, migrated after a backup. Reads no change."""

import sqlite3
import time
from typing import Final

from sqlalchemy import Connection, func, inspect, select, text

from competency_graph.errors import UnusableDatabase
from competency_graph.log.database import ANOTHER, BUSY_SECONDS, Database
from competency_graph.log.tables import SCHEMA_TABLE, SCHEMAS

# Any number that other programs are unlikely to lock.
_LOCK: Final = 0x6367_6C6F_67


def prepare(database: Database, *, backup: bool) -> None:
    """Give a database the newest schema; an older SQLite file is copied beside itself first.

    Raises:
        UnusableDatabase: it belongs to another program or to a newer version, or fails.
    """
    with database.transaction() as connection:
        present = schema_of(connection, database.place)
    if database.is_sqlite:
        _write_ahead(database)
    if present == SCHEMAS[-1]:
        return
    with database.transaction(writing=True) as connection:
        if not database.is_sqlite:
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        # Again, now that nobody else can migrate: another process may have been first.
        present = schema_of(connection, database.place)
        if present == SCHEMAS[-1]:
            return
        if present is not None and backup and database.is_sqlite:
            _back_up(database, present)
        migrate(connection, to=SCHEMAS[-1])


def migrate(connection: Connection, *, to: str) -> None:
    """Run the migrations up to one of ``SCHEMAS`` inside the transaction of a connection."""
    # Imported here because it takes as long as all of SQLAlchemy, and only migrating needs it.
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "competency_graph.log:migrations")
    command.upgrade(config, to)


def schema_of(connection: Connection, place: str) -> str | None:
    """Return which schema a database has, None for an empty one."""
    names = inspect(connection).get_table_names()
    if not names:
        return None
    found = None
    if SCHEMA_TABLE in names:
        found = connection.scalar(text(f"SELECT version_num FROM {SCHEMA_TABLE}"))
    if found is None:
        raise UnusableDatabase(f"The database {place} holds another program's tables. {ANOTHER}")
    if found not in SCHEMAS:
        raise UnusableDatabase(
            f"The database {place} was made by a newer version of Competency Graph: its schema is "
            f"{found}, and this version knows up to {SCHEMAS[-1]}. Upgrade, or name another "
            "database (DATABASE)."
        )
    return str(found)


def _write_ahead(database: Database) -> None:
    """Let readers and the writer work side by side; SQLite keeps this mode in the file."""
    deadline = time.monotonic() + BUSY_SECONDS
    with database.driver() as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as fault:
                # Alone among statements this one does not wait by itself for others to finish.
                if fault.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)


def _back_up(database: Database, schema: str) -> None:
    """Copy a SQLite database, as last committed, to ``<file>.schema-<schema>.backup``."""
    path = database.path
    database.copy_to(path.with_name(f"{path.name}.schema-{schema}.backup"))

"""Opening a database: connecting, recognising, migrating after a backup. Reads no change."""

import sqlite3
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, inspect, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from competency_graph.errors import UnusableDatabase

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def open_engine(url: str) -> Engine:
    """Return an engine on a database whose schema is the present one.

    A new database gets its tables. An older one is migrated; a SQLite file is copied first, to
    ``<file>.before-<its revision>``.

    Raises:
        UnusableDatabase: it cannot be opened, is not ours, or is of a newer version.
    """
    try:
        parsed = make_url(url)
        engine = create_engine(parsed, pool_pre_ping=False)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise UnusableDatabase(f"The database URL cannot be used: {error}.") from None
    shown = parsed.render_as_string(hide_password=True)
    if engine.dialect.name == "sqlite":
        _set_up_sqlite(engine)
    try:
        _bring_up_to_date(engine, shown, parsed.database)
    except DBAPIError as error:
        engine.dispose()
        raise UnusableDatabase(
            f"The database {shown} cannot be opened: {error.orig}. "
            "Check that the path is a file that may be written, or name another with --database."
        ) from None
    except UnusableDatabase:
        engine.dispose()
        raise
    return engine


def _set_up_sqlite(engine: Engine) -> None:
    """Leave transactions to us: the driver would begin them too late for one writer at a time."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 10000")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _bring_up_to_date(engine: Engine, shown: str, path: str | None) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    newest = script.get_current_head()
    with engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
        tables = inspect(connection).get_table_names()
    if present == newest:
        return
    if present is None and tables:
        raise UnusableDatabase(
            f"The database {shown} holds something else. Name another one with --database."
        )
    if present is not None and present not in {s.revision for s in script.walk_revisions()}:
        raise UnusableDatabase(
            f"The database {shown} was written by a newer version of this program "
            f"(schema {present}). Update the program."
        )
    if present is not None and engine.dialect.name == "sqlite" and path and path != ":memory:":
        _copy(path, f"{path}.before-{present}")
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _copy(path: str, to: str) -> None:
    """Copy a SQLite database while others may use it."""
    source, target = sqlite3.connect(path), sqlite3.connect(to)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()

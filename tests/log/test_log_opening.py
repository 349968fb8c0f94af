"""A database is opened, made, migrated or refused, always in a sentence."""

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from competency_graph.errors import UnusableDatabase
from competency_graph.log import Log
from competency_graph.log.database import Database
from competency_graph.log.schema import migrate
from competency_graph.log.tables import SCHEMA_TABLE, SCHEMAS, metadata

from log.conftest import BASE, MakeDraft


def at(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def older(tmp_path: Path, draft: MakeDraft) -> Path:
    """Return a database with changes in it, of the first schema as migration 0001 makes it."""
    newest, path = tmp_path / "newest.db", tmp_path / "older.db"
    with Log.open(at(newest), base=BASE) as log:
        for head in range(3):
            log.append(
                draft(
                    added=[f"<a> <p> <{head}> <g> ."],
                    touched={("g", "a")},
                    findings_added=[
                        {"graph": "g", "n": head, "focus": "a"},
                        {"graph": "h", "n": 0},
                    ],
                    findings_removed=[{"graph": "g", "n": head - 1, "focus": "a"}],
                ),
                expected_head=head,
            )
    database = Database.at(at(path))
    with database.transaction(writing=True) as connection:
        migrate(connection, to="0001")
    database.close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("ATTACH ? AS newest", (str(newest),))
        for table in ("setting", "change", "change_part", "touched", "finding"):
            raw.execute(f"INSERT INTO main.{table} SELECT * FROM newest.{table}")
        raw.commit()
    return path


def schema_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as raw:
        return str(raw.execute(f"SELECT version_num FROM {SCHEMA_TABLE}").fetchone()[0])


def test_an_older_schema_is_migrated_after_a_backup(older: Path, draft: MakeDraft) -> None:
    with Log.open(at(older), base=BASE) as log:
        assert (log.head(), log.verify()) == (3, None)
        assert log.append(draft(), expected_head=3) == 4
        log.write_snapshot(4, [("g", [f"<a> <p> <{n}> <g> ." for n in range(3)])])
        assert [change.number for change in log.history("g", "a")] == [1, 2, 3]
        assert [(row.number, row.finding) for row in log.standing(["g"])] == [
            (3, {"graph": "g", "n": 2, "focus": "a"})
        ]
        assert log.standing(nodes=["a"]) == log.standing(["g"])
        assert [row.number for row in log.standing(["h"])] == [1]
    assert schema_of(older) == SCHEMAS[-1]
    backup = older.with_name("older.db.schema-0001.backup")
    assert schema_of(backup) == "0001"
    restored = Path(shutil.copy(backup, older.with_name("restored.db")))
    with Log.open(at(restored)) as log:
        assert (log.head(), log.verify()) == (3, None)


def test_a_backup_can_be_declined(older: Path) -> None:
    Log.open(at(older), backup=False).close()
    assert list(older.parent.glob("*.backup*")) == []


def test_a_database_of_the_newest_schema_is_not_copied(tmp_path: Path) -> None:
    for _ in range(2):
        Log.open(at(tmp_path / "log.db")).close()
    assert [path.name for path in tmp_path.iterdir()] == ["log.db"]


def test_a_migration_that_fails_changes_nothing(older: Path) -> None:
    with closing(sqlite3.connect(older)) as raw:
        raw.execute("CREATE TABLE snapshot_part (in_the_way)")
    with pytest.raises(UnusableDatabase, match="table snapshot_part already exists"):
        Log.open(at(older))
    assert schema_of(older) == "0001"
    with closing(sqlite3.connect(older)) as raw:
        tables = {name for (name,) in raw.execute("SELECT name FROM sqlite_schema")}
        assert "snapshot" not in tables
        assert raw.execute("SELECT count(*) FROM change").fetchone() == (3,)


def test_migrations_make_the_tables_that_the_code_uses(url: str) -> None:
    database = Database.at(url)
    Log.open(url).close()
    with database.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": SCHEMA_TABLE})
        assert compare_metadata(context, metadata) == []
    database.close()


def test_every_migration_is_a_known_schema() -> None:
    config = Config()
    config.set_main_option("script_location", "competency_graph.log:migrations")
    steps = ScriptDirectory.from_config(config).walk_revisions()
    assert tuple(reversed([step.revision for step in steps])) == SCHEMAS


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    Log.open(at(path)).close()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(f"UPDATE {SCHEMA_TABLE} SET version_num = '0999'")
    before = path.read_bytes()
    with pytest.raises(UnusableDatabase, match=r"made by a newer version .* is 0999, .* Upgrade"):
        Log.open(at(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize("table", ["customer", "alembic_version", SCHEMA_TABLE])
def test_another_programs_database_is_left_alone(tmp_path: Path, table: str) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"CREATE TABLE {table} (version_num)")
    before = path.read_bytes()
    with pytest.raises(UnusableDatabase, match="holds another program's tables"):
        Log.open(at(path))
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "log.db").touch()
    with Log.open(at(tmp_path / "log.db")) as log:
        assert log.head() == 0


def test_what_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" * 1000)
    wrong = {
        at(tmp_path / "picture.png"): r"picture.png is not a database\. Name another one",
        at(tmp_path): r"is a folder\. Name a file in it",
        at(tmp_path / "none" / "log.db"): r"there is no folder .*none\. Make the folder first",
        at(tmp_path / "picture.png" / "log.db"): "there is no folder",
        "competency-graph.db": "is not a database URL",
        "": "is not a database URL",
        "sqlite://": "The log needs a file",
        "sqlite:///:memory:": "The log needs a file",
        "sqlite:///file:x?mode=memory&uri=true": "The log needs a file",
        "mysql://me@localhost/log": "not in mysql",
        "sqlite+nothing:///log.db": "cannot be used",
    }
    for url, sentence in wrong.items():
        with pytest.raises(UnusableDatabase, match=sentence):
            Log.open(url)


def test_a_password_is_never_shown() -> None:
    with pytest.raises(UnusableDatabase) as refused:
        Log.open("postgresql+pg8000://me:secret@127.0.0.1:1/log")
    assert "secret" not in str(refused.value)


def test_what_may_only_be_read_can_be_read(tmp_path: Path, draft: MakeDraft) -> None:
    path = tmp_path / "log.db"
    with Log.open(at(path), base=BASE) as log:
        log.append(draft(added=["<a> <p> <b> <g> ."]), expected_head=0)
    with Log.open(f"sqlite:///file:{path}?mode=ro&uri=true", base=BASE) as log:
        assert list(log.content_blocks()) == [("added", b"<a> <p> <b> <g> .\n")]
        with pytest.raises(UnusableDatabase, match=r"may not be written\. Change its permissions"):
            log.append(draft(), expected_head=1)


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_what_may_not_be_read_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    Log.open(at(path)).close()
    path.chmod(0)
    with pytest.raises(UnusableDatabase, match=r"cannot be opened\. Check who may read it"):
        Log.open(at(path))
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def test_a_log_is_written_ahead_and_to_the_disk(tmp_path: Path) -> None:
    Log.open(at(tmp_path / "log.db")).close()
    database = Database.at(at(tmp_path / "log.db"))
    with database.transaction() as connection:
        kept = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    database.close()
    assert kept == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}

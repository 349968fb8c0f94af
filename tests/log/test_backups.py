"""A backup is the whole log in one file, made while others write; restored it is the same."""

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from competency_graph.errors import BadRequest, UnusableDatabase
from competency_graph.log import Draft, Log
from competency_graph.log.tables import SCHEMA_TABLE
from hypothesis import given, settings

from log.conftest import BASE, NOON, POSTGRESQL, MakeDraft
from log.test_log import copy_of, states
from log.test_log import empty as empty


def at(path: Path) -> str:
    return f"sqlite:///{path}"


@given(history=states)
@settings(max_examples=20, deadline=None)
def test_backed_up_and_restored_it_is_the_same(
    empty: Path, history: list[frozenset[bytes]]
) -> None:
    with copy_of(empty) as (log, path):
        before: frozenset[bytes] = frozenset()
        for head, after in enumerate(history):
            added, removed = sorted(after - before), sorted(before - after)
            findings = [{"graph": "g", "message": str(head)}]
            draft = Draft(
                author="Ada",
                time=NOON,
                message=f"{head}",
                added=added,
                removed=removed,
                findings_added=findings,
            )
            log.append(draft, expected_head=head)
            before = after
        backup = path.with_name("backup.db")
        log.back_up(backup)
        log.back_up(path.with_name("again.db"))
        assert backup.read_bytes() == path.with_name("again.db").read_bytes()
        with Log.restore(at(path.with_name("restored.db")), backup, base=BASE) as restored:
            assert list(restored.changes()) == list(log.changes())
            assert list(restored.content_blocks()) == list(log.content_blocks())
            assert restored.standing() == log.standing()
            assert restored.verify() is None
            assert restored.append(draft, expected_head=len(history)) == len(history) + 1


def test_a_backup_is_one_file_of_a_moment_while_others_write(
    tmp_path: Path, draft: MakeDraft
) -> None:
    stop = threading.Event()
    written = [0]

    def write() -> None:
        with Log.open(at(tmp_path / "log.db"), base=BASE) as log:
            while not stop.is_set():
                lines = [f"<a> <p> <{written[0]}> <g> ."]
                written[0] = log.append(draft(added=lines), expected_head=written[0])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with Log.open(at(tmp_path / "log.db"), base=BASE) as log:
            heads = []
            for number in range(5):
                while written[0] < (number + 1) * 5:
                    assert writer.is_alive()
                log.back_up(tmp_path / f"backup-{number}.db")
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        name = f"backup-{number}.db"
        with Log.restore(at(tmp_path / f"restored-{number}.db"), tmp_path / name) as restored:
            assert restored.verify() is None
            heads.append(restored.head())
    assert heads == sorted(heads) and heads[0] >= 5
    beside = {file.name for file in tmp_path.iterdir() if file.name.startswith("backup-")}
    assert beside == {f"backup-{number}.db" for number in range(5)}


def test_an_older_backup_is_restored_and_migrated(tmp_path: Path, draft: MakeDraft) -> None:
    with Log.open(at(tmp_path / "log.db"), base=BASE) as log:
        log.append(draft(findings_added=[{"graph": "g"}]), expected_head=0)
        log.back_up(tmp_path / "backup.db")
    with closing(sqlite3.connect(tmp_path / "backup.db")) as raw, raw:
        raw.execute("DROP TABLE standing")
        raw.execute("DROP TABLE redaction")
        raw.execute("DROP TABLE token")
        raw.execute("DROP TABLE attempt")
        raw.execute(f"UPDATE {SCHEMA_TABLE} SET version_num = '0002'")
    with Log.restore(at(tmp_path / "new.db"), tmp_path / "backup.db") as restored:
        assert (restored.verify(), len(restored.standing())) == (None, 1)


def test_nothing_is_overwritten(tmp_path: Path, draft: MakeDraft) -> None:
    with Log.open(at(tmp_path / "log.db"), base=BASE) as log:
        log.append(draft(), expected_head=0)
        log.back_up(tmp_path / "backup.db")
        with pytest.raises(BadRequest, match=r"There is a file .*backup\.db already"):
            log.back_up(tmp_path / "backup.db")
        with pytest.raises(BadRequest, match=r"There is no folder .*none\. Make"):
            log.back_up(tmp_path / "none" / "backup.db")
    with pytest.raises(BadRequest, match=r"log\.db is not empty\. Restore into a new one"):
        Log.restore(at(tmp_path / "log.db"), tmp_path / "backup.db")
    # A database that was made and never written is as good as none.
    Log.open(at(tmp_path / "made.db")).close()
    with Log.restore(at(tmp_path / "made.db"), tmp_path / "backup.db") as restored:
        assert restored.head() == 1


def test_what_is_no_backup_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" * 1000)
    (tmp_path / "empty.db").touch()
    with closing(sqlite3.connect(tmp_path / "other.db")) as raw:
        raw.execute("CREATE TABLE customer (name)")
    wrong = {
        "none.db": (BadRequest, "There is no file"),
        "picture.png": (UnusableDatabase, "is not a database"),
        "empty.db": (UnusableDatabase, "holds no log"),
        "other.db": (UnusableDatabase, "another program's tables"),
    }
    for name, (kind, sentence) in wrong.items():
        with pytest.raises(kind, match=sentence):
            Log.restore(at(tmp_path / "new.db"), tmp_path / name)
        assert not (tmp_path / "new.db").exists() or not (tmp_path / "new.db").stat().st_size


@pytest.mark.skipif(not POSTGRESQL, reason="no PostgreSQL database was named for the tests")
def test_postgresql_has_programs_of_its_own_for_this(tmp_path: Path) -> None:
    assert POSTGRESQL
    with Log.open(POSTGRESQL) as log, pytest.raises(BadRequest, match="pg_dump"):
        log.back_up(tmp_path / "backup.db")
    with pytest.raises(BadRequest, match="pg_restore"):
        Log.restore(POSTGRESQL, tmp_path / "backup.db")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
def test_a_backup_that_fails_leaves_no_file(tmp_path: Path, draft: MakeDraft) -> None:
    with Log.open(at(tmp_path / "log.db"), base=BASE) as log:
        log.append(draft(), expected_head=0)
        (tmp_path / "backup.db.part").symlink_to("/dev/full")
        with pytest.raises((BadRequest, UnusableDatabase)):
            log.back_up(tmp_path / "backup.db")
        assert not (tmp_path / "backup.db").exists()

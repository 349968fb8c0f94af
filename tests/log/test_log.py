"""The log keeps what it was given, in order, and can tell when it no longer does."""

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from competency_graph.errors import NotFound, StaleHead, UnusableDatabase
from competency_graph.log import Draft, Fault, Log
from competency_graph.log.blocks import BLOCK_BYTES, unpack
from competency_graph.log.rows import MOST_TOUCHED
from hypothesis import given, settings
from hypothesis import strategies as st

from log.conftest import BASE, NOON, MakeDraft

GRAPH = "https://example.org/graph/one"

# Few different lines, so that histories come back to what they once had.
lines = st.sampled_from([f'<s{n}> <p> "{n}\r\u2028é" <g{n % 3}> .'.encode() for n in range(12)])
states = st.lists(st.frozensets(lines), min_size=1, max_size=8)


def replay(blocks: Iterable[tuple[str, bytes]]) -> set[bytes]:
    held: set[bytes] = set()
    for kind, block in blocks:
        assert block.endswith(b"\n")
        found = set(block[:-1].split(b"\n"))
        assert held.isdisjoint(found) if kind == "added" else held >= found
        held = held | found if kind == "added" else held - found
    return held


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "log.db"
    Log.open(f"sqlite:///{path}").close()
    return path


@contextmanager
def copy_of(path: Path) -> Iterator[tuple[Log, Path]]:
    """Open a copy of a database: properties need many, and making one takes longer."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(path, folder))
        with Log.open(f"sqlite:///{copy}", base=BASE) as log:
            yield log, copy


@given(history=states, snapshots=st.sets(st.integers(1, 8)))
@settings(max_examples=60, deadline=None)
def test_replaying_the_log_rebuilds_every_state(
    empty: Path, history: list[frozenset[bytes]], snapshots: set[int]
) -> None:
    with copy_of(empty) as (log, _):
        before: frozenset[bytes] = frozenset()
        for number, after in enumerate(history, start=1):
            added, removed = sorted(after - before), sorted(before - after)
            draft = Draft(author="Ada", time=NOON, message="", added=added, removed=removed)
            assert log.append(draft, expected_head=number - 1) == number
            read_added, read_removed = log.read(number)
            assert (list(read_added), list(read_removed)) == (added, removed)
            if number in snapshots:
                names = sorted({line.split()[-2].decode() for line in after})
                log.write_snapshot(
                    number,
                    [(g, sorted(x for x in after if x.split()[-2].decode() == g)) for g in names],
                )
            before = after
        for number, state in enumerate(history, start=1):
            assert replay(log.content_blocks(number)) == state
        assert replay(log.content_blocks()) == history[-1]
        assert replay(log.content_blocks(0)) == set()
        assert log.verify() is None


RECORDED = ["<a> <p> <2> <g> .", "<b> <p> <1> <g> .", "<b> <p> <2> <g> ."]


@pytest.fixture(scope="module")
def recorded(empty: Path, draft: MakeDraft) -> Iterator[Path]:
    """Return a database with three changes of every kind of content, and a snapshot."""
    with copy_of(empty) as (log, path):
        for number in range(1, 4):
            log.append(
                draft(
                    added=[f"<a> <p> <{number}> <g> .", f"<b> <p> <{number}> <g> ."],
                    removed=[f"<a> <p> <{number - 1}> <g> ."] if number > 1 else [],
                    findings_added=[{"message": "Write a label.", "severity": "warning"}],
                    findings_removed=[{"message": f"Was so at {number}."}],
                ),
                expected_head=number - 1,
            )
        log.write_snapshot(2, [("g", RECORDED)])
        assert log.verify() is None
        log.close()
        yield path


CELLS = [
    *(
        ("change", column)
        for column in (
            "number author time message added removed added_bytes removed_bytes findings_added "
            "findings_removed normal_form content_digest metadata_digest digest"
        ).split()
    ),
    ("change_part", "number"),
    ("change_part", "kind"),
    ("change_part", "content"),
    ("finding", "kind"),
    ("finding", "content"),
    ("snapshot", "digest"),
    ("snapshot_part", "graph"),
    ("snapshot_part", "content"),
    ("standing", "graph"),
    ("standing", "digest"),
    ("standing", "number"),
    ("standing", "content"),
]


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_one_flipped_bit_is_found_and_located(recorded: Path, data: st.DataObject) -> None:
    table, column = data.draw(st.sampled_from(CELLS))
    with copy_of(recorded) as (log, path), closing(sqlite3.connect(path)) as raw:
        rows = raw.execute(f"SELECT rowid, number, {column} FROM {table}").fetchall()
        rowid, number, value = data.draw(st.sampled_from(rows))
        changed = flipped(value, data)
        with raw:
            raw.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (changed, rowid))
        same = (
            isinstance(changed, bytes)
            and column == "content"
            and text_of(changed) == text_of(value)
        )
        fault = log.verify()
        assert fault is None if same else fault is not None and fault.number == number


def flipped(value: int | str | bytes, data: st.DataObject) -> int | str | bytes:
    if isinstance(value, int):
        # From the third bit on: the number of one change does not become that of another.
        return value ^ 1 << data.draw(st.integers(2, 20))
    encoded = bytearray(value.encode() if isinstance(value, str) else value)
    bits = 7 if isinstance(value, str) else 8
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= 1 << data.draw(st.integers(0, bits - 1))
    return encoded.decode() if isinstance(value, str) else bytes(encoded)


def text_of(block: int | str | bytes) -> bytes | None:
    """Return the text of a block, None for a torn one: some bits of its frame mean nothing."""
    assert isinstance(block, bytes)
    try:
        return unpack(block)
    except Exception:
        return None


def test_a_lost_or_moved_change_is_found(recorded: Path) -> None:
    with copy_of(recorded) as (log, path), closing(sqlite3.connect(path)) as raw:
        with raw:
            raw.execute("DELETE FROM change WHERE number = 2")
        assert log.verify() == Fault(number=2, what="change")


def test_a_snapshot_that_is_not_what_the_changes_come_to_is_found(empty: Path) -> None:
    with copy_of(empty) as (log, _):
        log.append(Draft(author="", time=NOON, message="", added=RECORDED), expected_head=0)
        log.write_snapshot(1, [("g", RECORDED[:2])])
        assert log.verify() == Fault(number=1, what="snapshot")


@pytest.mark.parametrize("wrong", [{"added": RECORDED[:1]}, {"removed": ["<never> <p> <1> <g> ."]}])
def test_a_change_that_is_not_a_difference_is_found(
    log: Log, draft: MakeDraft, wrong: dict[str, list[str]]
) -> None:
    log.append(draft(added=RECORDED), expected_head=0)
    assert log.verify() is None
    log.append(draft(**wrong), expected_head=1)
    assert log.verify() == Fault(number=2, what="change")


def test_damaged_content_is_reported_in_a_sentence(recorded: Path) -> None:
    with copy_of(recorded) as (log, path), closing(sqlite3.connect(path)) as raw:
        with raw:
            raw.execute("UPDATE change_part SET content = x'00' WHERE number = 3")
        with pytest.raises(UnusableDatabase, match=r"Change 3 in .* is damaged. Restore"):
            list(log.content_blocks())
        with pytest.raises(UnusableDatabase, match="Change 3"):
            list(log.read(3)[0])


def test_a_change_says_who_when_why_and_how_much(log: Log, draft: MakeDraft) -> None:
    findings = [{"message": "Schreib’s auf.", "focus": None}, {"message": "Again."}]
    log.append(
        draft(author="Béla", added=["<a> <p> <b> <g> ."], findings_added=findings),
        expected_head=0,
    )
    (change,) = log.changes()
    assert (change.number, change.author, change.time) == (1, "Béla", NOON)
    assert (change.added, change.removed, change.findings_added) == (1, 0, 2)
    assert log.findings(1) == (findings, [])


def test_a_stale_draft_leaves_no_trace(log: Log, draft: MakeDraft) -> None:
    log.append(draft(added=["<a> <p> <b> <g> ."]), expected_head=0)
    for expected in (0, 2, 7):
        with pytest.raises(StaleHead, match="The log is at change 1") as stale:
            log.append(draft(added=["<late> <p> <b> <g> ."]), expected_head=expected)
        assert stale.value.facts == {"expected": expected, "actual": 1}
    assert replay(log.content_blocks()) == {b"<a> <p> <b> <g> ."}


def test_time_never_goes_backwards(log: Log, draft: MakeDraft) -> None:
    earlier = NOON.astimezone(timezone(timedelta(hours=9))) - timedelta(hours=1)
    later = NOON + timedelta(microseconds=1)
    for head, time in enumerate([NOON, earlier, later]):
        log.append(draft(time=time), expected_head=head)
    assert [change.time for change in log.changes()] == [NOON, NOON, later]
    with pytest.raises(ValueError, match="time zone"):
        draft(time=datetime(2026, 11, 3))


@pytest.mark.parametrize("wrong", [["b", "a"], ["a", "a"], ["a\nb"], [""], ["a", "\n"]])
def test_lines_that_would_miscount_are_refused(
    log: Log, draft: MakeDraft, wrong: list[str]
) -> None:
    with pytest.raises(ValueError, match="line"):
        log.append(draft(added=wrong), expected_head=0)
    assert log.head() == 0


def test_large_changes_are_kept_in_parts(log: Log, draft: MakeDraft) -> None:
    noise = random.Random(7)
    given = [f'<s{n:05}> <p> "{noise.randbytes(500).hex()}" <g> .\n' for n in range(9_000)]
    given.append('<t> <p> "' + "x" * (BLOCK_BYTES + 1) + '" <g> .\n')
    log.append(draft(added=iter(given)), expected_head=0)
    blocks = [block for _, block in log.content_blocks()]
    assert b"".join(blocks) == "".join(given).encode()
    assert [len(block) <= BLOCK_BYTES for block in blocks] == [True] * (len(blocks) - 1) + [False]
    assert len(blocks) > 3


def test_changes_are_listed_by_the_page(log: Log, draft: MakeDraft) -> None:
    for head in range(5):
        log.append(draft(), expected_head=head)
    assert [change.number for change in log.changes(after=1, limit=3)] == [2, 3, 4]
    assert [change.number for change in log.changes(after=4)] == [5]
    assert len({change.digest for change in log.changes()}) == 5


def test_history_finds_what_touched_a_subject(log: Log, draft: MakeDraft) -> None:
    other = GRAPH + "/other"
    for head, touched in enumerate(
        [{(GRAPH, "a"), (GRAPH, "b")}, {(other, "a")}, {(GRAPH, "a")}, {("", "_:c4x1")}]
    ):
        log.append(draft(touched=touched), expected_head=head)
    found = {
        asked: [change.number for change in log.history(*asked)]
        for asked in [(GRAPH, "a"), (GRAPH, "b"), (None, "a"), (GRAPH,), ("", "_:c4x1"), ("", "a")]
    }
    assert found == {
        (GRAPH, "a"): [1, 3],
        (GRAPH, "b"): [1],
        (None, "a"): [1, 2, 3],
        (GRAPH,): [1, 3],
        ("", "_:c4x1"): [4],
        ("", "a"): [],
    }
    assert [change.number for change in log.history(None, "a", after=1, limit=1)] == [2]


def test_a_change_of_very_many_subjects_is_in_the_history_of_all(
    log: Log, draft: MakeDraft
) -> None:
    many = {(GRAPH, f"s{n}") for n in range(MOST_TOUCHED + 1)}
    log.append(draft(touched=many), expected_head=0)
    log.append(draft(touched={(GRAPH, None)}), expected_head=1)
    assert [change.number for change in log.history(GRAPH, "s1")] == [1, 2]
    assert [change.number for change in log.history(GRAPH)] == [1, 2]
    assert list(log.history("https://example.org/graph/two", "s1")) == []


def test_reading_begins_at_the_newest_snapshot(log: Log, draft: MakeDraft) -> None:
    log.append(draft(added=["<a> <p> <1> <g> ."]), expected_head=0)
    log.append(draft(added=["<a> <p> <2> <g> ."]), expected_head=1)
    assert log.latest_snapshot() == 0
    log.write_snapshot(1, [("g", ["<a> <p> <1> <g> ."]), ("empty", [])])
    log.write_snapshot(1, [("g", ["<never> <p> <1> <g> ."])])
    assert log.latest_snapshot() == 1
    assert list(log.content_blocks()) == [
        ("added", b"<a> <p> <1> <g> .\n"),
        ("added", b"<a> <p> <2> <g> .\n"),
    ]
    assert log.verify() is None


def test_a_snapshot_is_due_when_changes_outweigh_the_graph(log: Log, draft: MakeDraft) -> None:
    long = "x" * 1_000_000
    log.append(draft(added=[f'<a> <p> "{long}" <g> .']), expected_head=0)
    for head in range(1, 3):
        old, new = (f'<a> <p> "{long}{n or ""}" <g> .' for n in (head - 1, head))
        assert not log.snapshot_due()
        log.append(draft(removed=[old], added=[new]), expected_head=head)
    assert log.snapshot_due()
    log.write_snapshot(3, [("g", [f'<a> <p> "{long}2" <g> .'])])
    assert not log.snapshot_due()


def test_what_does_not_exist_is_not_found(log: Log) -> None:
    for ask in (log.read, log.findings, log.content_blocks, lambda n: log.write_snapshot(n, [])):
        with pytest.raises(NotFound, match="There is no change 1; the newest is 0"):
            ask(1)


def test_the_base_is_fixed_by_the_first_change(url: str, draft: MakeDraft) -> None:
    with Log.open(url, base=BASE) as log, Log.open(url, base="https://example.net/") as late:
        assert log.base() is None
        log.append(draft(), expected_head=0)
        assert log.base() == BASE
        with pytest.raises(UnusableDatabase, match=r"begun with the base https://example\.org/"):
            late.append(draft(), expected_head=1)
    with pytest.raises(UnusableDatabase, match="Set BASE back, or name another database"):
        Log.open(url, base="https://example.net/")
    with Log.open(url) as log:
        assert log.append(draft(), expected_head=1) == 2


def test_a_log_without_a_base_cannot_begin(url: str, draft: MakeDraft) -> None:
    with Log.open(url) as log:
        with pytest.raises(ValueError, match="base"):
            log.append(draft(), expected_head=0)
        assert log.head() == 0

"""A change can be emptied for good, and the log still holds; what stands is never emptied."""

from datetime import timedelta
from pathlib import Path

import pytest
from competency_graph import history
from competency_graph.errors import NotFound, Redacted, StillInGraph
from competency_graph.log import Draft, Fault, Log
from competency_graph.log.database import Database
from competency_graph.model import Extent
from sqlalchemy import text

from log.conftest import BASE, NOON, MakeDraft
from log.test_log import replay

PERSONAL = '<a> <phone> "030 1234567" <g> .'
KEPT = '<a> <name> "A role" <g> .'
LATER = NOON + timedelta(days=1)


def redact(log: Log, number: int, extent: Extent = "content") -> list[int]:
    return history.redact(log, number, extent, now=LATER)


@pytest.fixture
def regretted(log: Log, draft: MakeDraft) -> Log:
    """A log whose second change added what nobody should know, and whose third took it away."""
    log.append(draft(added=[KEPT]), expected_head=0)
    finding = {"graph": "g", "value": "030 1234567"}
    second = draft(added=[PERSONAL], message="Ring Ada: 030", findings_added=[finding])
    log.append(second, expected_head=1)
    log.write_snapshot(2, [("g", [KEPT, PERSONAL])])
    log.append(draft(removed=[PERSONAL], findings_removed=[finding]), expected_head=2)
    log.append(draft(added=['<b> <name> "Another" <g> .']), expected_head=3)
    log.write_snapshot(4, [("g", [KEPT, '<b> <name> "Another" <g> .'])])
    log.append(draft(added=['<c> <name> "A third" <g> .']), expected_head=4)
    return log


def test_a_redacted_log_verifies_and_gives_the_same_head(regretted: Log) -> None:
    log = regretted
    before = replay(log.content_blocks())
    digests = [change.digest for change in log.changes()]
    assert redact(log, 2) == [3]
    assert redact(log, 3) == []
    assert log.verify() is None
    assert replay(log.content_blocks()) == before
    assert [change.digest for change in log.changes()] == digests
    second = log.recent(before=3, limit=1)[0]
    assert (second.redacted, second.message, second.added) == ("content", "", 1)
    assert (second.author, second.time) == ("Ada", NOON)


def test_what_needs_a_redacted_change_says_so(regretted: Log) -> None:
    redact(regretted, 2)
    for ask in (regretted.read, regretted.findings, regretted.content_blocks):
        with pytest.raises(Redacted, match="The content of change 2 was redacted"):
            ask(2)
    with pytest.raises(Redacted):
        regretted.content_blocks(3)
    assert replay(regretted.content_blocks(1)) == {KEPT.encode()}
    assert len(replay(regretted.content_blocks(4))) == 2
    assert len(replay(regretted.content_blocks())) == 3


def test_what_is_in_the_graph_is_not_redacted(regretted: Log) -> None:
    before = [*regretted.content_blocks()]
    with pytest.raises(StillInGraph, match=r"Of what change 1 added, 1 statement is still in"):
        redact(regretted, 1)
    assert [*regretted.content_blocks(2)] and [*regretted.content_blocks()] == before
    assert [change.redacted for change in regretted.changes()] == [None] * 5


def test_a_message_alone_can_be_redacted(regretted: Log) -> None:
    assert redact(regretted, 1, "message") == []
    assert redact(regretted, 2, "message") == []
    assert [c.message for c in regretted.changes(limit=2)] == ["", ""]
    assert [c.redacted for c in regretted.changes(limit=3)] == ["message", "message", None]
    assert list(regretted.read(2)[0]) == [PERSONAL.encode()]
    assert regretted.verify() is None
    redact(regretted, 2)
    assert regretted.recent(before=3, limit=1)[0].redacted == "content"
    # Emptied twice, or less than before, is emptied once.
    redact(regretted, 2)
    redact(regretted, 2, "message")
    assert regretted.recent(before=3, limit=1)[0].redacted == "content"
    assert regretted.verify() is None


def test_a_refused_redaction_leaves_no_trace(log: Log, draft: MakeDraft) -> None:
    log.append(draft(added=[PERSONAL]), expected_head=0)
    with pytest.raises(StillInGraph):
        redact(log, 1)
    assert (log.latest_snapshot(), log.change(1).redacted) == (0, None)
    with pytest.raises(NotFound):
        redact(log, 2)


def test_nothing_of_it_is_left_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with Log.open(f"sqlite:///{path}", base=BASE) as log:
        line = f'<a> <phone> "{"0301234567" * 500}" <g> .'
        said = Draft(
            author="Ada",
            time=NOON,
            message="Call 030-MESSAGE",
            added=[line],
            findings_added=[{"graph": "g", "value": "030-FINDING"}],
        )
        log.append(said, expected_head=0)
        gone = Draft(author="Ada", time=NOON, message="", removed=[line])
        log.append(gone, expected_head=1)
        (block,) = {block for _, block in stored(path)}
        assert all(word in on_disk(tmp_path) for word in (block, b"030-MESSAGE"))
        redact(log, 1)
        redact(log, 2)
        found = on_disk(tmp_path)
        assert block not in found and b"030-MESSAGE" not in found
        assert log.verify() is None


def stored(path: Path) -> list[tuple[int, bytes]]:
    database = Database.at(f"sqlite:///{path}")
    with database.transaction() as connection:
        rows = connection.execute(text("SELECT number, content FROM change_part")).all()
    database.close()
    return [(number, content) for number, content in rows]


def on_disk(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("UPDATE change SET author = 'Eve' WHERE number = 1", Fault(number=1, what="change")),
        (
            "UPDATE change SET digest = content_digest WHERE number = 2",
            Fault(number=2, what="change"),
        ),
        ("UPDATE change SET message = 'No' WHERE number = 2", Fault(number=2, what="change")),
        ("DELETE FROM snapshot_part WHERE number = 4", Fault(number=4, what="snapshot")),
        ("DELETE FROM redaction", Fault(number=2, what="change")),
        ("UPDATE finding SET content = 'x' WHERE number = 2", Fault(number=2, what="standing")),
    ],
)
def test_damage_beside_a_redaction_is_found(
    regretted: Log, url: str, damage: str, fault: Fault
) -> None:
    redact(regretted, 2)
    assert regretted.verify() is None
    database = Database.at(url)
    with database.transaction(writing=True) as connection:
        connection.execute(text(damage))
    database.close()
    assert regretted.verify() == fault


def test_a_redaction_without_its_snapshot_is_found(regretted: Log, url: str) -> None:
    redact(regretted, 2)
    database = Database.at(url)
    with database.transaction(writing=True) as connection:
        connection.execute(text("DELETE FROM snapshot_part"))
        connection.execute(text("DELETE FROM snapshot"))
    database.close()
    assert regretted.verify() == Fault(number=2, what="snapshot")


def test_what_was_emptied_first_still_counts_as_taken_away(regretted: Log) -> None:
    before = replay(regretted.content_blocks())
    assert redact(regretted, 3) == [2]
    assert redact(regretted, 2) == []
    assert replay(regretted.content_blocks()) == before
    assert regretted.verify() is None


def test_the_snapshot_after_an_emptied_change_goes_only_for_another(
    log: Log, draft: MakeDraft
) -> None:
    other = '<b> <name> "Another" <g> .'
    log.append(draft(added=[KEPT]), expected_head=0)
    log.append(draft(added=[PERSONAL]), expected_head=1)
    log.append(draft(removed=[PERSONAL]), expected_head=2)
    log.write_snapshot(3, [("g", [KEPT])])
    log.append(draft(added=[other]), expected_head=3)
    log.append(draft(removed=[other]), expected_head=4)
    log.append(draft(added=[PERSONAL]), expected_head=5)
    log.write_snapshot(6, [("g", [KEPT, PERSONAL])])
    assert redact(log, 4) == [5]
    log.append(draft(removed=[PERSONAL]), expected_head=6)
    assert redact(log, 2) == [3, 6, 7]
    assert replay(log.content_blocks()) == {KEPT.encode()}
    assert log.verify() is None

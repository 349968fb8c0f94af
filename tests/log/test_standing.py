"""The findings that stand are those that changes added and none removed since."""

from pathlib import Path

import pytest
from competency_graph.errors import StaleHead
from competency_graph.log import Draft, Fault, Log
from competency_graph.log.database import Database
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from log.conftest import BASE, NOON, MakeDraft
from log.test_log import copy_of
from log.test_log import empty as empty

FINDINGS = [
    {"graph": f"https://example.org/graph/{graph}", "focus": focus, "message": "Write it."}
    for graph in "ab"
    for focus in "xyz"
]
some = st.lists(st.sampled_from(FINDINGS), max_size=4)


def stands(
    log: Log, graphs: list[str] | None = None, nodes: list[str] | None = None
) -> set[tuple[int, str, str]]:
    found = log.standing(graphs, nodes=nodes)
    told = {(r.number, str(r.finding["graph"])[-1], str(r.finding["focus"])) for r in found}
    assert len(told) == len(found)
    return told


@given(changes=st.lists(st.tuples(some, some), max_size=6))
@settings(max_examples=40, deadline=None)
def test_what_stands_follows_every_change(
    empty: Path, changes: list[tuple[list[dict[str, str]], list[dict[str, str]]]]
) -> None:
    expected: dict[tuple[str, str], int] = {}
    with copy_of(empty) as (log, _):
        for number, (removed, added) in enumerate(changes, start=1):
            draft = Draft(
                author="Ada",
                time=NOON,
                message="",
                findings_removed=removed,
                findings_added=added,
            )
            log.append(draft, expected_head=number - 1)
            for row in removed:
                expected.pop((row["graph"], row["focus"]), None)
            for row in added:
                expected.setdefault((row["graph"], row["focus"]), number)
        found = {(n, graph[-1], focus) for (graph, focus), n in expected.items()}
        assert stands(log) == found
        assert stands(log, [FINDINGS[0]["graph"]]) == {row for row in found if row[1] == "a"}
        assert stands(log, []) == stands(log, [], []) == set()
        assert stands(log, nodes=["x", "none"]) == {row for row in found if row[2] == "x"}
        either = stands(log, [FINDINGS[0]["graph"]], ["x"])
        assert either == {row for row in found if row[1] == "a" or row[2] == "x"}
        assert log.verify() is None


def test_a_finding_comes_back_as_it_was_given(log: Log, draft: MakeDraft) -> None:
    given = {"graph": "g", "message": "Schreib’s auf.", "value": None, "place": {"line": 3}}
    log.append(draft(findings_added=[given]), expected_head=0)
    (row,) = log.standing()
    assert (row.number, row.finding) == (1, given)
    log.append(draft(findings_removed=[row.finding]), expected_head=1)
    assert log.standing() == []


def test_a_finding_stands_at_the_node_that_was_judged(log: Log, draft: MakeDraft) -> None:
    inner = {"graph": "g", "focus": "inner", "node": "outer"}
    log.append(draft(findings_added=[inner]), expected_head=0)
    assert log.standing(nodes=["inner"]) == []
    assert [row.finding for row in log.standing(nodes=["outer"])] == [inner]
    many = [f"n{number}" for number in range(20_000)]
    assert [row.finding for row in log.standing(nodes=[*many, "outer"])] == [inner]


def test_a_stale_draft_leaves_what_stands(log: Log, draft: MakeDraft) -> None:
    log.append(draft(findings_added=FINDINGS[:1]), expected_head=0)
    with pytest.raises(StaleHead):
        log.append(draft(findings_removed=FINDINGS[:1]), expected_head=0)
    assert stands(log) == {(1, "a", "x")}


def test_what_stands_wrongly_is_found(url: str, draft: MakeDraft) -> None:
    with Log.open(url, base=BASE) as log:
        log.append(draft(), expected_head=0)
        log.append(draft(findings_added=FINDINGS[:2]), expected_head=1)
        database = Database.at(url)
        for fault in ("UPDATE standing SET node = 0", "DELETE FROM standing"):
            with database.transaction(writing=True) as connection:
                connection.execute(text(fault + " WHERE content LIKE '%\"x\"%'"))
            assert log.verify() == Fault(number=2, what="standing")
        database.close()

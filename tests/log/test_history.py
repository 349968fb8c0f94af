"""The log and the graph are one: rebuilt, kept short, undone, and told to people."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from competency_graph import changes, history
from competency_graph.errors import NotFound, Redacted
from competency_graph.index import Graph, statements
from competency_graph.log import Draft, Log
from competency_graph.rdf import graph_name, subjects_of_lines
from hypothesis import given, settings
from hypothesis import strategies as st

from log.conftest import NOON, MakeDraft
from log.test_log import copy_of
from log.test_log import empty as empty

GRAPHS = ["https://example.org/graph/one", "https://example.org/graph/two"]
VALUES = ["<https://example.org/b>", "_:c1x0", '"a <g> b"', '"say \\"<x>\\" ."@de', '"1 <g"^^<d:t>']
QUADS = [
    f"{subject} <https://example.org/{p}> {value} <{graph}> .".encode()
    for subject in ("<https://example.org/a>", "_:c1x0")
    for p, value in enumerate(VALUES)
    for graph in GRAPHS
]
histories = st.lists(st.frozensets(st.sampled_from(QUADS), max_size=12), min_size=1, max_size=6)


def append(log: Log, after: frozenset[bytes], **said: object) -> int:
    before = in_log(log)
    added, removed = sorted(after - before), sorted(before - after)
    usual = {"author": "Ada", "time": NOON, "message": ""}
    touched = subjects_of_lines([*added, *removed])
    draft = Draft(**(usual | said), added=added, removed=removed, touched=touched)  # type: ignore[arg-type]
    return log.append(draft, expected_head=log.head())


def in_log(log: Log, number: int | None = None) -> frozenset[bytes]:
    graphs = history.lines_by_graph(log, number)
    assert all(graph_name(line) == graph for graph in graphs for line in graphs[graph])
    return frozenset(line for lines in graphs.values() for line in lines)


def in_index(log: Log) -> frozenset[bytes]:
    graph = Graph(revision=log.head())
    graph.load(log.content_blocks())
    # The blank node hangs on the thing in one graph or the other, or is asked for by its lines.
    held = set(graph.lines_about("https://example.org/a"))
    return frozenset(line for line in held if line.startswith(b"<https://example.org/a>"))


@given(states=histories, kept=st.sets(st.integers(1, 6)))
@settings(max_examples=40, deadline=None)
def test_log_snapshots_and_index_come_to_the_same(
    empty: Path, states: list[frozenset[bytes]], kept: set[int]
) -> None:
    with copy_of(empty) as (plain, _), copy_of(empty) as (short, _):
        for number, state in enumerate(states, start=1):
            for log in (plain, short):
                append(log, state)
            if number in kept:
                graphs = history.lines_by_graph(short)
                short.write_snapshot(number, [(g, sorted(graphs[g])) for g in sorted(graphs)])
        for number, state in enumerate(states, start=1):
            assert in_log(plain, number) == in_log(short, number) == state
        about = {line for line in states[-1] if line.startswith(b"<https://example.org/a>")}
        assert in_index(plain) == in_index(short) == about
        assert (plain.verify(), short.verify()) == (None, None)


@given(states=histories)
@settings(max_examples=40, deadline=None)
def test_undoing_every_change_leaves_nothing(empty: Path, states: list[frozenset[bytes]]) -> None:
    with copy_of(empty) as (log, _):
        for state in states:
            append(log, state)
        for number in range(len(states), 0, -1):
            removed, added = history.reverse(log, number)
            undo = Draft(author="Ada", time=NOON, message="", added=added, removed=removed)
            log.append(undo, expected_head=log.head())
            assert in_log(log) == (states[number - 2] if number > 1 else frozenset())
        assert in_log(log) == frozenset()
        assert log.verify() is None


@given(text=st.text(max_size=12), graph=st.sampled_from(["", " <https://example.org/g>", " _:g"]))
@settings(max_examples=200, deadline=None)
def test_the_graph_of_a_line_is_found_whatever_its_literal_says(text: str, graph: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = escaped.replace("\n", "\\n").replace("\r", "\\r")
    name = graph.strip(" <>")
    for ending in ("", "@de", "^^<https://example.org/d>"):
        line = f'<https://example.org/a> <https://example.org/p> "{escaped}"{ending}{graph} .'
        assert graph_name(line.encode()) == name
        assert subjects_of_lines([line.encode()]) == {(name, "https://example.org/a")}
    for value in ("<https://example.org/b>", "_:b"):
        line = f"<https://example.org/a> <https://example.org/p> {value}{graph} ."
        assert graph_name(line.encode()) == name


def test_a_snapshot_is_kept_when_due_while_others_append(log: Log, draft: MakeDraft) -> None:
    long = "x" * 1_000_000
    previous: list[str] = []
    for head in range(3):
        assert not history.keep_snapshot(log)
        line = [f'<d:a> <d:p> "{long}{head}" <d:g> .']
        log.append(draft(added=line, removed=previous), expected_head=head)
        previous = line
    keeping = threading.Thread(target=history.keep_snapshot, args=[log])
    keeping.start()
    for head in range(3, 13):
        log.append(draft(added=[f"<d:b> <d:p> <d:{head}> <d:g> ."]), expected_head=head)
    keeping.join()
    assert 3 <= log.latest_snapshot() <= 13
    assert not history.keep_snapshot(log)
    assert len(in_log(log)) == 11
    assert log.verify() is None


def test_digests_are_of_triples_under_their_graphs(log: Log) -> None:
    append(log, frozenset(QUADS))
    kept = history.digests(history.lines_by_graph(log))
    triples = {line.replace(f"<{GRAPHS[0]}> ".encode(), b"") for line in QUADS}
    triples = {line for line in triples if not line.endswith(f"<{GRAPHS[1]}> .".encode())}
    assert set(kept) == set(GRAPHS)
    assert kept[GRAPHS[0]] == kept[GRAPHS[1]] == history.digest(triples)


NAME = "http://www.w3.org/2004/02/skos/core#prefLabel"
DEFINITION = "http://www.w3.org/2004/02/skos/core#definition"
HELD = "https://example.org/held"
A = "https://example.org/a"
ONE = GRAPHS[0]


def line(subject: str, predicate: str, value: str) -> bytes:
    return f"{subject} <{predicate}> {value} <{ONE}> .".encode()


WORDS = [
    line(f"<{A}>", NAME, '"Knowledge broker"@en'),
    line(f"<{DEFINITION}>", NAME, '"definition"@en'),
    line(f"<{A}>", HELD, "_:c1x0"),
    line("_:c1x0", HELD, "<https://example.org/b>"),
]
FIRST = line(f"<{A}>", DEFINITION, '"Links."@en')
SECOND = line(f"<{A}>", DEFINITION, '"Links people."@en')
GONE = line("<https://example.org/gone>", NAME, '"Facilitator"@en')


@pytest.fixture
def told(log: Log) -> Iterator[tuple[Log, Graph]]:
    """Four changes of two people: a thing begun, reworded, another taken away."""
    append(log, frozenset([*WORDS, FIRST, GONE]), message="Begin.")
    append(log, frozenset([*WORDS, SECOND, GONE]), author="Béla", message="Reword.")
    append(log, frozenset([*WORDS, SECOND]), message="Take away.", time=NOON + timedelta(days=1))
    finding = {"message": "Write it.", "graph": ONE}
    log.append(
        Draft(author="Ada", time=NOON, message="Judge anew.", findings_added=[finding]),
        expected_head=3,
    )
    graph = Graph(revision=log.head())
    graph.load(log.content_blocks())
    yield log, graph


def test_changes_are_listed_newest_first_by_the_page(told: tuple[Log, Graph]) -> None:
    log, _ = told
    page = changes.listed(log, limit=3)
    assert [item["revision"] for item in page["items"]] == [4, 3, 2]
    assert (page["total"], page["next"]) == (4, 2)
    assert page["items"][0]["findings"] == {"added": 1, "removed": 0}
    assert page["items"][2] == {
        "revision": 2,
        "author": "Béla",
        "time": "2026-11-03T12:00:00+00:00",
        "message": "Reword.",
        "added": 1,
        "removed": 1,
        "findings": {"added": 0, "removed": 0},
    }
    last = changes.listed(log, before=page["next"], limit=3)
    assert ([item["revision"] for item in last["items"]], last["next"]) == ([1], None)
    assert changes.listed(log, before=1) == {"items": [], "total": 4, "next": None}


def test_one_change_is_told_by_thing_in_words(told: tuple[Log, Graph]) -> None:
    log, graph = told
    change = changes.single(log, 2)
    assert (change["added"], change["removed"]) == ([SECOND.decode()], [FIRST.decode()])
    (thing,) = changes.by_thing(graph, change["added"], change["removed"], ["en"])
    assert (thing["id"], thing["label"]) == (A, "Knowledge broker")
    assert thing["removed"] == [
        {
            "field": {"id": DEFINITION, "label": "definition", "language": "en", "known": True},
            "value": {"text": "Links.", "language": "en"},
            "graph": ONE,
        }
    ]
    assert changes.single(log, 4)["findings"]["added"] == [{"message": "Write it.", "graph": ONE}]
    with pytest.raises(NotFound):
        changes.single(log, 5)


def test_what_is_gone_is_told_by_its_last_name(told: tuple[Log, Graph]) -> None:
    log, graph = told
    change = changes.single(log, 3)
    (thing,) = changes.by_thing(graph, change["added"], change["removed"], ["en"])
    assert thing["label"] == "Facilitator"


def test_a_part_without_a_name_is_told_under_its_thing(told: tuple[Log, Graph]) -> None:
    log, graph = told
    first = changes.single(log, 1)
    things = changes.by_thing(graph, first["added"], [], ["en"])
    assert [thing["label"] for thing in things] == ["definition", "Facilitator", "Knowledge broker"]
    assert {s["field"]["label"] for s in things[2]["added"]} == {"prefLabel", "definition", "held"}
    assert len(things[2]["added"]) == 4
    ring = [line("_:a", HELD, "_:b"), line("_:b", HELD, "_:a")]
    assert len(changes.by_thing(graph, [x.decode() for x in ring], [], [])) in (1, 2)


def test_a_large_change_is_told_in_part(told: tuple[Log, Graph]) -> None:
    change = changes.single(told[0], 1, most=2)
    assert len(change["added"]) == 2
    assert change["left_off"] == {"added": 4, "removed": 0}


def test_the_history_of_a_thing_has_only_what_is_about_it(told: tuple[Log, Graph]) -> None:
    log, _ = told
    page = changes.of_thing(log, A)
    assert [item["revision"] for item in page["items"]] == [2, 1]
    assert page["items"][0]["added"] == [SECOND.decode()]
    assert all(text.startswith(f"<{A}>") for text in page["items"][1]["added"])
    assert page["next"] is None
    first = changes.of_thing(log, A, limit=1)
    assert ([item["revision"] for item in first["items"]], first["next"]) == ([2], 2)
    rest = changes.of_thing(log, A, before=first["next"], limit=1)
    assert ([item["revision"] for item in rest["items"]], rest["next"]) == ([1], None)


def test_a_change_of_very_many_is_in_the_history_of_those_it_changed(
    log: Log, draft: MakeDraft
) -> None:
    log.append(draft(added=[FIRST], touched={(ONE, None)}), expected_head=0)
    log.append(draft(added=[GONE], touched={(ONE, None)}), expected_head=1)
    assert [item["revision"] for item in changes.of_thing(log, A)["items"]] == [1]


def test_blame_names_who_brought_each_statement(told: tuple[Log, Graph]) -> None:
    log, graph = told
    found = changes.blame(log, graph, A, ["en"])
    assert found["label"] == "Knowledge broker"
    by = {
        (s["field"]["label"], s.get("part")): (s["change"]["revision"], s["change"]["author"])
        for s in found["statements"]
    }
    assert by == {
        ("definition", None): (2, "Béla"),
        ("prefLabel", None): (1, "Ada"),
        ("held", None): (1, "Ada"),
        ("held", "_:c1x0"): (1, "Ada"),
    }
    with pytest.raises(NotFound, match="Nothing is known about"):
        changes.blame(log, graph, "https://example.org/none", [])


@given(states=histories)
@settings(max_examples=30, deadline=None)
def test_blame_is_the_newest_change_that_added_a_statement(
    empty: Path, states: list[frozenset[bytes]]
) -> None:
    with copy_of(empty) as (log, _):
        brought: dict[bytes, int] = {}
        before: frozenset[bytes] = frozenset()
        for state in states:
            number = append(log, state)
            brought |= dict.fromkeys(state - before, number)
            before = state
        graph = Graph(revision=log.head())
        graph.load(log.content_blocks())
        lines = graph.lines_about("https://example.org/a")
        if lines:
            found = changes.blame(log, graph, "https://example.org/a", [])["statements"]
            assert [s["change"]["revision"] for s in found] == [brought[x] for x in lines]
            assert len(list(statements(lines))) == len(lines)


def test_what_was_redacted_is_told_as_such(told: tuple[Log, Graph]) -> None:
    log, graph = told
    append(log, frozenset(WORDS), message="Take the definition away.")
    assert history.redact(log, 2, "content", now=NOON) == [1, 5]
    change = changes.single(log, 2)
    assert (change["redacted"], change["message"], change["added"]) == ("content", "", 1)
    assert [item["revision"] for item in changes.of_thing(log, A)["items"]] == [5, 2, 1]
    with pytest.raises(Redacted):
        history.reverse(log, 2)
    graph = Graph(revision=log.head())
    graph.load(log.content_blocks())
    assert len(changes.blame(log, graph, A, [])["statements"]) == 3

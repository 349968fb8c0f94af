"""Whatever is changed through the gate: log, index and snapshots agree, and all can be undone."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyoxigraph as ox
import pytest
from competency_graph import history
from competency_graph.config import Settings
from competency_graph.errors import CompetencyGraphError
from competency_graph.gate import Gate, Outcome, Wish
from competency_graph.index import Graph
from competency_graph.local_gate import local_gate
from competency_graph.log import Log
from competency_graph.model import Identity, Operation, joined, split
from competency_graph.rdf import SYNTAXES, Syntax, canonical_quads
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
OPERATOR = Identity(name="The operator", role="admin")
EX = "https://example.org/"
GRAPHS = [f"{EX}g1", f"{EX}g2"]
N_QUADS, TRIG = (next(s for s in SYNTAXES if s.name == name) for name in ("n-quads", "trig"))

_ENDS = [f"<{EX}a>", f"<{EX}b>", "_:x", "_:y"]
_VALUES = [
    *_ENDS,
    '"say \\"a _:b\\" "@en',
    '"1.50"^^<http://www.w3.org/2001/XMLSchema#decimal>',
    "7",
]
statements = st.tuples(
    st.sampled_from(_ENDS), st.sampled_from([f"<{EX}p>", f"<{EX}q>"]), st.sampled_from(_VALUES)
).map(lambda parts: " ".join(parts) + " .")
documents = st.lists(statements, max_size=6).map("\n".join)
graphs = st.sampled_from(GRAPHS)
updates = st.sampled_from(
    [
        "DELETE { GRAPH ?g { ?s ex:p ?o } } INSERT { GRAPH ex:g2 { ?s ex:q ?o . _:n ex:p ?s } } "
        "WHERE { GRAPH ?g { ?s ex:p ?o } }",
        "INSERT DATA { GRAPH ex:g1 { ex:a ex:p _:n . _:n ex:q 1 } } ; "
        "DELETE WHERE { GRAPH ex:g1 { ?s ex:q ?o } }",
        "COPY ex:g1 TO ex:g2",
        "MOVE SILENT ex:g2 TO ex:g1",
        "ADD SILENT ex:g2 TO ex:g1",
        "CLEAR SILENT GRAPH ex:g1",
        "INSERT { GRAPH ex:g1 { ?s ex:p [ ex:q ?o ] } } WHERE { GRAPH ex:g2 { ?s ?p ?o } }",
    ]
)
wishes = st.one_of(
    st.builds(
        Operation,
        kind=st.sampled_from(["add", "replace"]),
        graph=graphs,
        content=documents.map(str.encode),
    ),
    st.builds(
        Operation,
        kind=st.just("update"),
        content=updates.map(lambda text: f"PREFIX ex: <{EX}> {text}".encode()),
    ),
    st.builds(Operation, kind=st.just("delete"), graph=graphs),
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "log.db"
    Log.open(f"sqlite:///{path}").close()
    return path


@contextmanager
def a_gate(empty: Path) -> Iterator[tuple[Gate, Log, Settings]]:
    """Open a gate on an empty database of its own."""
    with TemporaryDirectory() as folder:
        path = shutil.copy(empty, folder)
        settings = Settings(database=f"sqlite:///{path}", seed="none", validation=False)
        with local_gate(settings, now=lambda: NOON) as (gate, log):
            yield gate, log, settings


def change(gate: Gate, *operations: Operation) -> Outcome:
    return gate.change(Wish(operations=operations, message=""), OPERATOR)


def undo(gate: Gate, log: Log, number: int) -> None:
    removed, added = history.reverse(log, number)
    content = joined(removed) + b"\n" + joined(added)
    assert change(gate, Operation(kind="lines", content=content, syntax="n-quads")).recorded


def in_log(log: Log, number: int | None = None) -> bytes:
    held = history.lines_by_graph(log, number)
    return joined(sorted(line for lines in held.values() for line in lines))


def in_index(graph: Graph) -> bytes:
    named = [
        quad
        for quad in graph.store.quads_for_pattern(None, None, None, None)
        if quad.graph_name != ox.DefaultGraph()
    ]
    union = set(graph.store.quads_for_pattern(None, None, None, ox.DefaultGraph()))
    assert union == {ox.Quad(quad.subject, quad.predicate, quad.object) for quad in named}
    text = ox.serialize(named, format=ox.RdfFormat.N_QUADS) or b""
    return joined(sorted(split(text)))


@given(wanted=st.lists(wishes, min_size=1, max_size=7), kept=st.sets(st.integers(1, 7)))
@how(max_examples=25, deadline=timedelta(seconds=20))
def test_log_snapshot_and_index_agree_and_every_change_can_be_undone(
    empty: Path, wanted: list[Operation], kept: set[int]
) -> None:
    with a_gate(empty) as (gate, log, settings):
        live = history.load(settings, now=NOON)
        follow = history.Follower(settings)
        states = [b""]
        for operation in wanted:
            try:
                outcome = change(gate, operation)
            except CompetencyGraphError:
                assert in_log(log) == states[-1], "what is refused leaves no trace"
                continue
            assert outcome.recorded == (in_log(log) != states[-1])
            if not outcome.recorded:
                continue
            for number, removed, added in follow(live.revision):
                live.apply(split(added), split(removed))
                live.revision = number
            states.append(in_log(log))
            assert in_index(live) == states[-1]
        at = len(states) - 1
        assert log.head() == at
        for number in kept.intersection(range(at)):
            held = history.lines_by_graph(log, number)
            log.write_snapshot(number, [(name, sorted(held[name])) for name in sorted(held)])
        for number, state in enumerate(states):
            assert in_log(log, number) == state
            assert in_index(history.graph_of(log, settings, at=number)) == state
        for number in range(at, 0, -1):
            undo(gate, log, number)
            assert in_log(log) == states[number - 1]
        assert in_index(history.graph_of(log, settings)) == in_log(log) == b""
        assert log.verify() is None


@given(
    first=st.lists(st.tuples(graphs, documents), min_size=1, max_size=4),
    syntax=st.sampled_from([N_QUADS, TRIG]),
)
@how(max_examples=25, deadline=timedelta(seconds=20))
def test_export_import_export_gives_the_same_bytes(
    empty: Path, first: list[tuple[str, str]], syntax: Syntax
) -> None:
    with a_gate(empty) as (gate, log, _):
        for graph, text in first:
            change(gate, Operation(kind="add", graph=graph, content=text.encode()))
        exported = canonical_quads(split(in_log(log)), N_QUADS)
        readable = canonical_quads(split(in_log(log)), TRIG)
    with a_gate(empty) as (gate, log, _):
        content = exported if syntax == N_QUADS else readable
        change(gate, Operation(kind="add", content=content, syntax=syntax.name))
        assert canonical_quads(split(in_log(log)), N_QUADS) == exported
        assert canonical_quads(split(in_log(log)), TRIG) == readable


def test_an_index_is_not_born_old(empty: Path) -> None:
    """What was taken out since the last snapshot is not put in to be taken out again."""
    with a_gate(empty) as (gate, log, settings):
        for number in range(5):
            text = "\n".join(f"<{EX}{n}> <{EX}p> {number} ." for n in range(200))
            operation = Operation(kind="replace", graph=GRAPHS[0], content=text.encode())
            assert change(gate, operation).recorded
        put = sum(block.count(b"\n") for _, block in history.lasting(log, log.head()))
        assert put == 200
        assert in_index(history.graph_of(log, settings)) == in_log(log)

"""Our own shapes, on what ships and on random changes of small graphs: pySHACL finds the same."""

import os
import random
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest
from competency_graph import graphs, resources
from competency_graph.shacl.compile import Compiled, compiled
from competency_graph.shacl.data import Run, Stored
from competency_graph.shacl.evaluate import judge
from competency_graph.shacl.findings import findings_of
from competency_graph.shacl.reference import compile_shapes, judge_graph
from competency_graph.vocab import SH
from rdflib import Graph
from shacl_oracle import Followed, Oracle
from test_judge_graph import FAULTS, LEFT_OUT, shipped

BASES = sorted((Path(__file__).parent.parent / "shapes").glob("*/base.ttl"))
# SHACL_EDITS=50000 for a long run by hand.
EDITS = int(os.environ.get("SHACL_EDITS", "2000")) // 4


@cache
def our_shapes() -> tuple[ox.Quad, ...]:
    files = (*resources.shape_files("core"), *resources.shape_files("house"))
    return tuple(q for f in files for q in ox.parse(f.read_bytes(), ox.RdfFormat.TURTLE))


def test_findings_on_what_ships_are_those_of_pyshacl_to_the_letter() -> None:
    data = graphs_of_the_framework()
    shapes = compiled(our_shapes(), stored=True)
    run = Run(Stored(data))
    ours = findings_of((row.result for row in judge(shapes, run)), shapes.shapes, run)
    reference = compile_shapes(graphs.to_rdflib(our_shapes()))
    theirs = judge_graph(graphs.to_rdflib(data), reference, focus=None)
    # One level has the rank "first", and rdflib holds a number to be less than a text.
    (other,) = set(theirs) - set(ours)
    assert other.rule.endswith("ProficiencyLevel-band-in-order")
    theirs.remove(other)
    assert ours == theirs
    assert len(ours) > len(FAULTS)


def graphs_of_the_framework() -> ox.Store:
    """Return what ships, with faults, and without what pySHACL would judge for minutes."""
    dropped = {s for s, _, o in shipped() if str(o).rpartition("#")[2] in LEFT_OUT}
    data = Graph(bind_namespaces="none")
    for statement in shipped():
        if statement[0] not in dropped:
            data.add(statement)
    for subject, predicate, value in FAULTS:
        if value is None:
            data.remove((subject, predicate, None))
        else:
            data.add((subject, predicate, value))
    store = ox.Store()
    store.load(data.serialize(format="nt", encoding="utf-8"), ox.RdfFormat.N_TRIPLES)
    return store


@cache
def core_of_our_shapes() -> tuple[ox.Quad, ...]:
    return tuple(q for q in our_shapes() if q.predicate.value != SH + "sparql")


@cache
def compiled_core() -> tuple[Compiled, Oracle]:
    return compiled(core_of_our_shapes(), stored=True), Oracle(core_of_our_shapes())


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.parent.name)
def test_random_changes_of_a_small_graph(base: Path) -> None:
    chance = random.Random(os.environ.get("SHACL_SEED", "1") + base.parent.name)
    shapes, oracle = compiled_core()
    known = list(ox.parse(base.read_bytes(), ox.RdfFormat.TURTLE))
    graph = Followed(shapes, known)
    for _ in range(max(EDITS // len(BASES), 20)):
        graph.change(*_change(chance, graph, known))
        assert graph.standing_rows() == oracle.rows(graph.store)


def _change(
    chance: random.Random, graph: Followed, known: list[ox.Quad]
) -> tuple[list[ox.Triple], list[ox.Triple]]:
    """Return a change that puts back, takes away, or says of one thing what is said of another."""
    there = sorted(graph.store, key=str)
    removed = [quad.triple for quad in chance.sample(there, min(len(there), chance.randint(0, 2)))]
    added = [chance.choice(known).triple for _ in range(chance.randint(0, 3))]
    one, two, three = (chance.choice(known) for _ in range(3))
    if chance.random() < 0.5:
        added.append(ox.Triple(one.subject, two.predicate, three.object))
    return added, removed

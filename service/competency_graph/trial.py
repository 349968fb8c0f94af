"""One change tried out inside a fork of the index: staged, then judged. Records nothing.

The two answers of a conversation with a trial reader (docs/design/0003). What is planned, how it
is judged and what the findings come to are apart: an incremental plan and evaluator can take the
places of the first two.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from rdflib import BNode, URIRef
from rdflib.term import Node

from competency_graph import graphs
from competency_graph.index import Answer, Graph, Writer, stage
from competency_graph.misspellings import misspelt_terms
from competency_graph.model import SEVERITIES, Difference, Finding, joined, unpack_operations
from competency_graph.shacl.reference import (
    Data,
    Shapes,
    check_well_formed,
    compile_shapes,
    judge_graph,
)
from competency_graph.vocab import DCTERMS, GRAPH

_SHAPES: Final = GRAPH + "shapes-"
_CORE: Final = _SHAPES + "core"
_ONTOLOGY: Final = GRAPH + "ontology"
_VOCABULARY: Final = (_ONTOLOGY, GRAPH + "term-mappings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a change makes necessary to judge.

    ``data`` names the graphs that make up the data graph, ``focus`` the nodes to judge in each
    graph whose profile decides: graph to nodes; ``whole`` the graphs that are judged whole.
    """

    data: frozenset[str]
    whole: frozenset[str]
    focus: Mapping[str, frozenset[str]]


_NOTHING: Final = Plan(data=frozenset(), whole=frozenset(), focus={})
# Compiled once by the keeper and shared by its forks; a fork that changes shapes compiles its own.
_profiles: dict[str, Shapes] = {}
_vocabulary: list[Data] = []
_staged: list[tuple[Difference, Plan]] = []


def prepare(graph: Graph) -> None:
    """Compile the shapes that the graph holds, where that was not done or they changed since."""
    changed = graph.forget_changed()
    names = {name for name in graph.graph_names() if name.startswith(_SHAPES)}
    for gone in set(_profiles) - names:
        del _profiles[gone]
    for name in names:
        if name in changed or name not in _profiles:
            _profiles[name] = compile_shapes(_read(graph, [name]))
    if not _vocabulary or changed.intersection(_VOCABULARY):
        _vocabulary[:] = [_read(graph, _VOCABULARY)]


def _read(graph: Graph, names: Iterable[str]) -> Data:
    found = Data()
    for name in names:
        graphs.fill(found, graph.quads(name))
    return found


def staged(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Apply operations to this fork; write their difference as JSON, then its lines.

    Parameters: ``operations``, each with the size of its content in the body; ``labels``; whether
    the caller will ``judge``.
    """
    operations = unpack_operations(parameters["operations"], parameters["body"])
    if parameters["judge"]:
        # This fork may have followed a change of the shapes since the keeper compiled them.
        prepare(graph)
    difference = stage(graph, operations, labels=parameters["labels"])
    removed, added = joined(difference.removed), joined(difference.added)
    planned = plan(graph, difference) if parameters["judge"] else _NOTHING
    _staged[:] = [(difference, planned)]
    head = {
        "removed": len(removed),
        "counts": [len(difference.removed), len(difference.added)],
        "touched": sorted(difference.touched),
        "read": None if difference.graphs_read is None else sorted(difference.graphs_read),
        "judged": sorted(planned.focus),
        "data": sorted(planned.data),
    }
    output.write(json.dumps(head).encode() + b"\n" + removed + added)
    return "application/octet-stream"


def judged(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Judge what was staged; write new, fixed and standing findings as JSON.

    Parameters: ``standing``, the rows that the log holds for the judged graphs.
    """
    ((difference, planned),) = _staged
    found = evaluate(graph, difference, planned)
    told = compare(found, [row for row in parameters["standing"] if _judged(row, planned)])
    output.write(json.dumps(told, ensure_ascii=False).encode())
    return "application/json"


def plan(graph: Graph, difference: Difference) -> Plan:
    """Return what must be judged: the changed graphs whole, and what is linked with them.

    Linked is a thing of another graph that refers to a thing of a changed one, or is referred to.
    Rules may look further, so the data are all graphs that can be reached by links of graphs.
    """
    changed = {name for name in difference.graphs if name and not name.startswith(_SHAPES)}
    if any(name.startswith(_SHAPES) for name in difference.graphs):
        changed |= _governed(graph, difference)
    focus = {name: set(graph.subjects_in(name)) for name in changed}
    near = {subject for name, subject in difference.touched if name in changed}
    data, waiting = set(changed), near.union(*focus.values())
    first = True
    while waiting:
        found = graph.linked(waiting, apart_from=data)
        found = {(name, thing) for name, thing in found if _is_framework(name)}
        if first:
            for name, subject in found:
                focus.setdefault(name, set()).add(subject)
        first = False
        fresh = {name for name, _ in found} - data
        data |= fresh
        waiting = set().union(*(graph.subjects_in(name) for name in fresh))
    data |= set(_VOCABULARY) & set(graph.graph_names())
    return Plan(
        data=frozenset(data),
        whole=frozenset(changed),
        focus={name: frozenset(nodes) for name, nodes in focus.items()},
    )


def _is_framework(name: str) -> bool:
    """Say whether a graph is none of those that everything refers to and that refer to nothing."""
    return name not in _VOCABULARY and not name.startswith(_SHAPES)


def _governed(graph: Graph, difference: Difference) -> set[str]:
    """Return the graphs that the changed shapes judge."""
    shapes = {name for name in difference.graphs if name.startswith(_SHAPES)}
    names = [name for name in graph.graph_names() if not name.startswith(_SHAPES)]
    return {name for name in names if shapes & set(profiles_of(graph, name))}


def profiles_of(graph: Graph, name: str) -> list[str]:
    """Return the graphs of shapes that a named graph is judged by: core, and what it conforms to.

    The vocabulary itself always belongs to the house.
    """
    # Read from the graph itself: another graph must not decide what this one is judged by.
    said = graph.values_in(name, name, DCTERMS + "conformsTo")
    if name == _ONTOLOGY:
        said.append(_SHAPES + "house")
    return list(dict.fromkeys([_CORE, *said]))


def evaluate(graph: Graph, difference: Difference, planned: Plan) -> list[dict[str, Any]]:
    """Return the findings of a plan as rows: a finding's fields and the graph it belongs to.

    Raises:
        InvalidShapes: the change makes shapes that cannot be judged by.
    """
    profiles = dict(_profiles)
    for name in difference.graphs:
        if name.startswith(_SHAPES):
            shapes = _read(graph, [name])
            check_well_formed(shapes)
            profiles[name] = compile_shapes(shapes)
    data = _data(graph, difference, planned)
    rows: list[dict[str, Any]] = []
    for name, nodes in planned.focus.items():
        focus = {_node(node) for node in nodes}
        found: list[Finding] = []
        for profile in profiles_of(graph, name):
            if profile in profiles:
                found += judge_graph(data, profiles[profile], focus=focus)
        if name in difference.graphs:
            found += misspelt_terms(_read(graph, [name]), data)
        rows += [{**asdict(finding), "graph": name} for finding in _without_echoes(found)]
    return rows


def _without_echoes(found: Iterable[Finding]) -> Iterable[Finding]:
    """Return findings without those that a stricter rule tells in the same words."""
    strictest: dict[tuple[object, ...], Finding] = {}
    for finding in found:
        key = (finding.focus, finding.field, finding.value, finding.message)
        other = strictest.get(key)
        if other is None or SEVERITIES.index(finding.severity) < SEVERITIES.index(other.severity):
            strictest[key] = finding
    return strictest.values()


def _data(graph: Graph, difference: Difference, planned: Plan) -> Data:
    """Return the data graph of a plan.

    What the keeper read of the vocabulary is taken, not copied: a fork judges once.
    """
    names = set(planned.data)
    if _vocabulary and not difference.graphs.intersection(_VOCABULARY):
        data = _vocabulary.pop()
        names -= set(_VOCABULARY)
    else:
        data = Data()
    for name in names:
        graphs.fill(data, graph.quads(name))
    return data


def _node(spelling: str) -> Node:
    return BNode(spelling[2:]) if spelling.startswith("_:") else URIRef(spelling)


def _identity(row: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what makes two findings one, whatever things are called at the time."""
    return tuple(row[name] for name in ("graph", "rule", "focus", "field", "value", "message"))


def _judged(row: Mapping[str, Any], planned: Plan) -> bool:
    """Say whether a plan judges what a finding is about, or what it was about is gone."""
    graph = row["graph"]
    return graph in planned.whole or row["focus"] in planned.focus.get(graph, ())


def compare(
    found: Collection[Mapping[str, Any]], standing: Collection[Mapping[str, Any]]
) -> dict[str, list[Mapping[str, Any]]]:
    """Return findings in their three groups: new, fixed, standing."""
    before = {_identity(row): row for row in standing}
    now = {_identity(row): row for row in found}
    return {
        "new": [row for key, row in now.items() if key not in before],
        "fixed": [row for key, row in before.items() if key not in now],
        "standing": [row for key, row in before.items() if key in now],
    }


ANSWERS: Final[Mapping[str, Answer]] = {"stage": staged, "judge": judged}

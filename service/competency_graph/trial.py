"""One change tried out inside a fork of the index: staged, then judged. Records nothing.

The two answers of a conversation with a trial reader (docs/design/0003). What is planned, how it
is judged and what the findings come to are apart: an incremental plan and evaluator can take the
places of the first two.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import rdflib
from rdflib import BNode, URIRef
from rdflib.term import Node

from competency_graph import graphs, rdf
from competency_graph.documents import Document
from competency_graph.index import Answer, Graph, Writer, stage
from competency_graph.judging import compare, counted, imports_not_read, own_shapes
from competency_graph.mending import Surroundings, Texts, in_order, located, mended
from competency_graph.misspellings import misspelt_terms
from competency_graph.model import (
    SEVERITIES,
    Difference,
    Finding,
    Repair,
    Verdict,
    finding_of,
    joined,
    unpack_operations,
)
from competency_graph.reports import MEDIA_TYPES, render
from competency_graph.shacl.findings import spelt
from competency_graph.shacl.reference import (
    Data,
    Shapes,
    check_well_formed,
    compile_shapes,
    judge_graph,
)
from competency_graph.vocab import DCTERMS, EXEMPTIONS, GRAPH, is_common

_SHAPES: Final = GRAPH + "shapes-"
_CORE: Final = _SHAPES + "core"
_ONTOLOGY: Final = GRAPH + "ontology"


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
_common: list[Data] = []
_staged: list["Tried"] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What was staged in this fork: what it changes, what to judge, and the documents sent."""

    difference: Difference
    planned: Plan
    documents: Sequence[Document]


def prepare(graph: Graph) -> Iterator[None]:
    """Compile, step by step, the shapes that the graph holds where that is not done yet.

    What was applied to the graph since the last time is compiled anew. The steps are to be taken
    to the end; each takes up to half a second.
    """
    changed = graph.forget_changed()
    names = {name for name in graph.graph_names() if name.startswith(_SHAPES)}
    for gone in set(_profiles) - names:
        del _profiles[gone]
    for name in names:
        if name in changed or name not in _profiles:
            _profiles[name] = compile_shapes(_read(graph, [name]))
            yield
    if not _common or any(is_common(name) for name in changed):
        _common[:] = [_read(graph, filter(is_common, graph.graph_names()))]


def _prepare_now(graph: Graph) -> None:
    for _ in prepare(graph):
        pass


def _read(graph: Graph, names: Iterable[str]) -> Data:
    found = Data()
    for name in names:
        graphs.fill(found, graph.quads(name))
    return found


def staged(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Apply operations to this fork; write their difference as JSON, then its lines.

    Parameters: ``operations``, each with the size of its content in the body; whether the caller
    will ``judge``; ``lines``, whether it wants them. Blank nodes are labelled for the change that
    comes next.
    """
    if parameters["judge"]:
        # Shapes may have changed since the keeper forked this process, which followed.
        _prepare_now(graph)
    operations = unpack_operations(parameters["operations"], parameters["body"])
    difference = stage(graph, operations, labels=f"c{graph.revision + 1}x")
    removed, added = joined(difference.removed), joined(difference.added)
    planned = plan(graph, difference) if parameters["judge"] else _NOTHING
    documents = [
        Document(name=one.name, content=one.content, syntax=_syntax(one.syntax))
        for one in operations
        if one.kind in ("add", "replace")
    ]
    _staged[:] = [Tried(difference=difference, planned=planned, documents=documents)]
    head = {
        "removed": len(removed),
        "counts": [len(difference.removed), len(difference.added)],
        "touched": sorted(difference.touched),
        "read": None if difference.graphs_read is None else sorted(difference.graphs_read),
        "judged": sorted(planned.focus),
        "data": sorted(planned.data),
    }
    output.write(json.dumps(head).encode() + b"\n")
    if parameters.get("lines", True):
        output.write(removed + added)
    return "application/octet-stream"


def judged(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Judge what was staged; write new, fixed and standing findings as JSON.

    The body is JSON: the rows that the log holds for the judged graphs.
    """
    (tried,) = _staged
    data = data_of(graph, tried.difference, tried.planned)
    found = evaluate(graph, tried.difference, tried.planned, data)
    before = json.loads(parameters["body"])
    told = compare(found, [row for row in before if _judged(row, tried.planned)])
    new = zip(_told(graph, told["new"], tried, data, _graphs_of_shapes()), told["new"], strict=True)
    told["new"] = [asdict(finding) | {"graph": row["graph"]} for finding, row in new]
    output.write(json.dumps(told, ensure_ascii=False).encode())
    return "application/json"


def checked(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Judge what was staged as :func:`judged` does, or by shapes of one's own; write a verdict.

    Parameters: ``format``, as reports have it; ``shapes``, the documents of one's own shapes, each
    with ``name``, ``syntax`` and ``size``. The body has their contents, and after them the rows
    that stand, in JSON. By one's own shapes all of the changed graphs is judged, and what stands
    does not count. JSON also tells what would be added and removed, and what is mended or stood.

    Raises:
        InvalidShapes, UnreadableInput: the shapes cannot be judged by, or not read.
    """
    began = time.monotonic()
    (tried,) = _staged
    own, rest = _documents(parameters["shapes"], parameters["body"])
    data = data_of(graph, tried.difference, tried.planned)
    edited = _read(graph, tried.planned.whole)
    shapes = _graphs_of_shapes()
    if own:
        judged_by = own_shapes(own)
        shapes = [judged_by.graph]
        found = judge_graph(data, judged_by, focus=set(edited.subjects()))
        rows = [{**asdict(finding), "graph": ""} for finding in found]
        told: dict[str, Any] = {"new": rows, "fixed": [], "standing": []}
    else:
        before = [row for row in json.loads(rest) if _judged(row, tried.planned)]
        told = compare(evaluate(graph, tried.difference, tried.planned, data), before)
    verdict = Verdict(
        findings=tuple(in_order(_told(graph, told["new"], tried, data, shapes))),
        fixed=tuple(map(finding_of, told["fixed"])),
        standing=tuple(map(finding_of, told["standing"])),
        files=len(tried.documents),
        checked=tuple(counted(edited, data)),
        notes=tuple(imports_not_read(edited, data)),
        seconds=time.monotonic() - began,
    )
    text = render(verdict, parameters["format"])
    if parameters["format"] == "json":
        size = {"added": len(tried.difference.added), "removed": len(tried.difference.removed)}
        text = json.dumps(json.loads(text) | size, ensure_ascii=False)
    output.write(text.encode() + b"\n")
    return MEDIA_TYPES[parameters["format"]]


def _documents(told: Iterable[Mapping[str, Any]], contents: bytes) -> tuple[list[Document], bytes]:
    """Return the documents that a body begins with, and what follows them."""
    found = []
    for one in told:
        content, contents = contents[: one["size"]], contents[one["size"] :]
        found.append(Document(name=one["name"], content=content, syntax=_syntax(one["syntax"])))
    return found, contents


def _graphs_of_shapes() -> list[rdflib.Graph]:
    return [shapes.graph for shapes in _profiles.values()]


def _told(
    graph: Graph,
    rows: Sequence[Mapping[str, Any]],
    tried: Tried,
    data: Data,
    shapes: Sequence[rdflib.Graph],
) -> list[Finding]:
    """Return findings with proposals and, where they are about what a document says, places."""
    if not rows:
        return []
    texts = Texts(tried.documents)
    found = mended(map(finding_of, rows), Surroundings(data, shapes, texts.order))
    if not tried.documents:
        return found
    edited = _read(graph, tried.difference.graphs - {""})
    about = {spelt(subject) for subject in edited.subjects()}
    return [located([f], texts, edited)[0] if f.focus in about else f for f in found]


def plan(graph: Graph, difference: Difference) -> Plan:
    """Return what must be judged: the changed graphs whole, and what is linked with them.

    Linked is a thing of another graph that refers to a thing of a changed one, or is referred to.
    Rules may look further, so the data are all graphs that can be reached by links of graphs.
    """
    changed = {name for name in difference.graphs if name and not name.startswith(_SHAPES)}
    if any(name.startswith(_SHAPES) for name in difference.graphs):
        changed |= _governed(graph, difference)
    focus = {name: set(graph.subjects_in(name)) for name in changed}
    # An exemption names others, and what it names is not judged for that.
    linking = changed - {EXEMPTIONS}
    near = {subject for name, subject in difference.touched if name in linking}
    data, waiting = set(changed), near.union(*(focus[name] for name in linking))
    first = True
    while waiting:
        found = graph.linked(waiting, apart_from=data)
        # All refer to what is common, and it is judged when it changes.
        found = {(name, thing) for name, thing in found if not is_common(name)}
        if first:
            for name, subject in found:
                focus.setdefault(name, set()).add(subject)
        first = False
        fresh = {name for name, _ in found} - data
        data |= fresh
        waiting = set().union(*(graph.subjects_in(name) for name in fresh))
    data |= set(filter(is_common, graph.graph_names()))
    return Plan(
        data=frozenset(data),
        whole=frozenset(changed),
        focus={name: frozenset(nodes) for name, nodes in focus.items()},
    )


def _governed(graph: Graph, difference: Difference) -> set[str]:
    """Return the graphs that the changed shapes judge, and that of exemptions, which names them."""
    shapes = {name for name in difference.graphs if name.startswith(_SHAPES)}
    names = [name for name in graph.graph_names() if not name.startswith(_SHAPES)]
    return {n for n in names if n == EXEMPTIONS or shapes & set(profiles_of(graph, n))}


def profiles_of(graph: Graph, name: str) -> list[str]:
    """Return the graphs of shapes that a named graph is judged by: core, and what it conforms to.

    The vocabulary itself always belongs to the house.
    """
    # Read from the graph itself: another graph must not decide what this one is judged by.
    said = graph.values_in(name, name, DCTERMS + "conformsTo")
    if name == _ONTOLOGY:
        said.append(_SHAPES + "house")
    return list(dict.fromkeys([_CORE, *said]))


def evaluate(
    graph: Graph, difference: Difference, planned: Plan, data: Data
) -> list[dict[str, Any]]:
    """Return the findings of a plan as rows: a finding's fields and the graph it belongs to.

    ``data`` is the data graph of the plan. What a graph is exempted from, by the exemptions as the
    change leaves them, is a warning at most.

    Raises:
        InvalidShapes: the change makes shapes that cannot be judged by.
    """
    profiles = dict(_profiles)
    for name in difference.graphs:
        if name.startswith(_SHAPES):
            shapes = _read(graph, [name])
            check_well_formed(shapes)
            profiles[name] = compile_shapes(shapes)
    exemptions = _exemptions(graph)
    rows: list[dict[str, Any]] = []
    for name, nodes in planned.focus.items():
        focus = {_node(node) for node in nodes}
        found: list[Finding] = []
        for profile in profiles_of(graph, name):
            if profile in profiles:
                found += judge_graph(data, profiles[profile], focus=focus)
        if name in difference.graphs:
            found += misspelt_terms(_read(graph, [name]), data)
        # First: an exemption from one rule must not hide another that says the same.
        found = [_exempted(finding, exemptions.get((name, finding.rule))) for finding in found]
        rows += [{**asdict(finding), "graph": name} for finding in _without_echoes(found)]
    return rows


def _exemptions(graph: Graph) -> dict[tuple[str, str], str]:
    """Return which graph is exempted from which rule, with the day and the reason in words."""
    found: dict[tuple[str, str], str] = {}
    for name, rule, day, reason in graph.rows("exemptions"):
        found.setdefault((name.value, rule.value), f"Exempted on {day.value}: {reason.value}")
    return found


def _exempted(finding: Finding, said: str | None) -> Finding:
    """Return a finding as an exemption leaves it: a warning at most, with what the exemption says.

    There is nothing to mend, so that stands where a repair would.
    """
    if said is None:
        return finding
    severity = "warning" if finding.severity == "violation" else finding.severity
    return replace(finding, severity=severity, repair=Repair(text=said))


def _without_echoes(found: Iterable[Finding]) -> Iterable[Finding]:
    """Return findings without those that a stricter rule tells in the same words.

    Of two that are as strict, the one that says more stays.
    """
    strictest: dict[tuple[object, ...], Finding] = {}
    for finding in found:
        key = (finding.focus, finding.field, finding.value, finding.message)
        other = strictest.get(key)
        if other is None or _weight(finding) < _weight(other):
            strictest[key] = finding
    return strictest.values()


def _weight(finding: Finding) -> tuple[int, bool]:
    return SEVERITIES.index(finding.severity), finding.repair is None


def data_of(graph: Graph, difference: Difference, planned: Plan) -> Data:
    """Return the data graph of a plan.

    What the keeper read of what is common is taken, not copied: a fork judges once.
    """
    data, names = Data(), planned.data
    if _common and not any(is_common(name) for name in difference.graphs):
        data = _common.pop()
        names = frozenset(name for name in names if not is_common(name))
    for name in names:
        graphs.fill(data, graph.quads(name))
    return data


def _syntax(name: str) -> rdf.Syntax:
    return next(syntax for syntax in rdf.SYNTAXES if syntax.name == name)


def _node(spelling: str) -> Node:
    return BNode(spelling[2:]) if spelling.startswith("_:") else URIRef(spelling)


def _judged(row: Mapping[str, Any], planned: Plan) -> bool:
    """Say whether a plan judges what a finding is about, or what it was about is gone."""
    graph = row["graph"]
    return graph in planned.whole or row["focus"] in planned.focus.get(graph, ())


ANSWERS: Final[Mapping[str, Answer]] = {"stage": staged, "judge": judged, "check": checked}

"""Which data that was valid a changed shape refuses. The one place here that judges."""

import io
from collections.abc import Iterable, Iterator
from typing import Final

from rdflib import OWL, RDF, RDFS, SH, BNode, Graph

from competency_graph import graphs, rdf
from competency_graph.diff.consequences import enumerated
from competency_graph.diff.states import RULES, Both, State, name
from competency_graph.diff.values import Alteration
from competency_graph.diff.weighing import Consequence
from competency_graph.errors import InvalidShapes
from competency_graph.index import Statement, write_graph
from competency_graph.model import Finding
from competency_graph.shacl.compile import compiled
from competency_graph.shacl.data import Parsed, Run, Stored, Term
from competency_graph.shacl.focus import Judge
from competency_graph.shacl.refusals import refuse, spelt

_TARGETS: Final = (SH.targetClass, SH.targetNode, SH.targetSubjectsOf, SH.targetObjectsOf)
_CLASSES: Final = (RDFS.Class, OWL.Class)


def refused(both: Both, changed: Iterable[Statement]) -> Iterator[Consequence]:
    """Yield, for each rule, the things that were valid and would not be any more.

    The data are those before; they are judged by the shapes that changed, before and after.

    Args:
        both: the two states.
        changed: what was removed or added.

    Raises:
        InvalidShapes: shapes cannot be judged by, or there is nothing to judge.
    """
    touched = {s.subject.value for s in changed if _is_of_shape(both, s)}
    if not touched:
        return
    found: list[list[Finding]] = []
    # Where the new shapes find nothing, what the old ones found is all the same.
    for state in (both.after, both.before):
        shapes = _affected(_shapes(_graph(state)), touched)
        if next(iter(shapes), None) is None:
            found.append([])
        else:
            own = _own(both.before)
            if not own:
                raise InvalidShapes("There are no data beside the shapes: compare both together.")
            judged = _judged(shapes, both.before, own)
            found.append([f for f in judged if f.severity == "violation"])
        if not found[0]:
            return
    known = {_key(finding) for finding in found[1]}
    by_rule: dict[str, list[Finding]] = {}
    for finding in found[0]:
        if _key(finding) not in known:
            by_rule.setdefault(both.after.owner(finding.rule), []).append(finding)
    for rule, findings in sorted(by_rule.items()):
        things = sorted(
            {both.before.owner(finding.focus) for finding in findings},
            key=lambda thing: (not both.after.said(thing), both.label(thing)),
        )
        above = (both.after.owner(subject) for subject, _ in both.after.pointing_at(rule))
        yield Consequence(
            rule="valid-data-refused",
            thing=rule,
            causes=(rule, *above),
            facts={"things": enumerated(both.label(thing) for thing in things)},
        )


def _is_of_shape(both: Both, statement: Statement) -> bool:
    """Say whether a statement is about a shape, or a nameless part of one."""
    thing = name(statement.subject)
    return any(
        predicate.startswith(str(SH))
        for state in (both.before, both.after)
        for node in (thing, state.owner(thing))
        for predicate in state.said(node)
    )


def unjudged(both: Both, found: Iterable[Alteration]) -> Iterator[Consequence]:
    """Yield the rules that may refuse what was valid, for when there is nothing to judge by."""
    for alteration in found:
        thing = alteration.thing.id
        stricter = alteration.kind == "added" or alteration.direction in ("tightened", "either")
        if stricter and RULES.intersection(alteration.classes) and _refuses(both.after, thing):
            yield Consequence(rule="rule-unjudged", thing=thing, causes=(thing,), facts={})


def _refuses(state: State, shape: str, seen: frozenset[str] = frozenset()) -> bool:
    """Say whether a finding of a shape, or of one that leans on it, can be a violation."""
    if shape in seen:
        return False
    severities = state.links(shape, str(SH.severity))
    if str(SH.PropertyShape) in state.classes(shape) or state.said(shape).get(str(SH.path)):
        return not severities or str(SH.Violation) in severities
    inner = state.links(shape, str(SH.property))
    if inner:
        return any(_refuses(state, part, seen | {shape}) for part in inner)
    leaning = [above for above, _ in state.pointing_at(shape)]
    if not leaning:
        return not severities or str(SH.Violation) in severities
    return any(_refuses(state, above, seen | {shape}) for above in leaning)


def _key(finding: Finding) -> tuple[str | None, ...]:
    """Return what makes two findings one: a nameless rule has another label on either side."""
    rule = None if finding.rule.startswith("_:") else finding.rule
    return rule, finding.focus, finding.field, finding.value


def _graph(state: State) -> Graph:
    output = io.BytesIO()
    syntax = next(s for s in rdf.SYNTAXES if s.name == "n-triples")
    write_graph(state.graph, None, syntax, output)
    return graphs.to_rdflib(rdf.parse(output.getvalue(), syntax, name="a state"))


def _own(state: State) -> list[Term]:
    """Return what the documents themselves describe, apart from shapes."""
    shapes = {graphs.term(node) for node in set(_shapes(_graph(state)).subjects())}
    quads = state.graph.store.quads_for_pattern(None, None, None, state.graph.view)
    named = dict.fromkeys((quad.subject, spelt(quad.subject)) for quad in quads)
    return [node for node, name in named if _is_own(name, state) and node not in shapes]


def _is_own(name: str, state: State) -> bool:
    return name in state.about or (name.startswith("_:") and not name.startswith("_:shipped"))


def _judged(shapes: Graph, state: State, own: list[Term]) -> list[Finding]:
    statements = [graphs.triple(statement) for statement in shapes]
    refuse(Parsed(statements))
    judge = Judge(compiled(statements, stored=True))
    found = judge.findings(Run(Stored(state.graph.store)), own)
    return [finding for _, findings in found for finding in findings]


def _shapes(graph: Graph) -> Graph:
    """Return what is said of shapes, and of the lists and nameless parts that hang on them."""
    nodes = {s for s, p, _ in graph if str(p).startswith(str(SH))}
    waiting = list(nodes)
    while waiting:
        for value in graph.objects(waiting.pop(), None):
            if isinstance(value, BNode) and value not in nodes:
                nodes.add(value)
                waiting.append(value)
    shapes = Graph(bind_namespaces="none")
    for node in nodes:
        for predicate, value in graph.predicate_objects(node):
            shapes.add((node, predicate, value))
    return shapes


def _affected(shapes: Graph, touched: set[str]) -> Graph:
    """Take their targets from shapes that reach nothing that changed: they judge as before."""
    reached = {node for node in set(shapes.subjects()) if str(node) in touched}
    waiting = list(reached)
    while waiting:
        for above in shapes.subjects(None, waiting.pop()):
            if above not in reached:
                reached.add(above)
                waiting.append(above)
    if not reached:
        return Graph(bind_namespaces="none")
    for node in set(shapes.subjects()) - reached:
        for target in _TARGETS:
            shapes.remove((node, target, None))
        for kind in _CLASSES:
            shapes.remove((node, RDF.type, kind))
    return shapes

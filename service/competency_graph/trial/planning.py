"""From a change to the nodes that are judged again, and to whom what is found belongs.

A node is judged whole: by all shapes that are for it. So of what stood at it nothing is left over,
and of two rules that say the same the stricter one is told whichever the change concerned.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyoxigraph as ox

from competency_graph.index import Graph
from competency_graph.shacl.data import TYPE, Data, Run, Stored, Term
from competency_graph.trial.profiles import (
    CONFORMS_TO,
    Profile,
    governed,
    is_shapes,
    profiles_of,
)
from competency_graph.vocab import CG, RDFS

_CONFORMS_TO = ox.NamedNode(CONFORMS_TO)
_DEFINED = ox.NamedNode(RDFS + "isDefinedBy")
# From so many changed statements on, that are so large a part of the graph, to plan costs more than
# to judge all.
_MANY = 20_000
_PART = 8


@dataclass(slots=True)
class Plan:
    """What is judged again: nodes, and ``whole`` graphs, all of whose nodes are among them."""

    nodes: dict[Term, None] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)


def data_of(graph: Graph) -> Data:
    """Return what is judged, the union of the named graphs: the default graph, or a copy."""
    if graph.union:
        return Stored(graph.store)
    store = ox.Store()
    for name in graph.graph_names():
        store.bulk_extend(ox.Quad(q.subject, q.predicate, q.object) for q in graph.quads(name))
    return Stored(store)


def planned(
    graph: Graph,
    added: Sequence[ox.Quad],
    removed: Sequence[ox.Quad],
    profiles: Mapping[str, Profile],
    run: Run,
) -> Plan:
    """Return what a change makes necessary to judge again.

    Args:
        graph: the graph as the change leaves it.
        added: its statements, of whatever graphs.
        removed: likewise.
        profiles: as the change leaves them.
        run: the data, as the change leaves them.
    """
    plan = Plan()
    changed = [*added, *removed]
    if len(changed) > _MANY and len(changed) * _PART > graph.size():
        plan.whole.update(name for name in graph.graph_names() if not is_shapes(name))
    else:
        _follow(plan, added, removed, profiles, run)
    plan.whole |= _ruled_otherwise(graph, changed)
    for quad in changed:
        if isinstance(quad.graph_name, ox.NamedNode) and not is_shapes(quad.graph_name.value):
            plan.nodes[quad.subject] = None
        if quad.predicate == _DEFINED:
            plan.nodes.update(dict.fromkeys(_users(graph, quad.subject)))
    for name in sorted(plan.whole):
        plan.nodes.update(dict.fromkeys(members(graph, name, profiles, run)))
    return plan


def _follow(
    plan: Plan,
    added: Sequence[ox.Quad],
    removed: Sequence[ox.Quad],
    profiles: Mapping[str, Profile],
    run: Run,
) -> None:
    new, gone = ([quad.triple for quad in quads] for quads in (added, removed))
    for profile in profiles.values():
        found = profile.planner.plan(new, gone, run)
        for nodes in (*found.pairs.values(), *found.gone.values()):
            plan.nodes.update(dict.fromkeys(nodes))


def _ruled_otherwise(graph: Graph, changed: Iterable[ox.Quad]) -> set[str]:
    """Return the graphs whose rules a change makes others."""
    shapes: set[str] = set()
    found: set[str] = set()
    for quad in changed:
        if not isinstance(quad.graph_name, ox.NamedNode):
            continue
        name = quad.graph_name.value
        if is_shapes(name):
            shapes.add(name)
        elif quad.predicate == _CONFORMS_TO and quad.subject == quad.graph_name:
            found.add(name)
    return found | governed(graph, shapes) if shapes else found


def _users(graph: Graph, word: Term) -> Iterator[Term]:
    """Return what is said with a word of ours: it exists now, or does not any more."""
    if not isinstance(word, ox.NamedNode) or not word.value.startswith(CG):
        return
    for quad in graph.store.quads_for_pattern(None, word, None, None):
        yield quad.subject
    for quad in graph.store.quads_for_pattern(None, None, word, None):
        yield quad.subject


def members(graph: Graph, name: str, profiles: Mapping[str, Profile], run: Run) -> Iterator[Term]:
    """Return every node at which something may be found that belongs to a graph."""
    for quad in graph.quads(name):
        yield quad.subject
    for profile in profiles_of(graph, name):
        if profile in profiles:
            for node in profiles[profile].judge.undescribed(run):
                if name in homes(graph, node):
                    yield node


def homes(graph: Graph, node: Term) -> list[str]:
    """Return the named graphs that what is found at a node belongs to; see :func:`said`."""
    return said(graph, node)[0]


Said = Mapping[str, Sequence[tuple[Term, ox.NamedNode, Term]]]


def said(graph: Graph, node: Term) -> tuple[list[str], Said]:
    """Return the named graphs that what is found at a node belongs to, and what each says of it.

    It belongs to those that say of what class it is; without a class, to those that describe it; if
    none does, to those that name it. Graphs of shapes are none of them.
    """
    found: dict[str, list[tuple[Term, ox.NamedNode, Term]]] = {}
    typed: dict[str, None] = {}
    if not isinstance(node, ox.Literal):
        for quad in graph.store.quads_for_pattern(node, None, None, None):
            if isinstance(quad.graph_name, ox.NamedNode):
                name = quad.graph_name.value
                found.setdefault(name, []).append((node, quad.predicate, quad.object))
                if quad.predicate == TYPE:
                    typed[name] = None
    names: Iterable[str] = typed or found
    if not found:
        quads = graph.store.quads_for_pattern(None, None, node, None)
        named = (quad.graph_name for quad in quads)
        names = {name.value for name in named if isinstance(name, ox.NamedNode)}
    home = sorted(name for name in names if not is_shapes(name))
    return home, {name: some for name, some in found.items() if not is_shapes(name)}


def kinds_in(graph: Graph, names: Collection[str], word: ox.NamedNode) -> Iterator[Term]:
    """Return the values that named graphs have for a predicate, each time that they say it."""
    for name in names:
        for quad in graph.store.quads_for_pattern(None, word, None, ox.NamedNode(name)):
            yield quad.object

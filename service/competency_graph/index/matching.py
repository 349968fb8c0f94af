"""Two states of graphs compared: what to remove and what to add. Knows no store.

Blank nodes have no names to compare by, so statements that hang together by blank nodes are
compared as one, by their canonical form (RDFC-1.0).
"""

from collections.abc import Iterable

import pyoxigraph as ox

from competency_graph.index.graph import Graph
from competency_graph.index.terms import Statement, Term, spelt, statement, term

_TRIPLES = ox.RdfFormat.N_TRIPLES
_DEFAULT = ox.DefaultGraph()


def differing(old: Graph, new: Graph) -> tuple[list[Statement], list[Statement]]:
    """Return what of one graph is not in another, and what of the other is not in the one.

    Default graphs are compared, by meaning: values as the engine keeps them, blank nodes as
    :func:`changed` matches them. Canonical forms may take long: strangers' graphs in sealed forks.
    """
    before, after = _lines(old), _lines(new)
    # What has blank nodes hangs together with more that has; all else is decided line by line.
    blank = [{line for line in lines if b"_:" in line} for lines in (before, after)]
    gone, come = before - after - blank[0], after - before - blank[1]
    removed, added = changed(*(_read(lines) for lines in blank))
    return (
        sorted(statement(quad) for quad in (*removed, *_read(gone))),
        sorted(statement(quad) for quad in (*added, *_read(come))),
    )


def said_of(graph: Graph, thing: str) -> dict[str, list[Term]]:
    """Return what is said of a thing as ``Graph.properties`` does, of ``_:label`` as well."""
    found: dict[str, list[Term]] = {}
    for quad in graph.store.quads_for_pattern(_node(thing), None, None, _DEFAULT):
        found.setdefault(quad.predicate.value, []).append(term(quad.object))
    return {predicate: sorted(values) for predicate, values in sorted(found.items())}


def pointing_at(graph: Graph, thing: str) -> list[tuple[str, str]]:
    """Return subject and predicate of what names a thing, sorted; blank nodes as ``_:label``."""
    quads = graph.store.quads_for_pattern(None, None, _node(thing), _DEFAULT)
    return sorted((spelt(quad.subject), quad.predicate.value) for quad in quads)


def _node(thing: str) -> ox.NamedNode | ox.BlankNode:
    return ox.BlankNode(thing[2:]) if thing.startswith("_:") else ox.NamedNode(thing)


def _lines(graph: Graph) -> set[bytes]:
    default = graph.store.quads_for_pattern(None, None, None, _DEFAULT)
    text = ox.serialize((quad.triple for quad in default), format=_TRIPLES) or b""
    return set(text.split(b"\n")[:-1])


def _read(lines: Iterable[bytes]) -> list[ox.Quad]:
    return list(ox.parse(b"\n".join(lines), _TRIPLES))


def changed(old: Iterable[ox.Quad], new: Iterable[ox.Quad]) -> tuple[list[ox.Quad], list[ox.Quad]]:
    """Return what of the old is not in the new, and what of the new was not in the old.

    Statements of the new that say the same as some of the old under other labels are left out,
    so the labels that are there stay.
    """
    old_ground, old_groups = _apart(old)
    new_ground, new_groups = _apart(new)
    removed, added = list(old_ground - new_ground), list(new_ground - old_ground)
    waiting: dict[bytes, list[list[ox.Quad]]] = {}
    sizes = {len(group) for group in new_groups}
    for group in old_groups:
        # A group with no counterpart in size has none at all.
        if len(group) in sizes:
            waiting.setdefault(_canonical(group), []).append(group)
        else:
            removed += group
    sizes = {len(groups[0]) for groups in waiting.values()}
    for group in new_groups:
        same = waiting.get(_canonical(group)) if len(group) in sizes else None
        if same:
            same.pop()
        else:
            added += group
    for groups in waiting.values():
        for group in groups:
            removed += group
    return removed, added


def _canonical(group: Iterable[ox.Quad]) -> bytes:
    dataset = ox.Dataset(group)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    text = ox.serialize(dataset, format=ox.RdfFormat.N_QUADS) or b""
    return b"\n".join(sorted(text.split(b"\n")))


def _apart(quads: Iterable[ox.Quad]) -> tuple[set[ox.Quad], list[list[ox.Quad]]]:
    """Return the statements without blank nodes, and those with, by what hangs together."""
    ground: set[ox.Quad] = set()
    others: list[tuple[ox.BlankNode, ox.Quad]] = []
    parent: dict[ox.BlankNode, ox.BlankNode] = {}

    def root(node: ox.BlankNode) -> ox.BlankNode:
        while (above := parent.setdefault(node, node)) != node:
            parent[node] = parent.setdefault(above, above)
            node = above
        return node

    for quad in quads:
        blanks = [end for end in (quad.subject, quad.object) if isinstance(end, ox.BlankNode)]
        if not blanks:
            ground.add(quad)
            continue
        parent[root(blanks[0])] = root(blanks[-1])
        others.append((blanks[0], quad))
    groups: dict[ox.BlankNode, list[ox.Quad]] = {}
    for node, quad in others:
        groups.setdefault(root(node), []).append(quad)
    return ground, list(groups.values())

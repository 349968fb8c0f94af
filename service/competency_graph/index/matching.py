"""Two states of graphs compared: what to remove and what to add. Knows no store.

Blank nodes have no names to compare by, so statements that hang together by blank nodes are
compared as one, by their canonical form (RDFC-1.0).
"""

from collections.abc import Iterable

import pyoxigraph as ox


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

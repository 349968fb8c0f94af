"""Shapes made ready to judge by: checks, targets, and what each reads. Judges nothing.

A shapes graph is compiled once, whole. What cannot be judged by is refused here, with the shape.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from competency_graph.shacl.asked import Asked, Fault
from competency_graph.shacl.checks import Check, Head, Shape, Unsupported
from competency_graph.shacl.core import constraints
from competency_graph.shacl.data import TYPE, Data, Node, Parsed, Run, Term
from competency_graph.shacl.degrees import GUESSED, Degrees
from competency_graph.shacl.paths import Path, Read, parsed
from competency_graph.shacl.referred import Referring
from competency_graph.shacl.refusals import CIRCLE, invalid, spelt
from competency_graph.shacl.sparql import Sparql
from competency_graph.shacl.targets import Targets, targets_of
from competency_graph.vocab import RDFS, SH

_NESTED: Final = ("node", "property", "not", "qualifiedValueShape", "and", "or", "xone")


def _word(name: str) -> ox.NamedNode:
    return ox.NamedNode(SH + name)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targeted:
    """A shape with the nodes that it is for."""

    shape: Shape
    targets: Targets

    @property
    def node(self) -> Node:
        """The shape's own node in the shapes graph."""
        return self.shape.head.node

    @property
    def reads(self) -> frozenset[Read]:
        """What is read to tell whether a node is a focus node, and to judge it."""
        read = self.shape.reads
        if not self.targets.nodes:
            # What is a focus node by a statement is in the graph, as long as it is one.
            read = frozenset(one for one in read if not one.presence)
        return self.targets.reads | read


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compiled:
    """A shapes graph, ready: ``targeted`` are the shapes with targets that are not deactivated.

    ``shapes`` are all, by their nodes.
    """

    targeted: tuple[Targeted, ...]
    shapes: Mapping[Term, Shape]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """A shape that takes long to judge, or that more changes concern than need be.

    ``shape`` is as findings spell it, ``name`` what it is called, ``reasons`` ends of sentences
    about it.
    """

    shape: str
    name: str | None
    reasons: tuple[str, ...]


def explain(compiled: Compiled) -> list[Slow]:
    """Return the shapes that are judged by pySHACL or more often than others, and why."""
    found = []
    for shape in compiled.shapes.values():
        reasons = tuple(dict.fromkeys(r for check in shape.checks for r in check.slow))
        if reasons:
            names = shape.head.names
            name = min((n.value for n in names if n.language in ("en", None)), default=None)
            found.append(Slow(shape=spelt(shape.head.node), name=name, reasons=reasons))
    return sorted(found, key=lambda slow: slow.shape)


def compiled(
    statements: Iterable[ox.Quad | ox.Triple], *, stored: bool, degrees: Degrees = GUESSED
) -> Compiled:
    """Compile a shapes graph.

    Args:
        statements: the shapes graph, names of graphs not looked at.
        stored: whether the data to judge is that of a store, which keeps literals by value; the
            values in the shapes are then taken as it would keep them.
        degrees: of the data, so that fewer pairs are planned for; what is found is the same.

    Raises:
        InvalidShapes: a shape is not well-formed or asks for itself; facts hold the shape.
    """
    quads = list(_as_stored(statements) if stored else statements)
    return _Compiler(quads, stored, degrees).all()


def _as_stored(statements: Iterable[ox.Quad | ox.Triple]) -> Iterable[ox.Quad]:
    store = ox.Store()
    store.bulk_extend(ox.Quad(s.subject, s.predicate, s.object) for s in statements)
    return store


class _Compiler:
    def __init__(
        self, statements: Sequence[ox.Quad | ox.Triple], stored: bool, degrees: Degrees
    ) -> None:
        self._graph = Parsed(statements)
        self._referring = Referring(statements)
        self._sparql = Sparql(self._graph, stored=stored, degrees=degrees)
        self._stored = stored
        self._made: dict[Term, Shape] = {}
        self._above: list[Term] = []

    def all(self) -> Compiled:
        run = Run(self._graph)
        targeted = []
        for node in sorted(self._nodes(run), key=str):
            shape = self._shape(node)
            targets = targets_of(run, shape.head.node)
            if targets and not shape.head.deactivated:
                targeted.append(Targeted(shape=shape, targets=targets))
        return Compiled(targeted=tuple(targeted), shapes=self._made)

    def _nodes(self, run: Run) -> set[Term]:
        """Return what is a shape because it says so, has a target, or stands where one must."""
        found: set[Term] = set()
        for kind in ("NodeShape", "PropertyShape"):
            found.update(self._graph.subjects(TYPE, _word(kind)))
        for word in ("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf"):
            found.update(node for node, _ in self._graph.pairs(_word(word)))
        return found

    def _shape(self, node: Term) -> Shape:
        """Return the shape of a node, made at the first time.

        Raises:
            InvalidShapes: it is not well-formed, or stands inside itself.
        """
        made = self._made.get(node)
        if made is not None:
            return made
        if node in self._above:
            # What a shape means that asks for itself is left open (SHACL 3.4.3).
            raise invalid(self._graph, node, "asks for itself, directly or through others", CIRCLE)
        self._above.append(node)
        try:
            made = self._made[node] = self._new(node)
        except Fault as fault:
            raise invalid(self._graph, node, str(fault)) from None
        finally:
            self._above.pop()
        return made

    def _new(self, node: Term) -> Shape:
        if not isinstance(node, ox.NamedNode | ox.BlankNode):
            raise Fault("is no shape but a text")
        if not self._graph.about(node):
            raise Fault("is asked for by another and is not there")
        head = self._head(node)
        asked = Asked(
            head=head,
            shapes=self._graph,
            shape=self._shape,
            siblings=lambda: self._siblings(node),
            stored=self._stored,
        )
        properties = asked.nested(asked.values("property"))
        for shape in properties:
            if shape.head.path is None:
                raise Fault("lists a “sh:property” that has no path")
        return Shape(
            head=head,
            constraints=tuple(constraints(asked)),
            properties=tuple(properties),
            checks=self._checks(head),
            asked={
                predicate.value.removeprefix(SH): value.value
                for predicate, value in self._graph.about(node)
                if isinstance(value, ox.Literal)
            },
        )

    def _checks(self, head: Head) -> tuple[Check, ...]:
        try:
            return tuple(self._sparql.checks(head))
        except Unsupported as unsupported:
            return tuple(self._referring.checks(head, str(unsupported)))

    def _head(self, node: Node) -> Head:
        graph = self._graph
        paths = graph.objects(node, _word("path"))
        severities = graph.objects(node, _word("severity"))
        switches = graph.objects(node, _word("deactivated"))
        if len(paths) > 1:
            raise Fault("has more than one path")
        if len(severities) > 1 or not all(isinstance(s, ox.NamedNode) for s in severities):
            raise Fault("has a severity that is not one word")
        if len(switches) > 1 or not all(isinstance(s, ox.Literal) for s in switches):
            raise Fault("has a “sh:deactivated” that is neither true nor false")
        severity = severities[0] if severities else _word("Violation")
        assert isinstance(severity, ox.NamedNode)
        return Head(
            node=node,
            path=self._path(paths[0]) if paths else None,
            severity=severity,
            messages=_texts(graph, node, "message"),
            names=_texts(graph, node, "name"),
            page=_page(graph, node),
            deactivated=any(s.value in ("true", "1") for s in switches),  # type: ignore[union-attr]
        )

    def _path(self, node: Term) -> Path:
        try:
            return parsed(self._graph, node)
        except ValueError as error:
            raise Fault(str(error)) from None

    def _siblings(self, node: Term) -> Sequence[Term]:
        """Return the shapes that are asked for beside a qualified one (SHACL 4.7.3)."""
        graph = self._graph
        return [
            shape
            for parent in graph.subjects(_word("property"), node)
            for one in graph.objects(parent, _word("property"))
            for shape in graph.objects(one, _word("qualifiedValueShape"))
        ]


def _texts(graph: Data, node: Node, word: str) -> tuple[ox.Literal, ...]:
    found = [t for t in graph.objects(node, _word(word)) if isinstance(t, ox.Literal)]
    return tuple(sorted(found, key=str))


def _page(graph: Data, node: Node) -> str | None:
    found = graph.objects(node, ox.NamedNode(RDFS + "seeAlso"))
    pages = sorted(p.value for p in found if isinstance(p, ox.NamedNode | ox.Literal))
    return next((page for page in pages if page.startswith(("https://", "http://"))), None)

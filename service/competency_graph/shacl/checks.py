"""What a compiled shape is made of: what it says of itself, what it asks, what it finds.

A *constraint* is one constraint component of SHACL Core with its parameters, asked of one focus
node at a time. A *check* is asked of many at once: a query of SHACL-SPARQL, or what pySHACL
evaluates.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import pyoxigraph as ox

from competency_graph.shacl.data import Data, Node, Run, Term
from competency_graph.shacl.paths import IDENTITY, Path, Predicate, Read, reads, values


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a shape says of itself: ``path`` is that of a property shape, as it is written.

    ``messages`` are its ``sh:message`` in all languages, values not yet filled in; ``names`` its
    ``sh:name``; ``page`` is the address that ``rdfs:seeAlso`` names.
    """

    node: Node
    path: Path | None
    severity: ox.NamedNode
    messages: tuple[ox.Literal, ...] = ()
    names: tuple[ox.Literal, ...] = ()
    page: str | None = None
    deactivated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One validation result (SHACL 3.6.2), of whatever severity.

    ``messages`` are those of the shape or constraint, values filled in; none where it has none.
    ``constraint`` is ``sh:sourceConstraint``: the node of the SPARQL constraint.
    """

    focus: Term
    shape: Node
    component: ox.NamedNode
    severity: ox.NamedNode
    path: Path | None = None
    value: Term | None = None
    messages: tuple[ox.Literal, ...] = ()
    constraint: Node | None = None


class Check(Protocol):
    """One thing that a shape asks; made when shapes are compiled and used any number of times.

    What ``sparql.checks(shapes, head)`` returns for a shape are such: one for each ``sh:sparql``
    and each SPARQL-based constraint component of which the shape has the parameters. Where it
    cannot evaluate one, it raises ``Unsupported``, and pySHACL evaluates them for that shape.
    """

    @property
    def reads(self) -> frozenset[Read]:
        """What it reads, seen from a focus node of the shape."""

    @property
    def slow(self) -> tuple[str, ...]:
        """Why it takes long or many changes concern it: ends of sentences about the shape."""

    def results(self, data: Data, focus_nodes: Sequence[Term]) -> Iterable[Result]:
        """Return what is wrong at focus nodes, of which each is a focus node of the shape."""


class Unsupported(Exception):
    """What pySHACL evaluates instead; the text is the end of a sentence that says why."""


Find = Callable[[Run, Term, Sequence[Term]], Iterable[Result]]
"""What a constraint finds at a focus node with these value nodes."""


@dataclass(frozen=True, slots=True, eq=False)
class Constraint:
    """One constraint component with its parameters; reads are seen from the shape's focus node.

    ``of_none``: whether it can find something where there is no value node.
    """

    reads: frozenset[Read]
    find: Find
    of_none: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Shape:
    """A shape, ready to judge by. ``properties`` are its ``sh:property``.

    ``asked`` are its parameters as text, by local name, for sentences.
    """

    head: Head
    constraints: tuple[Constraint, ...]
    properties: "tuple[Shape, ...]"
    checks: tuple[Check, ...]
    asked: Mapping[str, str] = field(default_factory=dict)

    @property
    def reads(self) -> frozenset[Read]:
        """What is read to judge a focus node, targets apart."""
        if self.head.deactivated:
            return frozenset()
        path = self.head.path or IDENTITY
        read = {r.behind(path) for shape in self.properties for r in shape.reads}
        if read:
            read.update(reads(path))
        read.update(r for constraint in self.constraints for r in constraint.reads)
        read.update(r for check in self.checks for r in check.reads)
        return frozenset(read)

    def results(self, run: Run, focus: Term) -> Iterator[Result]:
        """Return what is wrong at a node."""
        return self._results(run, focus, True)

    def conforms(self, run: Run, node: Term) -> bool:
        """Say whether nothing is wrong at a node; remembered for the length of the run."""
        key = (self, node)
        known = run.known.get(key)
        if known is None:
            known = run.known[key] = next(self._results(run, node, True), None) is None
        return known

    def judged(self, run: Run, focus_nodes: Sequence[Term]) -> Iterator[tuple[Term, Result]]:
        """Return what is wrong at many nodes, with the node; checks are asked of all at once.

        The focus node of a result is another one where a shape asks for properties of values.
        """
        for focus in focus_nodes:
            for result in self._results(run, focus, False):
                yield focus, result
        for check in self._checks_here():
            for result in check.results(run, focus_nodes):
                yield result.focus, result

    def _results(self, run: Run, focus: Term, checked: bool) -> Iterator[Result]:
        head = self.head
        if head.deactivated:
            return
        nodes = (focus,) if head.path is None else values(head.path, run, focus)
        for constraint in self.constraints:
            yield from constraint.find(run, focus, nodes)
        for node in nodes:
            said = run.said(node)
            # Most of all that is asked is asked here, so it is asked without detours.
            for predicate, of_some, of_none in self._plain:
                found = said.get(predicate)
                for find in of_some if found else of_none:
                    yield from find(run, node, found or ())
            for shape in self._other:
                yield from shape._results(run, node, checked or head.path is not None)
        if checked:
            for check in self.checks:
                yield from check.results(run, [focus])

    @cached_property
    def _plain(self) -> list[tuple[ox.NamedNode, list[Find], list[Find]]]:
        """Return the properties of one step that hold constraints only.

        With each is what it finds where there are values, and where there are none.
        """
        return [
            (
                shape.head.path.iri,
                [constraint.find for constraint in shape.constraints],
                [constraint.find for constraint in shape.constraints if constraint.of_none],
            )
            for shape in self.properties
            if isinstance(shape.head.path, Predicate) and shape._is_plain
        ]

    @cached_property
    def _other(self) -> list["Shape"]:
        return [s for s in self.properties if not s._is_plain and not s.head.deactivated]

    @property
    def _is_plain(self) -> bool:
        alone = not (self.properties or self.checks or self.head.deactivated)
        return alone and isinstance(self.head.path, Predicate)

    def _checks_here(self) -> Iterator[Check]:
        """Return the checks of this node's own focus: its, and those of its properties."""
        if self.head.deactivated:
            return
        yield from self.checks
        if self.head.path is None:
            for shape in self.properties:
                yield from shape._checks_here()

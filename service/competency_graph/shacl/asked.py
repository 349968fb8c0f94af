"""What a shape asks, as its parameters say it, for what makes constraints of it. Judges nothing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pyoxigraph as ox

from competency_graph.shacl.checks import Constraint, Head, Result, Shape
from competency_graph.shacl.data import Data, Run, Term, members
from competency_graph.shacl.paths import IDENTITY, Path, Predicate, Read, reads
from competency_graph.shacl.values import number_of
from competency_graph.vocab import SH, XSD


class Fault(Exception):
    """A shape that is not well-formed; the text is the end of a sentence about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a component is made of: the shape that asks, its shapes graph, and the way to others.

    ``stored``: the data is that of a store, which keeps literals by value. ``siblings`` are the
    sibling shapes of SHACL 4.7.3.
    """

    head: Head
    shapes: Data
    shape: Callable[[Term], Shape]
    siblings: Callable[[], Sequence[Term]]
    stored: bool

    def values(self, word: str) -> list[Term]:
        """Return the values that the shape has for a word of SHACL."""
        return list(self.shapes.objects(self.head.node, ox.NamedNode(SH + word)))

    def one(self, word: str) -> Term:
        """Return the only value.

        Raises:
            Fault: there are several.
        """
        found = self.values(word)
        if len(found) != 1:
            raise Fault(f"says “sh:{word}” more than once")
        return found[0]

    def iri(self, word: str) -> ox.NamedNode:
        """Return the only value, an IRI."""
        return self.iris(word, [self.one(word)])[0]

    def iris(self, word: str, terms: Iterable[Term] | None = None) -> list[ox.NamedNode]:
        """Return the values, or terms that were found in them, which are IRIs."""
        found = []
        for term in self.values(word) if terms is None else terms:
            if not isinstance(term, ox.NamedNode):
                raise Fault(f"has a “sh:{word}” that names nothing")
            found.append(term)
        return found

    def text(self, word: str, term: Term) -> str:
        """Return a value, or a member of one, which is a text."""
        if not isinstance(term, ox.Literal):
            raise Fault(f"has a “sh:{word}” that is no text")
        return term.value

    def count(self, word: str) -> int:
        """Return the only value, a number from 0 up."""
        found = self.one(word)
        number = number_of(found)
        if number is None or number < 0:
            raise Fault(f"has a “sh:{word}” that is no whole number from 0 up")
        return number

    def switch(self, word: str) -> bool:
        """Return the only value, true or false."""
        found = self.one(word)
        if not isinstance(found, ox.Literal) or found.datatype.value != XSD + "boolean":
            raise Fault(f"has a “sh:{word}” that is neither true nor false")
        return found.value in ("true", "1")

    def listed(self, word: str, head: Term) -> list[Term]:
        """Return the members of a list that is a value."""
        found = members(self.shapes, head)
        if found is None:
            raise Fault(f"has a “sh:{word}” that is not a whole list")
        return found

    def nested(self, nodes: Iterable[Term]) -> list[Shape]:
        """Return shapes inside the shape."""
        return [self.shape(node) for node in nodes]

    @property
    def path(self) -> Path:
        """From a focus node to its value nodes."""
        return self.head.path or IDENTITY

    @property
    def path_reads(self) -> frozenset[Read]:
        """What is read to find the value nodes."""
        return frozenset(reads(self.path))

    def through(self, shapes: Iterable[Shape]) -> frozenset[Read]:
        """Return what is read to judge the value nodes by shapes."""
        return self.path_reads.union(r.behind(self.path) for shape in shapes for r in shape.reads)

    def result(
        self,
        component: ox.NamedNode,
        focus: Term,
        value: Term | None,
        path: Predicate | None = None,
    ) -> Result:
        """Return a result of the shape."""
        head = self.head
        return Result(
            focus=focus,
            shape=head.node,
            component=component,
            severity=head.severity,
            path=path or head.path,
            value=value,
            messages=head.messages,
        )


def component_of(name: str) -> ox.NamedNode:
    """Return the IRI of a constraint component."""
    return ox.NamedNode(f"{SH}{name}ConstraintComponent")


def of_values(
    asked: Asked,
    name: str,
    keeps: Callable[[Run, Term], bool],
    also_read: Iterable[Read] = (),
) -> Constraint:
    """Return a constraint that each value node keeps by itself, or is a result."""
    component, result = component_of(name), asked.result

    def find(run: Run, focus: Term, nodes: Sequence[Term]) -> list[Result]:
        return [result(component, focus, node) for node in nodes if not keeps(run, node)]

    return Constraint(asked.path_reads.union(also_read), find)


def of_all(
    asked: Asked, name: str, holds: Callable[[Sequence[Term]], bool], read: frozenset[Read]
) -> Constraint:
    """Return a constraint on all value nodes together, with one result that has no value."""
    component, result = component_of(name), asked.result

    def find(run: Run, focus: Term, nodes: Sequence[Term]) -> list[Result]:
        return [] if holds(nodes) else [result(component, focus, None)]

    return Constraint(read, find, of_none=True)

"""What a compiled shape is made of: what it says of itself, what it asks, what it finds.

A *check* is one thing that a shape asks of its focus nodes: a constraint component of SHACL Core
with its parameters, or a query of SHACL-SPARQL. Judges nothing itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyoxigraph as ox

from competency_graph.shacl.data import Data, Node, Term
from competency_graph.shacl.paths import Path, Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a shape says of itself: ``path`` is that of a property shape, as it is written.

    ``messages`` are its ``sh:message`` in all languages, values not yet filled in.
    """

    node: Node
    path: Path | None
    severity: ox.NamedNode
    messages: tuple[ox.Literal, ...]


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
    and each SPARQL-based constraint component of which the shape has the parameters.
    """

    @property
    def reads(self) -> frozenset[Read]:
        """What it reads, seen from a focus node of the shape."""

    def results(self, data: Data, focus_nodes: Sequence[Term]) -> Iterable[Result]:
        """Return what is wrong at focus nodes, of which each is a focus node of the shape."""

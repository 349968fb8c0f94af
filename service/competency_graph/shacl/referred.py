"""Checks that pySHACL evaluates, each for one shape alone: slower, and right. Judges no others.

pySHACL is asked for one constraint component of one shape at nodes that it is given, over the same
data: a store is read as it stands, not copied. Its options ``focus_nodes=`` and ``use_shapes=`` say
"conforms" of graphs that do not, and are not used.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox
from pyshacl.constraints.sparql.sparql_based_constraints import SPARQLBasedConstraint
from pyshacl.errors import ReportableRuntimeError, ValidationFailure
from pyshacl.pytypes import SHACLExecutor
from pyshacl.shapes_graph import ShapesGraph
from rdflib import SH, Graph
from rdflib import Literal as Text
from rdflib.store import Store
from rdflib.term import Node

from competency_graph.errors import InvalidShapes
from competency_graph.graphs import fill, node, term
from competency_graph.shacl.checks import Head, Result
from competency_graph.shacl.data import Data, Term
from competency_graph.shacl.paths import ALWAYS, Predicate, Read
from competency_graph.shacl.reference import Data as Judged

_DEPTH: Final = 30
EVERY_CHANGE: Final = "is judged again at every change, because what it reads is not known"


class Referring:
    """A shapes graph as pySHACL has it, made when the first check is referred to it."""

    def __init__(self, statements: Iterable[ox.Quad | ox.Triple]) -> None:
        self._statements = statements
        self._shapes: ShapesGraph | None = None

    def checks(self, head: Head, why: str) -> list["Referred"]:
        """Return what a shape asks in SPARQL, as checks that pySHACL evaluates.

        ``why`` it is referred is the end of a sentence about the shape.

        Raises:
            ReportableRuntimeError: a query cannot be read.
        """
        if self._shapes is None:
            graph = Graph(bind_namespaces="none")
            fill(graph, self._statements)
            self._shapes = ShapesGraph(graph)
            # It can look a shape up once it has listed them.
            list(self._shapes.shapes)
        shape: Any = self._shapes.lookup_shape_from_node(node(head.node))
        found: list[Any] = [
            c.make_validator_for_shape(shape) for c in shape.find_custom_constraints()
        ]
        if next(shape.objects(SH.sparql), None) is not None:
            found.append(SPARQLBasedConstraint(shape))
        slow = (f"is evaluated by pySHACL, which takes long, because it {why}", EVERY_CHANGE)
        return [Referred(head, shape, constraint, slow) for constraint in found]


@dataclass(frozen=True, slots=True)
class Referred:
    """One constraint component of one shape, evaluated by pySHACL."""

    head: Head
    shape: Any
    constraint: Any
    slow: tuple[str, ...]

    @property
    def reads(self) -> frozenset[Read]:
        """What it reads is not known, so every change concerns it."""
        return frozenset({ALWAYS})

    def results(self, data: Data, focus_nodes: Sequence[Term]) -> Iterator[Result]:
        """Return what is wrong at focus nodes.

        Raises:
            InvalidShapes: the constraint cannot be evaluated on this data.
        """
        graph = Judged(_Read(data))
        nodes = self.shape.value_nodes(graph, [node(focus) for focus in focus_nodes])
        executor = SHACLExecutor(max_validation_depth=_DEPTH)
        try:
            _, found = self.constraint.evaluate(executor, graph, nodes, [])
        except (ReportableRuntimeError, ValidationFailure, NotImplementedError) as error:
            name = self.head.node.value
            raise InvalidShapes(f"The shape “{name}” cannot be evaluated: {error}") from None
        for _, _, statements in found:
            yield self._result(statements)

    def _result(self, statements: Iterable[Sequence[Any]]) -> Result:
        said: dict[Node, list[Any]] = {}
        for _, predicate, value in statements:
            # pySHACL hands terms that stand in a graph over together with that graph.
            said.setdefault(predicate, []).append(value[1] if isinstance(value, tuple) else value)

        def one(word: Node) -> Any:
            return term(said[word][0]) if word in said else None

        path = one(SH.resultPath)
        return Result(
            focus=one(SH.focusNode),
            shape=self.head.node,
            component=one(SH.sourceConstraintComponent),
            severity=self.head.severity,
            path=Predicate(path) if isinstance(path, ox.NamedNode) else self.head.path,
            value=one(SH.value),
            messages=_texts(said.get(SH.resultMessage, ()), apart_from=self._generic()),
            constraint=one(SH.sourceConstraint),
        )

    def _generic(self) -> list[Node]:
        """Return what pySHACL says where nobody wrote a message; it is full of RDF."""
        generic: list[Node] = self.constraint.make_generic_messages(None, None, None)
        return generic


def _texts(messages: Iterable[Node], *, apart_from: Sequence[Node]) -> tuple[ox.Literal, ...]:
    written = (m for m in messages if isinstance(m, Text) and m not in apart_from)
    found = (term(message) for message in written)
    return tuple(sorted((t for t in found if isinstance(t, ox.Literal)), key=str))


def as_rdflib(data: Data) -> Graph:
    """Return data as a graph of rdflib that reads it where it stands, whatever becomes of it."""
    return Graph(_Read(data), bind_namespaces="none")


class _Read(Store):
    """Data as a store of rdflib, which reads it where it stands."""

    def __init__(self, data: Data) -> None:
        super().__init__()
        self._data = data

    def triples(
        self, triple_pattern: tuple[Node | None, Node | None, Node | None], context: object = None
    ) -> Iterator[tuple[tuple[Node, Node, Node], Iterator[None]]]:
        """Return the statements of a pattern."""
        for subject, predicate, value in self._found(*triple_pattern):
            yield (node(subject), node(predicate), node(value)), iter(())

    def _found(
        self, subject: Node | None, predicate: Node | None, value: Node | None
    ) -> Iterator[tuple[Term, Term, Term]]:
        asked = [None if n is None else term(n) for n in (subject, predicate, value)]
        one, word, other = asked
        if isinstance(one, ox.Literal) or isinstance(word, ox.Literal | ox.BlankNode):
            return
        if one is not None:
            for said, found in self._data.about(one):
                if word in (None, said) and other in (None, found):
                    yield one, said, found
        elif word is not None and other is not None:
            for subject_found in self._data.subjects(word, other):
                yield subject_found, word, other
        elif word is not None:
            for subject_found, value_found in self._data.pairs(word):
                yield subject_found, word, value_found
        else:
            for quad in self._data.store.quads_for_pattern(None, None, other, ox.DefaultGraph()):
                yield quad.subject, quad.predicate, quad.object

    def __len__(self, context: object = None) -> int:
        return len(self._data.store)

"""What judging looks up, in an engine's store or in terms as they were parsed. Changes nothing.

A store keeps literals by value (``"007"`` is ``7``). What is judged by shapes of one's own, and
the W3C's tests, are judged as they are written: in terms as parsed.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

import pyoxigraph as ox

Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
Node = ox.NamedNode | ox.BlankNode


class Data(Protocol):
    """A graph that is read: the default graph of a store, or statements as parsed.

    A literal in the place of a subject finds nothing. ``store`` has the same statements for SPARQL;
    of statements as parsed it is a store that was filled with them, which normalises literals.
    """

    @property
    def store(self) -> ox.Store:
        """The statements for SPARQL, in the default graph."""

    def objects(self, subject: Term, predicate: ox.NamedNode) -> Iterable[Term]:
        """Return the objects of statements with this subject and predicate."""

    def subjects(self, predicate: ox.NamedNode, value: Term) -> Iterable[Term]:
        """Return the subjects of statements with this predicate and object."""

    def about(self, subject: Term) -> Iterable[tuple[ox.NamedNode, Term]]:
        """Return predicate and object of each statement with this subject."""

    def pairs(self, predicate: ox.NamedNode) -> Iterable[tuple[Term, Term]]:
        """Return subject and object of each statement with this predicate."""

    def holds(self, subject: Term, predicate: ox.NamedNode, value: Term) -> bool:
        """Say whether there is this statement."""


class Stored:
    """The default graph of a store, in which the union of its graphs stands (DESIGN, Reading)."""

    def __init__(self, store: ox.Store) -> None:
        self.store = store
        self._find = store.quads_for_pattern
        self._graph = ox.DefaultGraph()

    def objects(self, subject: Term, predicate: ox.NamedNode) -> list[Term]:
        """Return the objects of statements with this subject and predicate."""
        if isinstance(subject, ox.Literal):
            return []
        return [q.object for q in self._find(subject, predicate, None, self._graph)]

    def subjects(self, predicate: ox.NamedNode, value: Term) -> list[Term]:
        """Return the subjects of statements with this predicate and object."""
        return [q.subject for q in self._find(None, predicate, value, self._graph)]

    def about(self, subject: Term) -> list[tuple[ox.NamedNode, Term]]:
        """Return predicate and object of each statement with this subject."""
        if isinstance(subject, ox.Literal):
            return []
        return [(q.predicate, q.object) for q in self._find(subject, None, None, self._graph)]

    def pairs(self, predicate: ox.NamedNode) -> Iterator[tuple[Term, Term]]:
        """Return subject and object of each statement with this predicate."""
        for quad in self._find(None, predicate, None, self._graph):
            yield quad.subject, quad.object

    def holds(self, subject: Term, predicate: ox.NamedNode, value: Term) -> bool:
        """Say whether there is this statement."""
        if isinstance(subject, ox.Literal):
            return False
        return ox.Quad(subject, predicate, value, self._graph) in self.store


class Parsed:
    """Statements as they were parsed, in whatever graphs; literals keep their spelling."""

    def __init__(self, statements: Iterable[ox.Quad | ox.Triple]) -> None:
        self._out: dict[Term, dict[ox.NamedNode, dict[Term, None]]] = {}
        self._in: dict[ox.NamedNode, dict[Term, dict[Term, None]]] = {}
        self._store: ox.Store | None = None
        for statement in statements:
            self.add(statement.subject, statement.predicate, statement.object)

    def add(self, subject: Term, predicate: ox.NamedNode, value: Term) -> None:
        """Add a statement."""
        self._out.setdefault(subject, {}).setdefault(predicate, {})[value] = None
        self._in.setdefault(predicate, {}).setdefault(value, {})[subject] = None
        self._store = None

    def remove(self, subject: Term, predicate: ox.NamedNode, value: Term) -> None:
        """Take a statement away that is there."""
        del self._out[subject][predicate][value]
        del self._in[predicate][value][subject]
        self._store = None

    @property
    def store(self) -> ox.Store:
        """A store of the same statements, filled when it is first asked for."""
        if self._store is None:
            self._store = ox.Store()
            self._store.bulk_extend(
                ox.Quad(subject, predicate, value)
                for subject, said in self._out.items()
                if not isinstance(subject, ox.Literal)
                for predicate, values in said.items()
                for value in values
            )
        return self._store

    def objects(self, subject: Term, predicate: ox.NamedNode) -> list[Term]:
        """Return the objects of statements with this subject and predicate."""
        return list(self._out.get(subject, {}).get(predicate, ()))

    def subjects(self, predicate: ox.NamedNode, value: Term) -> list[Term]:
        """Return the subjects of statements with this predicate and object."""
        return list(self._in.get(predicate, {}).get(value, ()))

    def about(self, subject: Term) -> list[tuple[ox.NamedNode, Term]]:
        """Return predicate and object of each statement with this subject."""
        said = self._out.get(subject, {})
        return [(predicate, value) for predicate, values in said.items() for value in values]

    def pairs(self, predicate: ox.NamedNode) -> Iterator[tuple[Term, Term]]:
        """Return subject and object of each statement with this predicate."""
        for value, subjects in self._in.get(predicate, {}).items():
            for subject in subjects:
                yield subject, value

    def holds(self, subject: Term, predicate: ox.NamedNode, value: Term) -> bool:
        """Say whether there is this statement."""
        return value in self._out.get(subject, {}).get(predicate, ())


def members(data: Data, head: Term) -> list[Term] | None:
    """Return the members of an RDF list, or ``None`` where it is broken or a circle."""
    found: list[Term] = []
    seen: set[Term] = set()
    while head != NIL:
        firsts, rests = list(data.objects(head, FIRST)), list(data.objects(head, REST))
        if head in seen or len(firsts) != 1 or len(rests) != 1:
            return None
        seen.add(head)
        found.append(firsts[0])
        head = rests[0]
    return found


_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
FIRST, REST, NIL = (ox.NamedNode(_RDF + name) for name in ("first", "rest", "nil"))

"""What judging looks up, in an engine's store or in terms as they were parsed. Changes nothing.

A store keeps literals by value (``"007"`` is ``7``). What is judged by shapes of one's own, and
the W3C's tests, are judged as they are written: in terms as parsed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Protocol

import pyoxigraph as ox

from competency_graph.vocab import RDF, RDFS

Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
Node = ox.NamedNode | ox.BlankNode

TYPE: Final = ox.NamedNode(RDF + "type")
FIRST: Final = ox.NamedNode(RDF + "first")
REST: Final = ox.NamedNode(RDF + "rest")
NIL: Final = ox.NamedNode(RDF + "nil")
SUB_CLASS_OF: Final = ox.NamedNode(RDFS + "subClassOf")


class Data(Protocol):
    """A graph that is read: the default graph of a store, or statements as parsed.

    A literal in the place of a subject finds nothing. ``store`` has the same statements for SPARQL;
    of statements as parsed it is a store that was filled with them, which normalises literals.
    """

    @property
    def store(self) -> ox.Store:
        """The statements for SPARQL, in the default graph."""

    def objects(self, subject: Term, predicate: ox.NamedNode) -> Sequence[Term]:
        """Return the objects of statements with this subject and predicate."""

    def subjects(
        self, predicate: ox.NamedNode, value: Term, most: int | None = None
    ) -> Sequence[Term]:
        """Return subjects of statements with this predicate and object, not more than ``most``."""

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

    def subjects(self, predicate: ox.NamedNode, value: Term, most: int | None = None) -> list[Term]:
        """Return subjects of statements with this predicate and object, not more than ``most``."""
        found = self._find(None, predicate, value, self._graph)
        return [quad.subject for quad in islice(found, most)]

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

    def __iter__(self) -> Iterator[tuple[Term, ox.NamedNode, Term]]:
        for subject, said in self._out.items():
            for predicate, values in said.items():
                for value in values:
                    yield subject, predicate, value

    def naming(self, value: Term) -> Iterator[Term]:
        """Return the subjects of all statements with this object."""
        for values in self._in.values():
            yield from values.get(value, ())

    def ends(self) -> set[Term]:
        """Return the subjects and objects of all statements."""
        return {value for values in self._in.values() for value in values} | set(self._out)

    @property
    def store(self) -> ox.Store:
        """A store of the same statements, filled when it is first asked for."""
        if self._store is None:
            self._store = ox.Store()
            self._store.bulk_extend(
                ox.Quad(subject, predicate, value)
                for subject, predicate, value in self
                if not isinstance(subject, ox.Literal)
            )
        return self._store

    def objects(self, subject: Term, predicate: ox.NamedNode) -> list[Term]:
        """Return the objects of statements with this subject and predicate."""
        return list(self._out.get(subject, {}).get(predicate, ()))

    def subjects(self, predicate: ox.NamedNode, value: Term, most: int | None = None) -> list[Term]:
        """Return subjects of statements with this predicate and object, not more than ``most``."""
        return list(islice(self._in.get(predicate, {}).get(value, ()), most))

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


class Followed(Parsed):
    """Statements as parsed, of which some are added and others removed: their store follows."""

    def add(self, subject: Term, predicate: ox.NamedNode, value: Term) -> None:
        """Add a statement."""
        store = self._store
        super().add(subject, predicate, value)
        if store is not None:
            assert not isinstance(subject, ox.Literal)
            store.add(ox.Quad(subject, predicate, value))
            self._store = store

    def remove(self, subject: Term, predicate: ox.NamedNode, value: Term) -> None:
        """Take a statement away that is there."""
        store = self._store
        super().remove(subject, predicate, value)
        if store is not None:
            assert not isinstance(subject, ox.Literal)
            store.remove(ox.Quad(subject, predicate, value))
            if isinstance(value, ox.Literal):
                # Another spelling of the same value is the same statement in a store.
                store.extend(
                    ox.Quad(subject, predicate, o) for o in self.objects(subject, predicate)
                )
            self._store = store


class Run:
    """Data that does not change while it is judged, with what was found out about it so far.

    It forgets all when it has remembered too much, so that judging millions of statements takes
    bounded memory.
    """

    _MOST: Final = 20_000

    def __init__(self, data: Data) -> None:
        self._data = data
        self._said: dict[Term, dict[ox.NamedNode, list[Term]]] = {}
        self._some: dict[tuple[Term, ox.NamedNode], Sequence[Term]] = {}
        self._above: dict[Term, frozenset[Term]] = {}
        self.known: dict[object, bool] = {}

    @property
    def store(self) -> ox.Store:
        """The statements for SPARQL, in the default graph."""
        return self._data.store

    def objects(self, subject: Term, predicate: ox.NamedNode) -> Sequence[Term]:
        """Return the objects of statements with this subject and predicate."""
        said = self._said.get(subject)
        if said is not None:
            return said.get(predicate, ())
        some = self._some.get((subject, predicate))
        if some is None:
            if len(self._some) > self._MOST:
                self._some.clear()
            some = self._some[subject, predicate] = self._data.objects(subject, predicate)
        return some

    def said(self, subject: Term) -> Mapping[ox.NamedNode, Sequence[Term]]:
        """Return all that is said of a subject, by predicate."""
        said = self._said.get(subject)
        if said is None:
            if len(self._said) > self._MOST or len(self.known) > self._MOST:
                self._said.clear()
                self.known.clear()
            said = self._said[subject] = {}
            for predicate, value in self._data.about(subject):
                said.setdefault(predicate, []).append(value)
        return said

    def about(self, subject: Term) -> Iterator[tuple[ox.NamedNode, Term]]:
        """Return predicate and object of each statement with this subject."""
        for predicate, values in self.said(subject).items():
            for value in values:
                yield predicate, value

    def subjects(
        self, predicate: ox.NamedNode, value: Term, most: int | None = None
    ) -> Sequence[Term]:
        """Return subjects of statements with this predicate and object, not more than ``most``."""
        return self._data.subjects(predicate, value, most)

    def pairs(self, predicate: ox.NamedNode) -> Iterable[tuple[Term, Term]]:
        """Return subject and object of each statement with this predicate."""
        return self._data.pairs(predicate)

    def holds(self, subject: Term, predicate: ox.NamedNode, value: Term) -> bool:
        """Say whether there is this statement."""
        return value in self.objects(subject, predicate)

    def classes_above(self, class_: Term) -> frozenset[Term]:
        """Return a class and all that it is below of, by ``rdfs:subClassOf``."""
        found = self._above.get(class_)
        if found is None:
            if len(self._above) > self._MOST:
                self._above.clear()
            found = self._above[class_] = frozenset(reached(self, class_, SUB_CLASS_OF))
        return found

    def is_instance(self, node: Term, class_: Term) -> bool:
        """Say whether a node is a SHACL instance of a class (SHACL 1.1, Terminology)."""
        return any(class_ in self.classes_above(kind) for kind in self.objects(node, TYPE))


def reached(data: Data, start: Term, predicate: ox.NamedNode) -> dict[Term, None]:
    """Return what a predicate reaches from a node in any number of steps, the node first."""
    found = {start: None}
    waiting = [start]
    while waiting:
        for node in data.objects(waiting.pop(), predicate):
            if node not in found:
                found[node] = None
                waiting.append(node)
    return found


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


class Union:
    """Data together with statements that were taken from it: what was and what is."""

    def __init__(self, data: Data, removed: Parsed) -> None:
        self._data = data
        self._removed = removed

    @property
    def store(self) -> ox.Store:
        """A union is walked, not asked."""
        raise NotImplementedError("Queries are asked of a state, not of two at once.")

    def objects(self, subject: Term, predicate: ox.NamedNode) -> Sequence[Term]:
        """Return the objects of statements with this subject and predicate."""
        return [*self._data.objects(subject, predicate), *self._removed.objects(subject, predicate)]

    def subjects(
        self, predicate: ox.NamedNode, value: Term, most: int | None = None
    ) -> Sequence[Term]:
        """Return subjects of statements with this predicate and object, not more than ``most``."""
        sides = (self._data, self._removed)
        return [one for side in sides for one in side.subjects(predicate, value, most)][:most]

    def about(self, subject: Term) -> Sequence[tuple[ox.NamedNode, Term]]:
        """Return predicate and object of each statement with this subject."""
        return [*self._data.about(subject), *self._removed.about(subject)]

    def pairs(self, predicate: ox.NamedNode) -> Iterator[tuple[Term, Term]]:
        """Return subject and object of each statement with this predicate."""
        yield from self._data.pairs(predicate)
        yield from self._removed.pairs(predicate)

    def holds(self, subject: Term, predicate: ox.NamedNode, value: Term) -> bool:
        """Say whether there is this statement."""
        return self._data.holds(subject, predicate, value) or self._removed.holds(
            subject, predicate, value
        )

"""Statements as they are written, laid over those of a store that holds them too. Changes nothing.

A store keeps literals by value, so it cannot tell how they were written; and all that belongs to
them need not be copied out of it to be judged with them.
"""

from collections.abc import Iterable, Iterator, Sequence

import pyoxigraph as ox

from competency_graph.shacl.data import Parsed, Stored, Term


class Laid:
    """Data: what was written as it was written, and what else the store holds.

    Args:
        written: statements that the default graph of the store holds as well.
        store: a store, asked by SPARQL as it stands.
    """

    def __init__(self, written: Sequence[ox.Quad], store: ox.Store) -> None:
        self._written = Parsed(written)
        self._stored = Stored(store)
        self._kept = _kept({quad.object for quad in written})
        self._hidden = {(q.subject, q.predicate, self._as_kept(q.object)) for q in written}

    @property
    def store(self) -> ox.Store:
        """The statements for SPARQL, in the default graph."""
        return self._stored.store

    def objects(self, subject: Term, predicate: ox.NamedNode) -> list[Term]:
        """Return the objects of statements with this subject and predicate."""
        found = self._stored.objects(subject, predicate)
        others = [value for value in found if (subject, predicate, value) not in self._hidden]
        return [*self._written.objects(subject, predicate), *others]

    def subjects(self, predicate: ox.NamedNode, value: Term, most: int | None = None) -> list[Term]:
        """Return subjects of statements with this predicate and object, not more than ``most``."""
        kept = self._as_kept(value)
        found = self._stored.subjects(predicate, value)
        others = [subject for subject in found if (subject, predicate, kept) not in self._hidden]
        return [*self._written.subjects(predicate, value), *others][:most]

    def about(self, subject: Term) -> list[tuple[ox.NamedNode, Term]]:
        """Return predicate and object of each statement with this subject."""
        found = self._stored.about(subject)
        others = [
            (word, value) for word, value in found if (subject, word, value) not in self._hidden
        ]
        return [*self._written.about(subject), *others]

    def pairs(self, predicate: ox.NamedNode) -> Iterator[tuple[Term, Term]]:
        """Return subject and object of each statement with this predicate."""
        yield from self._written.pairs(predicate)
        for subject, value in self._stored.pairs(predicate):
            if (subject, predicate, value) not in self._hidden:
                yield subject, value

    def holds(self, subject: Term, predicate: ox.NamedNode, value: Term) -> bool:
        """Say whether there is this statement."""
        if self._written.holds(subject, predicate, value):
            return True
        hidden = (subject, predicate, self._as_kept(value)) in self._hidden
        return not hidden and self._stored.holds(subject, predicate, value)

    def _as_kept(self, term: Term) -> Term:
        return self._kept.get(term, term)


def _kept(terms: Iterable[Term]) -> dict[Term, Term]:
    """Return the literals that a store keeps otherwise than they are written, and how it does."""
    literals = [term for term in terms if isinstance(term, ox.Literal)]
    store, word = ox.Store(), ox.NamedNode("urn:kept")
    store.bulk_extend(
        ox.Quad(ox.NamedNode(f"urn:{number}"), word, literal)
        for number, literal in enumerate(literals)
    )
    kept: dict[Term, Term] = {}
    for quad in store:
        assert isinstance(quad.subject, ox.NamedNode)
        literal = literals[int(quad.subject.value.removeprefix("urn:"))]
        if quad.object != literal:
            kept[literal] = quad.object
    return kept

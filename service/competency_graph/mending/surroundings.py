"""What belongs to a finding in the data and the shapes, for who proposes how to mend it."""

import re
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from itertools import chain, islice
from typing import Final

from rdflib import DCTERMS, SH, SKOS, Graph, URIRef
from rdflib.collection import Collection
from rdflib.term import Node

from competency_graph.graphs import named, term
from competency_graph.graphs import node as of_term
from competency_graph.shacl.data import TYPE, Data
from competency_graph.shacl.findings import label
from competency_graph.shacl.targets import below
from competency_graph.vocab import CG

MANY: Final = 5000
"""How many things are looked at, so that a proposal costs milliseconds in any graph."""
SHORT: Final = 60
"""How many characters of a name or text fit into a sentence."""
# Of vocabularies of others, which are closed: not all their words have a label here.
_WORDS: Final = frozenset(
    space[word] for space in (SKOS, DCTERMS) for word in space.__annotations__ if word[0] != "_"
)


class Surroundings:
    """What a proposal may look at: the data that were judged, and the shapes that judged them.

    ``order`` says of two statements which stands first.
    """

    def __init__(
        self,
        data: Data,
        shapes: Sequence[Graph],
        order: Callable[[tuple[Node, Node, Node]], tuple[int, int]] = lambda _: (0, 0),
    ) -> None:
        self._data = data
        self.order = order
        self._shapes = shapes
        self._members: dict[frozenset[Node], list[URIRef]] = {}

    def values(self, thing: Node, predicate: Node) -> list[Node]:
        """Return the values that the data have for a predicate of a thing."""
        return [of_term(value) for value in self._data.objects(term(thing), named(predicate))]

    def said(self, thing: Node) -> list[tuple[Node, Node]]:
        """Return what the data say of a thing: predicates and values."""
        return [(of_term(word), of_term(value)) for word, value in self._data.about(term(thing))]

    def words(self, thing: Node, value: Node) -> list[Node]:
        """Return the predicates with which the data give a thing a value, in a settled order."""
        return sorted((word for word, other in self.said(thing) if other == value), key=str)

    def having(self, predicate: Node, value: Node) -> list[Node]:
        """Return the things that have a value for a predicate: not all, where there are many."""
        found = islice(self._data.subjects(named(predicate), term(value)), MANY)
        return [of_term(thing) for thing in found]

    def kind(self, thing: Node) -> str | None:
        """Return in a word what a thing is, where the data call it one thing."""
        classes = self._data.objects(term(thing), TYPE)
        names = {name for class_ in classes if (name := label(class_, self._data))}
        return names.pop().lower() if len(names) == 1 else None

    def asked(self, shape: Node, word: Node) -> list[Node]:
        """Return what a shape says with a word of SHACL."""
        return [value for graph in self._shapes for value in graph.objects(shape, word)]

    def list_of(self, shape: Node, word: Node) -> list[Node]:
        """Return the members of the lists that a shape says with a word of SHACL."""
        return [
            member
            for graph in self._shapes
            for head in graph.objects(shape, word)
            for member in Collection(graph, head)
        ]

    def label(self, node: Node) -> str | None:
        """Return what a thing is called, shortened to what fits a sentence."""
        name = label(term(node), self._data)
        return name and (name if len(name) <= SHORT else name[: SHORT - 1] + "…")

    def classes(self, shape: Node) -> frozenset[Node]:
        """Return the classes of which a value must be, by a shape or by another of its path."""
        own = frozenset(self._classes(shape))
        if own:
            return own
        others = [
            other
            for path in self.asked(shape, SH.path)
            for graph in self._shapes
            for holder in graph.subjects(SH.property, shape)
            for other in graph.objects(holder, SH.property)
            if (other, SH.path, path) in graph
        ]
        return frozenset(kind for other in others for kind in self._classes(other))

    def _classes(self, shape: Node, depth: int = 3) -> Iterator[Node]:
        yield from self.asked(shape, SH["class"])
        if depth:
            inner = [*self.list_of(shape, SH["or"]), *self.asked(shape, SH.node)]
            for other in inner:
                yield from self._classes(other, depth - 1)

    def name(self, node: Node) -> str:
        """Return what a thing is called, else how its address ends."""
        return self.label(node) or local_name(node)

    def called(self, thing: Node) -> str:
        """Return in quotes what a thing is called, and how its address ends where that differs."""
        name, local = self.name(thing), local_name(thing)
        return f"“{name}”" if name == local else f"“{name}” ({local})"

    def misspelt(self, thing: Node, word: URIRef) -> Node | None:
        """Return with which word that does not exist a thing says what a word is for."""
        for space in (CG, str(SKOS), str(DCTERMS)):
            if word.startswith(space):
                break
        else:
            return None
        said = [other for other, _ in self.said(thing) if str(other).startswith(space)]
        unknown = {
            local_name(other): other
            for other in said
            if self.label(other) is None and other not in _WORDS
        }
        near = get_close_matches(local_name(word), unknown, n=1, cutoff=0.85)
        return unknown[near[0]] if near else None

    def on_scale(self, choice: list[URIRef], thing: Node) -> list[URIRef]:
        """Return what of a choice is on the scales of a thing's framework, else all of it."""
        homes = self.values(thing, DCTERMS.isPartOf)
        scales = [scale for home in homes for scale in self.values(home, URIRef(CG + "usesScale"))]
        fit = {one for scale in scales for one in self.having(SKOS.inScheme, scale)}
        return [one for one in choice if one in fit] or choice

    def members(self, classes: frozenset[Node]) -> list[URIRef]:
        """Return the things of some classes in the order of their addresses, unless there are many.

        Their names are not looked at: that costs more than finding them.
        """
        if classes not in self._members:
            kinds = {kind for class_ in classes for kind in below(self._data, term(class_))}
            found = (self._data.subjects(TYPE, kind, MANY + 1) for kind in kinds)
            some = list(islice(chain.from_iterable(found), MANY + 1))
            things = map(of_term, some if len(some) <= MANY else ())
            self._members[classes] = sorted({t for t in things if isinstance(t, URIRef)})
        return self._members[classes]


def local_name(term: object) -> str:
    """Return the part of an address that a person recognises."""
    return re.split(r"[/#]", str(term).rstrip("/#"))[-1]

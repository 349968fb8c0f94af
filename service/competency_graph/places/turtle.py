"""Where statements stand in Turtle and TriG. Refuses nothing."""

import re
from typing import Any, Final

from rdflib import BNode, Graph
from rdflib.plugins.parsers.notation3 import BadSyntax, RDFSink, SinkParser
from rdflib.plugins.parsers.trig import TrigSinkParser

from competency_graph import rdf
from competency_graph.places.spots import Span, Spots, Stated

_SPACE: Final = re.compile(r"\s*")


def read(spots: Spots) -> None:
    """Note where each statement of a Turtle document stands."""
    _read(_Turtle(spots), spots)


def read_trig(spots: Spots) -> None:
    """Note where each statement of a TriG document stands."""
    _read(_TriG(spots), spots)


def _read(parser: "_Turtle", spots: Spots) -> None:
    try:
        parser.loadBuf(spots.text)
    except (BadSyntax, RecursionError):
        # The engine read it, so it is valid; what was seen until here has its place.
        pass
    spots.prefixes.update((prefix, str(iri)) for prefix, iri in parser._bindings.items())


class _Turtle(SinkParser):
    """rdflib's Turtle parser, which also notes where the parts of its statements stand."""

    def __init__(self, spots: Spots) -> None:
        sink = RDFSink(Graph(bind_namespaces="none"))
        super().__init__(sink, baseURI=rdf.NO_BASE, turtle=True)
        self._spots = spots
        # One for each list of values inside another: its predicate, and the values until here.
        self._lists: list[tuple[Span, list[Span]]] = []
        self._verb = self._subject = Span(0, 0)
        self._stated: list[Stated] = []

    def object(self, argstr: str, i: int, res: Any) -> int:
        start = max(i, self.skipSpace(argstr, i))
        end = int(super().object(argstr, i, res))
        span = Span(start, max(start, end))
        if self._lists:
            self._lists[-1][1].append(span)
        elif end >= 0:
            self._subject = span
        return end

    def verb(self, argstr: str, i: int, res: Any) -> int:
        start = max(i, self.skipSpace(argstr, i))
        end = int(super().verb(argstr, i, res))
        self._verb = Span(start, max(start, end))
        return end

    def objectList(self, argstr: str, i: int, res: Any) -> int:  # noqa: N802  the name is rdflib's
        self._lists.append((self._verb, []))
        end = int(super().objectList(argstr, i, res))
        verb, values = self._lists.pop()
        alone = len(values) == 1
        self._stated = [Stated(value, (verb,), alone=alone) for value in values]
        return end

    def makeStatement(self, quadruple: Any) -> None:  # noqa: N802  the name is rdflib's
        _, predicate, subject, value = quadruple
        # The parser has its own form of the word `a`: a pair of a mark and the address.
        predicate = predicate[1] if isinstance(predicate, tuple) else predicate
        if self._stated:
            self._note(subject, predicate, value, self._stated.pop(0))
        super().makeStatement(quadruple)

    def _note(self, subject: Any, predicate: Any, value: Any, stated: Stated) -> None:
        spots = self._spots
        if isinstance(subject, BNode):
            spots.note(subject, predicate, value, stated)
            return
        spots.subjects.setdefault(str(subject), self._subject)
        spots.ends[str(subject)] = stated.value.end
        whole = _whole(spots.text, self._subject, stated)
        spots.note(subject, predicate, value, stated._replace(whole=whole))


class _TriG(_Turtle, TrigSinkParser):
    """The same for TriG."""


def _whole(text: str, subject: Span, stated: Stated) -> Span | None:
    """Return what to take away so that a statement is gone and its neighbours stay."""
    (verb,), value = stated.predicates, stated.value
    next_ = _after_space(text, value.end)
    before = len(text[: value.start].rstrip())
    if text[next_ : next_ + 1] == ",":
        return Span(value.start, _after_space(text, next_ + 1))
    if text[before - 1] == ",":
        return Span(before - 1, value.end)
    if text[next_ : next_ + 1] == ";":
        return Span(verb.start, _after_space(text, next_ + 1))
    before = len(text[: verb.start].rstrip())
    if text[before - 1] == ";":
        return Span(before - 1, value.end)
    if text[next_ : next_ + 1] == "." and before == subject.end:
        return Span(subject.start, next_ + 1)
    # A comment stands between, for example.
    return None


def _after_space(text: str, offset: int) -> int:
    found = _SPACE.match(text, offset)
    return found.end() if found else offset

"""Where in a document its things and statements stand. Judges nothing and refuses nothing."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rdflib import BNode, Graph, Literal
from rdflib.plugins.parsers.notation3 import BadSyntax, RDFSink, SinkParser
from rdflib.plugins.parsers.trig import TrigSinkParser
from rdflib.term import Node

from competency_graph import graphs, rdf
from competency_graph.errors import UnreadableInput


class Spot(NamedTuple):
    """A line and a column, from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spots:
    """Where the subjects and statements of a document stand first, as far as that is known.

    A statement is found by subject, predicate and :func:`key` of its value; one about a blank node,
    whose label every parser makes anew, by ``""``, predicate and value.
    """

    text: str
    starts: list[int]
    subjects: dict[str, Spot] = field(default_factory=dict)
    statements: dict[tuple[str, str, str], Spot] = field(default_factory=dict)

    def mention(self, iri: str) -> Spot | None:
        """Return where a thing is first written, in a syntax whose statements have no lines.

        The address may be shortened there, so its ending is looked for as well. A bare reference
        (``{"@id": "…"}``, ``rdf:resource``) is passed over.
        """
        for ending in (iri, *(iri[m.end() :] for m in re.finditer(r"[/#]", iri)), ""):
            found = ending and re.search(
                r'(?<!resource=)"([^"\s]*[:/#])?' + re.escape(ending) + r'"(?!\s*\})', self.text
            )
            if found:
                return self.at(found.start())
        return None

    def at(self, offset: int) -> Spot:
        """Return the line and column of a character."""
        line = bisect_right(self.starts, offset)
        return Spot(line, offset - self.starts[line - 1] + 1)


def key(value: Node) -> str:
    """Return a value as statements are found by it: its text, and its language if it has one."""
    language = value.language if isinstance(value, Literal) else None
    return f"{value}@{language.lower()}" if language else str(value)


def spots_of(content: bytes, syntax: rdf.Syntax) -> Spots:
    """Return where things stand in a document that was read before.

    Statements for Turtle, TriG, N-Triples and N-Quads; for the others only what
    :meth:`Spots.mention` finds.
    """
    text = content.decode("utf-8-sig", "replace")
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    spots = Spots(text=text, starts=starts)
    if syntax.name in ("n-triples", "n-quads"):
        _of_lines(spots, syntax)
    elif syntax.name in ("turtle", "trig"):
        kind = _Turtle if syntax.name == "turtle" else _TriG
        try:
            kind(spots).loadBuf(spots.text)
        except (BadSyntax, RecursionError):
            # The engine read it, so it is valid; what was seen until here has its place.
            pass
    return spots


def _of_lines(spots: Spots, syntax: rdf.Syntax) -> None:
    for number, line in enumerate(spots.text.split("\n"), 1):
        try:
            quads = rdf.parse(line.encode(), syntax, name="")
        except UnreadableInput:
            continue
        for subject, predicate, value in graphs.to_rdflib(quads):
            _note(spots, subject, predicate, value, Spot(number, 1), Spot(number, 1))


def _note(
    spots: Spots, subject: Node, predicate: Node, value: Node, thing: Spot, place: Spot
) -> None:
    if isinstance(subject, BNode):
        spots.statements.setdefault(("", str(predicate), key(value)), place)
        return
    spots.subjects.setdefault(str(subject), thing)
    spots.statements.setdefault((str(subject), str(predicate), key(value)), place)


class _Turtle(SinkParser):
    """rdflib's Turtle parser, which also notes where the values of its statements begin."""

    def __init__(self, spots: Spots) -> None:
        sink = RDFSink(Graph(bind_namespaces="none"))
        super().__init__(sink, baseURI=rdf.NO_BASE, turtle=True)
        self._spots = spots
        self._lists: list[list[Spot]] = []
        self._values: list[Spot] = []
        self._subject = Spot(1, 1)

    def object(self, argstr: str, i: int, res: Any) -> int:
        i = max(i, self.skipSpace(argstr, i))
        # Not by the parser's own count: it reads some line ends twice.
        spot = self._spots.at(i)
        if self._lists:
            self._lists[-1].append(spot)
        else:
            self._subject = spot
        return int(super().object(argstr, i, res))

    def objectList(self, argstr: str, i: int, res: Any) -> int:  # noqa: N802  the name is rdflib's
        self._lists.append([])
        end = int(super().objectList(argstr, i, res))
        self._values = self._lists.pop()
        return end

    def makeStatement(self, quadruple: Any) -> None:  # noqa: N802  the name is rdflib's
        _, predicate, subject, value = quadruple
        # The parser has its own form of the word `a`: a pair of a mark and the address.
        predicate = predicate[1] if isinstance(predicate, tuple) else predicate
        place = self._values.pop(0) if self._values else self._subject
        _note(self._spots, subject, predicate, value, self._subject, place)
        super().makeStatement(quadruple)


class _TriG(_Turtle, TrigSinkParser):
    """The same for TriG."""

"""RDF syntaxes: names, media types, reading with the place of a fault. Fetches nothing."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

import pyoxigraph as ox
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.plugins.parsers.notation3 import RDFSink, SinkParser
from rdflib.term import Node

from competency_graph.errors import UnreadableInput
from competency_graph.vocab import PREFIXES, XSD


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """One RDF syntax: a short name, its media type, file endings, and whether it names graphs."""

    name: str
    media_type: str
    endings: tuple[str, ...]
    format: ox.RdfFormat
    graphs: bool = False


SYNTAXES: Final[tuple[Syntax, ...]] = (
    Syntax(name="turtle", media_type="text/turtle", endings=(".ttl",), format=ox.RdfFormat.TURTLE),
    Syntax(
        name="json-ld",
        media_type="application/ld+json",
        endings=(".jsonld",),
        format=ox.RdfFormat.JSON_LD,
        graphs=True,
    ),
    Syntax(
        name="n-triples",
        media_type="application/n-triples",
        endings=(".nt",),
        format=ox.RdfFormat.N_TRIPLES,
    ),
    Syntax(
        name="rdf-xml",
        media_type="application/rdf+xml",
        endings=(".rdf", ".owl"),
        format=ox.RdfFormat.RDF_XML,
    ),
    Syntax(
        name="trig",
        media_type="application/trig",
        endings=(".trig",),
        format=ox.RdfFormat.TRIG,
        graphs=True,
    ),
    Syntax(
        name="n-quads",
        media_type="application/n-quads",
        endings=(".nq",),
        format=ox.RdfFormat.N_QUADS,
        graphs=True,
    ),
)

_LINES: Final = ox.RdfFormat.N_QUADS

# SPARQL 1.1 results: short name, media type, and the engine's name for it.
RESULTS: Final[dict[str, tuple[str, ox.QueryResultsFormat]]] = {
    "json": ("application/sparql-results+json", ox.QueryResultsFormat.JSON),
    "xml": ("application/sparql-results+xml", ox.QueryResultsFormat.XML),
    "csv": ("text/csv", ox.QueryResultsFormat.CSV),
    "tsv": ("text/tab-separated-values", ox.QueryResultsFormat.TSV),
}


def syntax_of_media_type(media_type: str) -> Syntax | None:
    """Return the syntax that a media type names, or nothing."""
    return next((s for s in SYNTAXES if s.media_type == media_type), None)


def syntax_of_file(name: str) -> Syntax | None:
    """Return the syntax that a file's ending names, or nothing."""
    ending = PurePath(name).suffix.lower()
    return next((s for s in SYNTAXES if ending in s.endings), None)


def parse(content: bytes, syntax: Syntax, *, name: str, base: str | None = None) -> list[ox.Quad]:
    """Return the statements of a document, blank nodes as they are labelled there.

    Args:
        content: the whole document, UTF-8.
        syntax: how to read it.
        name: what to call it in an error.
        base: the IRI that relative IRIs are resolved against.

    Raises:
        UnreadableInput: it is not UTF-8 or not of this syntax; facts hold line and column.
    """
    return list(_parsed(content, syntax, name, base))


def _parsed(content: bytes, syntax: Syntax, name: str, base: str | None) -> Iterator[ox.Quad]:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableInput(
            f"{name} is not UTF-8 text: line {line} holds a byte that UTF-8 does not know. "
            "Save the file as UTF-8.",
            file=name,
            line=line,
        ) from None
    if syntax.format == ox.RdfFormat.RDF_XML and b"<!DOCTYPE" in content:
        raise UnreadableInput(
            f"{name} declares a document type, which this service does not read. "
            "Write the entities out and remove the DOCTYPE.",
            file=name,
        )
    try:
        yield from ox.parse(content, syntax.format, base_iri=base)
    except SyntaxError as error:
        raise UnreadableInput(
            f"{name} is not readable as {syntax.name}: {error.msg}. Mend that place and try again.",
            file=name,
            line=error.lineno,
            column=error.offset,
        ) from None


def seed_lines(
    graphs: Iterable[tuple[str, Sequence[tuple[str, bytes]]]], *, labels: str
) -> list[bytes]:
    """Return documents as sorted N-Quads lines in the spelling that the index holds.

    The engine keeps numbers and times by value, so the documents go through a store once: what the
    log holds is then what the index will give back.

    Args:
        graphs: graph IRI and its Turtle documents, each a name and its content.
        labels: what blank node labels begin with; they are numbered in the order of appearance.

    Raises:
        UnreadableInput: a document is not Turtle.
    """
    turtle = SYNTAXES[0]
    store = ox.Store()
    number = 0
    for iri, documents in graphs:
        graph = ox.NamedNode(iri)
        for name, content in documents:
            renamed: dict[ox.BlankNode, ox.BlankNode] = {}
            for quad in parse(content, turtle, name=name):
                ends: list[ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple] = []
                for end in (quad.subject, quad.object):
                    if isinstance(end, ox.BlankNode):
                        if end not in renamed:
                            renamed[end] = ox.BlankNode(f"{labels}{number}")
                            number += 1
                        end = renamed[end]
                    ends.append(end)
                subject, value = ends
                assert isinstance(subject, ox.NamedNode | ox.BlankNode)
                store.add(ox.Quad(subject, quad.predicate, value, graph))
    text = ox.serialize(store.quads_for_pattern(None, None, None, None), format=_LINES) or b""
    return sorted(text.splitlines(keepends=True))


def subjects_of_lines(lines: Iterable[bytes]) -> set[tuple[str, str]]:
    """Return the (graph, subject) pairs that N-Quads lines of our own writing are about.

    A blank node is ``_:label``; the default graph is an empty string.
    """
    found: dict[bytes, set[bytes]] = {}
    for line in lines:
        last = line.rsplit(b" ", 2)[1]
        # The last term is the graph, unless it is an object: the third term, or the end of a
        # literal, which has a quotation mark where an IRI has none.
        named = last.startswith(b"<") and b'"' not in last and line.count(b" ") > 3
        subjects = found.setdefault(last[1:-1] if named else b"", set())
        subjects.add(line[: line.index(b" ")])
    return {
        (graph.decode(), subject.strip(b"<>").decode())
        for graph, subjects in found.items()
        for subject in subjects
    }


def to_rdflib(quads: Iterable[ox.Quad]) -> Graph:
    """Return quads as an rdflib graph, names of graphs left out, literals spelt as they are."""
    graph = Graph(bind_namespaces="none")
    for quad in quads:
        graph.add((_node(quad.subject), _node(quad.predicate), _node(quad.object)))
    return graph


def _node(term: object) -> Node:
    if isinstance(term, ox.NamedNode):
        return URIRef(term.value)
    if isinstance(term, ox.Literal):
        if term.language:
            return Literal(term.value, lang=term.language)
        datatype = term.datatype.value
        plain = datatype == XSD + "string"
        return Literal(term.value, datatype=None if plain else URIRef(datatype), normalize=False)
    assert isinstance(term, ox.BlankNode), "quoted triples are not part of RDF 1.1"
    return BNode(term.value)


_COMMENT = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""|'
    r"'''(?:[^'\\]|\\.|'(?!''))*'''|"
    r'"(?:[^"\\\n]|\\.)*"|' + r"'(?:[^'\\\n]|\\.)*'|<[^<>\s]*>|(?P<comment>#[^\n]*)",
    re.DOTALL,
)


def first_comment(text: str) -> int | None:
    """Return the line, from 1, of the first comment in a Turtle document, or nothing."""
    for match in _COMMENT.finditer(text):
        if match["comment"] is not None:
            return text.count("\n", 0, match.start()) + 1
    return None


def canonical_turtle(content: bytes, *, name: str) -> bytes:
    """Return a Turtle document in the one form of the house (STYLE O15): RDFC-1.0, long Turtle.

    Comments are lost.

    Raises:
        UnreadableInput: it is not Turtle.
    """
    source = to_rdflib(parse(content, SYNTAXES[0], name=name))
    for prefix, iri in PREFIXES.items():
        source.bind(prefix, iri)
    return source.serialize(format="longturtle", canon=True, encoding="utf-8")


class _Positions(SinkParser):
    """rdflib's Turtle parser, which also notes on which line subjects and statements stand."""

    def __init__(self, store: RDFSink) -> None:
        super().__init__(store, baseURI="https://document.invalid/", turtle=True)
        self.subjects: dict[str, int] = {}
        self.statements: dict[tuple[str, str, str], int] = {}

    def property_list(self, argstr: str, i: int, subj: Any) -> int:
        self.subjects.setdefault(str(subj), self.lines + 1)
        return int(super().property_list(argstr, i, subj))

    def makeStatement(self, quadruple: Any) -> None:  # noqa: N802  the name is rdflib's
        _, predicate, subject, value = quadruple
        self.statements.setdefault((str(subject), str(predicate), str(value)), self.lines + 1)
        super().makeStatement(quadruple)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """On which lines of a document its subjects and statements stand, from 1."""

    subjects: dict[str, int]
    statements: dict[tuple[str, str, str], int]


def lines_of(content: bytes, syntax: Syntax) -> Lines:
    """Return where things stand in a document that was read before.

    Known for Turtle and N-Triples; for other syntaxes there are no lines.
    """
    if syntax.name not in ("turtle", "n-triples"):
        return Lines(subjects={}, statements={})
    parser = _Positions(RDFSink(Graph(bind_namespaces="none")))
    parser.loadBuf(content)
    return Lines(subjects=parser.subjects, statements=parser.statements)

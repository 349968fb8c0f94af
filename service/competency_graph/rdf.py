"""RDF syntaxes: names, media types, reading with the place of a fault. Fetches nothing."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

import pyoxigraph as ox

from competency_graph.errors import UnreadableInput
from competency_graph.syntax_faults import Fault, fault, fault_of_xml
from competency_graph.vocab import PREFIXES


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """One RDF syntax: a short name, what people call it, its media type and file endings.

    ``graphs`` says whether it names graphs.
    """

    name: str
    title: str
    media_type: str
    endings: tuple[str, ...]
    format: ox.RdfFormat
    graphs: bool = False


SYNTAXES: Final[tuple[Syntax, ...]] = (
    Syntax(
        name="turtle",
        title="Turtle",
        media_type="text/turtle",
        endings=(".ttl",),
        format=ox.RdfFormat.TURTLE,
    ),
    Syntax(
        name="json-ld",
        title="JSON-LD",
        media_type="application/ld+json",
        endings=(".jsonld",),
        format=ox.RdfFormat.JSON_LD,
        graphs=True,
    ),
    Syntax(
        name="n-triples",
        title="N-Triples",
        media_type="application/n-triples",
        endings=(".nt",),
        format=ox.RdfFormat.N_TRIPLES,
    ),
    Syntax(
        name="rdf-xml",
        title="RDF/XML",
        media_type="application/rdf+xml",
        endings=(".rdf", ".owl"),
        format=ox.RdfFormat.RDF_XML,
    ),
    Syntax(
        name="trig",
        title="TriG",
        media_type="application/trig",
        endings=(".trig",),
        format=ox.RdfFormat.TRIG,
        graphs=True,
    ),
    Syntax(
        name="n-quads",
        title="N-Quads",
        media_type="application/n-quads",
        endings=(".nq",),
        format=ox.RdfFormat.N_QUADS,
        graphs=True,
    ),
)

# Stands in front of relative addresses while a document is judged; nothing can have such a name.
NO_BASE: Final = "https://document.invalid/"

MAX_NESTING: Final = 500
"""How many brackets may stand inside one another in text that is read by descending into them."""

_LINES: Final = ox.RdfFormat.N_QUADS
# A text that does not end goes on to the end, or each quotation mark in it would be looked from.
_BRACKETS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[][{}]', re.DOTALL)

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
        UnreadableInput: it is not UTF-8, not of this syntax, or JSON-LD whose brackets nest more
            than ``MAX_NESTING`` levels; facts hold line and column.
    """
    return list(_parsed(content, syntax, name, base))


def _parsed(content: bytes, syntax: Syntax, name: str, base: str | None) -> Iterator[ox.Quad]:
    content = _decoded(content, syntax, name)
    if (found := _overlooked(content, syntax)) is not None:
        raise unreadable(name, *found)
    try:
        for quad in ox.parse(content, syntax.format, base_iri=base):
            if isinstance(quad.object, ox.Triple):
                raise unreadable(
                    name,
                    "It holds a statement about a statement (<<( … )>>), which is not part of "
                    "RDF 1.1. Give the statement a name and describe that.",
                )
            yield quad
    except SyntaxError as error:
        found = fault(error.msg, error.lineno, error.offset, title=syntax.title, content=content)
        raise unreadable(name, *found) from None


def _overlooked(content: bytes, syntax: Syntax) -> Fault | None:
    """Return what is wrong with a document that the engine would read in part, or end at."""
    if syntax.format == ox.RdfFormat.RDF_XML:
        # It takes a document that was cut off for one that ended.
        return fault_of_xml(content, syntax.title)
    if syntax.format == ox.RdfFormat.JSON_LD:
        if re.match(rb"\s*(?:-?\d|true|false|null|\")", content):
            return Fault("A JSON-LD document is an object { … } or a list [ … ].", 1, 1)
        depth = 0
        for found in _BRACKETS.finditer(content):
            depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(found[0], 0)
            if depth > MAX_NESTING:
                # The engine would end its process at it.
                before = content[: found.start()]
                return Fault(
                    f"Brackets nest more than {MAX_NESTING} levels deep. Flatten the document.",
                    before.count(b"\n") + 1,
                    len(before) - before.rfind(b"\n"),
                )
    return None


def _decoded(content: bytes, syntax: Syntax, name: str) -> bytes:
    """Return the document without its byte order mark.

    Raises:
        UnreadableInput: it is not UTF-8, or declares a document type.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise unreadable(name, "The file is saved as UTF-16. Save it as UTF-8.", 1, 1)
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        raise unreadable(
            name,
            "A character here is not in UTF-8. Save the file as UTF-8.",
            before.count(b"\n") + 1,
            column,
        ) from None
    if syntax.format == ox.RdfFormat.RDF_XML and b"<!DOCTYPE" in content:
        before = content[: content.index(b"<!DOCTYPE")]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        found = fault("DOCTYPE", line, column, title=syntax.title, content=content)
        raise unreadable(name, *found)
    return content


def unreadable(
    name: str, sentence: str, line: int | None = None, column: int | None = None
) -> UnreadableInput:
    """Return the error that tells what is wrong with a document, its place in front."""
    place = ":".join(str(part) for part in (name, line, column) if part is not None)
    return UnreadableInput(f"{place}: {sentence}", file=name, line=line, column=column)


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


def canonical_quads(lines: Iterable[bytes], syntax: Syntax) -> bytes:
    """Return lines of N-Quads as N-Quads or TriG, the same bytes for the same statements.

    Blank nodes are labelled by RDFC-1.0. N-Quads are sorted; TriG is, graph by graph. It may take
    long for statements that were made for that, so what strangers wrote is for a sealed fork.
    """
    ground: list[bytes] = []
    # A literal that only looks as if it had a blank node loses nothing by the longer way.
    others: list[bytes] = []
    for line in lines:
        (others if line.startswith(b"_:") or b" _:" in line else ground).append(line)
    dataset = ox.Dataset(ox.parse(b"\n".join(others), _LINES))
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    ground += (ox.serialize(dataset, format=_LINES) or b"").split(b"\n")[:-1]
    ground.sort()
    if syntax.format != _LINES:
        ground.sort(key=graph_name)
    text = b"".join(line + b"\n" for line in ground)
    if syntax.format == _LINES:
        return text
    return in_syntax(text, syntax)


def in_syntax(lines: bytes, syntax: Syntax) -> bytes:
    """Return N-Quads of our own writing in another syntax, blank nodes labelled as they are."""
    return ox.serialize(ox.parse(lines, _LINES), format=syntax.format, prefixes=PREFIXES) or b""


def graph_name(line: bytes) -> str:
    """Return the graph that a line of N-Quads names, an empty string for the default graph."""
    last = line.split(b" ", 2)[2].rsplit(b" ", 2)[1:-1]
    # The end of a literal with spaces in it has its quotation mark, which no name of a graph has.
    if not last or b'"' in last[0] or not last[0].startswith((b"<", b"_:")):
        return ""
    return last[0].decode().strip("<>")


def quad_lines(quads: Iterable[ox.Quad], *, labels: str) -> list[bytes]:
    """Return statements as N-Quads lines without line feeds, literals spelt as they are.

    Args:
        quads: the statements of one document; those of its default graph get no graph.
        labels: what blank node labels begin with, so that those of two documents stay apart.
    """
    renamed: dict[str, ox.BlankNode] = {}

    def own(term: Any) -> Any:
        if not isinstance(term, ox.BlankNode):
            return term
        return renamed.setdefault(term.value, ox.BlankNode(f"{labels}{len(renamed)}"))

    apart = (
        ox.Quad(own(quad.subject), quad.predicate, own(quad.object), own(quad.graph_name))
        for quad in quads
    )
    text = ox.serialize(apart, format=_LINES) or b""
    return text.split(b"\n")[:-1]


def subjects_of_lines(lines: Iterable[bytes]) -> set[tuple[str, str]]:
    """Return the (graph, subject) pairs that N-Quads lines of our own writing are about.

    A blank node is ``_:label``; the default graph is an empty string.
    """
    return {(graph_name(line), line[: line.index(b" ")].strip(b"<>").decode()) for line in lines}

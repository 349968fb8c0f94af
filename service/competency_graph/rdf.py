"""RDF syntaxes: names, media types, reading with the place of a fault. Fetches nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

import pyoxigraph as ox

from competency_graph.errors import UnreadableInput


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


def n_quads(quads: Iterator[ox.Quad] | list[ox.Quad]) -> list[bytes]:
    """Return the quads as sorted N-Quads lines, each with its line end."""
    text = ox.serialize(quads, format=ox.RdfFormat.N_QUADS) or b""
    return sorted(set(text.splitlines(keepends=True)))

"""Where in a document its things and statements stand. Judges nothing and refuses nothing.

Each syntax is read once more by a parser that keeps positions: rdflib's own, which are told of
each statement while they stand at it.
"""

import re

from competency_graph import rdf
from competency_graph.places import json_ld, lines, rdf_xml, turtle
from competency_graph.places.spots import Span, Spot, Spots, Stated, key

__all__ = ["Span", "Spot", "Spots", "Stated", "key", "spots_of"]

_READERS = {
    "turtle": turtle.read,
    "trig": turtle.read_trig,
    "n-triples": lines.read,
    "n-quads": lines.read,
    "json-ld": json_ld.read,
    "rdf-xml": rdf_xml.read,
}


def spots_of(content: bytes, syntax: rdf.Syntax) -> Spots:
    """Return where things stand in a document that was read before.

    What a parser that keeps positions does not follow, although the engine read it (a context that
    is kept elsewhere, brackets a thousand deep), has no place; what came before it has.
    """
    text = content.decode("utf-8-sig", "replace")
    spots = Spots(text=text, starts=[0, *(found.end() for found in re.finditer("\n", text))])
    _READERS[syntax.name](spots)
    return spots

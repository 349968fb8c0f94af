"""Terms and statements as Turtle writes them under our prefixes, and back. Reads no document."""

import re
from typing import Final

from rdflib import RDF, XSD, BNode, Literal, URIRef
from rdflib.term import Node

from competency_graph import graphs, rdf
from competency_graph.vocab import PREFIXES

_LOCAL: Final = re.compile(r"[A-Za-z0-9_](?:[\w-]*\w)?", re.ASCII)
_HEADER: Final = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
_PLAIN: Final = {XSD.boolean: r"true|false", XSD.integer: r"[-+]?\d+"}


def turtle(predicate: Node, value: Node) -> str:
    """Return what is said of something, as Turtle writes it: predicate and value."""
    return f"{written(predicate)} {written(value)}"


def written(term: Node, prefixes: dict[str, str] = PREFIXES) -> str:
    """Return an IRI or a literal as Turtle writes it under some prefixes."""
    if isinstance(term, URIRef):
        for prefix, iri in prefixes.items():
            local = term.removeprefix(iri)
            if iri and local != term and _LOCAL.fullmatch(local):
                return f"{prefix}:{local}"
        return f"<{term}>"
    assert isinstance(term, Literal)
    if term.datatype in _PLAIN and re.fullmatch(_PLAIN[term.datatype], str(term)):
        return str(term)
    return quoted(str(term)) + suffix(term, prefixes)


def quoted(text: str) -> str:
    """Return a text in quotation marks, as Turtle and N-Triples write it."""
    for sign, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(sign, escape)
    return f'"{text}"'


def suffix(literal: Literal, prefixes: dict[str, str] = PREFIXES) -> str:
    """Return what stands after the quotation marks of a literal: its language, or its type."""
    if literal.language:
        return f"@{literal.language}"
    if literal.datatype in (None, XSD.string):
        return ""
    return f"^^{written(URIRef(str(literal.datatype)), prefixes)}"


def read(said: str) -> tuple[URIRef, Node]:
    """Return predicate and value from what :func:`turtle` wrote."""
    turtle_ = next(syntax for syntax in rdf.SYNTAXES if syntax.name == "turtle")
    text = f"{_HEADER}<{rdf.NO_BASE}> {said} ."
    quads = rdf.parse(text.encode(), turtle_, name="The repair", base=rdf.NO_BASE)
    ((_, predicate, value),) = graphs.to_rdflib(quads)
    return URIRef(str(predicate)), value


def node_of(name: str) -> Node:
    """Return a thing from how findings name it: an address as it is, else in N-Triples."""
    return term_of(name) if name.startswith(('"', "_:")) else URIRef(name)


def term_of(spelling: str) -> Node:
    """Return a term from its N-Triples form, as findings have it."""
    if spelling.startswith("<"):
        return URIRef(spelling[1:-1])
    if spelling.startswith("_:"):
        return BNode(spelling[2:])
    return read(f"<{RDF.value}> {spelling}")[1]

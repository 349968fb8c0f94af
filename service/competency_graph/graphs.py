"""Statements as rdflib graphs, and the one form of Turtle of the house. Reads no file.

Apart from `rdf`, because rdflib is large and most processes have no use for it.
"""

import logging
import re
from collections.abc import Iterable
from io import BytesIO
from typing import Any, Final

import pyoxigraph as ox
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.plugins.serializers.longturtle import LongTurtleSerializer
from rdflib.term import Node

from competency_graph.rdf import SYNTAXES, parse
from competency_graph.vocab import DCTERMS, OWL, PREFIXES, RDF, XSD


def to_rdflib(quads: Iterable[ox.Quad]) -> Graph:
    """Return quads as an rdflib graph, names of graphs left out, literals spelt as they are."""
    graph = Graph(bind_namespaces="none")
    fill(graph, quads)
    return graph


def fill(graph: Graph, quads: Iterable[ox.Quad | ox.Triple]) -> None:
    """Add quads to an rdflib graph, in the same way."""
    for quad in quads:
        graph.add((node(quad.subject), node(quad.predicate), node(quad.object)))


def node(term: object) -> Node:
    """Return a term as rdflib has it, a literal spelt as it is."""
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


def triple(statement: tuple[Node, Node, Node]) -> ox.Triple:
    """Return a statement of rdflib as the engine's."""
    subject, predicate, value = map(term, statement)
    assert not isinstance(subject, ox.Literal) and isinstance(predicate, ox.NamedNode)
    return ox.Triple(subject, predicate, value)


def term(node: Node) -> ox.NamedNode | ox.BlankNode | ox.Literal:
    """Return a node of rdflib as the engine's term."""
    if isinstance(node, BNode):
        return ox.BlankNode(str(node))
    if isinstance(node, Literal):
        datatype = None if node.datatype is None else ox.NamedNode(str(node.datatype))
        return ox.Literal(str(node), language=node.language, datatype=datatype)
    return ox.NamedNode(str(node))


def named(node: Node) -> ox.NamedNode:
    """Return an IRI of rdflib, such as that of a predicate, as the engine's term."""
    return ox.NamedNode(str(node))


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


# What an ontology says of itself, in this order (O11).
_HEADER: Final = (
    RDF + "type",
    *(DCTERMS + name for name in ("title", "abstract", "creator", "license")),
    *(OWL + "versionIRI", OWL + "versionInfo", DCTERMS + "issued"),
    *(PREFIXES["vann"] + name for name in ("preferredNamespacePrefix", "preferredNamespaceUri")),
    OWL + "imports",
)


# What Turtle lets stand without quotes, by datatype (sections 2.5.2 and 2.5.3).
_PLAIN: Final = {
    XSD + "boolean": re.compile(r"true|false"),
    XSD + "integer": re.compile(r"[+-]?[0-9]+"),
    XSD + "decimal": re.compile(r"[+-]?[0-9]*\.[0-9]+"),
    XSD + "double": re.compile(r"[+-]?([0-9]+\.[0-9]*|\.?[0-9]+)[eE][+-]?[0-9]+"),
}


class _HouseTurtle(LongTurtleSerializer):
    """Long Turtle in which the header of an ontology stands first, in its fixed order.

    Every literal is written as it is spelt; rdflib writes ``"none"^^xsd:boolean`` as ``none``.
    """

    topClasses = [URIRef(OWL + "Ontology")]  # noqa: N815, RUF012  the name is rdflib's

    def sortProperties(self, properties: Any) -> list[Any]:  # noqa: N802  the name is rdflib's
        order: list[Any] = super().sortProperties(properties)
        if self.topClasses[0] in properties.get(URIRef(RDF + "type"), ()):
            order.sort(key=lambda p: _HEADER.index(str(p)) if str(p) in _HEADER else len(_HEADER))
        return order

    def label(self, node: Node, position: int) -> str:
        """Return how a term is written."""
        if not isinstance(node, Literal) or str(node.datatype) not in _PLAIN:
            return str(super().label(node, position))  # type: ignore[no-untyped-call]
        if _PLAIN[str(node.datatype)].fullmatch(str(node)):
            return str(node)
        datatype = self.get_pname(node.datatype)  # type: ignore[no-untyped-call]
        return f"{Literal(str(node)).n3()}^^{datatype}"


def to_turtle(graph: Graph) -> str:
    """Return a graph in long Turtle, with the prefixes that are bound in it."""
    output = BytesIO()
    _HouseTurtle(graph).serialize(output, encoding="utf-8")  # type: ignore[no-untyped-call]
    return output.getvalue().decode()


def canonical_turtle(content: bytes, *, name: str) -> bytes:
    """Return a Turtle document in the one form of the house (O11, O15): canonical, long Turtle.

    Comments are lost.

    Raises:
        UnreadableInput: it is not Turtle.
    """
    quads = parse(content, SYNTAXES[0], name=name)
    # It would log each ill-typed value with a traceback; such values are written as they are.
    logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)
    source = to_rdflib(quads)
    for prefix, iri in PREFIXES.items():
        source.bind(prefix, iri)
    output = BytesIO()
    writer = _HouseTurtle(source)  # type: ignore[no-untyped-call]
    writer.serialize(output, canon=True, encoding="utf-8")
    return output.getvalue()

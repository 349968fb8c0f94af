"""Terms and statements of the engine as plain values that other modules may hold. Stores none."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pyoxigraph as ox

from competency_graph.errors import BadRequest


class Term(NamedTuple):
    """An RDF term as plain values; empty ``language`` and ``datatype`` where there are none."""

    kind: str
    value: str
    language: str = ""
    datatype: str = ""


class Called(NamedTuple):
    """What a thing is called, whether it is deprecated, and by which things it is replaced."""

    names: Sequence[Term]
    deprecated: bool
    successors: Sequence[str]


def term(node: object) -> Term:
    """Return a node as plain values."""
    if isinstance(node, ox.NamedNode):
        return Term("iri", node.value)
    if isinstance(node, ox.Literal):
        return Term("literal", node.value, node.language or "", node.datatype.value)
    if isinstance(node, ox.BlankNode):
        return Term("blank", node.value)
    return Term("triple", str(node))


def named(iri: str) -> ox.NamedNode:
    """Return the node of an IRI that a client may have written."""
    try:
        return ox.NamedNode(iri)
    except ValueError:
        raise BadRequest(f"“{iri}” is not an IRI. Percent-encode what it may not hold.") from None


def graph_of(quad: ox.Quad) -> str:
    """Return the name of the graph of a quad, empty for the default graph."""
    return "" if isinstance(quad.graph_name, ox.DefaultGraph) else quad.graph_name.value


def spelt(node: object) -> str:
    """Return an IRI as it is, a blank node as ``_:label``."""
    return node.value if isinstance(node, ox.NamedNode) else str(node)


class Statement(NamedTuple):
    """A statement as plain values; ``graph`` is the IRI of its graph, empty for the default one."""

    subject: Term
    predicate: str
    value: Term
    graph: str


def statements(lines: Iterable[bytes]) -> Iterator[Statement]:
    """Read lines of N-Quads that this service wrote, with or without their line feeds."""
    for quad in parsed(lines):
        yield statement(quad)


def statement(quad: ox.Quad) -> Statement:
    """Return a quad as plain values."""
    return Statement(term(quad.subject), quad.predicate.value, term(quad.object), graph_of(quad))


def parsed(lines: Iterable[bytes]) -> list[ox.Quad]:
    """Return the quads of lines of N-Quads, with or without their line feeds."""
    return list(ox.parse(b"\n".join(lines), ox.RdfFormat.N_QUADS))

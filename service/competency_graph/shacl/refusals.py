"""Shapes that cannot be judged by fairly, and how that is said. Compiles nothing."""

from typing import Final

import pyoxigraph as ox

from competency_graph.errors import InvalidShapes
from competency_graph.shacl.data import Parsed, Term

CIRCLE: Final = " Take one of the steps out of the circle."


def invalid(shapes: Parsed, node: Term | None, fault: str, hint: str = "") -> InvalidShapes:
    """Return the error that names the nearest shape above a node that has an IRI.

    ``fault`` is the end of a sentence that begins with the shape, ``hint`` a sentence after it.
    """
    seen: set[Term] = set()
    while isinstance(node, ox.BlankNode) and node not in seen:
        seen.add(node)
        above = (s for s in shapes.naming(node) if s not in seen)
        node = next(above, node)
    shape = "unnamed" if node is None else spelt(node)
    name = shape.rpartition("#")[2].rpartition("/")[2]
    return InvalidShapes(f"The shape “{name}” {fault.rstrip('.')}.{hint}", shape=shape)


def spelt(node: Term) -> str:
    """Return an IRI as it is, a blank node as ``_:label``, a literal as N-Triples writes it."""
    return node.value if isinstance(node, ox.NamedNode) else str(node)

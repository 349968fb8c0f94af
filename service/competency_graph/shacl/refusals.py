"""Shapes that cannot be judged by fairly, and how that is said. Compiles nothing."""

import difflib
from graphlib import CycleError, TopologicalSorter
from typing import Final

import pyoxigraph as ox
import rdflib

from competency_graph.errors import InvalidShapes
from competency_graph.shacl.data import TYPE, Parsed, Term
from competency_graph.vocab import OWL, RDF, RDFS, SH

# What is not evaluated here: a rule that is ignored looks like a rule that holds.
_IGNORED: Final = tuple(
    ox.NamedNode(SH + name) for name in ("target", "rule", "expression", "js", "entailment")
)
_SEVERITIES: Final = tuple(ox.NamedNode(SH + name) for name in ("Violation", "Warning", "Info"))
# A class may be a shape.
_CLASSES: Final = (ox.NamedNode(RDFS + "Class"), ox.NamedNode(OWL + "Class"))
_REST: Final = ox.NamedNode(RDF + "rest")
CIRCLE: Final = " Take one of the steps out of the circle."
TOO_DEEP: Final = (
    "The shapes stand inside each other, or their paths do, more deeply than is judged. Say the "
    "same with fewer steps."
)


def refuse(shapes: Parsed, *, any_severity: bool = False) -> None:
    """Refuse what ``compiled`` would take, and which would not be judged as its writer thinks.

    ``any_severity``: what is found may have a severity of the shapes' own (SHACL 2.1.4), since
    nothing is decided by it.

    Raises:
        InvalidShapes: a word that SHACL does not know, a severity that is none of its three, a part
            of SHACL that is not evaluated here; facts hold the shape.
    """
    for subject, predicate, value in sorted(shapes, key=lambda said: tuple(map(str, said))):
        for term in (predicate, value):
            if isinstance(term, ox.NamedNode) and _is_unknown(term.value):
                if term is predicate and _is_data(subject, shapes):
                    continue
                near = difflib.get_close_matches(term.value, _words(), n=1)
                hint = f" Did you mean “{_short(near[0])}”?" if near else ""
                fault = f"says “{_short(term.value)}”, which SHACL does not know"
                raise invalid(shapes, subject, fault, hint)
    for shape, severity in shapes.pairs(ox.NamedNode(SH + "severity")):
        if severity not in _SEVERITIES and not any_severity:
            fault = "has a severity other than sh:Violation, sh:Warning and sh:Info"
            raise invalid(shapes, shape, fault)
    for word in _IGNORED:
        for shape, _ in shapes.pairs(word):
            raise invalid(
                shapes, shape, f"uses “{_short(word.value)}”, which is not evaluated here"
            )


def refuse_endless_lists(shapes: Parsed) -> None:
    """Refuse lists that lead back to themselves.

    Raises:
        InvalidShapes: there is one; facts hold the shape.
    """
    rests: TopologicalSorter[Term] = TopologicalSorter()
    for part, rest in shapes.pairs(_REST):
        rests.add(part, rest)
    try:
        rests.prepare()
    except CycleError as error:
        raise invalid(
            shapes, error.args[1][0], "has a list that leads back to itself", CIRCLE
        ) from None


def _is_data(subject: Term, shapes: Parsed) -> bool:
    """Say whether something in a file of shapes is none: it is of classes, and of none of shapes.

    The W3C's tests have such (core/property/qualifiedValueShape-001 and its ``sh:nodeShape``).
    """
    kinds = shapes.objects(subject, TYPE)
    words = [predicate.value for predicate, _ in shapes.about(subject)]
    ours = any(word.startswith(SH) and not _is_unknown(word) for word in words)
    shaped = any(k in _CLASSES or str(k).startswith(f"<{SH}") for k in kinds)
    return bool(kinds) and not ours and not shaped


def _is_unknown(iri: str) -> bool:
    return iri.startswith(SH) and rdflib.URIRef(iri) not in rdflib.SH


def _words() -> list[str]:
    return [SH + name for name in rdflib.SH.__annotations__ if not name.startswith("_")]


def _short(iri: str) -> str:
    return iri.replace(SH, "sh:")


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

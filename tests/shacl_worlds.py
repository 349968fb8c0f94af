"""Random shapes and random changes, small enough that everything meets everything.

Left out is what pySHACL is known to judge otherwise than the specification: those cases are in
tests/shacl/test_core.py, one by one.
"""

from typing import Final

import pyoxigraph as ox
from hypothesis import strategies as st

PREFIXES: Final = """
PREFIX ex: <https://example.org/>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
"""
_NODES: Final = ("ex:a", "ex:b", "ex:c", "ex:d", "_:x", "_:y")
_CLASSES: Final = ("ex:C", "ex:D", "ex:E")
_WORDS: Final = ("ex:p", "ex:q", "ex:r")
_TEXTS: Final = ('"one"', '"two"', '"one"@en', '"two"@en', '"one"@de', '"one"@en-GB')
# No dates, no booleans: rdflib holds them to be less than some numbers.
_NUMBERS: Final = ("1", "2", "3.5", "7")


def turtle(text: str) -> list[ox.Quad]:
    return list(ox.parse((PREFIXES + text).encode(), ox.RdfFormat.TURTLE))


def triples(text: str) -> list[ox.Triple]:
    return [quad.triple for quad in turtle(text)]


@st.composite
def _path(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.sampled_from(("step", "step", "back", "seq", "alt", "*", "+", "?")))
    if depth == 0 or kind == "step":
        return draw(st.sampled_from((*_WORDS, "rdf:type")))
    if kind == "back":
        # pySHACL does not turn sequences round, so only single steps are walked back.
        return f"[ sh:inversePath {draw(_path(0))} ]"
    if kind in ("seq", "alt"):
        listed = " ".join(draw(st.lists(_path(depth - 1), min_size=2, max_size=3)))
        return f"( {listed} )" if kind == "seq" else f"[ sh:alternativePath ( {listed} ) ]"
    word = {"*": "zeroOrMorePath", "+": "oneOrMorePath", "?": "zeroOrOnePath"}[kind]
    return f"[ sh:{word} {draw(_path(depth - 1))} ]"


def _count() -> st.SearchStrategy[int]:
    return st.integers(0, 2)


@st.composite
def _simple(draw: st.DrawFn) -> str:
    """Return a constraint that may stand anywhere and holds no shape."""
    value = st.sampled_from((*_NODES[:4], *_TEXTS, *_NUMBERS[:3]))
    found: str = draw(
        st.one_of(
            st.sampled_from(_CLASSES).map("sh:class {}".format),
            st.sampled_from(("xsd:integer", "xsd:string", "xsd:decimal", "rdf:langString")).map(
                "sh:datatype {}".format
            ),
            st.sampled_from(
                ("IRI", "BlankNode", "Literal", "BlankNodeOrIRI", "BlankNodeOrLiteral")
            ).map("sh:nodeKind sh:{}".format),
            st.tuples(
                st.sampled_from(("minInclusive", "minExclusive", "maxInclusive", "maxExclusive")),
                st.sampled_from(("1", "2", "3.5")),
            ).map(lambda said: f"sh:{said[0]} {said[1]}"),
            st.tuples(st.sampled_from(("minLength", "maxLength")), st.integers(0, 25)).map(
                lambda said: f"sh:{said[0]} {said[1]}"
            ),
            st.sampled_from(("one", "^t", "/[ab]$", "2")).map('sh:pattern "{}"'.format),
            st.sampled_from(('( "en" )', '( "de" "fr" )', '( "*" )')).map(
                "sh:languageIn {}".format
            ),
            st.lists(value, min_size=1, max_size=4).map(lambda said: f"sh:in ( {' '.join(said)} )"),
            value.map("sh:hasValue {}".format),
            st.tuples(st.sampled_from(("equals", "disjoint")), st.sampled_from(_WORDS)).map(
                lambda said: f"sh:{said[0]} {said[1]}"
            ),
        )
    )
    return found


@st.composite
def _constraint(draw: st.DrawFn, depth: int, property_: bool) -> str:
    kinds = ["simple", "simple", "simple", "node", "property", "not", "and", "or", "xone"]
    if property_:
        kinds += ["count", "count", "unique", "less", "qualified"]
    kind = draw(st.sampled_from(kinds if depth else ["simple", *(["count"] * property_)]))
    if kind == "simple":
        return draw(_simple())
    if kind == "count":
        return f"sh:{draw(st.sampled_from(('minCount', 'maxCount')))} {draw(_count())}"
    if kind == "unique":
        return "sh:uniqueLang true"
    if kind == "less":
        return f"sh:{draw(st.sampled_from(('lessThan', 'lessThanOrEquals')))} ex:most"
    if kind == "property":
        return f"sh:property [ {draw(property_shape(depth - 1))} ]"
    if kind in ("and", "or", "xone"):
        listed = draw(st.lists(node_shape(depth - 1), min_size=1, max_size=3))
        return f"sh:{kind} ( {' '.join(f'[ {one} ]' for one in listed)} )"
    inner = draw(node_shape(depth - 1))
    if kind == "qualified":
        word = draw(st.sampled_from(("qualifiedMinCount", "qualifiedMaxCount")))
        apart = draw(st.sampled_from(("", " ; sh:qualifiedValueShapesDisjoint true")))
        return f"sh:qualifiedValueShape [ {inner} ] ; sh:{word} {draw(_count())}{apart}"
    return f"sh:{kind} [ {inner} ]"


def _said(constraints: list[str]) -> str:
    """Return constraints as what follows a subject; a word that may stand once stands once."""
    words = {constraint.split(" ", 1)[0]: constraint for constraint in constraints}
    return " ; ".join(words.values())


@st.composite
def node_shape(draw: st.DrawFn, depth: int) -> str:
    found = draw(st.lists(_constraint(depth, False), min_size=1, max_size=2))
    if depth and draw(st.integers(0, 9)) == 0:
        ignored = draw(st.sampled_from(("", " ; sh:ignoredProperties ( rdf:type ex:p )")))
        found = [f"sh:closed true{ignored} ; sh:property [ sh:path ex:q ]"]
    severity = draw(st.sampled_from(("Violation", "Violation", "Warning", "Info")))
    return f'a sh:NodeShape ; sh:message "M"@en ; sh:severity sh:{severity} ; {_said(found)}'


@st.composite
def property_shape(draw: st.DrawFn, depth: int) -> str:
    found = draw(st.lists(_constraint(depth, True), min_size=1, max_size=3))
    path = draw(_path())
    if any("sh:lessThan" in constraint for constraint in found):
        path, found = "ex:least", [c for c in found if "sh:lessThan" in c]
    return f'a sh:PropertyShape ; sh:path {path} ; sh:message "M"@en ; {_said(found)}'


@st.composite
def _target(draw: st.DrawFn) -> str:
    return draw(
        st.one_of(
            st.sampled_from(_CLASSES).map("sh:targetClass {}".format),
            st.sampled_from(_NODES[:4]).map("sh:targetNode {}".format),
            st.sampled_from((*_WORDS, "rdf:type")).map("sh:targetSubjectsOf {}".format),
            st.sampled_from(_WORDS).map("sh:targetObjectsOf {}".format),
            st.just("a rdfs:Class"),
        )
    )


@st.composite
def shapes(draw: st.DrawFn) -> str:
    """Return a shapes graph of one to three shapes with targets, as Turtle."""
    found = []
    # A shape that is a class is for its instances.
    for name in ("ex:C", "ex:S2", "ex:S3")[: draw(st.integers(1, 3))]:
        targets = " ; ".join(draw(st.lists(_target(), min_size=1, max_size=2)))
        shape = draw(st.one_of(node_shape(2), node_shape(2), property_shape(2)))
        found.append(f"{name} {targets} ; {shape} .")
    return "\n".join(found)


@st.composite
def _statement(draw: st.DrawFn) -> str:
    subject = draw(st.sampled_from(_NODES))
    kind = draw(st.integers(0, 9))
    if kind < 2:
        return f"{subject} rdf:type {draw(st.sampled_from(_CLASSES))} ."
    if kind == 2:
        one, other = draw(st.sampled_from(_CLASSES)), draw(st.sampled_from(_CLASSES))
        return f"{one} rdfs:subClassOf {other} ."
    if kind == 3:
        word = draw(st.sampled_from(("ex:least", "ex:most")))
        return f"{subject} {word} {draw(st.integers(0, 3))} ."
    value = draw(st.sampled_from((*_NODES, *_NODES, *_TEXTS, *_NUMBERS)))
    return f"{subject} {draw(st.sampled_from(_WORDS))} {value} ."


def statements(least: int, most: int) -> st.SearchStrategy[list[str]]:
    """Return some statements, each as a line of Turtle."""
    return st.lists(_statement(), min_size=least, max_size=most, unique=True)


Change = tuple[list[str], list[int]]
"""What is added, and which of the statements that are there, by number, are removed."""


def changes(number: int) -> st.SearchStrategy[list[Change]]:
    """Return changes one after the other."""
    change = st.tuples(statements(0, 3), st.lists(st.integers(0, 999), max_size=3))
    return st.lists(change, min_size=number, max_size=number)

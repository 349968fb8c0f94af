# ruff: noqa: E501  lines are as long as those that are looked at
"""Where statements stand, to the character, in every syntax; and what edits do to them there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from competency_graph import graphs, rdf
from competency_graph.documents import Document
from competency_graph.mending import Texts, located
from competency_graph.model import Finding, Repair
from competency_graph.places import Spot, key, spots_of
from competency_graph.shacl.data import Parsed
from competency_graph.statements import turtle
from competency_graph.vocab import PREFIXES
from rdflib import SKOS, BNode, Graph, Literal, URIRef
from rdflib.term import Node
from test_mistakes import mended

ONTOLOGY = Path(__file__).parent.parent / "ontology"
SYNTAXES = {syntax.name: syntax for syntax in rdf.SYNTAXES}
EX = "https://example.org/"
# One thing in each syntax, signs of two and four bytes before what is looked for.
TEXTS = {
    "turtle": """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX ex: <https://example.org/>

ex:a a skos:Concept ; # Größe 🙂
    skos:prefLabel "Größe 🙂"@de , "Size"@en ;
    skos:broader [ skos:notation "7" ] , ex:b .
""",
    "trig": """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX ex: <https://example.org/>
ex:graph { ex:z skos:related ex:y . } GRAPH ex:g {
ex:a a skos:Concept ; # Größe 🙂
    skos:prefLabel "Größe 🙂"@de , "Size"@en ;
    skos:broader [ skos:notation "7" ] , ex:b . }
""",
    "n-triples": """# Größe 🙂
<https://example.org/a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/2004/02/skos/core#Concept> .

<https://example.org/a> <http://www.w3.org/2004/02/skos/core#prefLabel> "Größe 🙂"@de .
 <https://example.org/a> <http://www.w3.org/2004/02/skos/core#prefLabel> "Size"@en .
<https://example.org/a> <http://www.w3.org/2004/02/skos/core#broader> _:ü .
_:ü <http://www.w3.org/2004/02/skos/core#notation> "7" .
<https://example.org/a> <http://www.w3.org/2004/02/skos/core#broader> <https://example.org/b> .
""",
    "json-ld": """{"@context": {"skos": "http://www.w3.org/2004/02/skos/core#", "id": "@id",
    "label": {"@id": "skos:prefLabel", "@container": "@language"}, "ex": "https://example.org/"},
  "id": "ex:a", "@type": "skos:Concept",
  "label": {"de": "Größe \\uD83D\\uDE42", "en": "Size"},
  "skos:broader": [{"skos:notation": "7"}, {"id": "ex:b"}]
}
""",
    "rdf-xml": """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
  xmlns:skos="http://www.w3.org/2004/02/skos/core#" xml:base="https://example.org/">
  <skos:Concept rdf:about="a"> <!-- Größe 🙂 -->
    <skos:prefLabel xml:lang="de">Größe 🙂</skos:prefLabel><skos:prefLabel xml:lang="en">Size</skos:prefLabel>
    <skos:broader> <rdf:Description skos:notation="7"/> </skos:broader>
    <skos:broader rdf:resource="b"/>
  </skos:Concept>
</rdf:RDF>
""",
}
TEXTS["n-quads"] = TEXTS["n-triples"].replace(" .\n", " <https://example.org/g> .\n")
# Subject, and the values: label in German, in English, type, other thing, code of the inner part.
PLACES = {
    "turtle": [(4, 1), (5, 20), (5, 35), (4, 8), (6, 42), (6, 34)],
    "trig": [(4, 1), (5, 20), (5, 35), (4, 8), (6, 42), (6, 34)],
    "n-triples": [(2, 1), (4, 73), (5, 74), (2, 75), (8, 71), (7, 52)],
    "n-quads": [(2, 1), (4, 73), (5, 74), (2, 75), (8, 71), (7, 52)],
    "json-ld": [(3, 9), (4, 19), (4, 47), (3, 26), (5, 51), (5, 38)],
    "rdf-xml": [(4, 27), (5, 35), (5, 89), (4, 4), (7, 32), (6, 51)],
}


def as_written(text: str) -> str:
    return text


def windows(text: str) -> str:
    return "\ufeff" + text.replace("\n", "\r\n")


@pytest.mark.parametrize("ends", [as_written, windows])
@pytest.mark.parametrize("name", PLACES)
def test_places_are_exact(name: str, ends: Callable[[str], str]) -> None:
    spots = spots_of(ends(TEXTS[name]).encode(), SYNTAXES[name])
    a, label = EX + "a", str(SKOS.prefLabel)
    statements = [
        (a, label, key(Literal("Größe 🙂", lang="de"))),
        (a, label, key(Literal("Size", lang="en"))),
        (a, PREFIXES["rdf"] + "type", str(SKOS.Concept)),
        (a, str(SKOS.broader), EX + "b"),
        ("", str(SKOS.notation), "7"),
    ]
    found = [spots.subjects[a], *(spots.statements[s].value for s in statements)]
    assert [spots.at(span.start) for span in found] == [Spot(*place) for place in PLACES[name]]
    shown = [spots.text[span.start : span.end] for span in found]
    assert all(re.search(r"a|Concept", shown[number]) for number in (0, 3)), shown
    assert "Gr" in shown[1] and "Size" in shown[2] and "b" in shown[4] and "7" in shown[5]


def _shipped() -> Graph:
    graph = Graph(bind_namespaces="none")
    for file in (ONTOLOGY / "role.ttl", *ONTOLOGY.glob("frameworks/*/roles.ttl")):
        content = rdf.parse(file.read_bytes(), SYNTAXES["turtle"], name=file.name)
        graphs.fill(graph, content)
    return _bound(graph)


def _bound(graph: Graph) -> Graph:
    for prefix, iri in {
        **PREFIXES,
        "ex": EX,
        "xml": "http://www.w3.org/XML/1998/namespace",
    }.items():
        graph.bind(prefix, iri)
    return graph


def _written(graph: Graph, name: str) -> str:
    if name == "json-ld":
        labels = {"label": {"@id": str(SKOS.prefLabel), "@container": "@language"}}
        return graph.serialize(format="json-ld", context=PREFIXES | labels, auto_compact=True)
    formats = {"rdf-xml": "xml", "nested": "pretty-xml", "n-triples": "nt", "turtle": "longturtle"}
    if name in formats:
        return graph.serialize(format=formats[name])
    if name == "n-quads":
        return graph.serialize(format="nt").replace(" .\n", f" <{EX}g> .\n")
    head, _, body = graph.serialize(format="longturtle").partition("\n\n")
    return f"{head}\n\n<{EX}g> {{\n{body}}}\n"


@pytest.mark.parametrize("form", [*PLACES, "nested"])
def test_every_statement_of_a_framework_has_its_place(form: str) -> None:
    content = _written(_shipped(), form).encode()
    name = "rdf-xml" if form == "nested" else form
    said = graphs.to_rdflib(rdf.parse(content, SYNTAXES[name], name=name))
    assert len(said) > 300
    spots = spots_of(content, SYNTAXES[name])
    for subject, predicate, value in said:
        if isinstance(value, BNode):
            continue
        about = "" if isinstance(subject, BNode) else str(subject)
        stated = spots.statements[about, str(predicate), key(value)]
        shown = spots.text[stated.value.start : stated.value.end]
        end = re.split("[/#]", value)[-1] if isinstance(value, URIRef) else str(value)[:5]
        assert end in shown or shown == "a", f"{value} is not {shown}"
        for span in stated.predicates:
            word = spots.text[span.start : span.end].strip('"')
            local = re.split("[/#]", str(predicate))[-1]
            assert local in word or word in ("a", "@type", "label"), f"{predicate} is not {word}"


_A = URIRef(EX + "a")
_OTHER = (SKOS.broader, URIRef(EX + "c"))
_CHANGES: dict[str, tuple[tuple[Node, Node] | None, tuple[Node, Node] | None]] = {
    "another thing": ((SKOS.broader, URIRef(EX + "b")), _OTHER),
    "a thing elsewhere": (_OTHER, (SKOS.broader, URIRef("https://example.net/c#d"))),
    "a language": (
        (SKOS.prefLabel, Literal('Si"ze & more')),
        (SKOS.prefLabel, Literal('Si"ze & more', lang="en")),
    ),
    "another word": (
        (SKOS.scopeNote, Literal("Note", lang="en")),
        (SKOS.definition, Literal("Note", lang="en")),
    ),
    "another text": (
        (SKOS.scopeNote, Literal("Note", lang="en")),
        (SKOS.scopeNote, Literal("<Not\né>", lang="en")),
    ),
    "one label less": ((SKOS.altLabel, Literal("Extent", lang="en")), None),
    "the last is gone": ((SKOS.scopeNote, Literal("Note", lang="en")), None),
    "one more": (None, (SKOS.definition, Literal('"Größe" & <so>', lang="de"))),
    "one more thing": (None, _OTHER),
}
# Where a comma or a key would have to go too.
_NOT_WRITTEN = {("json-ld", "one label less"), ("json-ld", "the last is gone")}


@pytest.mark.parametrize("change", _CHANGES)
@pytest.mark.parametrize("name", PLACES)
def test_edits_do_to_the_text_what_is_said_of_statements(name: str, change: str) -> None:
    old, new = _CHANGES[change]
    graph = _bound(Graph(bind_namespaces="none"))
    for number in "ab":
        thing = URIRef(EX + number)
        graph.add((thing, SKOS.altLabel, Literal("Extent", lang="en")))
        graph.add((thing, SKOS.altLabel, Literal("Ausdehnung", lang="de")))
        graph.add((thing, SKOS.broader, URIRef(EX + "b")))
        graph.add((thing, SKOS.scopeNote, Literal("Note", lang="en")))
    if old is not None:
        graph.add((_A, *old))
    text = _written(graph, name)
    document = Document(name="a", content=text.encode(), syntax=SYNTAXES[name])
    repair = Repair(text="", remove=old and turtle(*old), insert=new and turtle(*new))
    finding = Finding(severity="info", message="", rule="r", focus=EX + "a", repair=repair)
    (placed,) = located([finding], Texts([document]), Parsed(map(graphs.triple, graph)))
    assert placed.repair is not None and placed.place is not None and placed.place.line
    if (name, change) in _NOT_WRITTEN:
        assert placed.repair.edits == ()
        return
    assert placed.repair.edits
    (after,) = mended([document], placed.repair.edits)
    said = rdf.parse(after.content, SYNTAXES[name], name="a")
    wanted = Graph(bind_namespaces="none")
    for triple in graph:
        wanted.add(triple)
    if old is not None:
        wanted.remove((_A, *old))
    if new is not None:
        wanted.add((_A, *new))
    assert set(graphs.to_rdflib(said)) == set(wanted)
    if name in ("n-quads", "trig"):
        assert {str(quad.graph_name) for quad in said} == {f"<{EX}g>"}

"""Judging by pySHACL: what is found, what is refused, and that nothing is fetched. No HTTP."""

import random
import socket
from functools import cache
from typing import Literal

import pyshacl
import pytest
import rdflib
from competency_graph import resources
from competency_graph.errors import InvalidShapes
from competency_graph.model import Finding
from competency_graph.shacl.reference import (
    check_well_formed,
    compile_shapes,
    judge_graph,
)
from competency_graph.vocab import CG, ID, SHAPES
from rdflib import RDF, SH, SKOS, XSD, BNode, Graph, URIRef
from rdflib.term import Node

FRAMEWORK = ID + "implementation-support/"
PREFIXES = f"""
PREFIX cg: <{CG}>
PREFIX cgs: <{SHAPES}>
PREFIX ex: <https://example.org/>
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX sh: <{SH}>
PREFIX skos: <{SKOS}>
PREFIX xsd: <{XSD}>
"""


def turtle(text: str) -> Graph:
    return Graph(bind_namespaces="none").parse(data=PREFIXES + text, format="turtle")


@cache
def shipped() -> Graph:
    graph = Graph(bind_namespaces="none")
    folder = resources.folder("ontology")
    for file in (*resources.ontology_files(), *sorted(folder.glob("frameworks/*/*.ttl"))):
        graph.parse(file, format="turtle")
    return graph


@cache
def shipped_shapes(*profiles: Literal["core", "house"]) -> Graph:
    graph = Graph(bind_namespaces="none")
    for profile in profiles:
        for file in resources.shape_files(profile):
            graph.parse(file, format="turtle")
    return graph


def found(data: str, shapes: str) -> list[Finding]:
    return judge_graph(turtle(data), compile_shapes(turtle(shapes)), focus=None)


def thing(path: str) -> URIRef:
    return URIRef(FRAMEWORK + path)


def test_the_shipped_data_keeps_every_rule() -> None:
    shapes = compile_shapes(shipped_shapes("core", "house"))
    found = judge_graph(shipped(), shapes, focus=None)
    # The source of claim 093 qualifies what nobody here claims.
    assert [(f.severity, f.focus) for f in found] == [("info", FRAMEWORK + "claim/093")]


FAULTS: list[tuple[URIRef, URIRef, Node | None]] = [
    (thing("competency/ce-brokering"), SKOS.prefLabel, None),
    (thing("competency/oi-facilitation"), SKOS.definition, None),
    (
        thing("requirement/knowledge-broker-ka-knowledge"),
        URIRef(CG + "requiresLevel"),
        None,
    ),
    (thing("role/isp"), SKOS.broader, thing("role/boundary-spanner")),
    (thing("role/facilitator"), SKOS.notation, rdflib.Literal("R2")),
    (thing("role/facilitator"), SKOS.altLabel, rdflib.Literal("Moderatorin", lang="german")),
    (thing("outcome/adoption"), SKOS.altLabel, rdflib.Literal("Adoption", lang="en")),
    (thing("outcome/adoption"), SKOS.broader, thing("level/1-novice")),
    (thing("claim/026"), URIRef(CG + "hasStrength"), URIRef(CG + "ControlledEmpirical")),
    (thing("level/1-novice"), URIRef(CG + "rank"), rdflib.Literal("first")),
    (thing("level/2-advanced-beginner"), URIRef(CG + "rank"), rdflib.Literal(5)),
    (thing("claim/001"), URIRef(CG + "citesSource"), thing("source/hearsay")),
]


# pySHACL parses each query for each node, so the agreement is looked at on a part of the framework.
LEFT_OUT = (
    "AttitudeElement BehaviourElement KnowledgeElement SkillElement BehaviouralIndicator "
    "CompetencyRating DevelopmentActivity Mapping ReferenceConcept Strategy"
).split()


def test_findings_agree_with_pyshacl_as_it_is_run_by_others() -> None:
    data = Graph(bind_namespaces="none")
    dropped = {s for kind in LEFT_OUT for s in shipped().subjects(RDF.type, URIRef(CG + kind))}
    for statement in shipped():
        if statement[0] not in dropped:
            data.add(statement)
    for subject, predicate, value in FAULTS:
        if value is None:
            assert (subject, predicate, None) in data
            data.remove((subject, predicate, None))
        else:
            data.add((subject, predicate, value))
    shapes = shipped_shapes("core")
    findings = judge_graph(data, compile_shapes(shapes), focus=None)
    ours = {(f.focus, f.rule, f.severity) for f in findings}
    _, report, _ = pyshacl.validate(data, shacl_graph=shapes)
    assert isinstance(report, Graph)
    theirs = {
        (
            str(report.value(result, SH.focusNode)),
            str(report.value(result, SH.sourceShape)),
            str(report.value(result, SH.resultSeverity)).removeprefix(str(SH)).lower(),
        )
        for result in report.objects(None, SH.result)
    }
    assert ours == theirs
    assert len(ours) > len(FAULTS)


LEVEL = """
cgs:Needs a sh:NodeShape ; sh:targetClass ex:Need ; sh:property cgs:Needs-level .
cgs:Needs-level a sh:PropertyShape ; sh:path ex:level ; sh:minCount 1 ; sh:maxCount 1 ;
  sh:severity sh:Warning ; sh:name "Level"@en , "Stufe"@de ;
  sh:message "Nenne eine Stufe."@de , "Name one level."@en .
"""


def test_a_finding_says_what_where_and_what_to_do() -> None:
    data = 'ex:n a ex:Need ; skos:prefLabel "Bedarf"@de , "Need"@en .'
    assert found(data, LEVEL) == [
        Finding(
            severity="warning",
            message="Name one level.",
            rule=SHAPES + "Needs-level",
            component=str(SH.MinCountConstraintComponent),
            focus="https://example.org/n",
            focus_label="Need",
            field="https://example.org/level",
            field_label="Level",
        )
    ]


def test_values_are_spelt_as_in_n_triples() -> None:
    shapes = """
    cgs:N a sh:NodeShape ; sh:targetSubjectsOf ex:p ; sh:property cgs:N-p .
    cgs:N-p a sh:PropertyShape ; sh:path ex:p ; sh:in ( ex:good ) .
    """
    values = found('ex:a ex:p ex:bad , "two\\nlines"@en , 5 , "\\"" , [] .', shapes)
    spelt = {f.value for f in values if f.value and not f.value.startswith("_:")}
    assert spelt == {
        r'"\""',
        r'"two\nlines"@en',
        '"5"^^<http://www.w3.org/2001/XMLSchema#integer>',
        "<https://example.org/bad>",
    }
    assert len(values) == 5


def test_a_focus_narrows_targets_and_not_what_they_ask_of_others() -> None:
    shapes = """
    cgs:S a sh:NodeShape ; sh:targetClass ex:S ; sh:property cgs:S-k .
    cgs:S-k a sh:PropertyShape ; sh:path ex:k ; sh:node cgs:T .
    cgs:T a sh:NodeShape ; sh:property cgs:T-v .
    cgs:T-v a sh:PropertyShape ; sh:path ex:v ; sh:minCount 1 .
    """
    data = turtle("ex:a a ex:S ; ex:k ex:b . ex:c a ex:S ; ex:k ex:d .")
    a = URIRef("https://example.org/a")
    findings = judge_graph(data, compile_shapes(turtle(shapes)), focus={a})
    assert [f.focus for f in findings] == [str(a)]
    assert judge_graph(data, compile_shapes(turtle(shapes)), focus={BNode()}) == []


@pytest.mark.parametrize(("data", "listed"), [("xsd:string", ""), ("", "xsd:string")])
def test_plain_and_typed_strings_are_one(data: str, listed: str) -> None:
    mark, other = (f"^^{word}" if word else "" for word in (data, listed))
    shapes = f"""
    cgs:N a sh:NodeShape ; sh:targetSubjectsOf ex:p ; sh:property cgs:N-p , cgs:N-type .
    cgs:N-p a sh:PropertyShape ; sh:path ex:p ; sh:in ( "x"{other} ) .
    cgs:N-type a sh:PropertyShape ; sh:path ex:p ; sh:datatype xsd:string .
    """
    assert found(f'ex:a ex:p "x"{mark} .', shapes) == []


def test_the_order_of_findings_does_not_depend_on_the_order_of_statements() -> None:
    lines = [f'ex:n{n} a ex:Need ; skos:prefLabel "Need {n % 7}"@en .' for n in range(30)]
    first = found("\n".join(lines), LEVEL)
    random.Random(1).shuffle(lines)
    assert found("\n".join(lines), LEVEL) == first
    assert len(first) == 30


def test_neither_data_nor_shapes_are_changed() -> None:
    data, shapes = turtle('ex:n a ex:Need ; ex:p "x"^^xsd:string .'), turtle(LEVEL)
    before = set(data), set(shapes)
    judge_graph(data, compile_shapes(shapes), focus=None)
    assert (set(data), set(shapes)) == before


def test_a_deactivated_shape_finds_nothing() -> None:
    assert found("ex:n a ex:Need .", LEVEL + "cgs:Needs-level sh:deactivated true .") == []
    assert found("ex:n a ex:Need .", LEVEL + "cgs:Needs sh:deactivated true .") == []


def test_imports_are_not_followed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.2)
        address = f"<http://127.0.0.1:{canary.getsockname()[1]}/>"
        imports = f"ex:o a owl:Ontology ; owl:imports {address} ."
        assert len(found(imports + "ex:n a ex:Need .", LEVEL + imports)) == 1
        with pytest.raises(TimeoutError):
            canary.accept()


def asking(query: str) -> str:
    return f"""
    cgs:N a sh:NodeShape ; sh:targetClass ex:N ; sh:property cgs:N-p .
    cgs:N-p a sh:PropertyShape ; sh:path ex:p ; sh:sparql [ sh:select '''{query}''' ] .
    """


def with_p(constraint: str) -> str:
    return f"""
    cgs:N a sh:NodeShape ; sh:targetClass ex:N ; sh:property cgs:N-p .
    cgs:N-p a sh:PropertyShape ; sh:path ex:p ; {constraint} .
    """


REFUSED = {
    "a misspelt word": (
        with_p('sh:mesage "Write it."@en'),  # codespell:ignore mesage
        "“sh:mesage”.*Did you mean “sh:message”",  # codespell:ignore mesage
    ),
    "an unknown severity": (with_p("sh:severity ex:Bad"), "severity other than"),
    "a service": (
        asking("SELECT $this WHERE { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }"),
        "SERVICE",
    ),
    "a service in disguise": (
        asking("SELECT $this WHERE { S\\\\u0045RVICE <http://127.0.0.1/> { ?s ?p ?o } }"),
        "asks another service",
    ),
    "a service inside a filter": (
        asking(
            "SELECT $this WHERE { FILTER NOT EXISTS "
            "{ { S\\\\u0045RVICE SILENT <http://127.0.0.1/> { ?s ?p ?o } } } }"
        ),
        "asks another service",
    ),
    "data from elsewhere": (
        asking("SELECT $this FROM <http://127.0.0.1/> WHERE { ?s ?p ?o }"),
        "names its own data",
    ),
    "the time": (asking("SELECT $this WHERE { FILTER (NOW() > 1) }"), "same tomorrow"),
    "chance": (asking("SELECT $this WHERE { FILTER (RAND() > 1) }"), "same tomorrow"),
    "broken SPARQL": (asking("SELECT $this WHERE {"), "has a query that is not SPARQL"),
    "an undeclared prefix": (
        asking("SELECT $this WHERE { $this no:p 1 }"),
        "prefix “no:” is not declared",
    ),
    "the shapes graph": (asking("SELECT $this WHERE { GRAPH $shapesGraph { } }"), "cannot be used"),
    "itself": (with_p("sh:node cgs:N"), "asks for itself"),
    "a target that would be ignored": (
        with_p("sh:minCount 1") + "cgs:N sh:target [ a sh:SPARQLTarget ] .",
        "is not evaluated here",
    ),
    "two paths": (with_p("sh:path ex:q"), "path"),
    "a count that is no number": (with_p('sh:minCount "one"'), "cannot be used"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_shapes_that_cannot_be_judged_by_are_refused(case: str) -> None:
    shapes, sentence = REFUSED[case]
    with pytest.raises(InvalidShapes, match=sentence) as refusal:
        compile_shapes(turtle(shapes))
    assert "\n" not in refusal.value.detail
    if case != "two paths":
        assert str(refusal.value.facts["shape"]).startswith(SHAPES + "N")


def test_the_shapes_of_shapes_name_the_shape_and_the_word() -> None:
    with pytest.raises(
        InvalidShapes, match="“N-p” is not written as SHACL asks: look at its “sh:nodeKind”"
    ):
        check_well_formed(turtle(with_p("sh:nodeKind ex:Sort")))

"""The ontology keeps its rules, each rule can fail, and OWL 2 RL finds no contradiction."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ontology_rules as rules
import pytest
from ontology_rules import FLOOR, MODULES, RULES, Files, Rule
from owlrl import OWLRL_Semantics
from rdflib import Graph

ROOT = Path(__file__).parent.parent
FILES = Files.of(ROOT)
ROLE = "ontology/role.ttl"
EXTERNAL = "ontology/external.ttl"
FACTS = "ontology/frameworks/implementation-support/roles.ttl"
NEW = """
PREFIX cg: <https://w3id.org/competency-graph/ns#>
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_ontology_keeps(rule: Rule) -> None:
    faults = list(rule(FILES))
    assert not faults, "\n".join(faults)


def test_nothing_was_lost_from_sight() -> None:
    """An empty glob or a forgotten filter would let every rule pass."""
    assert set(FILES.modules) == {*MODULES, "external", "term-mappings"}
    assert len(FILES.terms) >= FLOOR
    assert len(FILES.frameworks) >= 15
    assert any(name.startswith("shapes/") for name in FILES.graphs)


def added(file: str, turtle: str) -> Files:
    """Return the files with statements added to one of them."""
    return replace(FILES, text={**FILES.text, file: FILES.text[file] + NEW + turtle})


def changed(file: str, old: str, new: str) -> Files:
    """Return the files with the first occurrence of a text replaced in one of them."""
    assert old in FILES.text[file]
    return replace(FILES, text={**FILES.text, file: FILES.text[file].replace(old, new, 1)})


def catalogued(old: str, new: str) -> Files:
    assert old in FILES.catalogue
    return replace(FILES, catalogue=FILES.catalogue.replace(old, new))


def released(version: str) -> Files:
    return replace(FILES, project=FILES.project.replace('"0.1.0.dev0"', f'"{version}"'))


ID = "<https://w3id.org/competency-graph/id/implementation-support/role"
ONTOLOGY = "https://w3id.org/competency-graph/ontology"

# A rule, the files with one fault, and what the rule says of it.
WRONG: list[tuple[Rule, Callable[[], Files], str]] = [
    (
        rules.o1_addresses,
        lambda: added(FACTS, f'{ID}_broker> skos:prefLabel "Broker"@en .'),
        "none of id/<framework>/<kind>/<slug>",
    ),
    (
        rules.o2_prefixes,
        lambda: added(FACTS, "PREFIX : <https://w3id.org/competency-graph/ns>"),
        "take prefix : from PREFIXES",
    ),
    (
        rules.o3_one_home,
        lambda: added(ROLE, 'cg:Outcome skos:scopeNote "Again."@en .'),
        "describe it in outcome.ttl only",
    ),
    (
        rules.o3_one_home,
        lambda: changed(ROLE, "rdfs:isDefinedBy", "rdfs:seeAlso"),
        "say rdfs:isDefinedBy",
    ),
    (
        rules.o3_one_home,
        lambda: added(ROLE, "skos:Collection a owl:Class ."),
        "in external.ttl only",
    ),
    (
        rules.o3_known_terms,
        lambda: added(FACTS, f"{ID}/consultant> cg:worksWithh {ID}/isp> ."),
        "cg:worksWithh is declared nowhere",
    ),
    (
        rules.o3_known_terms,
        lambda: added(FACTS, f"{ID}/consultant> skos:semanticRelation {ID}/isp> ."),
        "semanticRelation in external.ttl",
    ),
    (
        rules.o3_known_terms,
        lambda: added(EXTERNAL, "skos:OrderedCollection a owl:Class ."),
        "nothing uses http://www.w3.org/2004/02/skos/core#OrderedCollection",
    ),
    (rules.o4_names, lambda: added(ROLE, "cg:HRRole a owl:Class ."), "acronyms as words"),
    (
        rules.o4_names,
        lambda: added(ROLE, "cg:requiredLevel a owl:ObjectProperty ."),
        "begin with a verb",
    ),
    (
        rules.o5_no_inverses,
        lambda: added(ROLE, "cg:worksWith owl:inverseOf cg:isWorkedWithBy ."),
        "drop the inverse",
    ),
    (
        rules.o6_words,
        lambda: changed(ROLE, 'skos:prefLabel "Role"@en', 'skos:prefLabel "Rolle"@de'),
        "cg:Role: write one label in each language",
    ),
    (
        rules.o6_words,
        lambda: changed(ROLE, "skos:example", "skos:note"),
        "give an example",
    ),
    (
        rules.o6_words,
        lambda: changed(ROLE, 'skos:prefLabel "Role"@en', 'skos:prefLabel "Function"@en'),
        "label it “Role”",
    ),
    (
        rules.o6_words,
        lambda: changed(ROLE, "Ability that a requirement asks for.", "Ability. It is asked for."),
        "in one sentence",
    ),
    (
        rules.o6_words,
        lambda: changed(ROLE, "Ability that a requirement asks for.", "What requires competency."),
        "without its own label",
    ),
    (
        rules.o7_no_comments,
        lambda: added(ROLE, 'cg:Role rdfs:comment "See above."@en .'),
        "not a comment",
    ),
    (
        rules.o8_languages,
        lambda: added(FACTS, f'{ID}/isp> skos:altLabel "Implementer" .'),
        "say in which language “Implementer” is",
    ),
    (
        rules.o8_languages,
        lambda: added(FACTS, f'{ID}/isp> skos:notation "R0"@en .'),
        "a notation has no language",
    ),
    (
        rules.o9_no_accidents,
        lambda: added(ROLE, "cg:belongsToRole rdfs:range cg:Role ."),
        "write a shape instead",
    ),
    (
        rules.o10_imports,
        lambda: catalogued('uri="role.ttl"', 'uri="roles.ttl"'),
        "add https://w3id.org/competency-graph/ontology/role as role.ttl",
    ),
    (
        rules.o10_imports,
        lambda: added("ontology/level.ttl", f"<{ONTOLOGY}/level> owl:imports <{ONTOLOGY}/role> ."),
        "to break the circle",
    ),
    (
        rules.o10_imports,
        lambda: added("ontology/level.ttl", "cg:rank rdfs:seeAlso cg:Strategy ."),
        "level.ttl: import development, the home of cg:Strategy",
    ),
    (
        rules.o11_header,
        lambda: changed(ROLE, "dcterms:abstract", "dcterms:description"),
        "role.ttl: the header lacks http://purl.org/dc/terms/abstract",
    ),
    (
        rules.o11_header,
        lambda: changed(
            ROLE, "\n    dcterms:title", "\n    dcterms:license <> ;\n    dcterms:title"
        ),
        "role.ttl: begin with the header, its lines in the order of HEADER",
    ),
    (
        rules.o11_header,
        lambda: changed(ROLE, f"<{ONTOLOGY}/role>\n", "cg:Role a owl:Class .\n\n<role>\n"),
        "role.ttl: begin with the header, its lines in the order of HEADER",
    ),
    (rules.o12_version, lambda: released("0.2.0.dev0"), "role.ttl: the version is 0.2.0-dev"),
    (
        rules.o13_deprecation,
        lambda: added(ROLE, "cg:worksWith owl:deprecated true ."),
        "name what replaces it",
    ),
    (
        rules.o13_deprecation,
        lambda: added(ROLE, 'cg:worksWith owl:deprecated true ; skos:changeNote "Gone."@en .'),
        "with which version",
    ),
    (rules.o14_migrations, lambda: released("1.0.0"), "ontology/migration/1.0.0: add rewrite.rq"),
    (rules.o15_canonical, lambda: added(ROLE, "\n"), f"run competency-graph fmt {ROLE}"),
]


@pytest.mark.parametrize(
    ("rule", "files", "said"), WRONG, ids=[f"{w[0].__name__}: {w[2][:30]}" for w in WRONG]
)
def test_a_rule_names_the_fault_and_the_cure(
    rule: Rule, files: Callable[[], Files], said: str
) -> None:
    assert any(said in fault for fault in rule(files()))


def test_every_rule_has_been_seen_to_fail() -> None:
    assert {rule for rule, _, _ in WRONG} == set(RULES)


def contradictions(*graphs: Graph) -> list[str]:
    """Return what the rules of OWL 2 RL find impossible; the graphs stay as they are."""
    together = Graph(bind_namespaces="none")
    for graph in graphs:
        together += graph
    closure = OWLRL_Semantics(together, axioms=False, daxioms=False, rdfs=False)
    closure.closure()
    return list(closure.error_messages)


def test_nothing_contradicts_itself_by_owl_2_rl() -> None:
    everything = [g for name, g in FILES.graphs.items() if name.startswith("ontology/")]
    assert contradictions(*everything) == []


@pytest.mark.parametrize(
    "impossible",
    [
        "[] a cg:Competency , cg:Outcome .",
        "[] a cg:Role ; skos:inScheme [] . cg:Role rdfs:subClassOf skos:ConceptScheme .",
        "_:a skos:broader _:b . _:b skos:broader _:c . _:a skos:related _:c .",
        "_:a skos:exactMatch _:b ; skos:broadMatch _:b .",
        "_:rating a cg:CompetencyRating , cg:CompetencyAssessment .",
    ],
)
def test_a_contradiction_is_found(impossible: str) -> None:
    wrong = Graph().parse(data=NEW + impossible, format="turtle")
    assert contradictions(*FILES.modules.values(), wrong)

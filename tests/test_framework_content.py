"""The shipped framework holds every row that it should: counts, languages, inheritance."""

import pytest
from competency_graph.index import Graph
from competency_graph.vocab import CG, DCTERMS, ID, OWL, RDF, SKOS

FRAMEWORK = ID + "implementation-support"

COUNTS = {
    "CompetencyFramework": 1,
    "ReferenceScheme": 12,
    "CompetencyDomain": 7,
    "GuidingPrinciple": 6,
    "Competency": 33,
    "BehaviouralIndicator": 99,
    "ProficiencyScale": 1,
    "IndicatorBand": 3,
    "Role": 7,
    "RoleRequirement": 59,
    "StakeholderGroup": 6,
    "Outcome": 41,
    "EvidenceSource": 32,
    "EvidenceClaim": 95,
    "DevelopmentStep": 4,
    "DevelopmentActivity": 17,
    "Strategy": 40,
    "Mapping": 85,
    "Practitioner": 3,
    "CompetencyAssessment": 4,
    "CompetencyRating": 33,
    "RequirementImportance": 2,
    "EvidenceStrength": 6,
    "ClaimPolarity": 3,
    "ClaimSpecificity": 2,
    "VerificationStatus": 2,
    "OutcomeLevel": 9,
    "RoleKind": 3,
    "ServiceTask": 2,
    "StudyDesign": 25,
    "ActivityMode": 10,
    "SourceKind": 5,
    "AssessmentKind": 2,
    "ProficiencyLevel": 5 + 3,
    "ReferenceConcept": 80,
}
CLOSED = {
    *("RequirementImportance", "EvidenceStrength", "ClaimPolarity", "ClaimSpecificity"),
    *("VerificationStatus", "OutcomeLevel", "RoleKind", "ServiceTask", "StudyDesign"),
    *("ActivityMode", "SourceKind", "AssessmentKind"),
}
BELONGS = (SKOS + "inScheme", DCTERMS + "isPartOf")
IN_SCHEME = {
    FRAMEWORK + "/scale/isp-5": 5 + 3,
    FRAMEWORK + "/scheme/iparihs-levels": 3,
    FRAMEWORK + "/scheme/eric-subset": 12,
    FRAMEWORK + "/scheme/bcw": 9,
}
EFFECTIVE = {
    "isp": 15,
    "facilitator": 23,
    "knowledge-broker": 22,
    "consultant": 22,
    "improvement-coach": 26,
    "ta-provider": 25,
    "boundary-spanner": 26,
}


@pytest.mark.parametrize("name", COUNTS)
def test_every_row_is_there(graph: Graph, name: str) -> None:
    assert len(graph.subjects(RDF + "type", CG + name)) == COUNTS[name]


def test_every_element_is_there(graph: Graph) -> None:
    kinds = ("Knowledge", "Skill", "Attitude", "Behaviour")
    found = [graph.subjects(RDF + "type", f"{CG}{kind}Element") for kind in kinds]
    assert sum(map(len, found)) == 141


@pytest.mark.parametrize("scheme", IN_SCHEME)
def test_schemes_hold_their_concepts(graph: Graph, scheme: str) -> None:
    assert len(graph.subjects(SKOS + "inScheme", scheme)) == IN_SCHEME[scheme]


@pytest.mark.parametrize(
    ("term", "value", "number"),
    [
        ("hasPolarity", "Supports", 90),
        ("hasPolarity", "Qualifies", 4),
        ("hasPolarity", "Disputes", 1),
        ("hasSpecificity", "Inferred", 43),
        ("hasSpecificity", "Direct", 52),
        ("hasSourceKind", "JournalArticle", 28),
        ("hasOutcomeLevel", "RelationalLevel", 6),
        ("hasOutcomeLevel", "DeterminantLevel", 9),
        ("hasOutcomeLevel", "BehaviourLevel", 1),
        ("hasOutcomeLevel", "SystemLevel", 4),
        ("hasOutcomeLevel", "ImplementationLevel", 8),
        ("hasOutcomeLevel", "ServiceLevel", 6),
        ("hasOutcomeLevel", "ClientLevel", 3),
        ("hasOutcomeLevel", "PopulationLevel", 2),
        ("hasOutcomeLevel", "FieldLevel", 2),
        ("hasMappingRelation", SKOS + "exactMatch", 18 + 8),
    ],
)
def test_values_are_kept(graph: Graph, term: str, value: str, number: int) -> None:
    iri = value if value.startswith("http") else CG + value
    assert len(graph.subjects(CG + term, iri)) == number


def test_no_claim_is_stronger_than_its_source_allows(graph: Graph) -> None:
    def rank(strength: str) -> int:
        return int(graph.properties(strength)[CG + "rank"][0].value)

    for claim in graph.subjects(RDF + "type", CG + "EvidenceClaim"):
        said = graph.properties(claim)
        source = graph.properties(said[CG + "citesSource"][0].value)
        design = graph.properties(source[CG + "hasStudyDesign"][0].value)
        most = rank(design[CG + "supportsAtMost"][0].value)
        assert rank(said[CG + "hasStrength"][0].value) <= most, claim


def test_the_match_stands_beside_its_mapping(graph: Graph) -> None:
    for mapping in graph.subjects(RDF + "type", CG + "Mapping"):
        said = graph.properties(mapping)
        concept, target = said[CG + "mapsFrom"][0].value, said[CG + "mapsTo"][0].value
        relation = said[CG + "hasMappingRelation"][0].value
        matches = graph.properties(concept).get(relation, [])
        assert target in {term.value for term in matches}, f"{mapping}: add the match itself."


@pytest.mark.parametrize("name", sorted(set(COUNTS) - CLOSED - {"CompetencyFramework"}))
def test_everything_belongs_to_the_framework(graph: Graph, name: str) -> None:
    """`skos:inScheme?/dcterms:isPartOf?`, as ontology/README.md says."""
    for iri in graph.subjects(RDF + "type", CG + name):
        said = graph.properties(iri)
        above = {t.value for p in BELONGS for t in said.get(p, [])}
        further = {t.value for s in above for t in graph.properties(s).get(BELONGS[1], [])}
        assert FRAMEWORK in above | further, f"{iri} says to no framework that it belongs there."


@pytest.mark.parametrize("role", EFFECTIVE)
def test_requirements_are_inherited_and_overridden(graph: Graph, role: str) -> None:
    needed: dict[str, str] = {}
    at: str | None = f"{FRAMEWORK}/role/{role}"
    while at:
        for requirement in graph.subjects(CG + "belongsToRole", at):
            said = graph.properties(requirement)
            needed.setdefault(said[CG + "requiresCompetency"][0].value, requirement)
        broader = graph.properties(at).get(SKOS + "broader")
        at = broader[0].value if broader else None
    assert len(needed) == EFFECTIVE[role]


def test_a_knowledge_broker_inherits_overrides_and_adds(graph: Graph) -> None:
    def required(role: str) -> set[str]:
        found = graph.subjects(CG + "belongsToRole", f"{FRAMEWORK}/role/{role}")
        return {graph.properties(r)[CG + "requiresCompetency"][0].value for r in found}

    above, own = required("isp"), required("knowledge-broker")
    assert (len(above - own), len(above & own), len(own - above)) == (13, 2, 7)


def test_related_is_given_83_times(graph: Graph) -> None:
    competencies = graph.subjects(RDF + "type", CG + "Competency")
    assert sum(len(graph.properties(c).get(SKOS + "related", [])) for c in competencies) == 83


def test_a_contribution_is_claimed_never_asserted(graph: Graph) -> None:
    for kind in ("Competency", "Role", "Outcome", "DevelopmentActivity"):
        for iri in graph.subjects(RDF + "type", CG + kind):
            assert CG + "contributesTo" not in graph.properties(iri), (
                f"{iri}: remove cg:contributesTo and write a claim instead (MODEL, term 38)."
            )


def test_labels_are_kept_in_every_language(graph: Graph) -> None:
    def languages(iri: str) -> set[str]:
        return {term.language for term in graph.properties(iri)[SKOS + "prefLabel"]}

    for role in graph.subjects(RDF + "type", CG + "Role"):
        assert languages(role) == {"en", "es", "fr", "de", "zh", "da"}
    for competency in graph.subjects(RDF + "type", CG + "Competency"):
        assert languages(competency) >= {"en", "es", "fr", "de"}


def test_every_object_has_an_english_label_and_a_home(graph: Graph) -> None:
    for name in COUNTS:
        for iri in graph.subjects(RDF + "type", CG + name):
            said = graph.properties(iri)
            assert any(t.language == "en" for t in said[SKOS + "prefLabel"]), iri
            # A concept of others that has an address of its own keeps it.
            assert iri.startswith((ID, CG)) or name == "ReferenceConcept", iri
            assert OWL + "deprecated" not in said

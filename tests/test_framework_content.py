"""The shipped framework holds every row that it should: counts, languages, inheritance."""

import re
from datetime import UTC, datetime

import pytest
from competency_graph import history
from competency_graph.config import Settings
from competency_graph.index import Graph
from competency_graph.vocab import CG, ID, OWL, RDF, SKOS

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
}
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


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    path = tmp_path_factory.mktemp("graph") / "log.db"
    return history.load(Settings(database=f"sqlite:///{path}"), now=datetime.now(UTC))


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
            assert re.match(re.escape(ID) + r"|" + re.escape(CG), iri), iri
            assert OWL + "deprecated" not in said

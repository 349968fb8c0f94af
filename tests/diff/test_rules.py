"""Each rule of impact has a change that it is told of, and only what follows is told besides."""

import re
from pathlib import Path

import pytest
from changing import BEFORE, PREFIXES, comparison, replaced, without
from competency_graph.diff import RULE_TABLE

ASKING_NEED = """
ex:ask a cg:RoleRequirement ; skos:prefLabel "Helper needs asking"@en ; cg:belongsToRole ex:helper ;
    cg:requiresCompetency ex:asking ; cg:requiresLevel ex:one ; cg:hasImportance cg:Essential .
"""
RELEVANT = ASKING_NEED.replace("cg:Essential", "cg:Relevant")
RAISED = ("requiresLevel ex:one", "requiresLevel ex:two")
DEPRECATED = (
    'ex:asking a cg:Competency ; skos:prefLabel "Asking"@en ;',
    'ex:asking a cg:Competency ; skos:prefLabel "Asking"@en ; owl:deprecated true ;',
)
SUCCEEDED = (DEPRECATED[0], DEPRECATED[1] + " dcterms:isReplacedBy ex:listening ;")
PLACE = '"Put questions."@en ;\n    skos:broader ex:talk'
NEW_RULE = """
ex:Outcome-shape a sh:NodeShape ; sh:targetClass cg:Outcome ; sh:property [
    sh:path skos:prefLabel ; sh:minCount 1 ] .
"""
ASKING_CLAIM = """
ex:second a cg:EvidenceClaim ; skos:prefLabel "Asking brings trust"@en ;
    cg:hasContributor ex:asking ; cg:concernsOutcome ex:trust ; cg:citesSource ex:book ;
    cg:hasPolarity cg:Supports ; cg:hasStrength cg:Asserted ; dcterms:isPartOf ex:framework .
"""
TRUSTED = replaced(BEFORE, ("cg:concernsOutcome ex:peace", "cg:concernsOutcome ex:trust"))
DOUBTED = (
    "cg:hasContributor ex:peace ; cg:concernsOutcome ex:trust ; cg:citesSource ex:book ;\n"
    "    cg:hasPolarity cg:Supports"
)
# Rule: before, after, and every (thing, rule) that is told.
CASES: dict[str, tuple[str, str, set[tuple[str, str]]]] = {
    "rule-removed": (
        replaced(BEFORE, ("ex:Competency-code , [", "["))
        + 'ex:Spare a sh:PropertyShape ; sh:path ex:p ; sh:message "Look."@en .',
        replaced(BEFORE, ("ex:Competency-code , [", "[")),
        {("Spare", "rule-removed")},
    ),
    "identifier-removed": (
        BEFORE,
        without(BEFORE, "ex:silence"),
        {("What silence means", "identifier-removed")},
    ),
    "identifier-changed": (
        BEFORE,
        replaced(BEFORE, ("ex:silence", "ex:quiet")),
        {("What silence means", "identifier-changed")},
    ),
    "deprecated-without-successor": (
        BEFORE,
        replaced(BEFORE, DEPRECATED),
        {("Asking", "deprecated-without-successor")},
    ),
    "deprecated-with-successor": (
        BEFORE,
        replaced(BEFORE, SUCCEEDED),
        {("Asking", "deprecated-with-successor")},
    ),
    "deprecation-taken-back": (
        replaced(BEFORE, SUCCEEDED),
        replaced(BEFORE, DEPRECATED, (" owl:deprecated true ;", "")),
        {("Asking", "deprecation-taken-back"), ("Asking", "fact-changed")},
    ),
    "rule-added": (
        BEFORE,
        BEFORE + NEW_RULE,
        {("Outcome-shape", "rule-added")},
    ),
    "thing-added": (
        BEFORE,
        BEFORE + 'ex:joy a cg:Outcome ; skos:prefLabel "Joy"@en ; skos:inScheme ex:framework .',
        {("Joy", "thing-added")},
    ),
    "class-added": (
        BEFORE,
        replaced(BEFORE, ("a cg:ReferenceConcept", "a cg:ReferenceConcept , skos:Concept")),
        {("Hearing", "class-added")},
    ),
    "class-changed": (
        BEFORE,
        replaced(BEFORE, ("ex:silence a cg:KnowledgeElement", "ex:silence a cg:SkillElement")),
        {("What silence means", "class-changed")},
    ),
    "place-changed": (
        BEFORE,
        replaced(BEFORE, (PLACE, PLACE.replace("ex:talk", "ex:other"))),
        {("Asking", "place-changed")},
    ),
    "language-dropped": (
        BEFORE,
        replaced(BEFORE, (' , "Zuhören"@de', "")),
        {("Listening", "language-dropped")},
    ),
    "label-changed": (
        BEFORE,
        replaced(BEFORE, ('"Asking"@en', '"Inquiring"@en')),
        {("Inquiring", "label-changed")},
    ),
    "words-changed": (
        BEFORE,
        replaced(BEFORE, ('"Put questions."@en', '"Ask questions."@en')),
        {("Asking", "words-changed")},
    ),
    "claim-reversed": (
        TRUSTED,
        replaced(TRUSTED, (DOUBTED, DOUBTED.replace("Supports", "Disputes"))),
        {("Peace brings trust", "claim-reversed")},
    ),
    "claim-says-another": (
        BEFORE,
        replaced(BEFORE, ("cg:citesSource ex:book", "cg:citesSource ex:pamphlet")),
        {
            ("Listening brings trust", "claim-says-another"),
            ("Peace brings trust", "claim-says-another"),
        },
    ),
    "claim-weighed": (
        BEFORE,
        replaced(BEFORE, ("cg:hasStrength cg:Asserted", "cg:hasStrength cg:Descriptive")),
        {("Listening brings trust", "claim-weighed"), ("Peace brings trust", "claim-weighed")},
    ),
    "mapping-says-another": (
        without(BEFORE, "ex:listening skos:closeMatch"),
        replaced(
            without(BEFORE, "ex:listening skos:closeMatch"),
            ("cg:hasMappingRelation skos:closeMatch", "cg:hasMappingRelation skos:exactMatch"),
        ),
        {("Listening: close match Hearing", "mapping-says-another")},
    ),
    "match-removed": (
        BEFORE + "ex:asking skos:exactMatch ex:hearing .",
        BEFORE,
        {("Asking", "match-removed")},
    ),
    "requirement-changed": (
        BEFORE,
        replaced(BEFORE, ("cg:Essential ;", "cg:Essential ; skos:notation 7 ;")),
        {("Helper needs listening", "requirement-changed")},
    ),
    "order-changed": (
        BEFORE,
        replaced(BEFORE, ("cg:rank 2", "cg:rank 3")),
        {("2 More", "order-changed")},
    ),
    "scale-changed": (
        BEFORE,
        replaced(BEFORE, (" ; cg:usesScale ex:scale", "")),
        {("Helping", "scale-changed")},
    ),
    "code-changed": (
        BEFORE,
        replaced(BEFORE, ('skos:notation "T.1"', 'skos:notation "T.9"')),
        {("Listening", "code-changed")},
    ),
    "licence-changed": (
        BEFORE,
        replaced(BEFORE, ("licenses/by/4.0", "licenses/by-nc/4.0")),
        {("Helping", "licence-changed")},
    ),
    "axiom-changed": (
        BEFORE,
        replaced(BEFORE, ("rdfs:subClassOf skos:Concept", "rdfs:subClassOf cg:SkillElement")),
        {("Gesture", "axiom-changed")},
    ),
    "provenance-changed": (
        BEFORE,
        replaced(BEFORE, (" ; dcterms:source ex:book", "")),
        {("Listening", "provenance-changed")},
    ),
    "rule-tightened": (
        BEFORE,
        replaced(BEFORE, ("sh:maxCount 5", "sh:maxCount 2")),
        {("Competency-code", "rule-tightened")},
    ),
    "rule-loosened": (
        BEFORE,
        replaced(BEFORE, ("sh:maxCount 5", "sh:maxCount 9")),
        {("Competency-code", "rule-loosened")},
    ),
    "rule-changed": (
        BEFORE,
        replaced(BEFORE, ("sh:path skos:notation", "sh:path skos:altLabel")),
        {("Competency-code", "rule-changed")},
    ),
    "fact-changed": (
        BEFORE,
        replaced(BEFORE, (" ; skos:related ex:listening", "")),
        {("Asking", "fact-changed")},
    ),
    "reference-broken": (
        without(BEFORE, "ex:silence"),
        without(BEFORE, "ex:silence", "ex:asking") + "ex:talk rdfs:seeAlso ex:asking .",
        {
            ("Asking", "identifier-removed"),
            ("Asking", "reference-broken"),
            ("Talk", "provenance-changed"),
        },
    ),
    "requirement-added": (
        BEFORE,
        BEFORE + ASKING_NEED,
        {("Helper needs asking", "requirement-added")},
    ),
    "requirement-recommended": (
        BEFORE,
        BEFORE + RELEVANT,
        {("Helper needs asking", "requirement-recommended")},
    ),
    "requirement-raised": (
        BEFORE,
        replaced(BEFORE, RAISED),
        {("Helper needs listening", "requirement-raised")},
    ),
    "requirement-made-essential": (
        BEFORE + RELEVANT,
        BEFORE + ASKING_NEED,
        {("Helper needs asking", "requirement-made-essential")},
    ),
    "requirement-incomparable": (
        BEFORE,
        replaced(BEFORE, ("requiresLevel ex:one", "requiresLevel ex:unknown")),
        {("Helper needs listening", "requirement-incomparable")},
    ),
    "requirement-lowered": (
        replaced(BEFORE, RAISED),
        BEFORE,
        {("Helper needs listening", "requirement-lowered")},
    ),
    "requirement-made-relevant": (
        BEFORE + ASKING_NEED,
        BEFORE + RELEVANT,
        {("Helper needs asking", "requirement-made-relevant")},
    ),
    "requirement-dropped": (
        BEFORE + ASKING_NEED,
        BEFORE,
        {
            ("Helper needs asking", "identifier-removed"),
            ("Helper needs asking", "requirement-dropped"),
        },
    ),
    "outcome-unsupported": (
        BEFORE,
        without(BEFORE, "ex:chain"),
        {
            ("Peace brings trust", "identifier-removed"),
            ("Peace brings trust", "outcome-unsupported"),
        },
    ),
    "outcome-without-competency": (
        TRUSTED,
        without(TRUSTED, "ex:claim"),
        {
            ("Listening brings trust", "identifier-removed"),
            ("Listening brings trust", "outcome-without-competency"),
            ("Listening brings trust", "contributor-unsupported"),
        },
    ),
    "contributor-unsupported": (
        BEFORE + ASKING_CLAIM,
        without(BEFORE + ASKING_CLAIM, "ex:claim"),
        {
            ("Listening brings trust", "identifier-removed"),
            ("Listening brings trust", "contributor-unsupported"),
        },
    ),
    "mapping-target-removed": (
        BEFORE,
        without(BEFORE, "ex:hearing", "ex:mapping", "ex:listening skos:closeMatch"),
        {
            ("Hearing", "identifier-removed"),
            ("Hearing", "mapping-target-removed"),
            ("Listening: close match Hearing", "identifier-removed"),
        },
    ),
    "valid-data-refused": (
        BEFORE,
        replaced(BEFORE, ("sh:maxCount 5", "sh:minCount 1 ; sh:maxCount 5")),
        {("Competency-code", "valid-data-refused")},
    ),
    "rule-unjudged": (
        PREFIXES + NEW_RULE,
        PREFIXES + NEW_RULE.replace("sh:minCount 1", "sh:minCount 2"),
        {("Outcome-shape", "rule-unjudged")},
    ),
}


@pytest.mark.parametrize("name", [rule.name for rule in RULE_TABLE])
def test_a_rule_is_told_of_its_change_and_of_no_more(name: str) -> None:
    before, after, expected = CASES[name]
    found = comparison(before, after)
    told = {(a.thing.label, reason.rule) for a in found.alterations for reason in a.reasons}
    assert told == expected
    assert name in {rule for _, rule in told}
    (impact,) = {rule.impact for rule in RULE_TABLE if rule.name == name}
    assert impact in {r.impact for a in found.alterations for r in a.reasons if r.rule == name}
    assert all(a.reasons for a in found.alterations)
    for alteration in found.alterations:
        for reason in alteration.reasons:
            # A sentence for people, without addresses and with every gap filled.
            assert reason.text.endswith(".") and "{" not in reason.text and "://" not in reason.text


def test_every_rule_has_its_case() -> None:
    assert len(RULE_TABLE) == len(CASES) >= 40
    assert {rule.name for rule in RULE_TABLE} == set(CASES)


def test_nothing_is_told_where_nothing_changed() -> None:
    assert comparison(BEFORE, BEFORE).impact is None


def test_the_page_has_every_rule_with_its_impact() -> None:
    page = Path(__file__).parents[2] / "docs" / "check.md"
    rows = re.findall(r"^\| `([a-z-]+)` \| (major|minor|patch) \| ", page.read_text("utf-8"), re.M)
    assert len(rows) == len(RULE_TABLE)
    assert dict(rows) == {rule.name: rule.impact for rule in RULE_TABLE}

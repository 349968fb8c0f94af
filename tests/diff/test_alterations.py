"""What happened is told by label, whatever blank nodes are called and which end says a link."""

import pytest
from changing import BEFORE, PREFIXES, comparison, replaced, side, without
from competency_graph.diff import Comparison, compare, compared
from competency_graph.diff.reports import lines, sentence


def told(found: Comparison) -> list[str]:
    return [sentence(alteration) for alteration in found.alterations]


SHAPES = (
    PREFIXES
    + """
ex:S a sh:NodeShape ; sh:targetClass cg:Role ;
    sh:property [ sh:path skos:prefLabel ; sh:minCount 1 ] ,
        [ sh:path ( cg:worksWith [ sh:inversePath skos:broader ] ) ; sh:maxCount 2 ] ;
    sh:or ( [ sh:nodeKind sh:IRI ] [ sh:in ( ex:a ex:b ) ] ) .
[] a sh:NodeShape ; sh:targetNode ex:nobody ; sh:closed true .
"""
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            SHAPES,
            PREFIXES.replace("PREFIX ex:", "PREFIX other:")
            + """
_:z a sh:NodeShape ; sh:closed true ; sh:targetNode other:nobody .
other:S sh:or _:l1 ; sh:property _:b , _:a ; sh:targetClass cg:Role ; a sh:NodeShape .
_:a sh:minCount 01 ; sh:path skos:prefLabel .
_:b sh:maxCount "2"^^xsd:integer ; sh:path ( cg:worksWith [ sh:inversePath skos:broader ] ) .
_:l1 rdf:first [ sh:nodeKind sh:IRI ] ; rdf:rest ( [ sh:in ( other:a other:b ) ] ) .
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
""".replace("_:l1 rdf", "PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>\n_:l1 rdf"),
        ),
        (
            BEFORE,
            without(BEFORE, "ex:none").replace(
                'ex:coach a cg:Role ; skos:prefLabel "Coach"@en ;\n    skos:broader ex:helper',
                "ex:helper skos:narrower ex:coach .\n"
                'ex:coach a cg:Role ; skos:prefLabel "Coach"@en',
            ),
        ),
        (
            BEFORE,
            replaced(BEFORE, (" ; skos:related ex:listening", ""))
            + "ex:listening skos:related ex:asking .",
        ),
        (BEFORE, BEFORE.replace("cg:rank 2", 'cg:rank "02"^^xsd:integer')),
    ],
    ids=["other blank nodes", "narrower for broader", "related the other way", "007"],
)
def test_what_means_the_same_is_no_difference(before: str, after: str) -> None:
    assert before != after
    assert told(comparison(before, after)) == []


CLONE = """
ex:overhearing a cg:Competency ; skos:prefLabel "Overhearing"@en ; skos:inScheme ex:framework .
"""


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            BEFORE,
            replaced(BEFORE, ("ex:listening", "ex:hearing-out")),
            ["Competency “Listening” has another identifier: “listening” → “hearing-out”"],
        ),
        (
            BEFORE + CLONE,
            replaced(BEFORE, ('"Zuhören"@de', '"Zuhören"@de ; skos:altLabel "Overhearing"@en')),
            [
                "Competency “Overhearing” merged into “Listening” (removed)",
                "Competency “Listening”: alternative label “Overhearing” (en) added",
            ],
        ),
        (
            BEFORE + CLONE,
            BEFORE
            + CLONE.replace(
                "skos:inScheme",
                "owl:deprecated true ; dcterms:isReplacedBy ex:asking ; skos:inScheme",
            ),
            ["Competency “Overhearing” merged into “Asking” (deprecated)"],
        ),
        (
            BEFORE + CLONE,
            BEFORE
            + CLONE.replace(
                "skos:inScheme",
                "owl:deprecated true ; dcterms:isReplacedBy ex:left , ex:right ; skos:inScheme",
            )
            + 'ex:left a cg:Competency ; skos:prefLabel "Left"@en ; skos:inScheme ex:framework .'
            + 'ex:right a cg:Competency ; skos:prefLabel "Right"@en ; skos:inScheme ex:framework .',
            [
                "Competency “Overhearing” split into “Left” and “Right” (deprecated)",
                "Competency “Left” added",
                "Competency “Right” added",
            ],
        ),
        (
            BEFORE,
            replaced(BEFORE, ("cg:isElementOf ex:listening", "cg:isElementOf ex:asking")),
            ["Knowledge element “What silence means”: moved, is element of “Listening” → “Asking”"],
        ),
        (
            BEFORE,
            replaced(BEFORE, ('"Listening"@en', '"Hearing out"@en')),
            ["Competency “Hearing out”: renamed “Listening” (en) → “Hearing out” (en)"],
        ),
        (
            BEFORE,
            replaced(BEFORE, ("sh:maxCount 3", "sh:maxCount 4")),
            ["Rule “Competency-shape”: loosened, max count of “definition” 3 → 4"],
        ),
        (
            SHAPES,
            replaced(SHAPES, ("sh:in ( ex:a ex:b )", "sh:in ( ex:a )")),
            ["Rule “S”: or ([node kind “IRI”], [in (“a”, “b”)]) → ([node kind “IRI”], [in (“a”)])"],
        ),
        (
            BEFORE,
            replaced(
                BEFORE, ("rdfs:subClassOf skos:Concept", "owl:unionOf ( cg:Role cg:Outcome )")
            ),
            [
                "Class “Gesture”: sub class of “Concept” removed",
                "Class “Gesture”: union of (“Role”, “Outcome”) added",
            ],
        ),
        (
            PREFIXES + '[] skos:prefLabel "Nobody"@en .',
            PREFIXES,
            [
                "Thing “a thing without a name”: nameless part "
                "[preferred label “Nobody” (en)] removed"
            ],
        ),
    ],
)
def test_what_happened_is_told_in_words(before: str, after: str, expected: list[str]) -> None:
    assert told(comparison(before, after)) == expected


def test_what_is_told_does_not_depend_on_the_order_of_the_file() -> None:
    after = replaced(BEFORE, ("requiresLevel ex:one", "requiresLevel ex:two"))
    after = replaced(without(after, "ex:asking", "ex:claim"), ('"Trust"@en', '"Reliance"@en'))
    blocks = after.removeprefix(PREFIXES).split(" .\n")
    shuffled = PREFIXES + " .\n".join([*reversed(blocks[:-1]), ""])
    assert comparison(BEFORE, after) == comparison(BEFORE, shuffled)


def test_a_requirement_that_is_inherited_is_told_of_every_role() -> None:
    after = replaced(BEFORE, ("requiresLevel ex:one", "requiresLevel ex:two"))
    (alteration,) = comparison(BEFORE, after).alterations
    (reason,) = alteration.reasons
    assert reason.text.startswith(
        "“Listening” for “Coach” and “Helper”: “1 Some” was enough, “2 More” is needed."
    )


def test_a_role_that_moves_tells_what_it_has_to_meet_now() -> None:
    after = replaced(BEFORE, ('"Coach"@en ;\n    skos:broader ex:helper ;', '"Coach"@en ;'))
    (back,) = comparison(after, BEFORE).alterations
    assert [(r.rule, r.impact) for r in back.reasons] == [("requirement-added", "major")]
    (away,) = comparison(BEFORE, after).alterations
    assert [(r.rule, r.impact) for r in away.reasons] == [("requirement-dropped", "minor")]


def test_what_goes_with_its_whole_is_one_line_but_a_change_of_its_own() -> None:
    found = comparison(BEFORE, without(BEFORE, "ex:listening", "ex:silence", "ex:need"))
    shown = [line.sentence for line in lines(found)]
    assert "Competency “Listening” removed, with 1 knowledge element" in shown
    assert not [line for line in shown if "What silence means" in line]
    assert "Knowledge element “What silence means” removed" in told(found)


def test_a_sealed_fork_finds_the_same() -> None:
    before, after = side(BEFORE, "before"), side(without(BEFORE, "ex:asking"))
    assert compare(before, after, seconds=30, memory=2**31) == compared(before, after)

"""SHACL Core case by case: where engines differ, what a store keeps, what is refused."""

from collections.abc import Iterable

import pyoxigraph as ox
import pytest
from competency_graph.errors import InvalidShapes
from competency_graph.shacl.checks import Result
from competency_graph.shacl.compile import compiled, explain
from competency_graph.shacl.data import Parsed, Run, Stored
from competency_graph.shacl.evaluate import judge
from competency_graph.shacl.findings import findings_of
from competency_graph.shacl.paths import IDENTITY, inverted, parsed, reads, triples, written
from competency_graph.shacl.refusals import refuse
from competency_graph.shacl.values import is_less, is_of
from competency_graph.vocab import SH, XSD
from shacl_worlds import turtle


def literal(text: str) -> ox.Literal:
    (quad,) = turtle(f"ex:a ex:p {text} .")
    assert isinstance(quad.object, ox.Literal)
    return quad.object


def found(shapes: str, data: str, *, stored: bool = False) -> list[Result]:
    made = compiled(turtle(shapes), stored=stored)
    if not stored:
        return [row.result for row in judge(made, Run(Parsed(turtle(data))))]
    store = ox.Store()
    store.extend(turtle(data))
    return [row.result for row in judge(made, Run(Stored(store)))]


def values(results: Iterable[Result]) -> list[str]:
    return sorted(str(result.value) for result in results)


# What comes out of a store was written as one of several types: its range decides.
OF_TYPE = [
    ('"7"^^xsd:integer', "byte", True, True),
    ('"300"^^xsd:integer', "byte", True, False),
    ('"-1"^^xsd:integer', "nonNegativeInteger", True, False),
    ('"7"^^xsd:integer', "byte", False, False),
    ('"7"^^xsd:byte', "byte", False, True),
    ('"300"^^xsd:byte', "byte", False, False),
    ('"2026-01-01T00:00:00Z"^^xsd:dateTime', "dateTimeStamp", True, True),
    ('"2026-01-01T00:00:00"^^xsd:dateTime', "dateTimeStamp", True, False),
    ('"2026-02-30"^^xsd:date', "date", True, False),
    ('"one"^^xsd:integer', "integer", True, False),
    ('"one"', "string", True, True),
    ('"one"@en', "string", True, False),
    ('"anything"^^ex:own', "string", True, False),
]


@pytest.mark.parametrize(("text", "name", "stored", "expected"), OF_TYPE)
def test_a_datatype_is_the_one_that_may_have_been_written(
    text: str, name: str, stored: bool, expected: bool
) -> None:
    assert is_of(literal(text), XSD + name, stored=stored) is expected


# Of each pair the first is less, and not the other way round.
LESS = [
    ("1", "2.5"),
    ("2", '"1e1"^^xsd:double'),
    ('"2"^^xsd:byte', "3"),
    ('"-INF"^^xsd:float', "0"),
    ('"a"', '"b"'),
    ("false", "true"),
    ('"2025-12-31"^^xsd:date', '"2026-01-01"^^xsd:date'),
    ('"-0044-03-15"^^xsd:date', '"0001-01-01"^^xsd:date'),
    ('"9999-12-31"^^xsd:date', '"12026-01-01"^^xsd:date'),
    ('"2026-01-01T00:00:00+02:00"^^xsd:dateTime', '"2026-01-01T00:00:00Z"^^xsd:dateTime'),
    ('"2026-01-01T00:00:00"^^xsd:dateTime', '"2026-01-02T00:00:00Z"^^xsd:dateTime'),
    ('"10:00:00"^^xsd:time', '"23:59:59.5"^^xsd:time'),
    ('"2025"^^xsd:gYear', '"2026"^^xsd:gYear'),
    ('"--02-28"^^xsd:gMonthDay', '"--02-29"^^xsd:gMonthDay'),
    ('"P1M"^^xsd:yearMonthDuration', '"P1Y"^^xsd:yearMonthDuration'),
    ('"PT59M"^^xsd:dayTimeDuration', '"PT1H"^^xsd:dayTimeDuration'),
    ('"P27D"^^xsd:duration', '"P1M"^^xsd:duration'),
]
INCOMPARABLE = [
    ("1", '"1"'),
    ("true", "2"),
    ('"2026-01-01"^^xsd:date', "3000"),
    ('"a"@en', '"b"@en'),
    ('"one"^^xsd:integer', "2"),
    ('"NaN"^^xsd:double', "2"),
    ('"2026-01-01T00:00:00"^^xsd:dateTime', '"2026-01-01T10:00:00Z"^^xsd:dateTime'),
    ('"P30D"^^xsd:duration', '"P1M"^^xsd:duration'),
    ('"2026-01-01"^^xsd:date', '"2026-01-01T01:00:00"^^xsd:dateTime'),
]


@pytest.mark.parametrize(("one", "other"), LESS)
def test_one_value_is_less(one: str, other: str) -> None:
    a, b = literal(one), literal(other)
    assert is_less(a, b) and is_less(a, b, or_equal=True)
    assert not is_less(b, a) and not is_less(b, a, or_equal=True)
    assert is_less(a, a, or_equal=True) and not is_less(a, a)


@pytest.mark.parametrize(("one", "other"), INCOMPARABLE)
def test_what_cannot_be_compared_is_not_less(one: str, other: str) -> None:
    for a, b in ((one, other), (other, one)):
        assert not is_less(literal(a), literal(b), or_equal=True)


def test_equal_values_are_equal_however_they_are_written() -> None:
    for one, other in (
        ("1", "1.00"),
        ('"24:00:00"^^xsd:time', '"00:00:00"^^xsd:time'),
        ('"2025-12-31T24:00:00Z"^^xsd:dateTime', '"2026-01-01T01:00:00+01:00"^^xsd:dateTime'),
        ('"P12M"^^xsd:duration', '"P1Y"^^xsd:yearMonthDuration'),
    ):
        assert is_less(literal(one), literal(other), or_equal=True)
        assert is_less(literal(other), literal(one), or_equal=True)


# Where pySHACL finds otherwise than the specification asks.
BY_SPECIFICATION = {
    "a date is not less than a number": (
        "sh:path ex:p ; sh:maxExclusive 2",
        'ex:a ex:p "2026-01-01"^^xsd:date .',
        ['"2026-01-01"^^<http://www.w3.org/2001/XMLSchema#date>'],
    ),
    "a truth is not less than a number": (
        "sh:path ex:p ; sh:maxInclusive 2",
        "ex:a ex:p true .",
        ['"true"^^<http://www.w3.org/2001/XMLSchema#boolean>'],
    ),
    "a range of languages of two parts": (
        'sh:path ex:p ; sh:languageIn ( "en-GB" )',
        'ex:a ex:p "x"@en-gb-oxendict , "y"@en .',
        ['"y"@en'],
    ),
    "a sequence walked back": (
        "sh:path [ sh:inversePath ( ex:p ex:q ) ] ; sh:nodeKind sh:Literal",
        "ex:b ex:p ex:c . ex:c ex:q ex:a .",
        ["<https://example.org/b>"],
    ),
    "what has no order": (
        "sh:path ex:p ; sh:lessThan ex:q",
        "ex:a ex:p _:x , ex:b ; ex:q 1 .",
        ["<https://example.org/b>", "_:x"],
    ),
}


@pytest.mark.parametrize("name", BY_SPECIFICATION)
def test_the_specification_goes_first(name: str) -> None:
    said, data, expected = BY_SPECIFICATION[name]
    shapes = f"ex:S a sh:PropertyShape ; sh:targetNode ex:a ; {said} ."
    assert values(found(shapes, data)) == expected


def test_values_in_shapes_are_taken_as_a_store_keeps_them() -> None:
    shapes = 'ex:S sh:targetNode ex:a ; sh:path ex:p ; sh:in ( "007"^^xsd:byte 2 ) .'
    data = 'ex:a ex:p "07"^^xsd:short , "+2"^^xsd:int , 3 .'
    assert values(found(shapes, data, stored=True)) == [f'"3"^^<{XSD}integer>']
    assert len(found(shapes, data)) == 3


def test_a_pattern_may_be_one_that_only_the_engine_can_read() -> None:
    shapes = (
        'ex:S sh:targetNode ex:a ; sh:path ex:p ; a sh:PropertyShape ; sh:pattern "^\\\\p{Lu}+$" .'
    )
    assert values(found(shapes, 'ex:a ex:p "ÄÖ" , "Ab" , [] .'))[0] == '"Ab"'
    assert len(found(shapes, 'ex:a ex:p "ÄÖ" , "Ab" , [] .')) == 2


def test_messages_come_in_all_languages_and_a_finding_in_english() -> None:
    shapes = (
        "ex:S sh:targetNode ex:a ; sh:path ex:p ; a sh:PropertyShape ; sh:minCount 1 ; "
        'sh:message "Write it."@en , "Schreib es."@de ; sh:name "Field"@en .'
    )
    made = compiled(turtle(shapes), stored=False)
    data = Parsed(turtle('ex:a rdfs:label "A thing"@en .'))
    results = [row.result for row in judge(made, Run(data))]
    assert [sorted(map(str, r.messages)) for r in results] == [
        ['"Schreib es."@de', '"Write it."@en']
    ]
    (finding,) = findings_of(results, made.shapes, data)
    assert (finding.message, finding.field_label, finding.focus_label) == (
        "Write it.",
        "Field",
        "A thing",
    )


def test_a_path_is_told_whole() -> None:
    said = (
        "( ex:p [ sh:inversePath [ sh:alternativePath ( ex:q [ sh:zeroOrMorePath ex:r ] ) ] ] "
        "[ sh:oneOrMorePath ( ex:p ex:q ) ] [ sh:zeroOrOnePath ex:r ] )"
    )
    shapes = Parsed(turtle(f"ex:S sh:path {said} ."))
    ((_, node),) = shapes.pairs(ox.NamedNode(SH + "path"))
    path = parsed(shapes, node)
    ex = "https://example.org/"
    assert written(path, lambda iri: iri.value.removeprefix(ex)) == "p/(^(q|(r*)))/((p/q)+)/(r?)"
    head, statements = triples(path)
    assert parsed(Parsed(statements), head) == path
    assert inverted(inverted(inverted(path))) == inverted(path)
    assert {read.predicate.value[-1] for read in reads(path) if read.predicate} == set("pqr")
    assert list(reads(IDENTITY)) == []


def test_what_is_not_evaluated_here_is_evaluated_by_pyshacl_and_said_to_be() -> None:
    shapes = """
    ex:Most a sh:ConstraintComponent ; sh:parameter [ sh:path ex:most ] ;
      sh:validator [ a sh:SPARQLAskValidator ; sh:message "Too many."@en ;
        sh:ask "ASK { FILTER (STRLEN(STR($value)) <= $most) } LIMIT 1" ] .
    ex:S a sh:NodeShape ; sh:targetSubjectsOf ex:p ; sh:property ex:S-p .
    ex:S-p a sh:PropertyShape ; sh:path ex:p ; ex:most 3 ; sh:name "Short"@en .
    """
    (slow,) = explain(compiled(turtle(shapes), stored=False))
    assert (slow.shape, slow.name) == ("https://example.org/S-p", "Short")
    assert "pySHACL" in slow.reasons[0]
    results = found(shapes, 'ex:a ex:p "one" , "three" .')
    assert [(str(r.focus), str(r.shape)) for r in results] == [
        ("<https://example.org/a>", "<https://example.org/S-p>")
    ]


REFUSED = {
    "more than one path": ("sh:path ex:p , ex:q", "has more than one path"),
    "a path that leads nowhere": ("sh:path [ ex:no 1 ]", "path that can be read in no way"),
    "a list of one": ("sh:path [ sh:alternativePath ( ex:p ) ]", "shorter than two"),
    "a count that is no number": ('sh:path ex:p ; sh:minCount "one"', "no whole number"),
    "a count below none": ("sh:path ex:p ; sh:maxCount -1", "no whole number"),
    "two counts": ("sh:path ex:p ; sh:maxCount 1 , 2", "says “sh:maxCount” more than once"),
    "a count of nothing": ("sh:minCount 1", "without saying of what"),
    "a shape that is not there": ("sh:node ex:None", "is asked for by another and is not there"),
    "a path where a node shape is due": (
        "sh:node [ sh:path ex:p ; sh:minCount 1 ]",
        "say “sh:property” instead",
    ),
    "a property without a path": ("sh:property [ sh:minLength 1 ]", "that has no path"),
    "itself": ("sh:node ex:S", "asks for itself"),
    "itself through others": ("sh:or ( [ sh:not ex:S ] [ sh:minLength 1 ] )", "asks for itself"),
    "a list that is none": ("sh:in ex:p", "not a whole list"),
    "no shapes to choose from": ("sh:or ()", "of nothing"),
    "a kind that is none": ("sh:nodeKind ex:Sort", "SHACL does not know"),
    "a pattern that nobody can read": ('sh:pattern "("', "has a pattern that cannot be read: “(”"),
    "flags that mean nothing": ('sh:pattern "a" ; sh:flags "z"', "mean nothing here"),
    "a shape for some and no number": (
        "sh:path ex:p ; sh:qualifiedValueShape [ sh:minLength 1 ]",
        "and not how many",
    ),
    "neither true nor false": ('sh:path ex:p ; sh:uniqueLang "yes"', "neither true nor false"),
    "a class that is a text": ('sh:class "C"', "that names nothing"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_shapes_that_cannot_be_judged_by_are_refused(case: str) -> None:
    said, sentence = REFUSED[case]
    with pytest.raises(InvalidShapes) as refusal:
        compiled(turtle(f"ex:S a sh:NodeShape ; sh:targetNode ex:a ; {said} ."), stored=False)
    assert sentence in refusal.value.detail
    assert str(refusal.value.facts["shape"]).startswith("https://example.org/")


IGNORED = {
    "a misspelt word": ('sh:mesage "M"', "Did you mean “sh:message”"),  # codespell:ignore mesage
    "a severity of one's own": ("sh:severity ex:Bad", "has a severity other than"),
    "a target in SPARQL": ("sh:target [ a sh:SPARQLTarget ]", "uses “sh:target”"),
    "a rule that adds": ("sh:rule [ a sh:TripleRule ]", "uses “sh:rule”"),
}


@pytest.mark.parametrize("case", IGNORED)
def test_what_would_be_judged_otherwise_than_meant_is_refused(case: str) -> None:
    said, sentence = IGNORED[case]
    shapes = Parsed(turtle(f"ex:S a sh:NodeShape ; sh:property [ sh:path ex:p ; {said} ] ."))
    with pytest.raises(InvalidShapes) as refusal:
        refuse(shapes)
    assert sentence in refusal.value.detail
    assert refusal.value.facts["shape"] == "https://example.org/S"

"""What shapes ask in SPARQL: pre-binding as SHACL has it, and what is asked, refused and said."""

from collections.abc import Iterable, Sequence

import pyoxigraph as ox
import pytest
from competency_graph.errors import InvalidShapes
from competency_graph.shacl.checks import Result
from competency_graph.shacl.compile import compiled
from competency_graph.shacl.data import Parsed, Run, Stored, Term
from competency_graph.shacl.evaluate import judge
from competency_graph.shacl.paths import Predicate
from competency_graph.shacl.referred import Referred, Referring
from competency_graph.shacl.sparql import SparqlCheck
from hypothesis import given, settings
from hypothesis import strategies as st
from shacl_queries import queries, statements, turtle

DECLARED = """
ex:o sh:declare [ sh:prefix "ex" ; sh:namespace "https://example.org/"^^xsd:anyURI ] .
"""
EVERYTHING = "sh:targetSubjectsOf ex:p ; sh:targetObjectsOf ex:p"


def asking(query: str, *, path: str = "", targets: str = EVERYTHING, said: str = "") -> str:
    quoted = query.replace("\\", "\\\\").replace('"', '\\"')
    kind = f"a sh:PropertyShape ; sh:path {path}" if path else "a sh:NodeShape"
    return f"""{DECLARED} ex:S {kind} ; {targets} ; {said} ;
        sh:sparql [ sh:prefixes ex:o ; sh:select \"\"\"{quoted}\"\"\" ] ."""


def results(shapes: str, data: str, *, stored: bool = False) -> list[Result]:
    quads = turtle(data)
    judged: Stored | Parsed = Parsed(quads)
    if stored:
        store = ox.Store()
        store.extend(ox.Quad(q.subject, q.predicate, q.object) for q in quads)
        judged = Stored(store)
    rows = judge(compiled(turtle(shapes), stored=stored), Run(judged))
    return [row.result for row in rows]


def names(terms: Iterable[Term | None]) -> list[str]:
    found = (t.value if isinstance(t, ox.Literal | ox.NamedNode) else str(t) for t in terms)
    return sorted(name.removeprefix("https://example.org/") for name in found)


def focused(shapes: str, data: str, *, stored: bool = False) -> list[str]:
    return names(result.focus for result in results(shapes, data, stored=stored))


@settings(max_examples=80, deadline=None)
@given(
    lines=statements(3, 12, blank=True),
    query=queries(wild=False),
    blank=st.booleans(),
)
def test_a_query_is_answered_as_pyshacl_answers_it(
    lines: list[str], query: str, blank: bool
) -> None:
    shapes = turtle(asking(query))
    data = Parsed(turtle("\n".join(lines)))
    nodes = {t for q in data.store for t in (q.subject, q.object)}
    kind = ox.BlankNode if blank else ox.NamedNode
    foci = sorted((n for n in nodes if isinstance(n, kind)), key=str)
    (check,) = compiled(shapes, stored=False).targeted[0].shape.checks
    assert isinstance(check, SparqlCheck)
    (oracle,) = Referring(shapes).checks(check.head, "is the oracle here")
    assert pairs(check, data, foci) == pairs(oracle, data, foci)


def pairs(
    check: SparqlCheck | Referred, data: Parsed, foci: Sequence[Term]
) -> set[tuple[str, str]]:
    return {(str(r.focus), str(r.value)) for r in check.results(data, foci)}


@pytest.mark.parametrize(
    "pattern",
    [
        "{ { FILTER ($this = ex:a) } FILTER bound($this) } FILTER (true)",
        "BIND ($this AS ?that) FILTER (?that = ex:a)",
        "{ FILTER (bound($this)) } $this ex:p ?x . FILTER ($this = ex:a)",
        "OPTIONAL { FILTER (false) } FILTER ($this = ex:a)",
        "{ FILTER (false) } UNION { FILTER ($this = ex:a) }",
        "{ SELECT $this WHERE { FILTER ($this = ex:a) } }",
        "FILTER EXISTS { FILTER ($this = ex:a) }",
        "{ } FILTER NOT EXISTS { { FILTER ($this != ex:a) } }",
        "{ SELECT $this (COUNT(?x) AS ?n) WHERE { $this ex:p ?x } GROUP BY $this } FILTER (?n = 2)",
    ],
)
def test_this_has_its_value_in_every_group(pattern: str) -> None:
    data = "ex:a ex:p ex:b, ex:c ."
    assert focused(asking(f"SELECT $this WHERE {{ {pattern} }}"), data) == ["a"]


@pytest.mark.parametrize(
    "pattern",
    [
        '$this ex:p ?x . FILTER (STR(?x) != "{ $this")',
        "$this ex:p ?x . FILTER (STR(?x) != '}{ SELECT')",
        '$this ex:p ?x . FILTER (STR(?x) != """a " { "" } """)',
        '$this ex:p ?x . FILTER (STR(?x) != "\\\\\\"{")',
        "$this ex:p ?x . # { a brace in a comment\n",
        "# { SELECT\n$this ex:p ?x .",
        "{ # SELECT\n$this ex:p ?x }",
        "{#\nSELECT $this WHERE {$this ex:p ?x}}",
        "$this <https://example.org/p#{>|ex:p ?x .".replace("{", "'"),
        "$this ex:p ?x . FILTER (?x<1||1<2||1>2)",
        "$this ex:p ?x . FILTER (STR(?x) != '\\u007B')",
        "$this \\u0065x:p ?x .",
        "?this ex:p ?x .",
        "$this ex:p ?x . FILTER (<https://example.org/a?b={}> != ?x)".replace("{}", "'"),
    ],
)
def test_groups_are_found_among_strings_comments_and_addresses(pattern: str) -> None:
    found = focused(asking(f"SELECT $this WHERE {{ {pattern} }}"), "ex:a ex:p ex:b .")
    assert found == ["a"]


def test_what_can_be_read_in_two_ways_is_refused() -> None:
    query = "SELECT $this WHERE { $this ex:p ?x . FILTER (?x<?x&&?x='>{') }"
    with pytest.raises(InvalidShapes, match="two ways"):
        compiled(turtle(asking(query)), stored=False)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT $this WHERE { $this ?p ?x MINUS { $this ?p 1 } }", "MINUS"),
        ("SELECT $this WHERE { VALUES ?x { 1 } }", "VALUES"),
        ("SELECT $this WHERE { $this ex:p ?x } VALUES ?x { 1 }", "VALUES"),
        ("SELECT $this WHERE { SERVICE <http://x> { ?x ex:p $this } }", "SERVICE"),
        ("SELECT $this WHERE { S\\u0045RVICE <http://x> { ?x ex:p $this } }", "SERVICE"),
        ("SELECT $this FROM <http://x> WHERE { $this ex:p ?x }", "FROM"),
        ("SELECT $this WHERE { BIND (1 AS $this) }", "another value"),
        ("SELECT (ex:a AS $this) WHERE { }", "another value"),
        ("SELECT $this WHERE { { SELECT (1 AS $this) WHERE { } } }", "another value"),
        ("SELECT $this WHERE { $this ex:p ?x } GROUP BY (1 AS $this)", "another value"),
        ("SELECT $this WHERE { { SELECT ?x WHERE { ?x ex:p ?y } } }", "does not select “$this”"),
        ("SELECT $this WHERE { { SELECT * WHERE { $this ex:p ?y } } }", "does not select"),
        (
            "SELECT $this WHERE { FILTER EXISTS { { SELECT ?x WHERE { ?x ex:p $this } } } }",
            "does not select",
        ),
        ("SELECT ?x WHERE { ?x ex:p $this }", "does not select “$this”"),
        ("SELECT $this WHERE { FILTER (NOW() > ?x) }", "time"),
        ("SELECT $this WHERE { FILTER (RAND() > 0.5) }", "random"),
        ("SELECT $this WHERE { BIND (UUID() AS ?x) }", "identifier"),
        ("SELECT $this WHERE { BIND (STRUUID() AS ?x) }", "identifier"),
        ("SELECT $this WHERE { BIND (BNODE() AS ?x) }", "blank node"),
        ("SELECT $this WHERE { FILTER (ex:odd($this)) }", "no function"),
        ("SELECT $this WHERE { $this ex:p }", "not SPARQL"),
        ("SELECT $this WHERE { $this zz:p ?x }", "“zz:” is not declared"),
        ("SELECT $this WHERE { $this $PATH ?x }", "no path"),
        ("SELECT $this (COUNT(?x) AS ?n) WHERE { $this ex:p ?x }", "unbound"),
        ("ASK { $this ex:p ?x }", "no SELECT"),
        ("CONSTRUCT { $this ex:p 1 } WHERE { $this ex:p ?x }", "neither"),
        ("SELECT $this WHERE " + "{ " * 600 + "} " * 600, "deep"),
    ],
)
def test_what_may_not_be_asked_is_refused(query: str, said: str) -> None:
    with pytest.raises(InvalidShapes) as refused:
        compiled(turtle(asking(query)), stored=False)
    assert said in refused.value.detail
    assert refused.value.detail.startswith("The shape “S” has a query")


def test_many_nodes_are_asked_together_and_told_apart() -> None:
    data = "\n".join(f"ex:n{n} ex:p ex:m{n % 7} ; ex:q {n} ." for n in range(300))
    pattern = "$this ex:q ?n ; ex:p ?m . ?other ex:p ?m ; ex:q ?less . FILTER (?less < ?n)"
    found = focused(asking(f"SELECT DISTINCT $this WHERE {{ {pattern} }}"), data, stored=True)
    assert found == sorted(f"n{n}" for n in range(7, 300))


def test_answers_are_counted_off_for_each_node() -> None:
    query = "SELECT $this ?value WHERE { $this ex:p ?value } ORDER BY ?value LIMIT 1"
    found = results(asking(query), "ex:a ex:p 1, 2 . ex:b ex:p 3, 4 .")
    assert names(r.value for r in found) == ["1", "3"]


def test_literals_are_focus_nodes_as_they_are_written() -> None:
    query = "SELECT $this WHERE { FILTER (isLiteral($this)) }"
    data = 'ex:a ex:p 007, "x", "x"@en-GB, "x"^^ex:t, _:b .'
    found = results(asking(query), data)
    assert sorted(str(r.focus) for r in found) == [
        '"007"^^<http://www.w3.org/2001/XMLSchema#integer>',
        '"x"',
        '"x"@en-gb',
        '"x"^^<https://example.org/t>',
    ]


def test_values_and_paths_come_from_the_solution_or_the_shape() -> None:
    data = "ex:a ex:p 1 ; ex:q 2 ."
    (found,) = results(asking("SELECT $this WHERE { $this ex:p 1 }"), data)
    assert (found.value, found.path) == (found.focus, None)
    query = "SELECT $this ?value ?path WHERE { $this ?path ?value FILTER (?value = 2) }"
    (found,) = results(asking(query), data)
    assert names([found.value]) == ["2"]
    assert found.path == Predicate(ox.NamedNode("https://example.org/q"))
    (found,) = results(asking("SELECT $this WHERE { $this $PATH 1 }", path="ex:p"), data)
    assert (found.value, found.path) == (None, Predicate(ox.NamedNode("https://example.org/p")))


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("( ex:p ex:q )", "$this $PATH ?value"),
        ("[ sh:inversePath ex:p ]", "?value ^$PATH $this"),
        ("[ sh:alternativePath ( ex:p ex:q ) ]", "$this $PATH/ex:q ?value"),
        ("[ sh:zeroOrMorePath ex:p ]", "$this $PATH ?value"),
    ],
)
def test_a_path_stands_for_itself(path: str, pattern: str) -> None:
    data = "ex:a ex:p ex:b . ex:b ex:q ex:c ."
    query = f'SELECT $this ?value WHERE {{ {pattern} FILTER ("$PATH" != ?value) }}'
    found = results(asking(query, path=path), data)
    assert found and all(r.value is not None for r in found)


def test_messages_say_values_by_label_in_their_own_language() -> None:
    query = "SELECT $this ?other WHERE { $this ex:p ?other }"
    shapes = asking(query).replace(
        "sh:select",
        """sh:message "Drop {?other}: {$this}, {?unknown}."@en , "Ohne {$other}."@de ,
           "Sans {?other}"@fr ; sh:select""",
    )
    data = """ex:b ex:p ex:a . ex:a rdfs:label "Brokering"@en, "Vermitteln"@de ."""
    (found,) = results(shapes, data)
    assert {str(m) for m in found.messages} == {
        '"Drop Brokering: b, {?unknown}."@en',
        '"Ohne Vermitteln."@de',
        '"Sans Brokering"@fr',
    }


def test_messages_are_those_of_the_shape_where_the_query_has_none() -> None:
    said = 'sh:message "Say {?x}."@en ; sh:severity sh:Warning'
    (found,) = results(
        asking("SELECT $this ?x WHERE { $this ex:p ?x }", said=said), "ex:a ex:p 1 ."
    )
    assert [str(m) for m in found.messages] == ['"Say 1."@en']
    assert str(found.severity).endswith("Warning>")


def test_a_message_may_be_selected() -> None:
    query = 'SELECT $this ?message WHERE { $this ex:p 1 BIND ("Nein."@de AS ?message) }'
    (found,) = results(asking(query, said='sh:message "No."@en'), "ex:a ex:p 1 .")
    assert [str(m) for m in found.messages] == ['"Nein."@de']


COMPONENT = (
    DECLARED
    + """
ex:Longest a sh:ConstraintComponent ;
    sh:parameter [ sh:path ex:longest ] , [ sh:path ex:unless ; sh:optional true ] ;
    sh:labelTemplate "At most {$longest} letters." ;
    sh:validator [ sh:prefixes ex:o ;
        sh:ask "ASK { FILTER (STRLEN(STR($value)) <= $longest || $value = $unless) }" ] ;
    sh:propertyValidator [ sh:prefixes ex:o ;
        sh:select """
    + '"""'
    + """SELECT $this ?value WHERE {
            $this $PATH ?value FILTER (STRLEN(STR(?value)) > $longest)
            FILTER (!bound($unless) || ?value != $unless) }"""
    + '"""'
    + """ ] .
"""
)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("ex:longest 3", ["four", "fives"]),
        ('ex:longest 3 ; ex:unless "four"', ["fives"]),
        ('ex:unless "four"', []),
    ],
)
@pytest.mark.parametrize("select", [True, False])
def test_a_component_is_asked_with_its_parameters(
    said: str, wrong: list[str], select: bool
) -> None:
    component = COMPONENT if select else COMPONENT.replace("sh:propertyValidator", "ex:none")
    shapes = (
        f"{component} ex:S sh:targetNode ex:a ; sh:property ex:P . ex:P sh:path ex:p ; {said} ."
    )
    found = results(shapes, 'ex:a ex:p "one", "four", "fives" .')
    assert names(r.value for r in found) == sorted(wrong)
    for result in found:
        assert [m.value for m in result.messages] == ["At most 3 letters."]
        assert str(result.component).endswith("Longest>")


def test_the_only_parameter_may_have_several_values() -> None:
    shapes = (
        DECLARED
        + """
        ex:Not a sh:ConstraintComponent ; sh:parameter [ sh:path ex:not ] ;
            sh:nodeValidator [ sh:select "SELECT $this WHERE { FILTER ($this = $not) }" ] .
        ex:S a sh:NodeShape ; sh:targetNode ex:a, ex:b, ex:c ; ex:not ex:a, ex:b .
    """
    )
    assert focused(shapes, "") == ["a", "b"]


def test_a_select_validator_is_asked_where_there_is_no_value() -> None:
    shapes = (
        DECLARED
        + """
        ex:Some a sh:ConstraintComponent ; sh:parameter [ sh:path ex:some ] ;
            sh:propertyValidator [ sh:select
                "SELECT $this WHERE { FILTER NOT EXISTS { $this $PATH ?any } }" ] .
        ex:S a sh:PropertyShape ; sh:path ex:p ; sh:targetNode ex:a, ex:b ; ex:some true .
    """
    )
    assert focused(shapes, "ex:a ex:p 1 .") == ["b"]


def test_parameters_and_shapes_may_be_blank_nodes() -> None:
    shapes = (
        DECLARED
        + """
        ex:Is a sh:ConstraintComponent ; sh:parameter [ sh:path ex:is ] ;
            sh:validator [ sh:ask "ASK { FILTER (isBlank($is) && isBlank($currentShape)) }" ] .
        ex:S a sh:NodeShape ; sh:targetNode ex:a ; sh:node [ ex:is [] ] .
    """
    )
    assert focused(shapes, "") == []
    assert focused(shapes.replace("[]", "ex:b"), "") == ["a"]


@pytest.mark.parametrize(
    ("component", "said"),
    [
        ("sh:parameter [ sh:path ex:value ]", "no parameter may have"),
        ("sh:parameter [ sh:path ex:x-y ]", "no parameter may have"),
        ("sh:parameter [ sh:path ex:is ] , [ sh:path <urn:other/is> ]", "two parameters"),
        ("sh:parameter [ sh:path ex:is ]", "no way to be judged"),
        ("sh:parameter [ ]", "not one property"),
        ('sh:parameter [ sh:path ex:is ] ; sh:validator [ sh:select "SELECT $this {}" ]', ""),
        ("sh:parameter [ sh:path ex:is ] ; sh:validator [ ]", "one text"),
    ],
)
def test_a_component_that_cannot_be_asked_is_refused(component: str, said: str) -> None:
    shapes = f"ex:Is a sh:ConstraintComponent ; {component} . ex:S sh:targetNode ex:a ; ex:is 1 ."
    if not said:
        assert focused(shapes, "ex:a ex:p 1 .") == ["a"]
        return
    with pytest.raises(InvalidShapes, match=said):
        compiled(turtle(shapes), stored=False)


def test_an_ask_with_more_than_a_pattern_is_left_to_pyshacl() -> None:
    shapes = """
        ex:Is a sh:ConstraintComponent ; sh:parameter [ sh:path ex:is ] ;
            sh:validator [ sh:ask "ASK { FILTER ($value = $is) } LIMIT 1" ] .
        ex:S sh:targetNode ex:a, ex:b ; ex:is ex:a .
    """
    (check,) = compiled(turtle(shapes), stored=False).targeted[0].shape.checks
    assert isinstance(check, Referred)


def test_what_is_switched_off_is_not_asked() -> None:
    shapes = asking("SELECT $this WHERE { }").replace(
        "[ sh:pref", "[ sh:deactivated true ; sh:pref"
    )
    assert focused(shapes, "ex:a ex:p 1 .") == []


def test_prefixes_come_through_imports_and_what_the_query_says_goes_first() -> None:
    shapes = """
        ex:o owl:imports ex:other . ex:other owl:imports ex:o ;
            sh:declare [ sh:prefix "e" ; sh:namespace "https://example.org/" ] .
        ex:S a sh:NodeShape ; sh:targetNode ex:a ; sh:sparql [ sh:prefixes ex:o ;
            sh:select "SELECT $this { $this e:p 1 ; rdf:type rdfs:Class FILTER (e:a = $this) }" ] .
    """
    assert focused(shapes, "ex:a ex:p 1 ; a rdfs:Class .") == ["a"]
    other = shapes.replace('"SELECT', '"PREFIX e: <urn:x> SELECT')
    assert focused(other, "ex:a ex:p 1 ; a rdfs:Class .") == []
    twice = shapes.replace("] .", '], [ sh:prefix "e" ; sh:namespace "urn:x" ] .', 1)
    with pytest.raises(InvalidShapes, match="declared twice"):
        compiled(turtle(twice), stored=False)


def test_the_shapes_graph_is_no_data_of_a_store() -> None:
    query = "SELECT $this WHERE { GRAPH $shapesGraph { $this a sh:NodeShape } }"
    shapes = asking(query.replace("sh:NodeShape", "<http://www.w3.org/ns/shacl#NodeShape>"))
    with pytest.raises(InvalidShapes, match="no data here"):
        compiled(turtle(shapes), stored=True)

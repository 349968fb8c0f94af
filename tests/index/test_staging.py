"""What is asked becomes exactly what it changes: one difference, applied, logged, undone."""

from collections.abc import Sequence

import pyoxigraph as ox
import pytest
from competency_graph.errors import (
    BadLiteral,
    BadQuery,
    BadRequest,
    NotFound,
    OutboundRefused,
    TooDeep,
    UnreadableInput,
)
from competency_graph.index import Graph
from competency_graph.index.staging import stage
from competency_graph.model import Difference, Operation
from competency_graph.vocab import XSD
from hypothesis import given, settings
from hypothesis import strategies as st

EX = "https://example.org/"
G, H = f"{EX}g", f"{EX}h"
COMPUTED = 'INSERT { GRAPH ex:g { ex:a ex:p ?d } } WHERE { BIND(STRDT("abc", xsd:date) AS ?d) }'
PREFIX = f"PREFIX ex: <{EX}> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> "


def line(*terms: str) -> str:
    spelt = [t if t[0] in '"_' else f"<{EX}{t}>" for t in terms]
    return " ".join(spelt) + " ."


def lines(*statements: str) -> str:
    return "".join(line(*statement.split()) + "\n" for statement in statements)


def graph_of(text: str, *, union: bool = True) -> Graph:
    graph = Graph(union=union)
    graph.load([("added", text.encode())])
    return graph


def update(text: str, **chosen: object) -> Operation:
    return Operation(kind="update", content=(PREFIX + text).encode(), **chosen)  # type: ignore[arg-type]


def staged(graph: Graph, *operations: Operation) -> Difference:
    return stage(graph, operations, labels="c7x")


def texts(found: tuple[bytes, ...]) -> list[str]:
    return [one.decode() for one in found]


def canonical(store: ox.Store) -> set[str]:
    dataset = ox.Dataset(store)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return {str(quad) for quad in dataset}


# --- against the engine ---------------------------------------------------------------------

_ENDS = ["ex:a", "ex:b", "?x", "?y"]
_GRAPHS = ["", "ex:g", "ex:h", "?g"]
_PATTERNS = st.tuples(
    st.sampled_from(_ENDS),
    st.sampled_from(["ex:p", "ex:q"]),
    st.sampled_from([*_ENDS, "1", "'007'^^xsd:integer"]),
    st.sampled_from(_GRAPHS),
)


def _block(patterns: Sequence[tuple[str, ...]]) -> str:
    spelt = (
        f"GRAPH {name} {{ {' '.join(triple)} }}" if name else f"{' '.join(triple)} ."
        for *triple, name in patterns
    )
    return "{ " + " ".join(spelt) + " }"


def _ground(patterns: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [tuple("ex:c" if term.startswith("?") else term for term in p) for p in patterns]


@st.composite
def _operations(draw: st.DrawFn) -> str:
    quads = draw(st.lists(_PATTERNS, max_size=3))
    where = draw(st.lists(_PATTERNS, min_size=1, max_size=3))
    kind = draw(st.integers(0, 6))
    if kind == 0:
        return f"INSERT DATA {_block(_ground(quads))}"
    if kind == 1:
        return f"DELETE DATA {_block(_ground(quads))}"
    if kind == 2:
        return f"DELETE WHERE {_block(where)}"
    if kind == 3:
        verb = draw(st.sampled_from(["COPY", "MOVE", "ADD"]))
        ends = [draw(st.sampled_from(["DEFAULT", "ex:g", "GRAPH ex:h"])) for _ in range(2)]
        # All three are there: from where there is nothing, the engine copies emptiness, and we not.
        there = "ex:c ex:p 1 . GRAPH ex:g { ex:c ex:p 1 } GRAPH ex:h { ex:c ex:p 1 }"
        return f"INSERT DATA {{ {there} }} ; {verb} {ends[0]} TO {ends[1]}"
    if kind == 4:
        what = draw(st.sampled_from(["DEFAULT", "NAMED", "ALL", "GRAPH ex:g"]))
        return f"{draw(st.sampled_from(['CLEAR', 'DROP']))} SILENT {what}"
    clauses = draw(st.sampled_from(["", "WITH ex:g "]))
    using = draw(st.sampled_from(["", "USING ex:h", "USING ex:g USING NAMED ex:h"]))
    inserted = _block(draw(st.lists(_PATTERNS, max_size=3)))
    if kind == 5:
        inserted = inserted[:-1] + " ?x ex:made [ ex:of ?y ] GRAPH ex:g { _:n ex:p ?x } }"
    return f"{clauses}DELETE {_block(quads)} INSERT {inserted} {using} WHERE {_block(where)}"


_STATES = st.sets(
    st.builds(
        lambda s, p, o, g: line(s, p, o, *g),
        st.sampled_from(["a", "b", "_:k"]),
        st.sampled_from(["p", "q"]),
        st.sampled_from(["a", "b", '"1"', "_:k"]),
        st.sampled_from([(), ("g",), ("h",)]),
    ),
    max_size=6,
).map(lambda found: "\n".join(sorted(found)))
_REQUESTS = st.lists(_operations(), min_size=1, max_size=3).map(" ;\n".join)


@settings(max_examples=400, deadline=None)
@given(_STATES, _REQUESTS)
def test_the_old_state_with_the_difference_is_what_the_engine_makes_of_it(
    state: str, request: str
) -> None:
    expected = graph_of(state, union=False).store
    expected.update(PREFIX + request)
    graph = graph_of(state, union=False)
    difference = staged(graph, update(request))
    old = graph_of(state, union=False)
    for removed in difference.removed:
        assert next(iter(ox.parse(removed, ox.RdfFormat.N_QUADS))) in old.store
    for added in difference.added:
        assert next(iter(ox.parse(added, ox.RdfFormat.N_QUADS))) not in old.store
    old.apply(difference.added, difference.removed)
    assert canonical(old.store) == canonical(expected)
    assert set(old.store) == set(graph.store)
    assert sorted(set(difference.added)) == list(difference.added)


@settings(max_examples=200, deadline=None)
@given(_STATES, _REQUESTS)
def test_what_is_not_read_changes_nothing(state: str, request: str) -> None:
    difference = staged(graph_of(state, union=False), update(request))
    for name in {G, H, f"{EX}other"} - (difference.graphs_read or {G, H, f"{EX}other"}):
        grown = state + "\n" + f"<{EX}a> <{EX}p> <{EX}b> <{name}> .\n"
        again = staged(graph_of(grown, union=False), update(request))
        assert (again.added, again.removed) == (difference.added, difference.removed)


@settings(max_examples=200, deadline=None)
@given(_STATES, _STATES)
def test_the_default_graph_follows(before: str, after: str) -> None:
    def named(text: str) -> list[bytes]:
        found = text.replace(" .", f" <{H}> .").replace(f"<{G}> <{H}>", f"<{G}>")
        return found.replace(f"<{H}> <{H}>", f"<{H}>").encode().splitlines()

    old, new = sorted(set(named(before))), sorted(set(named(after)))
    graph = graph_of(b"\n".join(old).decode())
    graph.apply(new, old)
    rebuilt = graph_of(b"\n".join(new).decode())
    assert set(graph.store) == set(rebuilt.store)
    assert graph.graph_names() == rebuilt.graph_names()


# --- updates ---------------------------------------------------------------------------------


def test_a_sequence_sees_its_own_operations_and_what_it_undoes_is_no_change() -> None:
    request = update(
        "INSERT DATA { GRAPH ex:g { ex:a ex:p ex:b } } ; "
        "INSERT { GRAPH ex:h { ?x ex:q ?y } } WHERE { GRAPH ex:g { ?x ex:p ?y } } ; "
        "DELETE DATA { GRAPH ex:g { ex:a ex:p ex:b } }"
    )
    difference = staged(graph_of(""), request)
    assert texts(difference.added) == [line("a", "q", "b", "h")]
    assert difference.removed == ()
    assert difference.touched == {(H, f"{EX}a")}


def test_a_declaration_between_operations_holds_from_there_on() -> None:
    text = (
        "INSERT DATA { GRAPH ex:g { ex:a ex:p 1 } } ; PREFIX o: <https://example.org/> "
        "BASE <https://example.org/> INSERT DATA { GRAPH <h> { o:a ex:p <b> } }"
    )
    assert texts(staged(graph_of(""), update(text)).added)[1] == line("a", "p", "b", "h")


def test_relative_names_are_those_of_the_graph_until_the_text_says_otherwise() -> None:
    graph = Graph(base="https://example.org/")
    text = (
        "INSERT DATA { GRAPH <g> { <a> <p> TRUE } } ; "
        "BASE <https://example.org/g/> INSERT DATA { GRAPH <../g> { <../a> <p> False } }"
    )
    difference = stage(graph, [Operation(kind="update", content=text.encode())], labels="c1x")
    boolean = "^^<http://www.w3.org/2001/XMLSchema#boolean>"
    assert texts(difference.added) == [
        f'<{EX}a> <{EX}g/p> "false"{boolean} <{G}> .',
        f'<{EX}a> <{EX}p> "true"{boolean} <{G}> .',
    ]


def test_what_the_engine_mints_is_labelled_by_the_change_and_shared_between_graphs() -> None:
    text = (
        "INSERT { GRAPH ex:g { ?x ex:p _:n } GRAPH ex:h { _:n ex:q ?x } } "
        "WHERE { GRAPH ex:g { ?x ex:q ?y } }"
    )
    difference = staged(graph_of(lines("a q b g")), update(text))
    assert texts(difference.added) == sorted(
        [line("a", "p", "_:c7x0", "g"), line("_:c7x0", "q", "a", "h")]
    )


def test_a_blank_node_that_is_there_keeps_its_label() -> None:
    text = "INSERT { GRAPH ex:h { ?x ex:q ?y } } WHERE { GRAPH ex:g { ?x ex:p ?y } }"
    difference = staged(graph_of(lines("_:c1x4 p a g")), update(text))
    assert texts(difference.added) == [line("_:c1x4", "q", "a", "h")]


@pytest.mark.parametrize(
    "text",
    [
        "INSERT DATA { ex:a ex:p ex:b }",
        "DELETE DATA { ex:a ex:p ex:b }",
        "DELETE WHERE { ?x ex:p ?y }",
        "INSERT { ?x ex:q ?y } WHERE { ?x ex:p ?y }",
        "CLEAR DEFAULT",
        "DROP SILENT DEFAULT",
        "COPY ex:g TO DEFAULT",
        "MOVE DEFAULT TO ex:h",
    ],
)
def test_the_union_cannot_be_written_and_the_graphs_are_named(text: str) -> None:
    with pytest.raises(BadRequest, match=f"graphs are: {G}") as refused:
        staged(graph_of(lines("a p b g")), update(text))
    assert refused.value.facts["graphs"] == [G]


def test_a_graph_of_the_request_is_the_default_graph_of_its_update() -> None:
    graph = graph_of(lines("a p b g", "a p c h"))
    text = (
        "DELETE { ?x ex:p ?y } INSERT { ?x ex:q ?y } WHERE { ?x ex:p ?y } ; "
        "INSERT DATA { ex:z ex:p 1 }"
    )
    difference = staged(graph, update(text, graph=G))
    assert texts(difference.removed) == [line("a", "p", "b", "g")]
    assert difference.graphs == difference.graphs_read == frozenset({G})


def test_graphs_of_the_protocol_choose_what_patterns_read() -> None:
    text = "INSERT { GRAPH ex:g { ?x ex:q ?y } } WHERE { ?x ex:p ?y }"
    graph = graph_of(lines("a p b g", "a p c h"))
    difference = staged(graph, update(text, using=(H,)))
    assert texts(difference.added) == [line("a", "q", "c", "g")]
    assert difference.graphs_read == frozenset({G, H})
    with pytest.raises(BadRequest, match="in one place"):
        staged(graph, update("WITH ex:g " + text, using=(H,)))


@pytest.mark.parametrize("chosen", [{"graph": "a> <b"}, {"using": ("x",)}, {"using_named": ("",)}])
def test_graphs_of_the_request_are_iris_and_nothing_else(chosen: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        staged(graph_of(""), update("INSERT { GRAPH ex:g { ?x ex:p 1 } } WHERE {}", **chosen))


@pytest.mark.parametrize(
    ("where", "read"),
    [
        ("GRAPH ex:h { ?x ex:p ?y }", {G, H}),
        ("GRAPH ex:h { ?x ex:p ?y FILTER(?y > 1) BIND(1 AS ?z) }", {G, H}),
        (
            "GRAPH ex:h { ?x ex:p ?y } FILTER NOT EXISTS { GRAPH ex:k { ?x ex:p 1 } }",
            {G, H, f"{EX}k"},
        ),
        ("{ SELECT ?x ?y { GRAPH ex:h { ?x ex:p ?y } } ORDER BY ?x } VALUES ?x { ex:a }", {G, H}),
        ("?x ex:p ?y", None),
        ("GRAPH ?n { ?x ex:p ?y }", None),
        ("GRAPH ex:h { ?x ex:p ?y } FILTER(EXISTS { ?x ex:q 1 })", None),
        ("GRAPH ex:h { ?x ex:p ?y } [] ex:q 1", None),
    ],
)
def test_what_a_pattern_reads(where: str, read: set[str] | None) -> None:
    text = f"INSERT {{ GRAPH ex:g {{ ?x ex:q ?y }} }} WHERE {{ {where} }}"
    assert staged(graph_of(lines("a p b h")), update(text)).graphs_read == read


@pytest.mark.parametrize(
    ("text", "error", "line_number", "column"),
    [
        ("INSERT DATA {\n GRAPH ex:g { ex:a ex:p } }", BadQuery, 2, None),
        ("CREATE SILENT GRAPH ex:k ;\n\n DELETE { _:b ex:p 1 } WHERE {}", BadQuery, 3, None),
        ("CREATE SILENT GRAPH ex:k ; ; CREATE SILENT GRAPH ex:k", BadQuery, 1, None),
        ("INSERT DATA { GRAPH ex:g { _:b ex:p 1 } };\n" * 2, BadQuery, 2, 28),
        ("INSERT DATA {\nGRAPH ex:g { ex:a ex:\\u0070 1 } }", BadQuery, 2, 22),
        ("INSERT DATA {\nGRAPH ex:g { <<ex:a ex:p 1>> ex:p 1 } }", BadQuery, 2, None),
        ('INSERT DATA {\nGRAPH ex:g { ex:a ex:p 1, "300"^^xsd:byte } }', BadLiteral, 2, 27),
        ('INSERT DATA {\nGRAPH ex:g { ex:a ex:p "abc"^^xsd:date } }', BadLiteral, 2, 24),
        ('INSERT DATA {\nGRAPH ex:g { ex:a ex:p "x\\u0000" } }', BadLiteral, 2, 24),
        ('INSERT DATA {\nGRAPH ex:g { ex:a ex:p "x\\uD800" } }', BadQuery, 2, None),
        ('INSERT DATA {\nGRAPH ex:g { ex:a ex:p "x"@abcdefghij } }', BadQuery, 2, None),
    ],
)  # fmt: skip
def test_what_cannot_be_read_has_its_place(
    text: str, error: type[BadRequest], line_number: int, column: int | None
) -> None:
    operation = Operation(kind="update", content=(PREFIX + "\n" + text).encode())
    with pytest.raises(error) as refused:
        staged(graph_of(lines("a p b g")), operation)
    listed = refused.value.facts.get("places", [refused.value.facts])
    assert isinstance(listed, list)
    assert listed[0]["line"] == line_number + 1
    assert column is None or listed[0]["column"] == column


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("LOAD <https://example.org/x>", OutboundRefused),
        ("INSERT {} WHERE { SERVICE <https://example.org/x> { ?a ?b ?c } }", OutboundRefused),
        ("INSERT {} WHERE { " + "{" * 600 + "}" * 600 + " }", TooDeep),
        ("DROP GRAPH ex:none", BadRequest),
        ("COPY ex:none TO ex:g", BadRequest),
        ("CREATE GRAPH ex:g", BadRequest),
        ("INSERT DATA { GRAPH <urn:x-added:x> { ex:a ex:p 1 } }", BadRequest),
        (COMPUTED, BadLiteral),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, error: type[BadRequest]) -> None:
    with pytest.raises(error):
        staged(graph_of(lines("a p b g")), update(text))


def test_a_graph_that_is_not_there_is_cleared_already() -> None:
    text = "CLEAR GRAPH ex:h ; INSERT DATA { GRAPH ex:h { ex:a ex:p ex:b } }"
    difference = staged(graph_of(lines("a p b g")), update(text))
    assert (texts(difference.removed), texts(difference.added)) == ([], [line("a", "p", "b", "h")])


def test_a_graph_that_this_request_made_or_emptied_may_be_named_again() -> None:
    text = (
        "CREATE GRAPH ex:k ; DROP GRAPH ex:k ; "
        "DELETE WHERE { GRAPH ex:g { ?x ?y ?z } } ; CLEAR GRAPH ex:g"
    )
    difference = staged(graph_of(lines("a p b g")), update(text))
    assert texts(difference.removed) == [line("a", "p", "b", "g")]


def test_an_ill_typed_literal_may_be_taken_away() -> None:
    kept = f'<{EX}a> <{EX}p> "abc"^^<http://www.w3.org/2001/XMLSchema#date> <{G}> .'
    text = 'DELETE DATA { GRAPH ex:g { ex:a ex:p "abc"^^xsd:date } }'
    assert texts(staged(graph_of(kept), update(text)).removed) == [kept]


# --- documents -------------------------------------------------------------------------------

TURTLE = f"<{EX}a> <{EX}p> [ <{EX}q> 1, [ <{EX}q> 2 ] ] ; <{EX}q> 'x' ."


def test_adding_twice_adds_blank_nodes_again_and_the_rest_once() -> None:
    graph = graph_of("")
    add = Operation(kind="add", graph=G, content=TURTLE.encode())
    assert len(staged(graph, add).added) == 5
    again = stage(graph, [add], labels="c8x")
    assert len(again.added) == 4 and not again.removed
    assert all(b"_:c8x" in added for added in again.added)


def test_putting_the_same_graph_again_is_no_change() -> None:
    graph = graph_of("")
    staged(graph, Operation(kind="replace", graph=G, content=TURTLE.encode()))
    other = f"<{EX}a> <{EX}q> 'x' ; <{EX}p> _:z . _:z <{EX}q> _:w, 01 . _:w <{EX}q> 2 ."
    again = stage(graph, [Operation(kind="replace", graph=G, content=other.encode())], labels="c8x")
    assert (again.added, again.removed, again.touched) == ((), (), frozenset())
    assert again.graphs_read == frozenset({G})


def test_replacing_changes_what_differs_and_takes_the_rest_away() -> None:
    graph = graph_of(lines("a p b g", "a p _:k g", "a p b h"))
    new = f"<{EX}a> <{EX}p> <{EX}b>, <{EX}c> .".encode()
    difference = staged(graph, Operation(kind="replace", graph=G, content=new))
    assert texts(difference.added) == [line("a", "p", "c", "g")]
    assert texts(difference.removed) == [line("a", "p", "_:k", "g")]


def test_deleting_a_graph_takes_its_lines_and_an_unknown_one_is_not_found() -> None:
    graph = graph_of(lines("a p b g", "a p b h"))
    difference = staged(graph, Operation(kind="delete", graph=G))
    assert texts(difference.removed) == [line("a", "p", "b", "g")]
    assert graph.graph_names() == [H]
    with pytest.raises(NotFound):
        staged(graph, Operation(kind="delete", graph=G))


def test_lines_leave_out_what_is_so_already() -> None:
    content = lines("a p b g", "a p d g") + "\n" + lines("a p c g", "_:c1x0 p e g")
    graph = graph_of(lines("a p b g", "a p c g"))
    difference = staged(graph, Operation(kind="lines", content=content.encode(), syntax="n-quads"))
    assert texts(difference.removed) == [line("a", "p", "b", "g")]
    assert texts(difference.added) == [line("_:c1x0", "p", "e", "g")]


@pytest.mark.parametrize("kind", ["add", "replace", "delete"])
def test_documents_cannot_write_the_union(kind: str) -> None:
    with pytest.raises(BadRequest, match="There are no graphs yet"):
        staged(graph_of(""), Operation(kind=kind, content=TURTLE.encode()))  # type: ignore[arg-type]


def test_without_union_the_default_graph_is_a_graph_and_its_lines_name_none() -> None:
    graph = graph_of("", union=False)
    difference = staged(
        graph, Operation(kind="replace", content=f"<{EX}a> <{EX}p> '<x> <y>' .".encode())
    )
    assert difference.touched == {("", f"{EX}a")} and difference.graphs_read == frozenset({""})
    assert len(staged(graph, Operation(kind="delete")).removed) == 1


JSON = f'''{{"@id": "a:a", "a:b":
  {{"@type": "xsd:date", "@value": "abc"}}, "@context": {{"xsd": "{XSD}"}}}}'''
XML = f"""<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="a:">
<r:Description r:about="a:a">
<e:b r:datatype="{XSD}date">abc</e:b></r:Description></r:RDF>"""


@pytest.mark.parametrize(
    ("syntax", "content", "error", "place"),
    [
        ("turtle", f'<a:a> <a:b> 1,\n  "300"^^<{XSD}byte> .', BadLiteral, (2, 3)),
        ("trig", f'<a:g> {{ <a:a> <a:b> "300",\n "300"^^<{XSD}byte> }}', BadLiteral, (2, 2)),
        ("n-triples", '<a:a> <a:b> "x\\u0000" .', BadLiteral, (1, 13)),
        ("json-ld", JSON, BadLiteral, (2, 35)),
        ("rdf-xml", XML, BadLiteral, (3, 57)),
        ("turtle", "<a:a> <a:b>\n 'x'@abcdefghij .", UnreadableInput, (2, None)),
        ("turtle", "<a:a> <a:b>\n '\\uD800' .", UnreadableInput, (2, None)),
        ("turtle", "<a:a> <a:b> <<( <a:a> <a:b> 1 )>> .", UnreadableInput, (None, None)),
        ("turtle", '<a:a> <a:b> "x"@en--ltr .', BadLiteral, (1, 13)),
        ("trig", "_:g { <a:a> <a:b> 1 }", UnreadableInput, (None, None)),
    ],
)  # fmt: skip
def test_what_a_document_may_not_hold(
    syntax: str, content: str, error: type[BadRequest], place: tuple[int | None, int | None]
) -> None:
    graph = None if syntax in ("trig", "n-quads") else G
    operation = Operation(kind="add", graph=graph, content=content.encode(), syntax=syntax)
    with pytest.raises(error) as refused:
        staged(graph_of(""), operation)
    listed = refused.value.facts.get("places", [refused.value.facts])
    assert isinstance(listed, list)
    assert listed[0].get("line") == place[0]
    assert place[1] is None or listed[0].get("column") == place[1]


_XSD = f"^^<{XSD}"


@pytest.mark.parametrize(
    ("written", "given_back"),
    [
        (f'"1e400"{_XSD}double>', f'"INF"{_XSD}double>'),
        (f'"007"{_XSD}integer>', f'"7"{_XSD}integer>'),
        (f'"7"{_XSD}byte>', f'"7"{_XSD}integer>'),
        (f'"1.0e6"{_XSD}double>', f'"1000000"{_XSD}double>'),
        (f'"2026-01-01+00:00"{_XSD}date>', f'"2026-01-01Z"{_XSD}date>'),
        (f'"P12M"{_XSD}duration>', f'"P1Y"{_XSD}duration>'),
        (f'"2026-01-01T24:00:00"{_XSD}dateTime>', f'"2026-01-02T00:00:00"{_XSD}dateTime>'),
        ('"colour"@EN-gb', '"colour"@en-gb'),
        (f'"x"{_XSD}string>', '"x"'),
        (f'"{"9" * 40}"{_XSD}integer>', f'"{"9" * 40}"{_XSD}integer>'),
        ('"tab\\tand\\r\\nline"', '"tab\\tand\\r\\nline"'),
        ('"' + "long " * 2_000_000 + '"', '"' + "long " * 2_000_000 + '"'),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_kept_is_given_back_as_documented(written: str, given_back: str) -> None:
    statement = f"<{EX}a> <{EX}p> {written}"
    expected = f"<{EX}a> <{EX}p> {given_back} <{G}> ."
    document = Operation(kind="add", graph=G, content=f"{statement} .".encode())
    assert texts(staged(graph_of(""), document).added) == [expected]
    text = update(f"INSERT DATA {{ GRAPH ex:g {{ {statement} }} }}")
    assert texts(staged(graph_of(""), text).added) == [expected]

"""The scan tells the outbound words from the same letters elsewhere, in linear time."""

import re
import time

import pytest
from competency_graph.errors import BadQuery, OutboundRefused, TooDeep
from competency_graph.rdf import MAX_NESTING
from competency_graph.sparql_text import disarmed, scan_query

OUTBOUND = [
    "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
    "SELECT * { service silent <http://127.0.0.1:9/> { ?s ?p ?o } }",
    r"SELECT * { \u0053ERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
    r"SELECT * { S\U00000045RVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
    "SELECT * {SERVICE?x{?s ?p ?o}}",
    "LOAD <http://127.0.0.1:9/>",
    "SELECT * { ?s ?p 'a' SERVICE <http://127.0.0.1:9/> {} }",
    "PREFIX e: <http://e/> SELECT * { ?s e:p 'x'@en . SERVICE e:x {} }",
    'SELECT * { ?s ?p "\\"" . SERVICE <http://127.0.0.1:9/> {} }',
    "SELECT * { ?s ?p <a#b> SERVICE <http://127.0.0.1:9/> {} }",
    "SELECT * { # comment\n SERVICE <http://127.0.0.1:9/> {} }",
    "SELECT * { ?s ?p 1.SERVICE <http://127.0.0.1:9/> {} }",
    "SELECT * { FILTER(?a <?b) SERVICE <http://127.0.0.1:9/> {} FILTER(?c>?d) }",
]
HARMLESS = [
    "SELECT ?service { ?service ?p 'SERVICE' }",
    'SELECT $service { $service ?p """a SERVICE\n<x> {""" }',
    "PREFIX service: <http://e/> SELECT * { ?s service:SERVICE ?o }",
    "SELECT * { ?s ?p <http://e/SERVICE> } # SERVICE <x> {}",
    "SELECT * { ?s ?p 'x'@service }",
    "SELECT * { ?s ?p ?services }",
]


@pytest.mark.parametrize("text", OUTBOUND)
def test_outbound_words_are_refused(text: str) -> None:
    with pytest.raises(OutboundRefused):
        scan_query(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_the_same_letters_elsewhere_are_not(text: str) -> None:
    assert scan_query(text).text == text


def test_from_clauses_are_told_with_the_prologue_that_says_what_they_stand_for() -> None:
    prologue = "BASE <http://a/> PREFIX select: <http://e/> # SELECT\n"
    text = prologue + "select * FROM <b> FROM NAMED select:b from named <c> {}"
    scanned = scan_query(text)
    assert scanned.prologue == prologue
    assert scanned.sources == ("<b>", "select:b", "<c>")


@pytest.mark.parametrize(
    ("text", "handed_over"),
    [
        ("ASK { FILTER(TRUE && ! False) }", "ASK { FILTER(true && ! false) }"),
        ("ASK { ?TRUE TRUE:x 'TRUE'@TRUE } # TRUE", "ASK { ?TRUE TRUE:x 'TRUE'@TRUE } # TRUE"),
        (r"ASK { FILTER(TRUE || '\u0022TRUE') }", r"ASK { FILTER(true || '\u0022TRUE') }"),
    ],
)
def test_truths_are_written_as_the_engine_reads_them(text: str, handed_over: str) -> None:
    assert scan_query(text).text == handed_over


def test_nesting_is_bounded_outside_strings_only() -> None:
    with pytest.raises(TooDeep):
        scan_query("SELECT * " + "{" * (MAX_NESTING + 1))
    scan_query("SELECT * { ?s ?p '" + "{" * (MAX_NESTING + 1) + "' }")


def test_a_backslash_before_a_u_is_no_escape() -> None:
    scan_query(r"SELECT * { ?s ?p '\\uD800', '\\u0027 SERVICE <x> {} ' }")


@pytest.mark.parametrize("text", [*OUTBOUND, *HARMLESS])
def test_a_disarmed_text_differs_in_one_letter_of_each_word(text: str) -> None:
    harmless = disarmed(text)
    assert not re.search("service|load", harmless, re.IGNORECASE)
    assert len(harmless) == len(text)
    words = len(re.findall("service|load", text, re.IGNORECASE))
    assert sum(a != b for a, b in zip(text, harmless, strict=True)) == words


def test_the_letters_of_other_words_stay() -> None:
    text = "SELECT ?serve ?lode ?allo_ad { ?servile ?loan ?o }"
    assert disarmed(text) == text


def test_an_escape_that_names_no_character_is_a_bad_query() -> None:
    with pytest.raises(BadQuery):
        scan_query(r"SELECT * { ?s ?p '\uD800' }")


@pytest.mark.parametrize("piece", ["{", "'", '"', '"""', "<", "\\u", "@", ":", "a", "#", "?"])
def test_it_takes_linear_time_on_any_text(piece: str) -> None:
    began = time.monotonic()
    try:
        scan_query(piece * 20_000)
    except (TooDeep, BadQuery):
        pass
    # A quadratic scan of this length takes minutes.
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("piece", ["a.", "a-", '"', "'''a", "x:.", "<", "_:a.", "{ }"])
def test_time_is_linear_whatever_the_text(piece: str) -> None:
    began = time.process_time()
    scan_query(piece * 50_000)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "text", ["ASK { ?s ?p true.SERVICE ?x {} }", "ASK { ?s ?p 1.SERVICE ?x {} }"]
)
def test_a_word_that_touches_another_is_seen(text: str) -> None:
    with pytest.raises(OutboundRefused):
        scan_query(text)

"""`/sparql` in a browser: form and answer on one page without script; programs never meet it."""

import html
import json
import re
import urllib.parse
from collections.abc import Iterator

import pytest
from competency_graph import resources
from conftest import Reply, Service, start_service
from page_addresses import BROWSER
from questions import FEWEST

_ROLES = """PREFIX cg: <https://w3id.org/competency-graph/ns#>
SELECT ?role (COUNT(?need) AS ?needs) WHERE { ?need cg:belongsToRole ?role }
GROUP BY ?role ORDER BY DESC(?needs)"""


def _ask(service: Service, query: str, language: str = "en", **more: str) -> Reply:
    asked = urllib.parse.urlencode({"query": query, **more})
    return service.get(f"/sparql?{asked}", Accept=BROWSER, Accept_Language=language)


def _cells(page: str) -> list[list[str]]:
    table = re.search(r"<table>(.*?)</table>", page, re.S)
    assert table
    rows = re.findall(r"<tr>(.*?)</tr>", table[1], re.S)
    return [
        [
            html.unescape(re.sub("<[^>]*>", "", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        ]
        for row in rows
    ]


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("hurried")
    running = start_service(folder, query_timeout="300 ms", kill_limit="off")
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/sparql-results+json",
        "application/sparql-results+xml, text/html;q=0.5",
        "text/csv, */*;q=0.1",
        "text/*;q=0.9, text/turtle",
    ],
)
def test_a_program_never_gets_the_page(service: Service, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    reply = service.send("GET", "/sparql?query=ASK%7B%7D", None, headers=headers)
    assert reply.status in (200, 406)
    assert not reply.headers["Content-Type"].startswith("text/html")


def test_a_body_that_is_a_query_is_no_form(service: Service) -> None:
    reply = service.send(
        "POST", "/sparql", b"ASK {}", Content_Type="application/sparql-query", Accept=BROWSER
    )
    assert reply.headers["Content-Type"].startswith("application/")


def test_the_empty_page_has_a_query_to_begin_with_and_every_question(service: Service) -> None:
    page = service.get("/sparql", Accept=BROWSER, Accept_Language="en").body.decode()
    field = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)
    assert field
    begun = html.unescape(field[1])
    assert service.query(begun).status == 200
    links = re.findall(r'href="/sparql\?query=([^"]*)"', page)
    assert len(links) >= FEWEST
    told = {urllib.parse.unquote_plus(html.unescape(link)) for link in links}
    assert told == set(resources.questions().values())


def test_rows_are_shown_by_name_with_links(service: Service) -> None:
    page = _ask(service, _ROLES).body.decode()
    head, first, *_ = _cells(page)
    assert head == ["role", "needs"]
    assert first[0] == "Implementation support practitioner"
    assert int(first[1]) > 10
    assert re.search(r'<a href="/id/implementation-support/role/[\w-]+" title="https://w3id', page)
    assert re.search(r"7 rows</strong>, in 0\.\d{4} s, at revision 1", page)


def test_the_page_speaks_german_and_so_do_the_things(service: Service) -> None:
    page = _ask(service, _ROLES, "de").body.decode()
    assert re.search(r"7 Zeilen</strong>, in 0,\d{4} s, in Revision 1", page)
    assert "Wissensvermittler" in page


def test_a_truth_and_a_graph_are_shown(service: Service) -> None:
    assert "<strong>Yes</strong>" in _ask(service, "ASK {}").body.decode()
    assert "<strong>Nein</strong>" in _ask(service, "ASK { <x:y> ?p ?o }", "de").body.decode()
    built = "CONSTRUCT { ?s a ?c } WHERE { ?s a ?c } LIMIT 3"
    page = _ask(service, built).body.decode()
    assert _cells(page)[0] == ["Subject", "Predicate", "Object"]
    assert "3 statements" in page


def test_a_long_answer_is_cut_and_says_so(service: Service) -> None:
    page = _ask(service, "SELECT * { ?s ?p ?o } LIMIT 1200").body.decode()
    assert "1200 rows" in page and "The first 1000 are shown" in page
    assert len(_cells(page)) == 1001
    text = 'SELECT (CONCAT(STR(?s), "%s") AS ?long) { ?s ?p ?o } LIMIT 1' % ("x" * 3000)
    (_, (cell,)) = _cells(_ask(service, text).body.decode())
    assert len(cell) == 2001 and cell.endswith("…")


def test_what_data_say_is_never_markup_nor_script(service: Service) -> None:
    query = 'SELECT ("<script>alert(1)</script>" AS ?s) (<javascript:alert(1)> AS ?l) {}'
    page = _ask(service, query).body.decode()
    assert "<script>alert" not in page
    assert 'href="javascript:' not in page
    assert _cells(page)[1] == ["<script>alert(1)</script>", "javascript:alert(1)"]


def test_a_wrong_query_is_told_with_its_place(service: Service) -> None:
    reply = _ask(service, "SELECT ?s\nWHERE { ?s ?p }")
    page = reply.body.decode()
    assert reply.status == 400
    assert "The query cannot be read" in page and "line 2, column 16" in page
    assert 'data-line="2" data-column="16"' in page
    assert re.search(r"WHERE \{ \?s \?p }<mark>\u00a0</mark>", page)
    assert "SELECT ?s\nWHERE" in html.unescape(page), "the query is still there"


def test_a_refused_query_is_told_with_its_limit(hurried: Service) -> None:
    reply = _ask(hurried, "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }")
    assert reply.status == 503 and "Retry-After" in reply.headers
    assert "0.3 s" in reply.body.decode()
    outside = _ask(hurried, "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }")
    assert outside.status == 400
    assert "Nothing is fetched from elsewhere" in outside.body.decode()


def test_an_unknown_parameter_is_named(service: Service) -> None:
    reply = _ask(service, "ASK {}", colour="red")
    assert reply.status == 400 and "“colour”" in reply.body.decode()


def test_the_policy_of_the_page_lets_it_ask_this_service_alone(service: Service) -> None:
    policy = service.get("/sparql", Accept=BROWSER).headers["Content-Security-Policy"]
    other = service.get("/ns", Accept=BROWSER).headers["Content-Security-Policy"]
    assert policy == other + "; connect-src 'self'"
    assert "unsafe" not in policy


def test_the_terms_to_complete_with_have_names_labels_and_definitions(service: Service) -> None:
    told = json.loads(service.get("/ns/terms?lang=en").body)
    assert told["prefixes"]["skos"] == "http://www.w3.org/2004/02/skos/core#"
    terms = {term["name"]: term for term in told["terms"]}
    assert len(terms) > 100
    assert terms["cg:Role"]["kind"] == "class"
    assert terms["cg:Role"]["label"]["text"] == "Role"
    assert terms["cg:Role"]["definition"]["text"]
    assert terms["cg:belongsToRole"]["kind"] == terms["skos:broader"]["kind"] == "property"
    assert terms["cg:UmbrellaRole"]["kind"] == "value"
    assert service.get("/ns/terms?x=1").status == 400

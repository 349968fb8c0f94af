"""`/validate`: everybody may ask what would be found; nothing is kept, nobody is held up."""

import json
import re
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Reply, Service, start_service
from helping import FRAMEWORK, competency, framework, prefixed, put, revision
from page_addresses import BROWSER
from plain_browser import multipart
from rdflib import SH, BNode, Graph

NO_LABEL = framework().replace('skos:prefLabel "Talking"@en ;', "")
SHAPES = b"""
PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX cg: <https://w3id.org/competency-graph/ns#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX my: <https://example.org/shapes#>
my:Short a sh:NodeShape ; sh:targetClass cg:Competency ; sh:property my:Short-label .
my:Short-label a sh:PropertyShape ; sh:path skos:prefLabel ; sh:maxLength 5 ;
    sh:severity sh:Violation ; sh:message "Write a shorter label."@en .
"""


# Python's regular expressions try two to the power of the length of the label.
ENDLESS_SHAPES = SHAPES.replace(b"sh:maxLength 5", b'sh:pattern "^(a+)+$x"')


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(tmp_path_factory.mktemp("validate"), workers="2")
    yield service
    assert service.stop() == 0


def path(**asked: str) -> str:
    return "/validate?" + urllib.parse.urlencode({"graph": FRAMEWORK, **asked})


def check(service: Service, text: str | bytes, address: str | None = None, **headers: str) -> Reply:
    content = text.encode() if isinstance(text, str) else text
    named = {"Content-Type": "text/turtle", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return service.send("POST", address or path(), content, headers=named, timeout=120)


def form(
    service: Service,
    files: list[tuple[str, str, bytes]],
    fields: Mapping[str, str],
    accept: str,
    token: str | None = None,
) -> Reply:
    """Send a form as a browser does: (field, file name, content), and other fields."""
    kind, body = multipart(fields.items(), files)
    headers = {"Content-Type": kind, "Accept": accept, "Accept-Language": "en"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return service.send("POST", "/validate", body, 120, headers)


def test_without_a_token_it_tells_what_would_be_found_and_where(running: Service) -> None:
    before = revision(running)
    reply = check(running, NO_LABEL)
    assert reply.status == 200
    told: dict[str, Any] = reply.json()
    assert told["conforms"] is False
    (finding,) = told["findings"]
    assert finding["message"] == "Write the label in at least one language."
    assert finding["focus"]["id"] == f"{FRAMEWORK}/talking"
    lines = NO_LABEL.splitlines()
    assert "ex:talking a" in lines[finding["place"]["line"] - 1]
    assert lines[finding["place"]["line"] - 1][finding["place"]["column"] - 1 :].startswith("ex:")
    assert (told["added"], told["removed"], told["standing"]) == (10, 0, 0)
    assert revision(running) == before
    assert FRAMEWORK not in json.loads(running.get("/graphs").body)["graphs"]


def test_a_refused_change_has_the_places_of_its_body(running: Service) -> None:
    reply = put(running, running.token("editor"), NO_LABEL)
    assert (reply.status, reply.json()["code"]) == (422, "invalid-change")
    (finding,) = json.loads(reply.body)["findings"]["new"]
    asked = check(running, NO_LABEL).json()["findings"]
    assert isinstance(asked, list)
    assert finding["place"] is not None
    assert finding["place"] == asked[0]["place"]


def test_what_is_valid_conforms(running: Service) -> None:
    told = check(running, framework()).json()
    assert (told["conforms"], told["findings"]) == (True, [])


def test_the_verdict_comes_as_report_text_and_page(running: Service) -> None:
    turtle = check(running, NO_LABEL, Accept="text/turtle")
    graph = Graph().parse(data=turtle.body, format="turtle")
    assert len(list(graph.objects(None, SH.result))) == 1
    text = check(running, NO_LABEL, Accept="text/plain").body.decode()
    assert "Write the label in at least one language." in text and "1 violation" in text
    page = check(running, NO_LABEL, Accept=BROWSER, Accept_Language="en").body.decode()
    assert "It would be refused" in page and "Write the label in at least one" in page
    assert 'href="/docs/rules#Concept-label-required"' in page
    assert not re.search(r"<style|<script(?! src=)", page)
    rules = running.get("/docs/rules", Accept=BROWSER).body.decode()
    for name in ("Concept-label-required", "unknown-term", "ill-typed-value"):
        assert f'id="{name}"' in rules
    for file in re.findall(r'(?:src|href)="(/static/[^"]*)"', page):
        assert running.get(file).status == 200
    assert check(running, NO_LABEL, Accept="image/png").status == 406


@pytest.mark.parametrize(
    ("format_", "media_type"),
    [
        ("json", "application/json"),
        ("turtle", "text/turtle"),
        ("json-ld", "application/ld+json"),
        ("sarif", "application/sarif+json"),
        ("text", "text/plain"),
        ("html", "text/html"),
    ],
)
def test_a_format_is_named_or_negotiated(running: Service, format_: str, media_type: str) -> None:
    named = check(running, NO_LABEL, path(format=format_), Accept="*/*")
    asked = check(running, NO_LABEL, Accept=media_type)
    for reply in (named, asked):
        assert reply.headers["Content-Type"].split(";")[0] == media_type
        assert "Write the label in at least one language." in reply.body.decode()
    if format_ == "sarif":
        run: Any = json.loads(named.body)["runs"][0]
        (result,) = run["results"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert NO_LABEL.splitlines()[region["startLine"] - 1].lstrip().startswith("ex:talking a")
        assert result["fixes"][0]["artifactChanges"][0]["replacements"]
    unknown = check(running, NO_LABEL, path(format="pdf"))
    assert unknown.status == 400 and "sarif" in str(unknown.json()["detail"])


def test_unreadable_input_has_its_line_and_column(running: Service) -> None:
    reply = check(running, framework() + "\nbroken")
    told = reply.json()
    assert (reply.status, told["code"]) == (400, "unreadable-input")
    assert told["line"] == framework().count("\n") + 2
    assert isinstance(told["column"], int)


def test_adding_is_not_replacing(running: Service) -> None:
    token = running.token("editor")
    assert put(running, token, framework()).status in (200, 201)
    part = prefixed(competency("asking"))
    added = check(running, part, path(mode="add")).json()
    replaced = check(running, part, path(mode="replace")).json()
    assert (added["conforms"], added["removed"]) == (True, 0)
    assert (replaced["conforms"], replaced["removed"]) == (False, 11)
    assert check(running, part, path(mode="both")).status == 400


def test_what_stood_before_is_counted_and_what_is_mended_is_told(running: Service) -> None:
    token = running.token("editor")
    assert put(running, token, framework(definition="")).status in (200, 201)
    again = check(running, framework(definition="", label="Hearing")).json()
    assert (again["findings"], again["fixed"], again["standing"]) == ([], [], 1)
    mended: dict[str, Any] = check(running, framework()).json()
    assert (mended["findings"], mended["standing"]) == ([], 0)
    assert [row["field"]["label"] for row in mended["fixed"]] == ["Definition"]
    assert put(running, token, framework()).status == 200


def test_own_shapes_judge_instead(running: Service) -> None:
    files = [("data", "mine.ttl", framework().encode()), ("shapes", "short.ttl", SHAPES)]
    told = form(running, files, {}, "application/json").json()
    assert isinstance(told["findings"], list)
    (finding,) = told["findings"]
    assert finding["rule"] == "https://example.org/shapes#Short-label"
    assert finding["place"]["file"] == "mine.ttl"
    nameless = SHAPES.replace(b"sh:property my:Short-label .", b"sh:property [")
    nameless = (
        nameless.replace(b"my:Short-label a sh:PropertyShape ;", b"").rstrip(b" .\n") + b" ] ."
    )
    unnamed = [files[0], ("shapes", "short.ttl", nameless)]
    report = Graph().parse(data=form(running, unnamed, {}, "text/turtle").body, format="turtle")
    assert [type(shape) for shape in report.objects(None, SH.sourceShape)] == [BNode]
    broken = SHAPES.replace(b"sh:maxLength 5", b'sh:maxLength "five"')
    files[1] = ("shapes", "short.ttl", broken)
    refused = form(running, files, {}, "application/json")
    assert (refused.status, refused.json()["code"]) == (400, "invalid-shapes")


def test_several_files_are_judged_together(running: Service) -> None:
    second = prefixed(competency("asking"))
    files = [("data", "one.ttl", framework().encode()), ("data", "two.ttl", second.encode())]
    told = form(running, files, {"graph": FRAMEWORK}, "application/json").json()
    assert (told["conforms"], told["files"]) == (True, 2)
    assert told["checked"] == {"competency": 2, "competency domain": 1, "competency framework": 1}


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        ("", {}, 400, "unreadable-input"),
        (NO_LABEL, {"Content_Type": "text/html"}, 415, "unsupported-media-type"),
        ("<a:a> <a:p> 'x'^^<http://www.w3.org/2001/XMLSchema#date> .", {}, 400, "bad-literal"),
        ("[" * 3_000, {}, 400, None),
    ],
)
def test_what_cannot_be_judged_is_refused(
    running: Service, content: str, headers: dict[str, str], status: int, code: str | None
) -> None:
    reply = check(running, content, **headers)
    assert reply.status == status
    assert code in (None, reply.json()["code"])


def test_a_form_without_anything_says_what_to_send(running: Service) -> None:
    reply = form(running, [("data", "", b"")], {"text": " "}, BROWSER)
    assert reply.status == 400
    assert b"Send something to check" in reply.body


def test_the_text_of_the_form_is_given_back_with_the_verdict(running: Service) -> None:
    fields = {"text": NO_LABEL, "syntax": "turtle", "graph": FRAMEWORK, "mode": "add"}
    page = form(running, [], fields, BROWSER).body.decode()
    assert "ex:listening a cg:Competency" in page
    assert '<option value="add" selected>' in page


def test_strangers_do_not_hold_up_those_who_write(running: Service) -> None:
    """Every fork for candidates is busy, and more wait; a change is recorded meanwhile."""
    token = running.token("editor")
    slow = framework(more="".join(competency(f"c{n}") for n in range(1_500)))
    answered = threading.Event()

    def stranger() -> None:
        check(running, slow, path(graph="https://example.org/strange"))
        answered.set()

    strangers = [threading.Thread(target=stranger) for _ in range(6)]
    for one in strangers:
        one.start()
    try:
        for label in ("One", "Two"):
            assert put(running, token, framework(label=label)).status in (200, 201)
        assert not answered.is_set(), "The candidates were too small to be in anybody's way."
    finally:
        for one in strangers:
            one.join()


def test_one_client_may_ask_so_often_in_a_minute(tmp_path: Path) -> None:
    running = start_service(tmp_path, workers="2", rate_limit="3", seed="framework")
    try:
        # A minute may end between them: then they count anew.
        replies = [running.query("ASK {}") for _ in range(5)]
        refused = next((r for r in replies if r.status == 429), None) or running.query("ASK {}")
        assert refused.json()["code"] == "too-many-requests"
        assert refused.json()["limit"] == "requests"
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert check(running, framework()).status == 429
        assert running.get("/api/v1/roles").status == 200
        assert running.get("/graphs").status == 200
    finally:
        assert running.stop() == 0


def test_strangers_have_no_more_time_for_shapes_than_for_queries(tmp_path: Path) -> None:
    running = start_service(
        tmp_path,
        workers="2",
        seed="framework",
        query_timeout="1 s",
        validation_timeout="2 s",
        kill_limit="off",
    )
    text = framework(label="a" * 60).encode()
    files = [("data", "data.ttl", text), ("shapes", "shapes.ttl", ENDLESS_SHAPES)]
    try:
        for token, seconds, named in (
            (None, 1, "(QUERY_TIMEOUT; with a token VALIDATION_TIMEOUT)"),
            (running.token("reader"), 2, "(VALIDATION_TIMEOUT)"),
        ):
            reply = form(running, files, {}, "application/json", token=token)
            told = reply.json()
            assert (reply.status, told["limit"], told["value"]) == (503, "time", seconds), told
            assert named in str(told["detail"])
        assert check(running, framework()).status == 200
    finally:
        assert running.stop() == 0


def test_an_import_that_was_not_read_is_named(running: Service) -> None:
    target = "https://example.org/elsewhere"
    text = prefixed(f"ex:o <http://www.w3.org/2002/07/owl#imports> <{target}> .")
    verdict = check(running, text).json()
    assert verdict["notes"] == [f"Not read: {target} (what a file imports is never fetched)."]

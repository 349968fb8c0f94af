"""Pages for people: a heading in words, links with words, no script from data; RDF for machines."""

import html
import re

import pytest
from competency_graph.config import Settings
from competency_graph.web.linked_data import local
from conftest import Service
from flask import Flask
from page_addresses import BROWSER, PAGES

_ISP = "/id/implementation-support"


def _text(service: Service, path: str) -> str:
    reply = service.get(path, Accept=BROWSER, Accept_Language="en")
    assert reply.status == 200, reply.body
    return reply.body.decode()


def _words(markup: str) -> str:
    """Return the words that a reader sees, one blank between them."""
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", markup)).split())


def _section(page: str, anchor: str) -> str:
    found = re.search(rf'<section aria-labelledby="{anchor}">(.*?)</section>', page, re.S)
    assert found, f"no section “{anchor}”"
    return found[1]


def _rows(section: str) -> list[list[str]]:
    return [
        [_words(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)]
        for row in re.findall(r"<tr>(.*?)</tr>", section, re.S)
    ]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_speaks_in_words(service: Service, path: str) -> None:
    reply = service.get(path, Accept="text/html")
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/html")
    text = reply.body.decode()
    heading = re.search(r"<h1[^>]*>([^<]+)</h1>", text)
    assert heading and "://" not in heading[1]
    assert PAGES[path] in (None, heading[1])
    assert '<html lang="' in text and 'href="#content"' in text
    assert not re.search('<script(?! src="/static/)', text)
    named = [label for label in re.findall(r"<a href=\"/id[^>]*>([^<]+)</a>", text)]
    assert not [label for label in named if "://" in label]


def test_error_codes_and_rules_have_their_anchors(service: Service) -> None:
    assert b'id="limit-reached"' in service.get("/docs/errors").body
    assert b'id="RoleRequirement-level-one"' in service.get("/docs/rules").body


@pytest.mark.parametrize(
    "media_type", ["text/turtle", "application/ld+json", "application/rdf+xml"]
)
def test_machines_get_data_at_the_same_address(service: Service, media_type: str) -> None:
    reply = service.get(_ISP + "/role/knowledge-broker", Accept=media_type)
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith(media_type)
    assert b"Wissensvermittler" in reply.body


def test_a_role_page_shows_what_it_needs_and_from_where(service: Service) -> None:
    head, *needs = _rows(_section(_text(service, _ISP + "/role/knowledge-broker"), "needs"))
    assert head == ["Competency", "Importance", "Level", "Inherited from"]
    assert len(needs) == 22
    assert ["CE.2 Brokering", "Essential", "Proficient (4)", "its own"] in needs
    assert sum(row[3] == "R0 Implementation support practitioner" for row in needs) == 13
    assert sum(row[3] == "its own, in place of the inherited" for row in needs) == 2
    assert sum(row[3] == "its own" for row in needs) == 7
    assert [row[0] for row in needs] == sorted(row[0] for row in needs)


def test_a_competency_page_shows_place_elements_indicators_roles_claims(service: Service) -> None:
    page = _text(service, _ISP + "/competency/ce-brokering")
    place = re.search(r'<nav class="place".*?</nav>', page, re.S)
    assert place
    assert _words(place[0]) == "Consolidated ISP competency framework CE Co-creation and engagement"
    kinds = re.findall("<h3[^>]*>([^<]*)</h3>", _section(page, "elements"))
    assert kinds == [f"{k} element" for k in ("Knowledge", "Skill", "Attitude", "Behaviour")]
    shown = _words(_section(page, "indicators"))
    assert re.search("Emerging Passes on .* Proficient Initiates .* Advanced Builds", shown)
    assert _rows(_section(page, "needed_by"))[1:] == [
        ["R2 Knowledge broker", "Essential", "Proficient (4)", "its own"],
        ["R6 Boundary spanner", "Essential", "Proficient (4)", "R2 Knowledge broker"],
    ]
    assert _rows(_section(page, "claims")) == [
        ["Claim", "Outcome", "Strength", "Source"],
        ["Supports", "O-R4 Knowledge exchange", "Descriptive", "Bornbaum et al. 2015"],
    ]


def test_a_framework_page_shows_its_tree(service: Service) -> None:
    tree = _section(_text(service, _ISP), "tree")
    assert tree.count("<li>") == 7 + 33
    assert re.search(r"Building trust</a>\s*<ul class=\"tree\">\s*<li>", tree)


def test_a_claim_page_shows_statement_strength_polarity_and_cited_source(service: Service) -> None:
    page = _text(service, _ISP + "/claim/026")
    lead = re.search(r'<p class="lead"[^>]*>(.*?)</p>', page)
    assert lead and "contributes to knowledge exchange" in lead[1]
    details = _words(_section(page, "fields"))
    for said in ("Has polarity Supports", "Has strength Descriptive", "Bornbaum CC, Kornas K"):
        assert said in details


def test_values_are_written_for_people(service: Service) -> None:
    assert "24 November 2026" in _text(service, "/ontology/role")
    assert "24. November 2026" in _text(service, "/ontology/role?lang=de")
    source = _text(service, _ISP + "/source/bornbaum-2015")
    doi = "10.1186/s13012-015-0351-9"
    assert re.search(f'<a href="https://doi.org/{doi}"[^>]*>{doi}</a>', source)
    assert "<dt>German</dt>" in _text(service, _ISP + "/role/knowledge-broker")


def test_a_thing_links_to_its_json(service: Service) -> None:
    page = _text(service, _ISP + "/role/knowledge-broker")
    found = re.search(r'href="(/api/v1/roles/[^"]+)"', page)
    assert found
    assert service.get(found[1]).json()["label"] == "Knowledge broker"


def test_a_browser_gets_an_error_as_a_page(service: Service) -> None:
    reply = service.get(_ISP + "/role/nobody", Accept=BROWSER)
    assert reply.status == 404
    assert b"<h1>Not found</h1>" in reply.body


@pytest.mark.parametrize("accept", ["*/*", "text/turtle", "application/ld+json, */*;q=0.1"])
def test_a_program_gets_an_error_as_json(service: Service, accept: str) -> None:
    reply = service.get(_ISP + "/role/nobody", Accept=accept)
    assert (reply.status, reply.json()["code"]) == (404, "not-found")


def test_what_a_client_sends_is_escaped(service: Service) -> None:
    reply = service.get("/id?iri=x:%3Cscript%3Ealert(1)%3C/script%3E", Accept="text/html")
    assert reply.status == 400
    assert b"<script>" not in reply.body


def test_only_safe_addresses_become_links() -> None:
    app = Flask("test")
    app.extensions["settings"] = Settings()
    with app.app_context():
        assert local("javascript:alert(1)") == ""
        assert local("data:text/html,x") == ""
        assert local("https://example.org/") == "https://example.org/"
        assert local("https://w3id.org/competency-graph/id/a") == "/id/a"

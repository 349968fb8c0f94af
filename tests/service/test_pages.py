"""Pages for people: a heading in words, links with words, no script from data; RDF for machines."""

import re

import pytest
from competency_graph.config import Settings
from competency_graph.web.linked_data import local
from conftest import Service
from flask import Flask

_ISP = "/id/implementation-support"
PAGES = {
    "/": "Competency frameworks as one graph",
    _ISP: "Consolidated ISP competency framework",
    _ISP + "/competency/ce-brokering": "Brokering",
    _ISP + "/role/knowledge-broker": "Knowledge broker",
    _ISP + "/outcome/adoption": "Adoption",
    _ISP + "/claim/026": None,
    _ISP + "/source/bornbaum-2015": "Bornbaum et al. 2015",
    "/ns": "Vocabulary",
    "/shapes": "Rules",
    "/docs/rules": "Rules",
    "/docs/errors": "Errors",
    "/docs/query": "Asking in SPARQL",
    "/ontology/role": None,
}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_speaks_in_words(service: Service, path: str) -> None:
    reply = service.get(path, Accept="text/html")
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/html")
    text = reply.body.decode()
    heading = re.search(r"<h1>([^<]+)</h1>", text)
    assert heading and "://" not in heading[1]
    assert PAGES[path] in (None, heading[1])
    assert '<html lang="' in text and 'href="#content"' in text
    assert "<script" not in text
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


def test_a_browser_gets_an_error_as_a_page(service: Service) -> None:
    reply = service.get(_ISP + "/role/nobody", Accept="text/html")
    assert reply.status == 404
    assert b"<h1>Not found</h1>" in reply.body


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

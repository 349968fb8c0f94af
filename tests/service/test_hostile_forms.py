"""`/validate` when somebody would stop it: many fields, long words, shapes without a bottom."""

import time
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from conftest import Reply, Service, start_service
from helping import FRAMEWORK, framework
from plain_browser import multipart

FORM = "application/x-www-form-urlencoded"
PREFIXES = """
PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX cg: <https://w3id.org/competency-graph/ns#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX my: <https://example.org/shapes#>
"""
SHAPE = f"{PREFIXES}my:Shape a sh:NodeShape ; sh:targetClass cg:Competency ; "


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(tmp_path_factory.mktemp("hostile"), workers="1")
    yield service
    assert service.stop() == 0


def ask(service: Service, kind: str, body: bytes, accept: str = "text/html") -> Reply:
    headers = {"Content-Type": kind, "Accept": accept}
    return service.send("POST", "/validate", body, headers=headers, timeout=50)


def pasted(service: Service, fields: Mapping[str, str], accept: str = "text/html") -> Reply:
    return ask(service, *multipart(fields.items(), []), accept)


@pytest.mark.parametrize("field", ["text", "syntax", "shapes-name"])
def test_a_form_has_no_more_fields_than_parts(running: Service, field: str) -> None:
    body = "text=x&" + urllib.parse.urlencode([(field, "x")] * 100_000)
    began = time.monotonic()
    reply = ask(running, FORM, body.encode())
    assert reply.status == 413
    assert "1000 parts" in reply.body.decode()
    assert time.monotonic() - began < 2


def test_an_encoded_form_is_small(running: Service) -> None:
    reply = ask(running, FORM, b"text=" + b"%0a" * 400_000)
    assert reply.status == 413
    assert "1000000 bytes" in reply.body.decode()


def test_as_many_texts_as_may_have_names_of_their_own_at_once(running: Service) -> None:
    body = urllib.parse.urlencode([("text", f"<https://e.org/{n}> a <x:y> .") for n in range(990)])
    reply = ask(running, FORM, body.encode())
    assert reply.status == 200
    assert "data (990).ttl" in reply.body.decode()


def test_what_findings_repeat_is_cut_on_the_page(running: Service) -> None:
    label = "word " * 2_000
    words = " ; ".join(f'cg:none{n} "x"' for n in range(100))
    text = f'{PREFIXES}my:one a cg:Competency ; skos:prefLabel "{label}" ; {words} .'
    reply = pasted(running, {"text": text, "graph": FRAMEWORK})
    page = reply.body.decode()
    assert reply.status == 200
    assert page.count("Use a word that exists") == 2 * 100
    assert len(reply.body) < 500_000
    assert f"<strong>{label[:320]} … {label[-80:].strip()}" in page
    # In the field it is whole.
    assert label in page


def test_more_than_a_page_can_hold_is_refused_and_leaves_the_text(running: Service) -> None:
    label = "x" * 500_000
    words = " ; ".join(f'cg:none{n} "x"' for n in range(100))
    text = f'{PREFIXES}my:one a cg:Competency ; skos:prefLabel "{label}"@en ; {words} .'
    reply = pasted(running, {"text": text, "graph": FRAMEWORK})
    page = reply.body.decode()
    assert reply.status == 503
    assert "So much was found that a page cannot hold it." in page
    assert label in page
    assert len(reply.body) < 2 * len(label)
    assert pasted(running, {"text": text}, "application/json").status == 200


NOTS = "sh:not [ " * 390 + "sh:nodeKind sh:IRI" + " ]" * 390
CHAIN = " . ".join(f"_:p{n} sh:inversePath _:p{n + 1}" for n in range(3_000))
RING = "_:list . _:list rdf:first 1 ; rdf:rest _:more . _:more rdf:first 2 ; rdf:rest _:list"
STEPS = " . ".join(f"my:N{n:04} a sh:NodeShape ; sh:not my:N{n - 1:04}" for n in range(1, 900))


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        (f"{SHAPE}{NOTS} .", "more deeply than is judged"),
        (
            f"{SHAPE}sh:property [ sh:path _:p0 ; sh:minCount 1 ] . {CHAIN} .",
            "more deeply than is judged",
        ),
        (
            f"{PREFIXES}my:N0000 a sh:NodeShape ; sh:nodeKind sh:IRI . {STEPS} . "
            "my:N0899 sh:targetClass cg:Competency .",
            "more deeply than is judged",
        ),
        (f"{SHAPE}sh:in {RING} .", "The shape “Shape” has a list that leads back to itself."),
    ],
    ids=["shapes", "path", "shapes with names", "list"],
)
def test_shapes_without_a_bottom_are_refused(running: Service, shapes: str, said: str) -> None:
    kind, body = multipart(
        [],
        [
            ("data", "data.ttl", framework().encode()),
            ("shapes", "shapes.ttl", shapes.encode()),
        ],
    )
    problem: dict[str, Any] = ask(running, kind, body, "application/json").json()
    assert problem["code"] == "invalid-shapes"
    assert said in problem["detail"]

"""JSON for apps: what a role needs, paging, and JSON-LD that says only what the graph does."""

import json
from typing import Any
from urllib.parse import quote

import openapi_spec_validator
import pyoxigraph as ox
import pytest
from conftest import Service
from openapi_schema_validator import OAS31Validator

COLLECTIONS = (
    "frameworks",
    "competencies",
    "roles",
    "outcomes",
    "evidence",
    "activities",
    "levels",
)


def _get(service: Service, path: str) -> dict[str, Any]:
    reply = service.get("/api/v1/" + path)
    assert reply.status == 200, (path, reply.body)
    return reply.json()


def _all(service: Service, collection: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    address = f"{collection}?limit=7&lang=de"
    while True:
        page = _get(service, address)
        found += page["items"]
        if page["next"] is None:
            assert len(found) == page["total"]
            return found
        address = page["next"].removeprefix("/api/v1/")
        assert "lang=de" in address


def test_the_profile_of_the_knowledge_broker(service: Service) -> None:
    told = _get(service, "roles/knowledge-broker/profile?lang=de")
    assert told["label"] == "Wissensvermittler"
    rows = told["profile"]
    assert len(rows) == told["total"] == 22
    assert sum(row["inheritedFrom"] is not None for row in rows) == 13
    assert sum(row["overrides"] for row in rows) == 2
    assert sum(row["inheritedFrom"] is None and not row["overrides"] for row in rows) == 7
    for row in rows:
        assert row["importance"]["label"]
        assert 1 <= row["level"]["rank"] <= 5
    labels = {row["competency"]["label"] for row in rows}
    assert {"Vermittlung", "Implementierungswissen aktivieren"} & labels


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_paging_gives_every_object_once(service: Service, collection: str) -> None:
    found = _all(service, collection)
    assert found
    assert len({item["id"] for item in found}) == len(found)


def test_an_object_is_found_by_slug_and_by_iri(service: Service) -> None:
    by_slug = _get(service, "competencies/ce-brokering")
    assert _get(service, "competencies/" + quote(by_slug["id"], safe="")) == by_slug
    for part in ("elements", "indicators", "requirements", "claims", "activities", "mappings"):
        assert by_slug[part], part
    assert service.get("/api/v1/competencies/nothing").status == 404
    assert service.get("/api/v1/competencies?limit=0").status == 400
    assert service.get("/api/v1/competencies?cursor=x").status == 400


def test_filters_narrow(service: Service) -> None:
    needed = _get(service, "competencies?role=knowledge-broker")
    assert needed["total"] == 22
    assert 0 < _get(service, "competencies?outcome=knowledge-exchange")["total"] < 33
    assert 0 < _get(service, "competencies?role=consultant&level=4-proficient")["total"] < 22


def _statements(content: bytes, syntax: ox.RdfFormat) -> set[tuple[str, str, str, str]]:
    """Return triples as text; the index keeps numbers by value, so datatypes are not compared."""
    found = set()
    for quad in ox.parse(content, syntax):
        value, language = quad.object, ""
        if isinstance(value, ox.Literal):
            language = value.language or ""
        assert isinstance(value, ox.NamedNode | ox.Literal | ox.BlankNode)
        found.add((str(quad.subject), quad.predicate.value, value.value, language))
    return found


@pytest.fixture(scope="module")
def everything(service: Service) -> set[tuple[str, str, str, str]]:
    whole = service.get("/graphs?default", Accept="application/n-triples")
    return _statements(whole.body, ox.RdfFormat.N_TRIPLES)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_json_ld_is_a_part_of_the_graph(
    service: Service, everything: set[tuple[str, str, str, str]], collection: str
) -> None:
    context = _get(service, "context.jsonld")["@context"]
    paths = [f"{collection}?limit=1000"]
    for item in _get(service, paths[0])["items"]:
        reference = quote(item["id"], safe="")
        paths.append(f"{collection}/{reference}")
        if collection == "roles":
            paths.append(f"roles/{reference}/profile")
        if collection == "frameworks":
            paths.append(f"frameworks/{reference}/tree")
    said = 0
    for path in paths:
        body = _get(service, path) | {"@context": context}
        triples = _statements(json.dumps(body).encode(), ox.RdfFormat.JSON_LD)
        strange = triples - everything
        assert not strange, f"{path} says what the graph does not: {sorted(map(str, strange))[:3]}"
        listed = [b for m in ("items", "profile", "children") for b in body.get(m, ())]
        subjects = {subject for subject, *_ in triples}
        for other in listed:
            assert f"<{other['id']}>" in subjects, f"{path} says nothing of {other['id']}"
        assert len(triples) > 3, f"{path} says nothing"
        said += len(triples)
    assert said > 30


def test_a_large_page_names_the_next_one_too(service: Service) -> None:
    reply = service.get("/api/v1/evidence?limit=31")
    assert int(reply.headers["Content-Length"]) > 65_536, "the page must be one that is spooled"
    assert reply.headers["Link"] == f'<{reply.json()["next"]}>; rel="next"'


def test_what_is_declared_is_valid_and_what_is_answered(service: Service) -> None:
    declared = _get(service, "openapi.json")
    assert declared["openapi"].startswith("3.1.")
    openapi_spec_validator.validate(declared)
    assert len(declared["paths"]) >= 5
    for path, operations in declared["paths"].items():
        answers = operations["get"]["responses"]
        refusals = {k: set(v["content"]) for k, v in answers.items() if k != "200"}
        assert {"400", "503"} <= refusals.keys(), path
        assert all(types == {"application/problem+json"} for types in refusals.values()), path
    for path, schema in (
        ("evidence", "Items"),
        ("competencies/ce-brokering", "Item"),
        ("roles/consultant/profile", "Item"),
        ("roles/nothing", "Problem"),
    ):
        told = service.get("/api/v1/" + path).json()
        promise = {"$ref": f"#/components/schemas/{schema}", **declared}
        assert list(OAS31Validator(promise).iter_errors(told)) == [], path

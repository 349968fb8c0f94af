"""JSON for apps: what a role needs, paging, and JSON-LD that says only what the graph does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import openapi_spec_validator
import pyoxigraph as ox
import pytest
from competency_graph import history
from competency_graph.config import Settings
from competency_graph.log import Draft, Log
from competency_graph.rdf import seed_lines
from conftest import Service, start_service
from openapi_schema_validator import OAS31Validator

_BASE = "https://w3id.org/competency-graph/"
_SECOND = _BASE + "id/second"
_SECOND_GRAPH = _BASE + "graph/second"
_URN = "urn:uuid:9a0f2b4e-6d35-4a9c-8f0e-0c7d5a6b1e42"
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
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The shipped framework and a small second one, with deprecated things, as change 2."""
    folder = tmp_path_factory.mktemp("two")
    settings = Settings(database=f"sqlite:///{folder}/log.db")
    history.load(settings, now=datetime.now(UTC))
    content = Path(__file__).with_name("second-framework.ttl").read_bytes()
    lines = seed_lines([(_SECOND_GRAPH, [("second-framework.ttl", content)])], labels="c2x")
    with Log.open(settings.database, base=settings.base) as log:
        draft = Draft(author="test", time=datetime.now(UTC), message="Second", added=lines)
        log.append(draft, expected_head=1)
    running = start_service(folder)
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("frameworks", ["service", "two"])
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_json_ld_is_a_part_of_the_graph(
    request: pytest.FixtureRequest, frameworks: str, collection: str
) -> None:
    service: Service = request.getfixturevalue(frameworks)
    whole = service.get("/graphs?default", Accept="application/n-triples")
    everything = _statements(whole.body, ox.RdfFormat.N_TRIPLES)
    context = _get(service, "context.jsonld")["@context"]
    paths = [f"{collection}?limit=1000", f"{collection}?limit=1000&status=deprecated"]
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
        assert len(triples) > 3 or "status=deprecated" in path, f"{path} says nothing"
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
        ("competencies/ce-brokering", "Told"),
        ("roles/consultant/profile", "Told"),
        ("roles/nothing", "Problem"),
    ):
        told = service.get("/api/v1/" + path).json()
        promise = {"$ref": f"#/components/schemas/{schema}", **declared}
        assert list(OAS31Validator(promise).iter_errors(told)) == [], path


def _ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"].rpartition("/")[2] for row in rows]


def test_what_a_competency_is_told_with(service: Service) -> None:
    told = _get(service, "competencies/ce-brokering")
    assert told["definition"]
    assert [band["rank"] for band in (row["band"] for row in told["indicators"])] == [1, 2, 3]
    assert _ids(told["ancestors"]) == ["ce"]
    assert {claim["outcome"]["label"] for claim in told["claims"]} == {"Knowledge exchange"}
    assert all(row["mapsTo"]["label"] and row["mappingRelation"] for row in told["mappings"])
    inherited = {row["id"].rpartition("/")[2]: row["inheritedFrom"] for row in told["roles"]}
    assert inherited["knowledge-broker"] is None
    assert inherited["boundary-spanner"]["label"] == "Knowledge broker"


def test_roles_of_competencies_agree_with_profiles_of_roles(service: Service) -> None:
    by_profile = {
        (role["id"], row["competency"]["id"]): (row["importance"]["id"], row["level"]["rank"])
        for role in _all(service, "roles")
        for row in _get(service, f"roles/{quote(role['id'], safe='')}/profile")["profile"]
    }
    by_competency = {
        (role["id"], item["id"]): (role["importance"]["id"], role["level"]["rank"])
        for item in _all(service, "competencies")
        for role in _get(service, "competencies/" + quote(item["id"], safe=""))["roles"]
    }
    assert by_competency == by_profile
    assert len(by_profile) == 15 + 23 + 22 + 22 + 26 + 25 + 26


def test_a_framework_names_its_top_and_its_scale(service: Service) -> None:
    told = _get(service, "frameworks/implementation-support")
    assert len(told["topConcepts"]) == 7
    assert told["scale"]["label"]
    assert told["license"]["id"].startswith("https://creativecommons.org/")


def test_levels_come_in_their_order(service: Service) -> None:
    told = _get(service, "levels?framework=implementation-support")
    assert [level["rank"] for level in told["items"]] == [1, 2, 3, 4, 5]


def test_every_answer_states_licence_and_attribution(two: Service) -> None:
    paths = [*COLLECTIONS, "roles/isp", "roles/isp/profile"]
    paths += ["frameworks/implementation-support/tree", "evidence/albers-2020"]
    for path in paths:
        found = {a["id"]: a for a in _get(two, path)["attribution"]}
        shipped = found[_BASE + "graph/implementation-support"]
        assert shipped["license"] == "https://creativecommons.org/licenses/by/4.0/"
        assert "not endorsed" in shipped["rights"]
        # Only lists of what both frameworks have draw from both.
        both = path in ("frameworks", "competencies", "roles")
        assert (_SECOND_GRAPH in found) == both, path
    (second,) = _get(two, "frameworks/second")["attribution"]
    assert second["license"] == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert (second["label"], second["rights"]) == ("Second framework", "Made up for a test.")


def test_a_name_of_two_frameworks_is_300_until_one_is_chosen(two: Service) -> None:
    reply = two.get("/api/v1/roles/knowledge-broker")
    assert reply.status == 300
    told = reply.json()
    assert told["code"] == "ambiguous"
    choices = told["choices"]
    assert isinstance(choices, list)
    assert [c["label"] for c in choices] == ["Knowledge broker"] * 2
    for choice in choices:
        found = _get(two, "roles/" + quote(choice["id"], safe=""))
        assert found["id"] == choice["id"]
    chosen = _get(two, "roles/knowledge-broker?framework=second")
    assert chosen["id"] == _SECOND + "/role/knowledge-broker"
    assert _get(two, "roles/knowledge-broker/profile?framework=implementation-support")["total"]
    assert two.get("/api/v1/roles/knowledge-broker?framework=third").status == 404


def test_lists_narrow_by_framework_and_class(two: Service) -> None:
    whole = _get(two, "competencies")["total"]
    second = _get(two, "competencies?framework=second")
    assert _ids(second["items"]) == ["middle", _URN, "top"], "sorted as they are called"
    assert _get(two, "competencies?framework=implementation-support")["total"] == whole - 3
    assert _get(two, "competencies?type=Competency")["total"] == whole
    assert _get(two, "competencies?type=Role")["total"] == 0


def test_deprecated_things_are_left_out_and_name_their_successor(two: Service) -> None:
    assert "old" not in _ids(_get(two, "competencies?limit=1000")["items"])
    (listed,) = _get(two, "competencies?status=deprecated")["items"]
    found = _get(two, "competencies/old")
    for told in (listed, found):
        assert (told["status"], told["deprecated"]) == ("deprecated", True)
        assert [(r["id"], r["label"]) for r in told["isReplacedBy"]] == [
            (_SECOND + "/competency/middle", "Ask")
        ]
    top = _get(two, "competencies/top")
    assert _ids(top["narrower"]) == ["middle"]
    (branch,) = _get(two, "frameworks/second/tree")["children"]
    assert _ids(branch["children"]) == ["middle"]
    # Where somebody still refers to it, the reference says so.
    (related,) = _get(two, "competencies/" + quote(_URN, safe=""))["related"]
    assert related["deprecated"] is True
    assert _ids(related["isReplacedBy"]) == ["middle"]


def test_a_deprecated_requirement_counts_for_nothing(two: Service) -> None:
    told = _get(two, "roles/knowledge-broker/profile?framework=second")
    assert _ids(told["profile"]) == ["standing"]
    assert _get(two, "competencies/top")["roles"] == []
    assert _get(two, "competencies/top")["requirements"] == []
    assert _ids(_get(two, "competencies/middle")["roles"]) == ["knowledge-broker"]
    needed = _get(two, f"competencies?role={quote(_SECOND, safe='')}%2Frole%2Fknowledge-broker")
    assert _ids(needed["items"]) == ["middle"]
    assert "top" not in _ids(_get(two, "competencies?level=5-expert")["items"])


def test_an_iri_of_any_scheme_is_found_with_its_place_in_the_tree(two: Service) -> None:
    told = _get(two, "competencies/" + quote(_URN, safe="") + "?lang=de-AT")
    assert (told["id"], told["label"]) == (_URN, "Nachfragen")
    assert [a["label"] for a in told["ancestors"]] == ["Listen", "Ask"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("competencies?colour=red", "does not know “colour”"),
        ("roles?role=isp", "does not know “role”"),
        ("frameworks/implementation-support?framework=x", "does not know “framework”"),
        ("roles/isp?limit=3", "It knows: lang, revision, framework."),
        ("roles/isp?version=1", "does not know “version”"),
        ("roles/isp?version=1.0", "does not know “version”"),
        ("roles?limit=2&limit=3", "Give “limit” once."),
        ("roles?limit=1001", "limit"),
        ("roles?status=draft", "status"),
        ("roles?lang=de!", "language tag such as de"),
        ("competencies?type=Competence", "There is no class “Competence”"),
        ("competencies?cursor=x", "Start again without it."),
    ],
)
def test_a_wrong_parameter_is_refused_in_words(service: Service, path: str, said: str) -> None:
    reply = service.get("/api/v1/" + path)
    assert reply.status == 400
    assert said in str(reply.json()["detail"])


@pytest.mark.parametrize(
    "path", ["search?q=x", "suggest", "crosswalks", "gap-analysis", "impact", "resolve", ""]
)
def test_what_is_not_built_yet_is_absent(service: Service, path: str) -> None:
    assert service.get("/api/v1/" + path).status == 404


def test_a_wrong_name_is_told_in_words(service: Service) -> None:
    told = service.get("/api/v1/levels/4").json()
    assert told["detail"] == "There is no proficiency level “4”. GET /api/v1/levels lists them."


def test_the_declaration_has_every_path_with_its_parameters_and_a_page(service: Service) -> None:
    declared = _get(service, "openapi.json")
    for collection in COLLECTIONS:
        for path in (f"/api/v1/{collection}", f"/api/v1/{collection}/{{reference}}"):
            operation = declared["paths"][path]["get"]
            assert all(p["description"] for p in operation["parameters"])
    listed = declared["paths"]["/api/v1/competencies"]["get"]["parameters"]
    wanted = {
        "framework",
        "role",
        "type",
        "level",
        "outcome",
        "status",
        "lang",
        "limit",
        "cursor",
        "revision",
    }
    assert {p["name"] for p in listed} == wanted
    named = [path["get"]["operationId"] for path in declared["paths"].values()]
    assert len(set(named)) == len(named)
    assert {"competencies_items", "competencies_item", "roles_profile"} <= set(named)
    page = service.get("/api/v1/docs", Accept="text/html")
    assert page.status == 200
    assert b"GET /api/v1/competencies/{reference}" in page.body
    assert "ETag" in page.headers


def test_json_is_negotiated(service: Service) -> None:
    plain = service.get("/api/v1/roles/isp")
    linked = service.get("/api/v1/roles/isp", Accept="application/ld+json")
    assert plain.headers["Content-Type"] == "application/json"
    assert linked.headers["Content-Type"] == "application/ld+json"
    assert plain.body == linked.body
    assert service.get("/api/v1/roles/isp", Accept="text/turtle").status == 406
    assert service.get("/api/v1/context.jsonld", Accept="text/turtle").status == 406

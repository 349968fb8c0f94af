"""Where reading needs a token (`PUBLIC_READ`), nothing of the data is told without one."""

import urllib.parse
from collections.abc import Iterator

import pytest
from conftest import Reply, Service, start_service
from page_addresses import BROWSER
from plain_browser import Browser

_ROLE = "/id/implementation-support/role/knowledge-broker"
PATHS = [
    "/",
    _ROLE,
    "/id?iri=urn:x",
    "/ns",
    "/ontology/role",
    "/shapes",
    "/graph/implementation-support",
    "/graphs",
    "/graphs?default",
    "/sparql?query=ASK%7B%7D",
    "/api/v1/roles",
    "/api/v1/context.jsonld",
    "/api/v1/openapi.json",
    "/changes",
    "/changes/1",
    "/validate",
    "/docs/query",
    "/docs/errors",
    "/jobs/1",
    "/nothing-here",
    "/id/implementation-support?revision=1",
]


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(tmp_path_factory.mktemp("private"), public_read="false", workers="1")
    yield service
    assert service.stop() == 0


@pytest.fixture(scope="module")
def token(private: Service) -> str:
    return private.token("reader")


def refused(reply: Reply) -> bool:
    return (
        reply.status == 401
        and reply.headers["WWW-Authenticate"] == "Bearer"
        and reply.headers["Cache-Control"] == "no-store"
    )


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_read_without_a_token(private: Service, path: str) -> None:
    assert refused(private.get(path))
    assert private.send("HEAD", path, None).status == 401


def test_a_token_that_does_not_count_is_none(private: Service) -> None:
    assert refused(private.get("/api/v1/roles", Authorization="Bearer cg_1_00"))
    assert refused(private.get("/ns", Cookie="competency_graph_token=cg_1_00"))


def test_no_method_tells_more(private: Service) -> None:
    graph = "/graphs?" + urllib.parse.urlencode(
        {"graph": "https://w3id.org/competency-graph/graph/ontology"}
    )
    for method, path in (
        ("PUT", graph),
        ("POST", graph),
        ("DELETE", graph),
        ("PATCH", graph),
        ("POST", "/sparql"),
        ("POST", "/validate"),
        ("POST", "/changes/1/revert"),
    ):
        reply = private.send(method, path, b"", If_Match='"x"', Content_Type="text/turtle")
        assert refused(reply), (method, path, reply.status)
    options = private.send("OPTIONS", "/sparql", None)
    assert (options.status, options.body) == (200, b"")


def test_a_reader_reads_and_no_cache_tells_others(private: Service, token: str) -> None:
    for path in (_ROLE, "/api/v1/roles", "/graphs?default", "/ns", f"{_ROLE}?revision=1"):
        asked = {"Accept": "application/json, text/turtle", "Authorization": f"Bearer {token}"}
        reply = private.send("GET", path, None, headers=asked)
        assert reply.status == 200, reply.body
        assert reply.headers["Cache-Control"].startswith("private, ")
        known = asked | {"If-None-Match": reply.headers["ETag"]}
        again = private.send("GET", path, None, headers=known)
        assert again.status == 304
        # Neither the service's own cache nor what others were told answers anybody else.
        assert refused(private.get(path, Accept=asked["Accept"]))
        assert refused(private.get(path, If_None_Match=reply.headers["ETag"]))
        assert refused(private.get(path, If_None_Match="*"))


def test_who_asks_whether_it_lives_needs_none(private: Service) -> None:
    assert private.get("/healthz").status == private.get("/readyz").status == 200
    assert private.get("/static/style.css").status == 200


def test_a_browser_is_led_to_the_sign_in_and_back(private: Service, token: str) -> None:
    browser = Browser(private)
    led = browser.ask("GET", f"{_ROLE}?lang=de")
    assert led.status == 303
    place = led.headers["Location"]
    assert place.startswith("/sign-in?") and led.headers["Cache-Control"] == "no-store"
    assert browser.ask("GET", place).status == 200
    back = urllib.parse.parse_qs(urllib.parse.urlsplit(place).query)["back"][0]
    assert back == f"{_ROLE}?lang=de"
    signed_in = browser.sign_in(token, back)
    assert (signed_in.status, signed_in.headers["Location"]) == (303, back)
    page = browser.ask("GET", back)
    assert (page.status, page.headers["Cache-Control"]) == (200, "private, no-store")
    data = browser.ask("GET", _ROLE, Accept="text/turtle")
    assert (data.status, data.headers["Cache-Control"]) == (200, "private, no-store")
    assert browser.ask("GET", "/", Accept=BROWSER).status == 200
    other = Browser(private, {"competency_graph_token": "cg_9_0"})
    assert other.ask("GET", back).status == 303
    assert browser.ask("POST", "/sign-out", {"key": browser.key("/", "/sign-out")}).status == 303
    assert browser.ask("GET", back).status == 303

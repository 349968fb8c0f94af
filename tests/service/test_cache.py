"""The cache gives the same answer again, for one revision only, and never grows without bound."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest
from competency_graph.web.cache import Cache
from conftest import Reply, Service, start_service


class _Counting:
    """A WSGI application that counts how often it was asked."""

    def __init__(self, size: int = 10, **more: str) -> None:
        self.asked = 0
        self.revision = 1
        self._size = size
        self._more = [(name.replace("_", "-"), value) for name, value in more.items()]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.asked += 1
        headers = [("Content-Length", str(self._size)), ("Revision", str(self.revision))]
        start_response("200 OK", headers + self._more)
        return [b"x" * self._size]


def _cache(app: _Counting) -> Cache:
    return Cache(app, lambda: app.revision, lambda _: [])


def _get(cache: Cache, path: str, **more: str) -> bytes:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, **more}
    return b"".join(cache(environ, lambda *_: None))


def test_the_second_time_nobody_is_asked_until_the_revision_moves() -> None:
    app = _Counting()
    cache = _cache(app)
    assert _get(cache, "/api/v1/roles") == _get(cache, "/api/v1/roles")
    assert app.asked == 1
    _get(cache, "/api/v1/roles", HTTP_ACCEPT_LANGUAGE="de")
    assert app.asked == 2
    app.revision = 2
    _get(cache, "/api/v1/roles")
    assert app.asked == 3


def test_states_and_forms_are_asked_anew() -> None:
    app = _Counting()
    cache = _cache(app)
    for path in ("/sparql", "/readyz", "/graphs", "/changes", "/sign-in"):
        _get(cache, path)
        _get(cache, path)
    assert app.asked == 10


def test_a_browser_that_is_signed_in_passes_by_it() -> None:
    app = _Counting()
    cache = _cache(app)
    cookie = "a=b; competency_graph_token=cg_1_0"
    _get(cache, "/ns", HTTP_COOKIE=cookie)
    _get(cache, "/ns")
    _get(cache, "/ns", HTTP_COOKIE=cookie)
    _get(cache, "/ns", HTTP_COOKIE="a=b")
    assert app.asked == 3


def test_it_forgets_the_oldest_before_it_grows_too_large() -> None:
    app = _Counting(size=250_000)
    cache = _cache(app)
    for number in range(200):
        _get(cache, f"/id/{number}")
    _get(cache, "/id/199")
    assert app.asked == 200
    _get(cache, "/id/0")
    assert app.asked == 201


def test_what_the_client_wrote_counts_towards_its_size() -> None:
    app = _Counting(size=10)
    cache = _cache(app)
    for number in range(200):
        _get(cache, f"/id/{number}", HTTP_ACCEPT="*/*," + "a" * 250_000)
    _get(cache, "/id/0", HTTP_ACCEPT="*/*," + "a" * 250_000)
    assert app.asked == 201


def test_a_cached_answer_is_the_same_over_http(service: Service) -> None:
    path = "/api/v1/competencies/ce-brokering?lang=fr"
    first, second = service.get(path), service.get(path)
    assert first.body == second.body
    assert first.headers["ETag"] == second.headers["ETag"]
    assert service.get(path, If_None_Match=first.headers["ETag"]).status == 304


def test_a_query_with_a_token_and_the_page_for_people_are_asked_anew() -> None:
    app = _Counting(Content_Type="text/html")
    cache = _cache(app)
    for _ in range(2):
        _get(cache, "/sparql", QUERY_STRING="query=ASK{}")
    assert app.asked == 2
    app = _Counting()
    cache = _cache(app)
    for _ in range(2):
        _get(cache, "/sparql", QUERY_STRING="query=ASK{}", HTTP_AUTHORIZATION="Bearer cg_1_0")
    assert app.asked == 2


def test_what_must_not_be_stored_is_asked_anew() -> None:
    app = _Counting(Cache_Control="no-store")
    cache = _cache(app)
    for _ in range(2):
        _get(cache, "/sparql", QUERY_STRING="query=ASK{}")
        _get(cache, "/ns")
    assert app.asked == 4


def test_a_query_from_the_cache_is_counted_and_refused_by_who_refuses() -> None:
    app = _Counting(RateLimit="9 left")
    left = ["8", "7", None]

    def admit(_: Mapping[str, Any]) -> list[tuple[str, str]] | None:
        now = left.pop(0)
        return None if now is None else [("RateLimit", f"{now} left")]

    cache = Cache(app, lambda: app.revision, admit)
    told: list[list[str]] = []

    def started(_: str, headers: list[tuple[str, str]]) -> None:
        told.append([value for name, value in headers if name == "RateLimit"])

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/sparql", "QUERY_STRING": "query=ASK{}"}
    for _ in range(4):
        cache(environ, started)
    assert told == [["9 left"], ["8 left"], ["7 left"], ["9 left"]]
    assert app.asked == 2


def test_queries_push_nothing_else_out() -> None:
    app = _Counting(size=250_000)
    cache = _cache(app)
    _get(cache, "/ns")
    for number in range(200):
        _get(cache, "/sparql", QUERY_STRING=f"query={number}")
    _get(cache, "/ns")
    assert app.asked == 201
    _get(cache, "/sparql", QUERY_STRING="query=0")
    assert app.asked == 202


_ASKED = 12


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that has one web process, and lets a client send few queries a minute."""
    running = start_service(
        tmp_path_factory.mktemp("counting"), workers="1", rate_limit=f"{_ASKED}/min"
    )
    yield running
    assert running.stop() == 0


def _query(service: Service, text: str) -> Reply:
    return service.get(f"/sparql?query={quote(text)}", Accept="text/csv, */*;q=0.1")


def test_a_query_asked_again_is_the_same_until_an_edit_and_chance_is_not_kept(
    counting: Service,
) -> None:
    token = counting.token("maintainer")
    graph = "https://w3id.org/competency-graph/graph/made-for-a-test"
    text = f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}"
    counts = []
    for number in range(3):
        # By the second answer the first is held.
        replies = [_query(counting, text) for _ in range(2)]
        assert replies[0].body == replies[1].body
        assert replies[0].headers["Revision"] == replies[1].headers["Revision"]
        counts.append(int(replies[1].body.split()[1]))
        changed = counting.send(
            "POST",
            "/sparql?message=Counting",
            f'INSERT DATA {{ GRAPH <{graph}> {{ <urn:x:{number}> <urn:p> "{number}" }} }}'.encode(),
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/sparql-update",
            },
        )
        assert changed.status < 300, changed.body
    assert counts == [0, 1, 2]
    for function in ("STRUUID()", "rand #\n ()"):
        first, second = (_query(counting, f"SELECT ({function} AS ?x) {{}}") for _ in range(2))
        assert first.status == second.status == 200, first.body
        assert first.body != second.body
        assert first.headers["Cache-Control"] == "no-store"


def test_queries_from_the_cache_are_queries_of_their_client(counting: Service) -> None:
    told = [_query(counting, "ASK {}") for _ in range(_ASKED + 2)]
    statuses = [reply.status for reply in told]
    assert statuses[0] == 200 or int(told[0].headers["Retry-After"]) > 0
    # The minute may end between two of them; it does not between all.
    assert 429 in statuses
    refused = told[statuses.index(429)]
    assert refused.json()["limit"] == "requests"
    left = [
        int(re.search(r"r=(\d+)", reply.headers["RateLimit"])[1])  # type: ignore[index]
        for reply in told[: statuses.index(429)]
    ]
    assert left == sorted(set(left), reverse=True)

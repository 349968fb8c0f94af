"""The cache gives the same answer again, for one revision only, and never grows without bound."""

from collections.abc import Iterable
from typing import Any

from competency_graph.web.cache import Cache
from conftest import Service


class _Counting:
    """A WSGI application that counts how often it was asked."""

    def __init__(self, size: int = 10) -> None:
        self.asked = 0
        self.revision = 1
        self._size = size

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.asked += 1
        headers = [("Content-Length", str(self._size)), ("Revision", str(self.revision))]
        start_response("200 OK", headers)
        return [b"x" * self._size]


def _get(cache: Cache, path: str, **more: str) -> bytes:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, **more}
    return b"".join(cache(environ, lambda *_: None))


def test_the_second_time_nobody_is_asked_until_the_revision_moves() -> None:
    app = _Counting()
    cache = Cache(app, lambda: app.revision)
    assert _get(cache, "/api/v1/roles") == _get(cache, "/api/v1/roles")
    assert app.asked == 1
    _get(cache, "/api/v1/roles", HTTP_ACCEPT_LANGUAGE="de")
    assert app.asked == 2
    app.revision = 2
    _get(cache, "/api/v1/roles")
    assert app.asked == 3


def test_queries_and_states_are_asked_anew() -> None:
    app = _Counting()
    cache = Cache(app, lambda: app.revision)
    for path in ("/sparql", "/readyz", "/graphs", "/changes", "/sign-in"):
        _get(cache, path)
        _get(cache, path)
    assert app.asked == 10


def test_a_browser_that_is_signed_in_passes_by_it() -> None:
    app = _Counting()
    cache = Cache(app, lambda: app.revision)
    cookie = "a=b; competency_graph_token=cg_1_0"
    _get(cache, "/ns", HTTP_COOKIE=cookie)
    _get(cache, "/ns")
    _get(cache, "/ns", HTTP_COOKIE=cookie)
    _get(cache, "/ns", HTTP_COOKIE="a=b")
    assert app.asked == 3


def test_it_forgets_the_oldest_before_it_grows_too_large() -> None:
    app = _Counting(size=250_000)
    cache = Cache(app, lambda: app.revision)
    for number in range(200):
        _get(cache, f"/id/{number}")
    _get(cache, "/id/199")
    assert app.asked == 200
    _get(cache, "/id/0")
    assert app.asked == 201


def test_what_the_client_wrote_counts_towards_its_size() -> None:
    app = _Counting(size=10)
    cache = Cache(app, lambda: app.revision)
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

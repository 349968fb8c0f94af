"""What one client may ask for is told before, counted while it runs, and more with a token."""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import Reply, Service, start_service
from test_hanging_up import ENDLESS

_ROWS = "SELECT * { ?s ?p ?o } LIMIT 101"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = start_service(
        tmp_path_factory.mktemp("shared"),
        workers="2",
        readers="2",
        query_timeout="2",
        query_rows="100",
        client_queries="2",
        token_factor="3",
        rate_limit="1000",
        kill_limit="off",
    )
    yield running
    assert running.stop() == 0


def _post(service: Service, text: str, more: str = "", **headers: str) -> Reply:
    headers["Content-Type"] = "application/sparql-query"
    return service.send("POST", "/sparql" + more, text.encode(), 60, headers)


@contextmanager
def _running(service: Service, count: int, **headers: str) -> Iterator[list[Reply]]:
    """Have queries run that do not end by themselves; the list is filled when they have."""
    replies: list[Reply] = []
    threads = [
        threading.Thread(target=lambda: replies.append(_post(service, ENDLESS, **headers)))
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    yield replies
    for thread in threads:
        thread.join()


def test_a_client_may_ask_for_less_time(shared: Service) -> None:
    for asked, seconds in (("500 ms", 0.5), ("1", 1.0)):
        began = time.monotonic()
        told = _post(shared, ENDLESS, f"?timeout={asked.replace(' ', '%20')}").json()
        assert seconds <= time.monotonic() - began < seconds + 1
        assert (told["limit"], told["value"]) == ("time", seconds)
        assert "(timeout=)" in str(told["detail"])


@pytest.mark.parametrize(
    ("asked", "said"), [("3", "at most 2 s"), ("soon", "Give a time"), ("0", "Give a time")]
)
def test_more_time_than_there_is_is_refused_with_the_most(
    shared: Service, asked: str, said: str
) -> None:
    reply = _post(shared, "ASK {}", f"?timeout={asked}")
    assert (reply.status, reply.json()["code"]) == (400, "bad-request")
    assert said in str(reply.json()["detail"])


@pytest.mark.parametrize(
    "accept",
    [
        "application/sparql-results+json",
        "application/sparql-results+xml",
        "text/csv",
        "text/tab-separated-values",
    ],
)
def test_one_row_too_many_is_an_error_in_every_format(shared: Service, accept: str) -> None:
    assert _post(shared, _ROWS.replace("101", "100"), Accept=accept).status == 200
    reply = _post(shared, _ROWS, Accept=accept)
    assert (reply.status, reply.json()["limit"], reply.json()["value"]) == (503, "rows", 100)
    assert int(reply.headers["Retry-After"]) > 0


def test_a_client_runs_no_more_at_once_than_it_may_and_others_do(shared: Service) -> None:
    with _running(shared, 2) as replies:
        refused = _post(shared, "ASK {}")
        assert (refused.status, refused.json()["limit"]) == (429, "at-once")
        assert refused.json()["value"] == 2
        assert int(refused.headers["Retry-After"]) > 0
        # With a token one is another client.
        token = shared.token("reader")
        # It need not be answered soon, since both readers are at work.
        reply = _post(shared, "ASK {}", Authorization=f"Bearer {token}")
        assert reply.status == 200
    assert [reply.status for reply in replies] == [503, 503]
    assert _post(shared, "ASK {}").status == 200


def test_a_web_process_that_is_killed_takes_what_it_ran_along(shared: Service) -> None:
    gone: list[Exception] = []

    def ask() -> None:
        try:
            _post(shared, ENDLESS)
        except OSError as error:
            gone.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    assert _post(shared, "ASK {}").status == 429
    # The first is gunicorn's own, which starts the others.
    for worker in shared.processes("competency_graph.web")[1:]:
        os.kill(worker, signal.SIGKILL)
    for thread in threads:
        thread.join()
    assert len(gone) == 2
    deadline = time.monotonic() + 20
    while (reply := _post(shared, "ASK {}")).status != 200 and time.monotonic() < deadline:
        assert reply.json()["limit"] == "at-once"
        time.sleep(0.05)
    # Long before the queries would have ended by themselves.
    assert reply.status == 200


def test_the_limits_are_told_and_more_of_them_with_a_token(shared: Service) -> None:
    reply = _post(shared, "ASK {}")
    assert reply.headers["Query-Limits"] == (
        "time=2, memory=512000000, rows=100, bytes=256000000, length=64000, at-once=2"
    )
    assert reply.headers["RateLimit-Policy"] == '"queries";q=1000;w=60'
    left, seconds = re.findall(r"[rt]=(\d+)", reply.headers["RateLimit"])
    assert 900 < int(left) < 1000 and 0 < int(seconds) <= 60
    token = shared.token("reader")
    reply = _post(shared, "ASK {}", "?timeout=6", Authorization=f"Bearer {token}")
    assert reply.headers["Query-Limits"].startswith("time=6,")
    assert reply.headers["Query-Limits"].endswith("at-once=6")
    assert reply.headers["RateLimit-Policy"] == '"queries";q=3000;w=60'
    assert "r=2999;" in reply.headers["RateLimit"]


def test_a_token_that_does_not_count_is_refused(shared: Service) -> None:
    reply = _post(shared, "ASK {}", Authorization="Bearer cg_1_" + "0" * 64)
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Bearer")

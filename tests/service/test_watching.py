"""Operators see what the service does, and nothing of what was asked or by whom."""

import os
import re
import signal
import time
from collections.abc import Iterator
from hashlib import blake2b

import pytest
from conftest import Service, start_service
from test_hanging_up import ENDLESS


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = start_service(
        tmp_path_factory.mktemp("watched"),
        workers="2",
        query_timeout="500 ms",
        slow_query="1 ms",
        kill_limit="off",
        validation="off",
    )
    yield running
    if running.process.poll() is None:
        assert running.stop() == 0


def _figures(service: Service, **headers: str) -> dict[str, float]:
    reply = service.send("GET", "/metrics", None, 30, headers)
    assert reply.status == 200, reply.body
    assert reply.headers["Content-Type"].startswith("text/plain; version=")
    found = re.findall(r"^competency_graph_(\S+) ([0-9.e+]+)$", reply.body.decode(), re.MULTILINE)
    return {name: float(number) for name, number in found}


def test_what_is_done_is_counted_over_all_processes(watched: Service) -> None:
    before = _figures(watched)
    for _ in range(20):
        assert watched.query("ASK {}").status == 200
    assert watched.query(ENDLESS).status == 503
    assert watched.get("/nowhere").status == 404
    token = watched.token("editor")
    for text in ("INSERT DATA { GRAPH <urn:x> { <urn:a> <urn:b> 1 } }", "INSERT DATA {"):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sparql-update"}
        watched.send("POST", "/sparql", text.encode(), 30, headers)
    after = _figures(watched)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown('http_requests_total{group="sparql",status="200"}') == 21
    assert grown('http_requests_total{group="sparql",status="503"}') == 1
    assert grown('http_requests_total{group="other",status="404"}') == 1
    assert grown("query_seconds_count") == 20
    assert grown('query_seconds_bucket{le="+Inf"}') == 20
    assert 0 < grown("query_seconds_sum") < 20
    assert grown('query_refusals_total{limit="time"}') == 1
    assert grown('reader_ends_total{cause="time"}') == 1
    assert grown('writes_total{outcome="recorded"}') == 1
    assert after["revision"] == after["log_head"] == before["revision"] + 1
    assert after["readers"] >= 8
    assert after["gate_up"] == 1
    assert after["queries_running"] == 0
    assert after['jobs{state="running"}'] == 0


def test_totals_outlive_a_process_that_is_killed(watched: Service) -> None:
    name = 'http_requests_total{group="sparql",status="200"}'
    assert watched.query("ASK {}").status == 200
    before = _figures(watched)[name]
    for worker in watched.processes("competency_graph.web")[1:]:
        os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            after = _figures(watched)[name]
            break
        except OSError:
            time.sleep(0.1)
    assert after == before


def test_figures_are_for_this_machine_and_for_holders_of_a_token(watched: Service) -> None:
    refused = watched.get("/metrics", X_Forwarded_For="192.0.2.1")
    assert refused.status == 401
    assert b"competency_graph_" not in refused.body
    token = watched.token("reader")
    assert _figures(watched, Authorization=f"Bearer {token}", **{"X-Forwarded-For": "192.0.2.1"})


def test_readyz_says_what_operators_want_to_be_sure_of(watched: Service) -> None:
    told = watched.get("/readyz").json()
    assert told == {
        "status": "ready",
        "revision": told["revision"],
        "behind": 0,
        "sealed": True,
        "validation": "off",
    }


def test_slow_and_refused_queries_are_logged_without_what_they_say(watched: Service) -> None:
    secret = "SELECT ('a secret' AS ?x) { ?s ?p ?o } LIMIT 5000"
    assert watched.query(secret).status == 200
    assert watched.query(ENDLESS).status == 503
    watched.process.send_signal(signal.SIGTERM)
    assert watched.process.stderr is not None
    said = watched.process.stderr.read()
    watched.ended()

    def lines(text: str) -> list[str]:
        name = blake2b(text.encode(), digest_size=8).hexdigest()
        return [line for line in said.splitlines() if f"query={name} " in line]

    (slow,) = lines(secret)
    assert re.search(r" limit=slow seconds=0\.\d{3} rows=5000 bytes=\d{6} revision=\d+$", slow)
    refused = lines(ENDLESS)
    assert re.search(r" limit=time seconds=0\.5\d\d rows=- bytes=0 revision=\d+$", refused[-1])
    assert "secret" not in said and "VALUES" not in said and "127.0.0.1" not in said

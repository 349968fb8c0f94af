"""Hostile queries end at a limit that the answer names; nobody else notices, nothing is left."""

import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import storm
from conftest import Service, start_service

_VALUES = " ".join(str(number) for number in range(400))

# One of a kind; the others are sent in the storm.
HOSTILE = (
    "cross product",
    "giant ORDER BY",
    "string doubling",
    "deep SPARQL",
    "9,000 additions",
    "path of 9,000 steps",
)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = start_service(
        tmp_path_factory.mktemp("limited"),
        kill_limit="off",
        query_timeout="2",
        query_memory="256 MB",
    )
    # Some kinds of readers are forked only once the graph is served.
    seen: list[int] = []
    while len(seen) < 10 or len(set(seen[-10:])) > 1:
        seen.append(len(running.processes("keeping")))
        time.sleep(0.2)
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("name", HOSTILE)
def test_it_ends_at_the_limit_and_says_which(limited: Service, name: str) -> None:
    text, endings = storm.QUERIES[name]
    readers = len(limited.readers())
    began = time.monotonic()
    reply = limited.query(text)
    took = time.monotonic() - began
    assert f"{reply.status} {reply.json()['limit']}" in endings, reply.body[:300]
    assert reply.status == 400 or "Retry-After" in reply.headers
    # The bound on the wall clock is the limit itself with room for a busy machine.
    assert took < 2 + 3
    assert limited.query("ASK {}").status == 200
    time.sleep(0.2)
    assert len(limited.readers()) == readers
    assert not list(limited.folder.glob("core*"))


def test_a_refusal_says_how_far_the_query_got(limited: Service) -> None:
    cells = f"VALUES ?a {{ {_VALUES} }} VALUES ?b {{ {_VALUES} }} VALUES ?c {{ {_VALUES} }}"

    def refused(text: str) -> tuple[dict[str, Any], str]:
        path = "/sparql?timeout=500ms"
        body = urllib.parse.urlencode({"query": text}).encode()
        told = limited.send("POST", path, body).json()
        assert told["limit"] == "time", told
        return cast(dict[str, Any], told["got"]), str(told["detail"])

    # One answer is written as it is worked out, the other not before its end.
    got, detail = refused(f"SELECT ?a ?b (SHA512(STR(?c)) AS ?x) {{ {cells} }}")
    assert got["rows"] > 1_000 and got["bytes"] > 100 * got["rows"]
    assert f"{got['rows']:,} rows ({got['bytes']:,} bytes) of its answer" in detail
    got, detail = refused(storm.QUERIES["cross product"][0])
    assert got == {"bytes": 0, "rows": None, "seconds": pytest.approx(0.5, abs=0.4)}
    assert "nothing of its answer had been written" in detail


def test_a_client_that_keeps_doing_it_is_asked_to_wait_for_queries_only(tmp_path: Path) -> None:
    running = start_service(tmp_path, query_timeout="300 ms", kill_limit="2")
    try:
        text = storm.QUERIES["cross product"][0]
        assert [running.query(text).status for _ in range(3)] == [503, 503, 429]
        refused = running.query("ASK {}")
        assert refused.json()["code"] == "too-many-requests"
        assert int(refused.headers["Retry-After"]) > 0
        assert running.get("/graphs").status == 200
    finally:
        running.stop()


def test_an_answer_that_is_too_large_is_refused_whole(tmp_path: Path) -> None:
    running = start_service(tmp_path, query_bytes="300 kB", kill_limit="1")
    try:
        for _ in range(2):
            reply = running.query("SELECT * { ?a ?b ?c . ?s ?p ?o } LIMIT 50000")
            assert reply.status == 503, reply.body[:200]
            assert reply.json()["limit"] == "bytes"
        assert running.query("SELECT * { ?s ?p ?o } LIMIT 100").status == 200
    finally:
        running.stop()

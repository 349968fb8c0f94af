"""A client that goes away while its query runs gives its reader back at once."""

import socket
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from conftest import Service, start_service

# How many take the places of readers that are long at a query.
ASIDE = 4
_NUMBERS = " ".join(str(number) for number in range(200))
# Takes minutes where nobody stops it.
ENDLESS = "SELECT (COUNT(*) AS ?n) { " + " ".join(
    f"VALUES ?{name} {{ {_NUMBERS} }}" for name in "abcdefg"
)
ENDLESS += " }"


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = start_service(
        tmp_path_factory.mktemp("single"),
        readers="1",
        workers="2",
        query_timeout="10",
        client_queries="off",
    )
    yield running
    assert running.stop() == 0


def begin(service: Service, more: bytes = b"", timeout: int = 10) -> socket.socket:
    """Send a query that does not end, wait until it runs, and return the connection."""
    host, port = service.url.removeprefix("http://").split(":")
    client = socket.create_connection((host, int(port)))
    body = urllib.parse.urlencode({"query": ENDLESS}).encode()
    head = (
        f"POST /sparql?timeout={timeout} HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Length: {len(body)}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    client.sendall(head.encode() + body + more)
    time.sleep(0.5)
    return client


def _quickest(service: Service) -> float:
    began = time.monotonic()
    assert service.query("ASK { ?s ?p ?o }").status == 200
    return time.monotonic() - began


def test_the_only_reader_is_free_within_half_a_second(single: Service) -> None:
    # More often than others may take its place meanwhile.
    for _ in range(6):
        begin(single).close()
        assert _quickest(single) < 0.5


def test_whoever_sends_the_next_request_meanwhile_has_not_left(single: Service) -> None:
    with begin(single, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", timeout=2) as client:
        client.settimeout(20)
        began = time.monotonic()
        assert client.recv(12) == b"HTTP/1.1 503"
        # Its own time limit ended it, and nothing before.
        assert time.monotonic() - began > 1


def test_a_pipelined_request_does_not_hide_that_the_client_left(single: Service) -> None:
    begin(single, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").close()
    assert _quickest(single) < 0.5


def test_those_who_left_while_they_waited_cost_no_reader(single: Service) -> None:
    with ExitStack() as stack:
        # The reader, and those that take its place while it is long at a query.
        for _ in range(1 + ASIDE):
            first = stack.enter_context(begin(single))
        before = single.readers()
        for waiting in [begin(single), begin(single)]:
            waiting.close()
        time.sleep(0.3)
        assert single.processes("keeping") == before
        first.close()
        assert _quickest(single) < 0.5

"""Clients that connect and say nothing, or half, keep nobody from being answered."""

import json
import re
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import gevent.socket
import pytest
from competency_graph.errors import TooSlow
from competency_graph.web.connections import CONNECTIONS, OF_ONE_CLIENT, PacedBody
from conftest import Service, start_service

_HALF = b"GET /api/v1/competencies HTTP/1.1\r\nHost: x\r\nAccept: app"
_HALF_A_BODY = (
    b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
    b"Content-Length: 1000\r\n\r\nSELECT"
)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = start_service(tmp_path_factory.mktemp("busy"), workers="1")
    yield running
    assert running.stop() == 0


def _connect(service: Service, stack: ExitStack, source: str = "127.0.0.1") -> socket.socket:
    host, port = service.url.removeprefix("http://").split(":")
    client = socket.create_connection((host, int(port)), 20, (source, 0))
    return stack.enter_context(client)


def _longest_look_up(service: Service) -> float:
    longest = 0.0
    for _ in range(50):
        began = time.monotonic()
        assert service.get("/api/v1/competencies?limit=1").status == 200
        longest = max(longest, time.monotonic() - began)
    return longest


def test_two_hundred_half_open_connections_stop_nobody(busy: Service) -> None:
    with ExitStack() as stack:
        idle = [_connect(busy, stack) for _ in range(200)]
        for place, client in enumerate(idle):
            client.sendall((b"", _HALF, _HALF_A_BODY)[place % 3])
        # Far from a measure of speed: a process that was held would wait for minutes.
        assert _longest_look_up(busy) < 2
        # The head of a request may take 15 s. Who said nothing was not asked to say it again.
        for client in idle[:2]:
            client.settimeout(20)
        assert idle[0].recv(1) == b""
        _assert_problem(_whole(idle[1]), 408, "too-slow")


def test_one_client_cannot_take_all_connections(busy: Service) -> None:
    with ExitStack() as stack:
        taken = [_connect(busy, stack, "127.0.0.2") for _ in range(OF_ONE_CLIENT)]
        time.sleep(0.5)
        assert _connect(busy, stack, "127.0.0.2").recv(12) == b"HTTP/1.1 429"
        assert _longest_look_up(busy) < 2
        for client in taken[:10]:
            client.close()
        time.sleep(0.5)
        again = _connect(busy, stack, "127.0.0.2")
        again.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert again.recv(12) == b"HTTP/1.1 200"


def test_many_clients_together_cannot_either(busy: Service) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    try:
        with ExitStack() as stack:
            for place in range(CONNECTIONS + 300):
                client = _connect(busy, stack, f"127.0.1.{1 + place % 10}")
                client.sendall((b"", _HALF, _HALF_A_BODY)[place % 3])
            # Without room made for them they would wait until the first of those is cut off.
            assert _longest_look_up(busy) < 2
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        ("What is this?", 400, "bad-request"),
        ("GET / HTTP/1.1\r\nHost: x\r\nno colon", 400, "bad-request"),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: many", 400, "bad-request"),
        (f"GET /?{'x' * 9_000} HTTP/1.1\r\nHost: x", 414, "address-too-long"),
        (f"GET / HTTP/1.1\r\nHost: x\r\nX-Long: {'x' * 9_000}", 431, "head-too-large"),
        ("GET / HTTP/1.1" + "\r\nX-Many: x" * 200, 431, "head-too-large"),
    ],
)
def test_what_is_no_request_is_refused_in_the_one_body(
    busy: Service, head: str, status: int, code: str
) -> None:
    with ExitStack() as stack:
        client = _connect(busy, stack)
        client.sendall(f"{head}\r\n\r\n".encode())
        _assert_problem(_whole(client), status, code)


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_who_sends_a_body_that_is_not_wanted_is_told_so_all_the_same(
    busy: Service, connection: str
) -> None:
    size = 50_000_000
    with ExitStack() as stack:
        client = _connect(busy, stack)
        client.sendall(
            f"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: text/turtle\r\n"
            f"Content-Length: {2 * size}\r\nConnection: {connection}\r\n\r\n".encode()
        )
        # To close at once would be a reset, at which many a client forgets what it was told.
        for _ in range(2):
            client.sendall(b"x" * size)
        _assert_problem(_whole(client), 413, "too-large")


def test_a_small_body_that_is_not_wanted_costs_no_connection(busy: Service) -> None:
    with ExitStack() as stack:
        client = _connect(busy, stack)
        for _ in range(2):
            client.sendall(
                b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nsome body"
            )
            head, _, body = _next(client).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 404 ")
            assert json.loads(body)["code"] == "not-found"


def _next(client: socket.socket) -> bytes:
    """One answer of a connection that stays open: its head may come before its body."""
    answer = b""
    while not (
        sized := re.search(rb"(?i)\r\ncontent-length: (\d+)\r\n.*?\r\n\r\n", answer, re.S)
    ) or (len(answer) < sized.end() + int(sized[1])):
        part = client.recv(1 << 16)
        assert part, answer
        answer += part
    return answer


def _whole(client: socket.socket) -> bytes:
    parts = []
    while part := client.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def _assert_problem(answer: bytes, status: int, code: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), answer[:300]
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    told = json.loads(body)
    assert (told["status"], told["code"]) == (status, code)


class _Arriving:
    """A body as it comes out of a connection."""

    def __init__(self, connection: gevent.socket.socket) -> None:
        self._connection = connection

    def read(self, size: int) -> bytes:
        return bytes(self._connection.recv(size))


def _sent(pieces: int, size: int, pause: float) -> bytes:
    """Read a body that is sent in pieces with a pause after each."""
    ours, theirs = gevent.socket.socketpair()

    def send() -> None:
        for _ in range(pieces):
            ours.sendall(b"x" * size)
            gevent.sleep(pause)
        ours.close()

    with ours, theirs:
        sending = gevent.spawn(send)
        try:
            return PacedBody(_Arriving(theirs), seconds=0.3).read() or b""
        finally:
            sending.kill()


def test_a_body_that_trickles_is_refused() -> None:
    with pytest.raises(TooSlow, match="Send it again"):
        _sent(pieces=100, size=10, pause=0.05)


def test_a_body_that_stalls_after_a_quick_beginning_is_refused() -> None:
    began = time.monotonic()
    with pytest.raises(TooSlow):
        _sent(pieces=2, size=100_000, pause=20)
    assert time.monotonic() - began < 2


def test_a_body_at_the_least_pace_arrives_whole() -> None:
    assert len(_sent(pieces=20, size=1_000, pause=0.05)) == 20_000

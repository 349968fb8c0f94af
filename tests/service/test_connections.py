"""Clients that connect and say nothing, or half, keep nobody from being answered."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import gevent.socket
import pytest
from competency_graph.errors import TooSlow
from competency_graph.web.connections import OF_ONE_CLIENT, PacedBody
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
        # The head of a request may take 15 s, and nobody holds a connection with less.
        idle[1].settimeout(20)
        assert idle[1].recv(1) == b""


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

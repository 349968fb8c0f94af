"""Connections of clients: how many one may have, and how long it may take to send. Reads no HTTP.

A client that sends the head of its request slowly is cut off by gunicorn after its `keepalive`.
"""

import io
import time
from collections import Counter
from ipaddress import ip_address, ip_network
from typing import Any, Final

import gevent
from gunicorn.workers.ggevent import GeventWorker

from competency_graph.errors import TooSlow
from competency_graph.model import client_of

CONNECTIONS: Final = 1_000
"""How many a web process has open at a time."""
OF_ONE_CLIENT: Final = 250
"""How many of them may be one client's, unless it is a trusted proxy."""
HEAD_SECONDS: Final = 15
"""How long the head of a request may take, and a connection be idle between two of them."""

# What of a body must come in a second, in bytes.
_LEAST_RATE: Final = 8_000
_TOO_MANY: Final = (
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Length: 0\r\n\r\n"
)


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn carries no types
    """A web process that bounds the connections of each client."""

    trusted: tuple[str, ...] = ()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._open: Counter[str] = Counter()
        self._exempt = [ip_network(network) for network in self.trusted]

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve a connection, or close it where its client has too many."""
        name = client_of(addr[0])
        if self._open[name] >= OF_ONE_CLIENT and not self._is_exempt(addr[0]):
            with gevent.Timeout(1, False):
                client.sendall(_TOO_MANY)
            client.close()
            return
        self._open[name] += 1
        try:
            super().handle(listener, client, addr)
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]

    def _is_exempt(self, address: str) -> bool:
        try:
            return any(ip_address(address) in network for network in self._exempt)
        except ValueError:
            return False


def worker_class(trusted: tuple[str, ...]) -> type[Worker]:
    """Return the class of web processes; connections of trusted proxies are not bounded."""
    return type("BoundedWorker", (Worker,), {"trusted": trusted})


class PacedBody(io.RawIOBase):
    """The body of a request, as ``wsgi.input`` (PEP 3333); it must come at a pace.

    Args:
        body: what the server offers.
        seconds: over which the pace is measured.
    """

    def __init__(self, body: Any, *, seconds: float = 30) -> None:
        self._body = body
        self._seconds = seconds
        self._block = int(_LEAST_RATE * seconds)
        self._got = 0
        self._until = time.monotonic() + seconds

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read some bytes.

        Raises:
            TooSlow: they do not come in time. What is left of the body cannot be read any more.
        """
        with gevent.Timeout(max(self._until - time.monotonic(), 0.001), TooSlow):
            content = self._body.read(min(len(buffer), self._block))
        self._got += len(content)
        if self._got >= self._block:
            self._got, self._until = 0, time.monotonic() + self._seconds
        buffer[: len(content)] = content
        return len(content)

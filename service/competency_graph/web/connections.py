"""Connections of clients: how many one may have, and how long it may take to send.

Reads no HTTP: gunicorn does, and here is what it must not do by itself, such as to answer in HTML.
"""

import _socket
import io
import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import Any, Final

import gevent
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.ggevent import GeventWorker

from competency_graph.errors import (
    AddressTooLong,
    BadRequest,
    CompetencyGraphError,
    HeadTooLarge,
    InternalError,
    TooManyRequests,
    TooSlow,
)
from competency_graph.model import client_of

CONNECTIONS: Final = 1_000
"""How many a web process has open at a time."""
OF_ONE_CLIENT: Final = 250
"""How many of them may be one client's, unless it is a trusted proxy."""
HEAD_SECONDS: Final = 15
"""How long the head of a request may take, and a connection be idle between two of them."""
LONGEST_LINE: Final = 8_190
"""Bytes of the line of a request, and of one of its header fields."""

# From here on whoever has been silent for longest makes room for whoever comes.
_CROWDED: Final = 900
# What of a body must come in a second, in bytes.
_LEAST_RATE: Final = 8_000
# As much of a body that nobody wanted is read, so that the connection can be used again, if it is
# here already.
_REST: Final = 1 << 16
_HERE: Final = 0.01


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn carries no types
    """A web process that bounds what the connections of clients cost it."""

    trusted: tuple[str, ...] = ()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._open: Counter[str] = Counter()
        self._exempt = [ip_network(network) for network in self.trusted]
        # Those of which something is waited for, the longest first.
        self._silent: dict[Any, None] = {}
        # Those that have begun with their first request.
        self._beginning: set[Any] = set()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve a connection, or close it where its client has too many."""
        name = client_of(addr[0])
        if self._open[name] >= OF_ONE_CLIENT and not self._is_exempt(addr[0]):
            _tell(client, _too_many())
            client.close()
            return
        self._open[name] += 1
        self._silent[client] = None
        if self._open.total() > _CROWDED:
            self._make_room()
        here = gevent.getcurrent()
        try:
            if self._speaks(client):
                self._beginning.add(here)
                super().handle(listener, client, addr)
        finally:
            client.close()
            self._beginning.discard(here)
            self._silent.pop(client, None)
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]

    def timeout_ctx(self) -> Any:
        """Return what bounds the time of a head; the first is told of, and no idle connection."""
        slow = TooSlow(
            f"The head of a request must be here within {HEAD_SECONDS} s. Send it again."
        )
        return gevent.Timeout(HEAD_SECONDS, gevent.getcurrent() in self._beginning and slow)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Answer a request whose head is here; its body must come at a pace.

        Raises:
            StopIteration: no other request can follow on this connection.
        """
        self._beginning.discard(gevent.getcurrent())
        self._silent.pop(sock, None)
        lengths = ("CONTENT-LENGTH", "TRANSFER-ENCODING")
        has_body = any(name in lengths for name, _ in req.headers)
        if has_body:
            req.body = PacedBody(req.body, waiting=lambda: self._waiting(sock))
        closing = True
        try:
            super().handle_request(listener_name, req, sock, addr)
            closing = False
        finally:
            self._silent[sock] = None
            # Gunicorn would read the rest without giving anybody else a turn.
            if has_body and not _is_read(req.body):
                _linger(sock)
                closing = True
        if closing:
            raise StopIteration

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what is no request in the one body, and log faults of ours only.

        What strangers send must not fill the disk, nor is it logged who they are.
        """
        error = _refusal(exc)
        if error is None:
            self.log.error("Unhandled error outside the application", exc_info=exc)
            error = InternalError("The fault is recorded. Try again later.")
        _tell(client, _answer(error))
        if not isinstance(error, TooSlow):
            _linger(client)

    @contextmanager
    def _waiting(self, client: Any) -> Iterator[None]:
        self._silent[client] = None
        try:
            yield
        finally:
            self._silent.pop(client, None)

    def _make_room(self) -> None:
        """Let go of the connection of which nothing has come for the longest time."""
        for client in self._silent:
            del self._silent[client]
            # The plain socket, because gevent's raises in whoever reads it; this is a mere end.
            plain = _socket.socket(fileno=client.fileno())
            with suppress(OSError):
                plain.shutdown(socket.SHUT_RD)
            plain.detach()
            return

    def _speaks(self, client: Any) -> bool:
        """Say whether anything comes at all; browsers open connections that they never use."""
        with suppress(OSError), gevent.Timeout(HEAD_SECONDS, False):
            return bool(client.recv(1, socket.MSG_PEEK))
        return False

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
        waiting: entered while the client is waited for.
    """

    def __init__(
        self,
        body: Any,
        *,
        seconds: float = 30,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._body = body
        self._seconds = seconds
        self._waiting = waiting
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
        left = max(self._until - time.monotonic(), 0.001)
        with self._waiting(), gevent.Timeout(left, TooSlow):
            content = self._body.read(min(len(buffer), self._block))
        self._got += len(content)
        if self._got >= self._block:
            self._got, self._until = 0, time.monotonic() + self._seconds
            # It may come without a pause, and others of the process wait meanwhile.
            gevent.sleep(0)
        buffer[: len(content)] = content
        return len(content)


def _is_read(body: Any) -> bool:
    """Say whether nothing of a body is left, having read what little there may be of it."""
    with suppress(OSError, ParseException, TooSlow), gevent.Timeout(_HERE, False):
        body.read(_REST)
        return not body.read(1)
    return False


def _linger(client: Any) -> None:
    """Take what a client still sends: to close while it does would take the answer away from it."""
    with suppress(OSError), gevent.Timeout(HEAD_SECONDS, False):
        client.shutdown(socket.SHUT_WR)
        while client.recv(_REST):
            gevent.sleep(0)


def _refusal(fault: BaseException) -> CompetencyGraphError | None:
    """Return what a client is told that sent no request; nothing where the fault is ours."""
    if isinstance(fault, CompetencyGraphError):
        return fault
    if isinstance(fault, LimitRequestLine):
        return AddressTooLong(LONGEST_LINE)
    if isinstance(fault, LimitRequestHeaders):
        return HeadTooLarge(LONGEST_LINE)
    if isinstance(fault, ParseException):
        return BadRequest("This cannot be read as a request of HTTP/1.1 (RFC 9112). Mend its head.")
    return None


def _tell(client: Any, content: bytes) -> None:
    with suppress(OSError), gevent.Timeout(1, False):
        client.sendall(content)


@cache
def _too_many() -> bytes:
    return _answer(
        TooManyRequests(
            f"You have {OF_ONE_CLIENT} connections open. Close some, or use one for several "
            "requests.",
            retry_after=1,
            limit="connections",
            value=OF_ONE_CLIENT,
        )
    )


def _answer(error: CompetencyGraphError) -> bytes:
    """Return an error as it goes over the wire, where no application answers."""
    # Brings Flask, which must not be there before gevent has patched the sockets.
    from competency_graph.web.app import HEADERS
    from competency_graph.web.exchange import problem_body

    body = json.dumps(problem_body(error), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        **dict(HEADERS),
    }
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body

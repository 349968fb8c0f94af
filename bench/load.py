"""A load generator that costs little: one thread, one epoll, requests made beforehand.

It answers two questions: how many requests a server answers in a second when it is never idle
(:func:`rate`), and how long each waits at a steady pace (:func:`steady`).
"""

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import inf

Address = tuple[str, int]
_PATIENCE = 30.0


def get(path: str, accept: str = "*/*") -> bytes:
    """Return a request as it goes over the wire."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: {accept}\r\n\r\n".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a server answered: answers a second, and processor time of the generator for each.

    ``refused`` is how many answers were no 200.
    """

    answers: float
    own_microseconds: float
    refused: int = 0


class Refused(Exception):
    """An answer is not 200, or none came."""


def rate(
    address: Address,
    requests: Iterator[bytes],
    *,
    seconds: float,
    connections: int = 8,
    may_refuse: bool = False,
) -> Rate:
    """Ask on some keep-alive connections, again on each as soon as it is answered.

    Raises:
        Refused: an answer is not 200, none came, or the server closed a connection, unless it
            ``may_refuse``.
        OSError: it takes no connections.
    """
    ready = list(islice(requests, connections))
    with select.epoll() as poll:
        held: dict[int, tuple[socket.socket, bytes]] = {}
        try:
            for request in ready:
                connection = _connected(address, poll)
                held[connection.fileno()] = (connection, b"")
                connection.send(request)
            told = _ask(poll, held, requests, seconds, may_refuse)
            if not told.answers and not may_refuse:
                raise Refused("no answer came")
            return told
        finally:
            for connection, _ in held.values():
                connection.close()


def _ask(
    poll: select.epoll,
    held: dict[int, tuple[socket.socket, bytes]],
    requests: Iterator[bytes],
    seconds: float,
    may_refuse: bool,
) -> Rate:
    done = refused = 0
    used, began = time.process_time(), time.monotonic()
    until = began + seconds
    while (now := time.monotonic()) < until:
        for descriptor, _ in poll.poll(until - now):
            connection, before = held[descriptor]
            content = before + connection.recv(1 << 18)
            closed = len(content) == len(before)
            if closed and not may_refuse:
                raise Refused("the server closed the connection")
            if not closed and not _is_whole(content):
                held[descriptor] = (connection, content)
                continue
            if not closed and content[9:12] == b"200":
                done += 1
            elif may_refuse:
                refused += 1
            else:
                raise Refused(content[:600].decode(errors="replace"))
            if closed or _is_last(content):
                del held[descriptor]
                address = connection.getpeername()
                connection.close()
                connection = _connected(address, poll)
                held[connection.fileno()] = (connection, b"")
            elif before:
                held[descriptor] = (connection, b"")
            connection.send(next(requests))
    used = time.process_time() - used
    return Rate(
        answers=done / (now - began), own_microseconds=1e6 * used / max(done, 1), refused=refused
    )


def _is_whole(content: bytes) -> bool:
    """Say whether this is one whole answer: of the stated length, or the last chunk."""
    end = content.find(b"\r\n\r\n")
    if end < 0:
        return False
    place = content.find(b"Content-Length: ", 0, end)
    if place < 0:
        place = content.find(b"content-length: ", 0, end)
    if place < 0:
        return content.endswith(b"\r\n0\r\n\r\n")
    length = int(content[place + 16 : content.index(b"\r", place)])
    return len(content) >= end + 4 + length


def _is_last(content: bytes) -> bool:
    """Say whether the server closes the connection after this answer."""
    return b"\r\nConnection: close\r\n" in content[:1000]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """When answers were due and how many milliseconds after that they came; and the faults."""

    answers: list[tuple[float, float]]
    faults: list[str]

    def percentile(self, share: float, between: tuple[float, float] = (0.0, inf)) -> float:
        """Return the milliseconds within which this share of the answers came."""
        ordered = sorted(ms for due, ms in self.answers if between[0] <= due <= between[1])
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def steady(
    address: Address, requests: Iterator[bytes], *, per_second: float, until: Callable[[], bool]
) -> Steady:
    """Ask at a steady pace, whether or not earlier requests are answered, until told to stop."""
    told = Steady(answers=[], faults=[])
    idle: deque[socket.socket] = deque()
    busy: dict[int, tuple[socket.socket, float, bytes]] = {}
    due = time.monotonic()
    with select.epoll() as poll:
        while not (stopping := until()) or busy:
            now = time.monotonic()
            if not stopping and now >= due:
                connection = idle.popleft() if idle else _connected(address, poll)
                connection.send(next(requests))
                busy[connection.fileno()] = (connection, due, b"")
                due += 1 / per_second
                continue
            for descriptor, _ in poll.poll(0.05 if stopping else max(due - now, 0)):
                _take(told, descriptor, busy, idle)
            for connection, asked, _ in _late(busy.values(), now):
                told.faults.append(f"no answer in {now - asked:.0f} s")
                busy.pop(connection.fileno())
                connection.close()
        for connection in idle:
            connection.close()
    return told


def _connected(address: Address, poll: select.epoll) -> socket.socket:
    connection = socket.create_connection(address, timeout=_PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    poll.register(connection, select.EPOLLIN)
    return connection


def _take(
    told: Steady,
    descriptor: int,
    busy: dict[int, tuple[socket.socket, float, bytes]],
    idle: deque[socket.socket],
) -> None:
    """Read what came on one connection; once the answer is whole, the connection is idle."""
    if descriptor not in busy:
        # The server closes a connection that was idle for long.
        gone = next(c for c in idle if c.fileno() == descriptor)
        idle.remove(gone)
        gone.close()
        return
    connection, due, before = busy[descriptor]
    content = before + connection.recv(1 << 18)
    if len(content) > len(before) and not _is_whole(content):
        busy[descriptor] = (connection, due, content)
        return
    del busy[descriptor]
    if content[9:12] == b"200":
        told.answers.append((due, 1000 * (time.monotonic() - due)))
    else:
        told.faults.append(content[:300].decode(errors="replace") or "connection closed")
    if len(content) > len(before) and not _is_last(content):
        idle.append(connection)
    else:
        connection.close()


def _late(
    busy: Iterable[tuple[socket.socket, float, bytes]], now: float
) -> list[tuple[socket.socket, float, bytes]]:
    return [entry for entry in busy if now - entry[1] > _PATIENCE]

"""How an answer goes out: in which coding, which part of it, and at what pace. Knows no content."""

import errno
import fcntl
import os
import re
import select
import socket
import struct
import sys
import termios
import time
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from competency_graph.codings import CODINGS, Coding
from competency_graph.errors import RangeNotSatisfiable, TooManyRequests
from competency_graph.index import Whole

LARGE: Final = 256_000
"""Bytes of an answer that a web process holds in memory; what is larger goes from its file."""

PATIENCE: Final = 30.0
"""Seconds after which a client that takes nothing is left."""

SLOWEST: Final = 8_000
"""Bytes a second that a client must take on average, or it is left sooner or later."""

AT_ONCE: Final = 32
"""How many large answers one client may be taking at once from a web process."""

_STEP: Final = 1 << 20
_RANGE: Final = re.compile(r"bytes *= *(\d{0,18})-(\d{0,18}) *", re.I | re.A)
# What is not listed may be sent, but anything listed is liked better (RFC 9110, section 12.5.3).
_UNLISTED: Final = 0.0001


@lru_cache(maxsize=256)
def coding_for(header: str) -> Coding | None:
    """Return the coding to answer in by an ``Accept-Encoding``; nothing for none.

    Of codings that are liked equally it is the one that costs least. What ``*`` allows is sent only
    to who refuses everything else.
    """
    liked: dict[str, float] = {}
    for name, quality in parse_accept_header(header, Accept):
        liked.setdefault(name.lower(), quality)
    plain = liked.get("identity", liked.get("*", _UNLISTED))
    best = max(CODINGS, key=lambda coding: liked.get(coding, 0))
    if liked.get(best, 0) > 0 and liked[best] >= plain:
        return best
    if plain == 0 and liked.get("*", 0) > 0:
        return next((coding for coding in reversed(CODINGS) if coding not in liked), None)
    return None


def part_of(size: int, header: str) -> range | None:
    """Return which bytes of an answer a ``Range`` asks for; nothing if all are to be sent.

    Several ranges, and what is not of this form, are answered with the whole, as RFC 9110, section
    14.2, allows.

    Raises:
        RangeNotSatisfiable: the answer has no such bytes.
    """
    asked = _RANGE.fullmatch(header)
    if asked is None:
        return None
    first, last = (int(text) if text else None for text in asked.groups())
    if first is None:
        if last is None:
            return None
        start, stop = max(0, size - last), size
    elif last is not None and last < first:
        return None
    else:
        start, stop = first, size if last is None else min(last + 1, size)
    if start >= stop:
        raise RangeNotSatisfiable(size)
    return range(start, stop)


class Deliveries:
    """Counts what clients are taking from this process."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()

    def begin(self, client: str) -> None:
        """Count one more.

        Raises:
            TooManyRequests: it takes as many as it may already.
        """
        if self._under_way[client] >= AT_ONCE:
            raise TooManyRequests(
                f"You are taking {AT_ONCE} large answers already. Finish one first.",
                retry_after=int(PATIENCE),
                limit="deliveries",
            )
        self._under_way[client] += 1

    def end(self, client: str) -> None:
        """Count one less."""
        self._under_way[client] -= 1
        if not self._under_way[client]:
            del self._under_way[client]


class Delivery:
    """An answer on its way from its file to the client: the body of a response (PEP 3333).

    The kernel sends it (sendfile), so that the process holds nothing of it. A client earns a second
    of patience with each ``SLOWEST`` bytes that it takes, and never has more than ``PATIENCE`` of
    it; one that has none left is cut off. It sees that by the length that it was told.

    Args:
        whole: the answer; closed with this.
        part: which bytes of it.
        connection: the client's.
        deliveries: where it is counted.
        client: whose it is. Raises ``TooManyRequests`` if that takes too many.
    """

    def __init__(
        self,
        whole: Whole,
        part: range,
        connection: socket.socket,
        deliveries: Deliveries,
        client: str,
    ) -> None:
        deliveries.begin(client)
        self._whole = whole
        self._part = part
        self._connection = connection
        self._deliveries = deliveries
        self._client: str | None = client

    def __iter__(self) -> Iterator[bytes]:
        # The server sends the head before the first piece, and needs to be given no other.
        yield b""
        self._send()

    def close(self) -> None:
        """Let go of the file, sent or not."""
        self._whole.close()
        if self._client is not None:
            self._deliveries.end(self._client)
            self._client = None

    def _send(self) -> None:
        assert self._whole.descriptor is not None
        place, end = self._part.start, self._part.stop
        room = select.poll()
        room.register(self._connection, select.POLLOUT)
        taken = place - _unacknowledged(self._connection)
        until = time.monotonic() + PATIENCE
        while place < end:
            # Even where there is room: others of this process get their turn.
            room.poll(max(0.0, until - time.monotonic()) * 1000)
            try:
                sent = os.sendfile(
                    self._connection.fileno(),
                    self._whole.descriptor,
                    place,
                    min(_STEP, end - place),
                )
                if not sent:
                    raise OSError(errno.EIO, "The file of an answer is shorter than it was.")
                place += sent
            except BlockingIOError:
                pass
            # What the kernel took is not what the client took: it may hold megabytes.
            before, taken = taken, place - _unacknowledged(self._connection)
            now = time.monotonic()
            until = min(now + PATIENCE, until + (taken - before) / SLOWEST)
            if now >= until:
                self._cut()

    def _cut(self) -> None:
        """Leave the client, and nothing for the kernel to go on with."""
        reset = struct.pack("ii", 1, 0)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        raise BrokenPipeError(errno.EPIPE, "The client takes too little.")


def _unacknowledged(connection: socket.socket) -> int:
    """Return how many bytes the kernel still holds for the other side (tcp(7), SIOCOUTQ)."""
    told = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(told, sys.byteorder)

"""A load generator: some keep-alive connections, each asking again as soon as it is answered."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count


def _whole(connection: socket.socket) -> bytes:
    """Read one answer that has a Content-Length and return its status line."""
    held = b""
    while b"\r\n\r\n" not in held:
        held += _more(connection)
    head, _, body = held.partition(b"\r\n\r\n")
    fields = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    left = int(fields[b"content-length"]) - len(body)
    while left > 0:
        left -= len(_more(connection))
    return head.split(b"\r\n", 1)[0]


def _more(connection: socket.socket) -> bytes:
    chunk = connection.recv(1 << 16)
    if not chunk:
        raise ConnectionError("the server closed the connection")
    return chunk


def rate(
    address: tuple[str, int], path: Callable[[int], str], *, seconds: float, connections: int = 8
) -> float:
    """Return answers a second.

    Args:
        address: host and port.
        path: what to ask for the n-th time, from 0.
        seconds: how long to ask.
        connections: how many at once.

    Raises:
        AssertionError: an answer is not 200.
    """
    numbers: Iterator[int] = count()
    done = [0] * connections
    faults: list[bytes] = []
    until = time.monotonic() + seconds

    def ask(index: int) -> None:
        with socket.create_connection(address) as connection:
            while time.monotonic() < until:
                request = f"GET {path(next(numbers))} HTTP/1.1\r\nHost: bench\r\n\r\n"
                connection.sendall(request.encode())
                status = _whole(connection)
                if not status.endswith(b"200 OK"):
                    faults.append(status)
                    return
                done[index] += 1

    began = time.monotonic()
    threads = [threading.Thread(target=ask, args=(n,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults[:3]
    return sum(done) / (time.monotonic() - began)

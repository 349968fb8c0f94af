"""Large answers: a million rows beside `oxigraph serve`, and what the web process grows by."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from urllib.parse import quote

from bench import graphs, processes, servers
from bench.load import Refused
from bench.servers import Running, say

_ALL = "{ ?s ?p ?o } LIMIT 1000000"
_CASES = (
    ("SELECT, JSON", f"SELECT * {_ALL}", "application/sparql-results+json", ""),
    ("SELECT, CSV", f"SELECT * {_ALL}", "text/csv", ""),
    ("CONSTRUCT, N-Triples", f"CONSTRUCT {{ ?s ?p ?o }} WHERE {_ALL}", "application/n-triples", ""),
    ("SELECT, JSON, zstd", f"SELECT * {_ALL}", "application/sparql-results+json", "zstd"),
    ("SELECT, JSON, gzip", f"SELECT * {_ALL}", "application/sparql-results+json", "gzip"),
)
# The first row of each megabyte is enough: this generator must not be what is measured.
_BUFFER = 1 << 20


@dataclass(slots=True)
class _Told:
    """What one server told for one case: seconds, and bytes of the body."""

    seconds: list[float] = field(default_factory=list)
    size: int = 0


def answers(sizes: list[str], rounds: int, _seconds: float) -> None:
    """Ask for all triples, in turns, and read them as fast as they come."""
    # What is asked for is larger than a client may have by the settings that are the default.
    limits = {"query_timeout": "120", "query_bytes": "2 GB", "query_memory": "2 GB"}
    for size in sizes:
        say(f"Starting the servers on {size} triples")
        with (
            servers.service(graphs.database(size), **limits) as ours,
            servers.oxigraph(graphs.data_file(size)) as theirs,
        ):
            told = {name: (_Told(), _Told()) for name, *_ in _CASES}
            before = _web_memory(ours)
            with _highest(ours) as highest:
                for turn in range(rounds):
                    for name, query, accept, coding in _CASES:
                        _take(told[name][0], ours, "/sparql", query, accept, coding)
                        if not coding:
                            _take(told[name][1], theirs, "/query", query, accept, "")
                        say(f"round {turn + 1}: {name}: {[t.seconds[-1:] for t in told[name]]}")
            growth = max(highest[pid] - before.get(pid, 0) for pid in highest)
        _table(size, rounds, told, growth)


def _take(told: _Told, server: Running, path: str, query: str, accept: str, coding: str) -> None:
    seconds, told.size = fetch(server, f"{path}?query={quote(query, safe='')}", accept, coding)
    told.seconds.append(seconds)


def fetch(server: Running, path: str, accept: str, coding: str = "") -> tuple[float, int]:
    """Return the seconds that an answer took, and the bytes of its body as they were sent.

    Raises:
        Refused: it is not 200, or not whole.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nAccept: {accept}\r\n"
    request += f"Accept-Encoding: {coding}\r\n\r\n" if coding else "\r\n"
    buffer = bytearray(_BUFFER)
    began = time.monotonic()
    with socket.create_connection(server.address, timeout=300) as connection:
        connection.sendall(request.encode())
        head, last = b"", b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(1 << 16)
            if not piece:
                raise Refused(head.decode(errors="replace") or "the connection was closed")
            head += piece
        head, _, last = head.partition(b"\r\n\r\n")
        size = len(last)
        while got := connection.recv_into(buffer):
            size += got
            last = bytes(buffer[max(0, got - 8) : got])
    seconds = time.monotonic() - began
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = fields.get(b"content-length")
    whole = int(length) == size if length is not None else last.endswith(b"0\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200") or not whole:
        raise Refused(f"{head.decode(errors='replace')} and {size} bytes")
    return seconds, size


def _web_memory(ours: Running) -> dict[int, int]:
    found = processes.of_service(ours.folder)
    return {
        pid: processes.memory(pid, "Rss") for pid, part in found.items() if part == "web worker"
    }


@contextmanager
def _highest(ours: Running) -> Iterator[dict[int, int]]:
    """Look at the web processes all the time, and give the most that each weighed."""
    highest: dict[int, int] = {}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            for pid, size in _web_memory(ours).items():
                highest[pid] = max(size, highest.get(pid, 0))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield highest
    finally:
        ended.set()
        looking.join()


def _table(size: str, rounds: int, told: dict[str, tuple[_Told, _Told]], growth: int) -> None:
    print(f"\n### Large answers, {size} triples\n")
    print(f"1,000,000 rows each, median of {rounds} rounds in turns.\n")
    print("| what | this service, s | MB | `oxigraph serve`, s | rate to it (target 0.7) |")
    print("|---|---|---|---|---|")
    for name, (ours, theirs) in told.items():
        mine = median(ours.seconds)
        row = f"| {name} | {mine:.2f} | {ours.size / 1e6:.0f} | "
        if theirs.seconds:
            other = median(theirs.seconds)
            row += f"{other:.2f} | {other / mine:.2f} |"
        else:
            row += "| |"
        print(row)
    print(f"\nA web process grew by at most {growth / 1e6:.0f} MB (target 50).\n", flush=True)

"""gunicorn's worker classes beside each other: rates, and what slow clients do to others."""

import random
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from statistics import median
from threading import Event, Thread
from urllib.parse import quote

from bench import graphs, processes, servers
from bench.load import Address, Refused, get, rate, steady
from bench.rates import REQUIREMENTS, asked, slug_path, uncached
from bench.servers import Running, say

_CLASSES = ("sync", "gthread", "gevent")
_SLOW_CLIENTS, _SLOW_RATE = 20, 10_000
# More than the kernel keeps for a client that does not read.
_LARGE = "SELECT * { ?a ?b ?c . ?s ?p ?o } LIMIT 100000"
_PER_SECOND = 50.0
_COLUMNS = (
    "bare handler",
    "look-up, cached",
    "look-up, uncached",
    "small query",
    "small query beside 20 slow clients",
    "p99 beside them, ms",
)


@dataclass(slots=True)
class _Figures:
    """What was measured, by column; and the processor time of web processes for an answer."""

    told: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in _COLUMNS})
    used: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in _COLUMNS})


def workers(sizes: list[str], rounds: int, seconds: float) -> None:
    """Measure each class in turns, every time in fresh processes."""
    for size in sizes:
        figures = {kind: _Figures() for kind in _CLASSES}
        order = list(_CLASSES)
        for turn in range(rounds):
            random.Random(turn).shuffle(order)
            for kind in order:
                _measure(figures[kind], kind, size, seconds)
                last = {name: f"{told[-1]:.1f}" for name, told in figures[kind].told.items()}
                say(f"round {turn + 1}: {kind}: {last}")
        _table(size, rounds, figures)


def _measure(figures: _Figures, kind: str, size: str, seconds: float) -> None:
    with ExitStack() as running:
        bare = running.enter_context(servers.bare(kind))
        ours = running.enter_context(servers.service(graphs.database(size), worker_class=kind))
        one = cycle([get(f"/api/v1/{slug_path(graphs.objects(size)[0])}")])
        small = asked(size, REQUIREMENTS, "/sparql")
        for name, server, requests in (
            ("bare handler", bare, cycle([get("/")])),
            ("look-up, cached", ours, one),
            ("look-up, uncached", ours, uncached(size)),
            ("small query", ours, small),
        ):
            rate(server.address, requests, seconds=min(seconds, 1.0))
            used = processes.seconds(server.folder, "web worker")
            told = rate(server.address, requests, seconds=seconds)
            used = processes.seconds(server.folder, "web worker") - used
            figures.told[name].append(told.answers)
            figures.used[name].append(1e6 * used / (told.answers * seconds))
        with slow_clients(ours):
            figures.told["small query beside 20 slow clients"].append(
                _answered(ours.address, small, seconds)
            )
            until = time.monotonic() + seconds
            paced = steady(
                ours.address,
                small,
                per_second=_PER_SECOND,
                until=lambda: time.monotonic() >= until,
            )
            late = float("inf") if paced.faults else paced.percentile(0.99)
            figures.told["p99 beside them, ms"].append(late)


def _answered(address: Address, requests: Iterator[bytes], seconds: float) -> float:
    try:
        return rate(address, requests, seconds=seconds).answers
    except Refused:
        return 0.0


@contextmanager
def slow_clients(server: Running, number: int = _SLOW_CLIENTS) -> Iterator[None]:
    """Let clients take a large answer at 10 kB/s each, all the while."""
    request = get(f"/sparql?query={quote(_LARGE, safe='')}", "text/csv")
    ended = Event()
    with ExitStack() as opened:
        slow = []
        for _ in range(number):
            client = opened.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(server.address)
            client.sendall(request)
            slow.append(client)
        # All that this class can serve at once have been answered by then.
        time.sleep(8)

        def read() -> None:
            while not ended.wait(0.1):
                for client in select.select(slow, [], [], 0)[0]:
                    # A worker of the class sync is ended while others wait for it.
                    with suppress(ConnectionError):
                        client.recv(_SLOW_RATE // 10)

        reading = Thread(target=read)
        reading.start()
        try:
            yield
        finally:
            ended.set()
            reading.join()


def _table(size: str, rounds: int, figures: dict[str, _Figures]) -> None:
    print(f"\n### Worker classes, {size} triples\n")
    print(
        f"Answers a second at 8 connections, median of {rounds} rounds in turns; in brackets the "
        "microseconds of processor time that an answer took in the web processes.\n"
    )
    print(f"| class | {' | '.join(_COLUMNS)} |")
    print("|---" * (len(_COLUMNS) + 1) + "|")
    for kind, of in figures.items():
        cells = [f"{median(of.told[name]):.{1 if 'p99' in name else 0}f}" for name in _COLUMNS]
        cells = [
            f"{cell} ({median(of.used[name]):.0f})" if of.used[name] else cell
            for name, cell in zip(_COLUMNS, cells, strict=True)
        ]
        print(f"| {kind} | {' | '.join(cells)} |")
    print(flush=True)

"""`make bench`: look-ups and a small query beside a bare Flask handler."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from urllib.parse import quote

from bench.load import rate

_WORKERS = 2
_SECONDS = 3.0
_ROUNDS = 3
_QUERY = (
    "PREFIX cg: <https://w3id.org/competency-graph/ns#> SELECT ?requirement WHERE {{ "
    "?requirement cg:requiresLevel ?level ; cg:hasImportance cg:Essential }} LIMIT {limit}"
)
_CASES: dict[str, Callable[[int], str]] = {
    "look-up, cached": lambda n: "/api/v1/levels/3-competent",
    "look-up, uncached": lambda n: f"/api/v1/levels/3-competent?lang=x-{n}",
    "small SPARQL query, uncached": lambda n: (
        "/sparql?query=" + quote(_QUERY.format(limit=1 + n % 10))
    ),
}


@contextmanager
def _service() -> Iterator[tuple[str, int]]:
    with tempfile.TemporaryDirectory() as folder:
        options = ["--bind", "127.0.0.1:0", "--workers", str(_WORKERS)]
        process = subprocess.Popen(
            [sys.executable, "-m", "competency_graph", "serve", *options],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        try:
            for line in process.stderr:
                found = re.search(r"at http://([\d.]+):(\d+)/", line)
                if found:
                    yield found[1], int(found[2])
                    return
            raise AssertionError("the service did not start")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


@contextmanager
def _bare() -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor = listening.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.bare", str(descriptor), str(_WORKERS)],
            pass_fds=[descriptor],
        )
        try:
            time.sleep(2)
            yield listening.getsockname()[:2]
        finally:
            process.terminate()
            process.wait()


def main() -> None:
    """Measure in turns, so that a busy moment of the machine hits all, and print a table."""
    figures: dict[str, list[float]] = {}
    with _bare() as bare, _service() as service:
        for _ in range(_ROUNDS):
            told = rate(bare, lambda n: "/", seconds=_SECONDS)
            figures.setdefault("bare Flask handler", []).append(told)
            for name, path in _CASES.items():
                figures.setdefault(name, []).append(rate(service, path, seconds=_SECONDS))
    yardstick = median(figures["bare Flask handler"])
    print(
        f"{os.cpu_count()} cores, {_WORKERS} workers, 8 connections, median of {_ROUNDS} rounds\n"
    )
    print("| what | answers a second | to the bare handler |")
    print("|---|---|---|")
    for name, rates in figures.items():
        print(f"| {name} | {median(rates):.0f} | {median(rates) / yardstick:.2f} |")


if __name__ == "__main__":
    main()

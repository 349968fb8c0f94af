"""`python -m bench importing`: look-ups while 100,000 statements are imported, beside idle ones."""

import http.client
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from bench import graphs, servers
from bench.load import steady
from bench.rates import uncached
from bench.servers import Running, say

_LABEL = "http://www.w3.org/2004/02/skos/core#prefLabel"
_STATEMENTS = 100_000
_PER_SECOND = 50
GRAPH = "https://example.org/graph"


def importing(sizes: list[str], rounds: int, seconds: float) -> None:
    """Import generated statements in the background, as often as ``rounds``, and print look-ups."""
    body = statements()
    for size in sizes:
        print(f"\n### Import of {_STATEMENTS:,} statements, {size} triples\n")
        print("| | look-ups | median, ms | 95 of 100 within, ms |")
        print("|---|---|---|---|")
        ratios = []
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            with tempfile.TemporaryDirectory(prefix="bench-import-") as folder:
                database = Path(shutil.copy(graphs.database(size), folder))
                token = servers.token(database)
                with servers.service(database) as ours, ThreadPoolExecutor(1) as others:
                    requests = uncached(size)
                    idle = _row("idle", ours, requests, _after(2 * seconds))
                    job = others.submit(change, ours, "PUT", "/graphs?validate=false", token, body)
                    busy = _row("while importing", ours, requests, job.done)
                    job.result()
            ratios.append(busy / idle)
        print(f"\nMedian while importing: {median(ratios):.2f} times idle (limit 3).", flush=True)


def _after(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until


def _row(name: str, ours: Running, requests: Iterator[bytes], until: Callable[[], bool]) -> float:
    """Ask at a steady pace, print a row, and return the median in milliseconds."""
    told = steady(ours.address, requests, per_second=_PER_SECOND, until=until)
    if told.faults:
        raise RuntimeError(f"{len(told.faults)} look-ups failed, such as: {told.faults[0]}")
    middle, most = told.percentile(0.5), told.percentile(0.95)
    print(f"| {name} | {len(told.answers)} | {middle:.2f} | {most:.2f} |", flush=True)
    return middle


def statements() -> bytes:
    """Return what is imported, as N-Quads."""
    return "".join(
        f'<https://example.org/{n}> <{_LABEL}> "Thing {n}"@en <{GRAPH}> .\n'
        for n in range(_STATEMENTS)
    ).encode()


def change(ours: Running, method: str, path: str, token: str, body: bytes = b"") -> None:
    """Send a change and wait until it is recorded, in the background or not."""
    told = _ask(ours, method, path, body, token)
    while told.get("ended", "") is None:
        time.sleep(0.2)
        told = _ask(ours, "GET", str(told["id"]), b"", token)
    if told.get("state", "done") != "done":
        raise RuntimeError(f"The change ended otherwise: {told}")


def _ask(ours: Running, method: str, path: str, body: bytes, token: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(*ours.address, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/n-quads"}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    told: dict[str, Any] = json.loads(answer.read())
    connection.close()
    if answer.status not in (200, 202):
        raise RuntimeError(f"{method} {path} was answered {answer.status}: {told}")
    return told

"""What a machine pays: seconds until the service is ready, and memory, beside a raw store."""

import http.client
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from urllib.parse import quote

from competency_graph.config import Settings

from bench import graphs, processes, servers
from bench.load import Address
from bench.servers import Running, say

_COUNT = quote("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")
_SCANS = 4


def start(sizes: list[str], rounds: int, _seconds: float) -> None:
    """Measure start to ready on an existing database beside `bulk_load` of the same quads."""
    for size in sizes:
        database, data = graphs.database(size), graphs.data_file(size)
        loads, fresh, ready = [], [], []
        for turn in range(rounds):
            with servers.raw_store(data) as (_, loading, whole):
                loads.append(loading)
                fresh.append(whole)
            with servers.service(database) as ours:
                ready.append(ours.seconds)
            say(f"round {turn + 1}: raw {loads[-1]:.2f} s, service {ready[-1]:.2f} s")
        yardstick = median(loads)
        print(f"\n### Start-up, {size} triples\n")
        print(
            f"Median of {rounds} rounds in turns, files in the page cache. The steps were taken "
            "one after another; in the service, keeper and web start side by side.\n"
        )
        print("| what | seconds | to `bulk_load` | target |")
        print("|---|---|---|---|")
        for name, seconds, target in (
            ("raw `bulk_load`", yardstick, ""),
            ("the process around it, from its start", median(fresh), ""),
            ("service, from its start to ready", median(ready), "2.6"),
        ):
            print(f"| {name} | {seconds:.2f} | {seconds / yardstick:.2f} | {target} |")
        say("Taking the start apart")
        for name, seconds in _parts(database):
            print(f"| {name} | {seconds:.2f} | {seconds / yardstick:.2f} | |")
        print(flush=True)


def _parts(database: object) -> list[tuple[str, float]]:
    """Return what is done before the service is ready, step by step, by keeper and by web."""
    found = []
    for step in ("supervisor", "keeper", "web"):
        told = subprocess.run(
            [sys.executable, "-m", "bench.steps", step, str(database), repr(time.monotonic())],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        rows = (line.rpartition("\t") for line in told.splitlines())
        found += [(f"{step}: {name}", float(seconds)) for name, _, seconds in rows]
    return found


def memory(sizes: list[str], _rounds: int, _seconds: float) -> None:
    """Measure the memory of the machine idle, while each reader scans the graph, and after it."""
    for size in sizes:
        say(f"Loading a raw store and the service ({size})")
        with (
            servers.raw_store(graphs.data_file(size)) as (pid, _, _),
            servers.service(graphs.database(size)) as ours,
        ):
            time.sleep(1)
            raw = processes.memory(pid)
            resident = processes.memory(pid, "Rss")
            idle = processes.by_part(ours.folder)
            say("Scanning in every reader")
            highest = _scan_everywhere(ours)
            time.sleep(2)
            later = processes.by_part(ours.folder)
        columns = (idle, highest, later)
        print(f"\n### Memory, {size} triples\n")
        print(
            f"Raw store: {_mb(raw)} MB proportional (PSS), {_mb(resident)} MB resident (RSS). "
            "The middle column is the moment when the machine weighed most while every reader "
            "scanned.\n"
        )
        print("| processes | PSS idle, MB | scanning, MB | 2 s after, MB |")
        print("|---|---|---|---|")
        for name in idle | highest | later:
            print(f"| {name} | {' | '.join(_mb(c.get(name, 0)) for c in columns)} |")
        whole = [sum(column.values()) for column in columns]
        print(f"| **machine** | {' | '.join(_mb(w) for w in whole)} |")
        ratios = " | ".join(f"{w / raw:.2f}" for w in whole)
        print(f"| **to the raw store** (target 2.2 idle) | {ratios} |\n", flush=True)


def _scan_everywhere(ours: Running) -> dict[str, int]:
    """Let query readers count all triples and look-up readers list competencies.

    As many requests at once as there are readers, some times over, so that each reader gets one.
    Returns the memory by part at the moment when it was most.
    """
    paths = [f"/sparql?query={_COUNT}"] * Settings().readers
    paths += [f"/api/v1/competencies?limit=1000&lang=x-{n}" for n in range(2)]
    highest: dict[str, int] = {}
    with ThreadPoolExecutor(len(paths)) as pool:
        for _ in range(_SCANS):
            asked = [pool.submit(_status, ours.address, path) for path in paths]
            while not all(answer.done() for answer in asked):
                now = processes.by_part(ours.folder)
                highest = max(highest, now, key=lambda parts: sum(parts.values()))
                time.sleep(0.02)
            say(f"scans answered with {[answer.result() for answer in asked]}")
    return highest


def _status(address: Address, path: str) -> int:
    connection = http.client.HTTPConnection(*address, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f}"

"""`python -m bench storm`: look-ups in a minute of hostile requests, beside idle ones.

The requests are those of `tests/storm.py`, which sends them from a process of its own.
"""

import http.client
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from competency_graph.config import Settings

from bench import graphs, importing, processes, servers
from bench.load import Steady, rate, steady
from bench.rates import uncached
from bench.servers import Running, say

_STORM = Path(__file__).parents[1] / "tests" / "storm.py"
_TIMEOUT = 2.0
_GRACE = 0.5
_PER_SECOND = 50.0
_IDLE_SECONDS = 10.0
_STORM_SECONDS = 60
_SETTLE = 15.0
_WARM_TURNS = 20
_PAUSE = 5.0

Endings = dict[str, list[dict[str, Any]]]


@dataclass(slots=True, kw_only=True)
class _Run:
    """What one run told."""

    idle: Steady
    meanwhile: Steady
    endings: Endings
    keepers: int
    settled: float | None


def storm(sizes: list[str], rounds: int, _seconds: float) -> None:
    """Send the storm beside look-ups, with an import and a new keeper, as often as ``rounds``."""
    # A process that dies may leave a core: it must be the service that forbids it.
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    clients = Settings().readers
    limits = {
        "kill_limit": "off",
        "query_timeout": f"{_TIMEOUT:g}",
        # One more than hostile queries are sent at once, so that none of them waits for another.
        "readers": str(clients + 1),
    }
    for size in sizes:
        say(f"Starting the service on {size} triples, QUERY_TIMEOUT {_TIMEOUT:g} s")
        with tempfile.TemporaryDirectory(prefix="bench-storm-") as folder:
            database = Path(shutil.copy(graphs.database(size), folder))
            token = servers.token(database)
            with servers.service(database, **limits) as ours:
                requests = uncached(size, start=1)
                _warm_up(ours, requests)
                idle = processes.by_part(ours.folder)
                before = Counter(processes.of_service(ours.folder).values())
                runs = []
                for turn in range(rounds):
                    say(f"run {turn + 1} of {rounds}")
                    runs.append(_one_run(ours, requests, sum(idle.values()), token, clients))
                after = Counter(processes.of_service(ours.folder).values())
                later = processes.by_part(ours.folder)
                cores = [file.name for file in ours.folder.rglob("core*")]
        print(f"\n### A storm of {_STORM_SECONDS} s, {size} triples, {rounds} runs\n")
        _print_endings(runs)
        _print_rest(runs, before, after, cores)
        print("Memory idle, then after all runs, MB: ", end="")
        print(
            ", ".join(
                f"{name} {idle.get(name, 0) / 1e6:.0f}, {later.get(name, 0) / 1e6:.0f}"
                for name in idle | later
            ),
            end=".\n\n",
            flush=True,
        )


def _warm_up(ours: Running, requests: Iterator[bytes]) -> None:
    """Ask until that costs no more memory: look-ups fill caches and un-share what readers read."""
    weight = 0
    for _ in range(_WARM_TURNS):
        rate(ours.address, requests, seconds=5)
        before, weight = weight, processes.of_machine(ours.folder)
        say(f"warming up: {weight / 1e6:.0f} MB")
        if weight < 1.02 * before:
            return


def _one_run(ours: Running, requests: Iterator[bytes], idle: int, token: str, clients: int) -> _Run:
    until = time.monotonic() + _IDLE_SECONDS
    calm = steady(
        ours.address,
        requests,
        per_second=_PER_SECOND,
        until=lambda: time.monotonic() >= until,
    )
    keepers = _keepers(ours)
    endings: Endings = defaultdict(list)
    working = [
        threading.Thread(target=_send, args=(ours, token, clients, endings)),
        threading.Thread(target=_import_and_take_away, args=(ours, token)),
    ]
    for thread in working:
        thread.start()
    meanwhile = steady(
        ours.address,
        requests,
        per_second=_PER_SECOND,
        until=lambda: not any(thread.is_alive() for thread in working),
    )
    told = _Run(
        idle=calm,
        meanwhile=meanwhile,
        endings=endings,
        keepers=_keepers(ours) - keepers,
        settled=_settled(ours, idle),
    )
    say(f"p99 idle {calm.percentile(0.99):.1f} ms, meanwhile {meanwhile.percentile(0.99):.1f} ms")
    return told


def _send(ours: Running, token: str, clients: int, endings: Endings) -> None:
    host, port = ours.address
    given = [f"{host}:{port}", str(_STORM_SECONDS), f"{_TIMEOUT:g}", str(clients)]
    told = subprocess.run(
        [sys.executable, _STORM, *given],
        input=token,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    for line in told.stdout.splitlines():
        ending = json.loads(line)
        endings[ending["kind"]].append(ending)


def _import_and_take_away(ours: Running, token: str) -> None:
    time.sleep(_PAUSE)
    importing.change(ours, "PUT", "/graphs?validate=false", token, importing.statements())
    time.sleep(_PAUSE)
    path = f"/graphs?validate=false&graph={importing.GRAPH}"
    importing.change(ours, "DELETE", path, token)


def _keepers(ours: Running) -> int:
    connection = http.client.HTTPConnection(*ours.address, timeout=60)
    connection.request("GET", "/metrics")
    figures = connection.getresponse().read().decode()
    connection.close()
    return int(float(figures.partition("\ncompetency_graph_keepers ")[2].split(maxsplit=1)[0]))


def _settled(ours: Running, idle: int) -> float | None:
    """Return after how many seconds the memory is back to idle + 10 %; nothing if it is not."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < _SETTLE:
        if processes.of_machine(ours.folder) <= 1.1 * idle:
            return passed
        time.sleep(0.25)
    return None


def _print_endings(runs: list[_Run]) -> None:
    print("| request | how they ended | longest past its limit, s | as it must, within 0.5 s |")
    print("|---|---|---|---|")
    for name in runs[0].endings:
        endings = [ending for run in runs for ending in run.endings[name]]
        kinds = Counter(ending["told"] for ending in endings)
        told = ", ".join(f"{kind} × {number}" for kind, number in sorted(kinds.items()))
        past = max(ending["seconds"] - ending["most"] for ending in endings)
        holds = _yes(past <= _GRACE and all(ending["right"] for ending in endings))
        print(f"| {name} | {told} | {max(past, 0):.2f} | {holds} |")


def _print_rest(
    runs: list[_Run], before: Counter[str], after: Counter[str], cores: list[str]
) -> None:
    idle = median(run.idle.percentile(0.99) for run in runs)
    busy = median(run.meanwhile.percentile(0.99) for run in runs)
    bound = max(3 * idle, 20.0)
    faults = [fault for run in runs for fault in run.meanwhile.faults + run.idle.faults]
    number = sum(len(run.meanwhile.answers) for run in runs)
    settled = [run.settled for run in runs]
    slowest = "not" if None in settled else f"{max(s for s in settled if s is not None):.1f} s"
    keepers = [run.keepers for run in runs]
    print(f"\n| meanwhile, uncached look-ups at {_PER_SECOND:g} a second | figure | holds |")
    print("|---|---|---|")
    print(f"| answered, failed | {number}, {len(faults)} | {_yes(not faults)} |")
    print(f"| p99 idle, median of runs | {idle:.1f} ms | |")
    print(
        f"| p99 meanwhile, median of runs (at most {bound:.0f} ms) | {busy:.1f} ms "
        f"| {_yes(busy <= bound)} |"
    )
    print(f"| keepers replaced, each run | {keepers} | {_yes(min(keepers) > 0)} |")
    print(
        f"| memory back to idle + 10 % within {_SETTLE:g} s, slowest | {slowest} "
        f"| {_yes(None not in settled)} |"
    )
    print(f"| processes left over | {dict(after - before) or 'none'} | {_yes(after == before)} |")
    print(f"| core files | {cores or 'none'} | {_yes(not cores)} |")
    for fault in faults[:3]:
        print(f"\nA look-up failed: {fault}")
    print(flush=True)


def _yes(holds: bool) -> str:
    return "yes" if holds else "**no**"

"""Hostile queries: each ends at a limit in time, leaves nothing, and look-ups do not feel it."""

import http.client
import json
import resource
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median
from urllib.parse import urlencode

from competency_graph.config import Settings

from bench import graphs, processes, servers
from bench.load import Address, Steady, rate, steady
from bench.rates import uncached
from bench.servers import Running, say

_TIMEOUT = 2.0
_GRACE = 0.5
_PER_SECOND = 50.0
_IDLE_SECONDS = 10.0
_SETTLE = 10.0
_WARM_TURNS = 20
_GROW = "".join(f"BIND(CONCAT(?s{n}, ?s{n}) AS ?s{n + 1}) " for n in range(40))
_HOSTILE = {
    "triple cross product": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "memory by ORDER BY": "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY DESC(?f) ?c ?a",
    "string doubling": f"SELECT (STRLEN(?s40) AS ?n) {{ BIND('abcdefgh' AS ?s0) {_GROW} }}",
    "deep nesting": "SELECT * " + "{" * 3_000 + "}" * 3_000,
    "deep arithmetic": f"SELECT ({'+'.join(['1'] * 9_000)} AS ?x) {{}}",
    "deep path": f"SELECT * {{ ?a {'/'.join(['<a:p>'] * 9_000)} ?o }}",
    "closure of a wide path": "SELECT (COUNT(*) AS ?n) { ?a (!<a:p>|^!<a:p>)+ ?b }",
}


@dataclass(frozen=True, slots=True)
class _Ending:
    """How one hostile query ended, and when."""

    status: int
    limit: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def holds(self) -> bool:
        return self.status in (400, 503) and self.limit != "" and self.seconds <= _TIMEOUT + _GRACE


@dataclass(slots=True)
class _Run:
    """What one run told."""

    idle: Steady
    meanwhile: Steady
    settled: float | None
    endings: dict[str, list[_Ending]] = field(default_factory=dict)


def hostile(sizes: list[str], rounds: int, _seconds: float) -> None:
    """Send hostile queries, from as many clients as there are query readers, beside look-ups."""
    # A process that dies may leave a core: it must be the service that forbids it.
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    limits = {"kill_limit": "off", "query_timeout": f"{_TIMEOUT:g}", "query_length": "256 kB"}
    for size in sizes:
        say(f"Starting the service on {size} triples, QUERY_TIMEOUT {_TIMEOUT:g} s")
        with servers.service(graphs.database(size), **limits) as ours:
            requests = uncached(size, start=1)
            _warm_up(ours, requests)
            idle = processes.by_part(ours.folder)
            before = Counter(processes.of_service(ours.folder).values())
            runs = []
            for turn in range(rounds):
                say(f"run {turn + 1} of {rounds}")
                runs.append(_one_run(ours, requests, sum(idle.values())))
            after = Counter(processes.of_service(ours.folder).values())
            later = processes.by_part(ours.folder)
            cores = [file.name for file in ours.folder.rglob("core*")]
        _print_endings(size, runs)
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


def _look_up(address: Address, requests: Iterator[bytes], seconds: float) -> Steady:
    until = time.monotonic() + seconds
    return steady(
        address, requests, per_second=_PER_SECOND, until=lambda: time.monotonic() >= until
    )


def _one_run(ours: Running, requests: Iterator[bytes], idle: int) -> _Run:
    calm = _look_up(ours.address, requests, _IDLE_SECONDS)
    endings: dict[str, list[_Ending]] = {}
    sending = threading.Thread(target=_send_all, args=(ours.address, endings))
    sending.start()
    meanwhile = steady(
        ours.address, requests, per_second=_PER_SECOND, until=lambda: not sending.is_alive()
    )
    sending.join()
    return _Run(calm, meanwhile, _settled(ours, idle), endings)


def _send_all(address: Address, endings: dict[str, list[_Ending]]) -> None:
    clients = Settings().readers
    with ThreadPoolExecutor(clients) as pool:
        for name, text in _HOSTILE.items():
            endings[name] = list(pool.map(lambda t: _send(address, t), [text] * clients))
            told = ", ".join(f"{e.status} {e.limit} {e.seconds:.2f} s" for e in endings[name])
            say(f"{name}: {told}")


def _send(address: Address, text: str) -> _Ending:
    connection = http.client.HTTPConnection(*address, timeout=60)
    began = time.monotonic()
    try:
        connection.request(
            "POST",
            "/sparql",
            urlencode({"query": text}),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    ended = time.monotonic()
    limit = json.loads(body).get("limit", "") if answer.status != 200 else ""
    return _Ending(answer.status, limit, began, ended)


def _settled(ours: Running, idle: int) -> float | None:
    """Return after how many seconds the memory is back to idle + 10 %; nothing if it is not."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < _SETTLE:
        if processes.of_machine(ours.folder) <= 1.1 * idle:
            return passed
        time.sleep(0.25)
    return None


def _print_endings(size: str, runs: list[_Run]) -> None:
    clients = Settings().readers
    print(f"\n### Hostile queries, {size} triples\n")
    print(
        f"QUERY_TIMEOUT {_TIMEOUT:g} s, KILL_LIMIT off, {clients} clients at once, "
        f"{len(runs)} runs.\n"
    )
    print(
        f"| query | answers | longest, s | at most {_TIMEOUT + _GRACE:g} s, limit named "
        "| p99 of look-ups, ms |"
    )
    print("|---|---|---|---|---|")
    for name in _HOSTILE:
        endings = [ending for run in runs for ending in run.endings[name]]
        kinds = Counter(f"{e.status} {e.limit}" for e in endings)
        told = ", ".join(f"{kind} × {number}" for kind, number in sorted(kinds.items()))
        longest = max(ending.seconds for ending in endings)
        felt = median(
            run.meanwhile.percentile(
                0.99,
                (
                    min(e.began for e in run.endings[name]),
                    max(e.ended for e in run.endings[name]),
                ),
            )
            for run in runs
        )
        holds = _yes(all(e.holds for e in endings))
        print(f"| {name} | {told} | {longest:.2f} | {holds} | {felt:.1f} |")


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
    print(f"\n| meanwhile, uncached look-ups at {_PER_SECOND:g} a second | figure | holds |")
    print("|---|---|---|")
    print(f"| answered, failed | {number}, {len(faults)} | {_yes(not faults)} |")
    print(f"| p99 idle, median of runs | {idle:.1f} ms | |")
    print(
        f"| p99 meanwhile, median of runs (at most {bound:.0f} ms) | {busy:.1f} ms "
        f"| {_yes(busy <= bound)} |"
    )
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

"""Answers a second: look-ups beside a bare handler, small queries beside other SPARQL servers."""

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count, cycle
from statistics import median
from urllib.parse import quote

from bench import graphs, servers
from bench.load import Rate, get, rate
from bench.servers import Running, say

_ROWS = "application/sparql-results+json"
_PREFIX = "PREFIX cg: <https://w3id.org/competency-graph/ns#> "
# One star join over what a role asks of a competency; the competency differs each time.
REQUIREMENTS = (
    _PREFIX + "SELECT ?role ?level WHERE {{ ?requirement cg:requiresCompetency <{iri}> ; "
    "cg:belongsToRole ?role ; cg:requiresLevel ?level }}"
)
_STATEMENTS = "SELECT ?p ?o WHERE {{ <{iri}> ?p ?o }}"
_RDFLIB_ENDPOINT_TAKES = ("10k", "100k")


@dataclass(slots=True, kw_only=True)
class _Case:
    """One row of a table: whom to ask what, the target, and what was measured."""

    name: str
    server: Running
    requests: Iterator[bytes]
    target: str = ""
    told: list[Rate] = field(default_factory=list)

    @property
    def answers(self) -> float:
        return median(told.answers for told in self.told)


def lookups(sizes: list[str], rounds: int, seconds: float) -> None:
    """Measure `/api/v1` objects, cached and not, by slug and by IRI, beside the bare handler."""
    for size in sizes:
        with ExitStack() as running:
            say(f"Starting the service on {size} triples, and the bare handler")
            ours = running.enter_context(servers.service(graphs.database(size)))
            bare = running.enter_context(servers.bare())
            one = f"/api/v1/{slug_path(graphs.objects(size)[0])}"
            cases = [
                _Case(name="bare Flask handler", server=bare, requests=cycle([get("/")])),
                _Case(
                    name="look-up, cached", server=ours, requests=cycle([get(one)]), target="0.9"
                ),
                _Case(
                    name="look-up, uncached, by slug",
                    server=ours,
                    requests=uncached(size),
                    target="0.4",
                ),
                _Case(
                    name="look-up, uncached, by IRI",
                    server=ours,
                    requests=uncached(size, by_iri=True),
                    target="0.4",
                ),
            ]
            _measure(cases, rounds, seconds)
        _table(f"Look-ups, {size} triples", cases, cases[0], rounds)


def queries(sizes: list[str], rounds: int, seconds: float) -> None:
    """Measure two small queries, each time about another object, beside other servers."""
    for size in sizes:
        with ExitStack() as running:
            say(f"Starting the servers on {size} triples")
            bare = running.enter_context(servers.bare())
            others = [
                (running.enter_context(servers.service(graphs.database(size))), "/sparql"),
                (running.enter_context(servers.oxigraph(graphs.data_file(size))), "/query"),
            ]
            if size in _RDFLIB_ENDPOINT_TAKES:
                say("rdflib-endpoint reads the data (slow)")
                others.append(
                    (running.enter_context(servers.rdflib_endpoint(graphs.data_file(size))), "/")
                )
            _compare_answers(size, others)
            cases = [_Case(name="bare Flask handler", server=bare, requests=cycle([get("/")]))]
            for what, text in (("requirements of", REQUIREMENTS), ("all about", _STATEMENTS)):
                for server, path in others:
                    cases.append(
                        _Case(
                            name=f"{what} a competency, {server.name}",
                            server=server,
                            requests=asked(size, text, path),
                            target="0.5" if path == "/sparql" else "",
                        )
                    )
            _measure(cases, rounds, seconds)
        _table(f"Small queries, {size} triples", cases, cases[0], rounds)


def _compare_answers(size: str, others: list[tuple[Running, str]]) -> None:
    """Ask each server both queries once: rates of different answers could not be compared."""
    iri = next(iri for collection, iri in graphs.objects(size) if collection == "competencies")
    for text in (REQUIREMENTS, _STATEMENTS):
        told = {}
        for server, path in others:
            connection = HTTPConnection(*server.address, timeout=60)
            try:
                query = quote(text.format(iri=iri), safe="")
                connection.request("GET", f"{path}?query={query}", headers={"Accept": _ROWS})
                rows = json.loads(connection.getresponse().read())["results"]["bindings"]
            finally:
                connection.close()
            told[server.name] = sorted(
                tuple(sorted((name, cell["value"]) for name, cell in row.items())) for row in rows
            )
        ours, *theirs = told.values()
        if not ours or any(rows != ours for rows in theirs):
            counts = {name: len(rows) for name, rows in told.items()}
            raise SystemExit(f"The servers answer one query differently, rows: {counts}.")


def uncached(size: str, *, by_iri: bool = False, start: int = 0) -> Iterator[bytes]:
    """Yield look-ups of different objects; where they run out, in another private language."""
    found = graphs.objects(size)
    random.Random(start).shuffle(found)
    # Made beforehand: what the generator takes, the servers on the same cores do not get.
    heads = [
        f"GET /api/v1/{thing[0]}/{quote(thing[1], safe='')}".encode()
        if by_iri
        else f"GET /api/v1/{slug_path(thing)}".encode()
        for thing in found
    ]
    for turn in count(start):
        tail = get("").removeprefix(b"GET ")
        if turn:
            tail = b"?lang=x-%d" % turn + tail
        for head in heads:
            yield head + tail


def slug_path(thing: tuple[str, str]) -> str:
    """Return where below `/api/v1/` a thing is."""
    collection, iri = thing
    return f"{collection}/{iri.rpartition('/')[2]}"


def asked(size: str, text: str, path: str) -> Iterator[bytes]:
    """Yield a query about one competency after another, as the SPARQL protocol has it.

    No text comes twice: rdflib-endpoint keeps the queries that it prepared.
    """
    heads = [
        f"GET {path}?query={quote(text.format(iri=iri), safe='')}%20LIMIT%20".encode()
        for collection, iri in graphs.objects(size)
        if collection == "competencies"
    ]
    tail = get("", _ROWS).removeprefix(b"GET ")
    for limit in count(1000):
        for head in heads:
            yield head + b"%d" % limit + tail


def _measure(cases: list[_Case], rounds: int, seconds: float) -> None:
    """Measure in turns, so that a busy moment of the machine hits all."""
    for case in cases:
        rate(case.server.address, case.requests, seconds=min(seconds, 1.0))
    for turn in range(rounds):
        for case in cases:
            case.told.append(rate(case.server.address, case.requests, seconds=seconds))
            say(f"round {turn + 1}: {case.name}: {case.told[-1].answers:.0f}/s")


def _table(title: str, cases: list[_Case], yardstick: _Case, rounds: int) -> None:
    print(f"\n### {title}\n")
    print(
        f"8 connections, median of {rounds} rounds in turns; the last column is the processor time "
        "that the load generator (one process, epoll) took for an answer.\n"
    )
    print("| what | answers a second | to the bare handler | target | generator, µs |")
    print("|---|---|---|---|---|")
    for case in cases:
        ratio = case.answers / yardstick.answers
        own = median(told.own_microseconds for told in case.told)
        print(f"| {case.name} | {case.answers:.0f} | {ratio:.2f} | {case.target} | {own:.0f} |")
    _beside_rdflib(cases)
    print(flush=True)


def _beside_rdflib(cases: list[_Case]) -> None:
    """Print how many times faster the service is than rdflib-endpoint, where both were asked."""
    rates = {case.name: case.answers for case in cases}
    for name, answers in rates.items():
        ours = name.replace("rdflib-endpoint", "this service")
        if ours != name:
            what = name.removesuffix(", rdflib-endpoint")
            print(f"\n{what}: {rates[ours] / answers:.1f} times rdflib-endpoint (target 10).")

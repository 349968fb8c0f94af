"""`python -m bench.updates`: what taking the difference of an update costs, in forks as in use."""

import os
import struct
import time
from collections.abc import Callable, Iterator
from statistics import median

from competency_graph.index import Graph
from competency_graph.index.staging import stage
from competency_graph.model import Operation

_ROWS = 100_000
_EX = "https://example.org/"
_ONE = (
    "PREFIX ex: <https://example.org/> WITH ex:g0 "
    "DELETE { ?s ex:p0 ?o } INSERT { ?s ex:p0 'new' } WHERE { ?s ex:p0 'Value 0' }"
)
_MANY = (
    "PREFIX ex: <https://example.org/> WITH ex:g0 "
    "DELETE { ?s ex:p0 ?o } INSERT { ?s ex:p1 ?o } WHERE { ?s ex:p0 ?o }"
)


def _lines(triples: int, a_graph: int) -> Iterator[str]:
    for number in range(triples):
        yield (f'<{_EX}s{number}> <{_EX}p0> "Value {number}" <{_EX}g{number // a_graph}> .\n')


def _graph(triples: int, *, a_graph: int, union: bool) -> Graph:
    graph = Graph(union=union)
    graph.load([("added", "".join(_lines(triples, a_graph)).encode())])
    return graph


def _seconds(work: Callable[[], object]) -> float:
    """Return how long something takes in a fork; what it changes is lost with it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        began = time.perf_counter()
        work()
        os.write(writing, struct.pack("d", time.perf_counter() - began))
        os._exit(0)
    os.close(writing)
    told = os.read(reading, 8)
    os.close(reading)
    os.waitpid(child, 0)
    return float(struct.unpack("d", told)[0])


def _staged(graph: Graph, text: str) -> Callable[[], object]:
    operation = Operation(kind="update", content=text.encode())
    return lambda: stage(graph, [operation], labels="c1x")


def _own(graph: Graph) -> Callable[[], object]:
    return lambda: graph.store.update(_MANY)


def updates(_sizes: list[str], rounds: int, _seconds_each: float) -> None:
    """Print what the difference of an update costs beside the engine's own update."""
    print("\n### Updates\n")
    print("| one pattern update that matches one row | ms |")
    print("|---|---|")
    for triples in (1_000, 1_000_000):
        graph = _graph(triples, a_graph=min(triples, _ROWS), union=True)
        taken = median(_seconds(_staged(graph, _ONE)) for _ in range(3 * rounds))
        print(f"| {triples:,} triples | {taken * 1000:.1f} |", flush=True)
    print(f"\n| {_ROWS:,} rows matched of 1,000,000 triples | seconds | to the engine's own |")
    print("|---|---|---|")
    for union in (False, True):
        graph = _graph(1_000_000, a_graph=_ROWS, union=union)
        own: list[float] = []
        staged: list[float] = []
        for _ in range(rounds):
            own.append(_seconds(_own(graph)))
            staged.append(_seconds(_staged(graph, _MANY)))
        kept = "kept right" if union else "off"
        print(f"| the engine's own update, which keeps no union | {median(own):.2f} | 1 |")
        ratio = median(staged) / median(own)
        print(f"| the difference, union {kept} | {median(staged):.2f} | {ratio:.1f} |", flush=True)


if __name__ == "__main__":
    updates([], 5, 0)

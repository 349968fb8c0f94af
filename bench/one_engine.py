"""Judges with one engine what is asked for on standard input (`engines`). Started by `engines`.

It runs under whatever Python has the engine, so nothing but that is imported; what is taken of this
project is imported where it is used.
"""

import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

Answers = Callable[..., Iterator[tuple[object, ...]]]
_RESULT = "http://www.w3.org/ns/shacl#result"
_SOURCE = "http://www.w3.org/ns/shacl#sourceShape"
_FOCUS = "http://www.w3.org/ns/shacl#focusNode"


def _gate() -> Mapping[str, Answers]:
    """The gate: an edit is tried out in a fork that has just been made."""
    import gc

    from competency_graph import trial
    from competency_graph.index import Graph

    from bench.editing import tried_out
    from bench.forks import in_fork

    graph = Graph()

    def load(shapes: str, data: str) -> Iterator[tuple[object, ...]]:
        """Shapes and data are one dataset, as the service holds them."""
        began = time.perf_counter()
        graph.load([("added", Path(data).read_bytes() + Path(shapes).read_bytes())])
        for _ in trial.prepare(graph):
            pass
        # As the keeper does, so that forks share what is there.
        gc.collect()
        gc.freeze()
        yield "read", time.perf_counter() - began

    def edit(_added: str, _removed: str, update: str) -> Iterator[tuple[object, ...]]:
        told = in_fork(partial(tried_out, graph, Path(update).read_text(encoding="utf-8")))
        yield "took", sum(told["seconds"])
        for rule, focus in told["new"]:
            yield "result", _plain(rule), _plain(focus)

    return {"load": load, "edit": edit}


def _ours(processes: int) -> Mapping[str, Answers]:
    """The evaluator over the whole of a dataset, in so many forks."""
    import pyoxigraph as ox
    from competency_graph.index import Graph
    from competency_graph.shacl.compile import compiled
    from competency_graph.shacl.data import Run, Stored
    from competency_graph.shacl.degrees import Degrees
    from competency_graph.shacl.evaluate import judge as judge_all
    from competency_graph.shacl.refusals import spelt

    from bench.forks import in_forks

    def judge(shapes: str, data: str) -> Iterator[tuple[object, ...]]:
        began = time.perf_counter()
        graph = Graph()
        graph.load([("added", Path(data).read_bytes())])
        read = ox.parse(path=shapes, format=ox.RdfFormat.N_TRIPLES)
        ready = compiled(read, stored=True, degrees=Degrees.of(graph.store))

        def some(part: int) -> tuple[float, list[tuple[tuple[str, str], int]]]:
            before = _most_memory()
            rows = judge_all(ready, Run(Stored(graph.store)), part=part, of=processes)
            results = (row.result for row in rows)
            found = Counter((_plain(spelt(r.shape)), _plain(spelt(r.focus))) for r in results)
            return _most_memory() - before, list(found.items())

        yield "read", time.perf_counter() - began
        began = time.perf_counter()
        parts = in_forks([partial(some, part) for part in range(processes)])
        yield "took", time.perf_counter() - began
        yield "memory", _most_memory() + sum(more for more, _ in parts)
        for _, found in parts:
            for (shape, focus), number in found:
                for _ in range(number):
                    yield "result", shape, focus

    return {"judge": judge}


def _pyshacl() -> Mapping[str, Answers]:
    """The reference engine, always everything."""
    import pyshacl
    from rdflib import Graph

    held: list[Any] = []

    def judged(began: float) -> Iterator[tuple[object, ...]]:
        # In place, so that it does not copy the graph first; it infers nothing.
        _, report, _ = pyshacl.validate(held[1], shacl_graph=held[0], inplace=True)
        yield "took", time.perf_counter() - began
        yield from _results_of(report)

    def load(shapes: str, data: str) -> Iterator[tuple[object, ...]]:
        began = time.perf_counter()
        held[:] = [Graph().parse(file, format="nt") for file in (shapes, data)]
        yield "read", time.perf_counter() - began

    def judge(shapes: str, data: str) -> Iterator[tuple[object, ...]]:
        yield from load(shapes, data)
        yield from judged(time.perf_counter())

    def edit(added: str, removed: str, _update: str) -> Iterator[tuple[object, ...]]:
        more, less = (Graph().parse(f, format="nt") if f else Graph() for f in (added, removed))
        began = time.perf_counter()
        _change(held[1], more, less)
        yield from judged(began)
        _change(held[1], less, more)

    return {"load": load, "judge": judge, "edit": edit}


def _turbo() -> Mapping[str, Answers]:
    """It reads a file and judges it in one."""
    from pyshacl_turbo import compile_shapes

    def judge(shapes: str, data: str) -> Iterator[tuple[object, ...]]:
        began = time.perf_counter()
        ready = compile_shapes(shapes, shacl_graph_format="nt")
        _, report, _ = ready.validate(data, data_graph_format="nt")
        yield "took", time.perf_counter() - began
        yield from _results_of(report)

    return {"judge": judge}


def _shacl() -> Mapping[str, Answers]:
    """It reads a file and judges it in one."""
    from importlib import import_module

    engine: Any = import_module("shacl")

    def judge(shapes: str, data: str) -> Iterator[tuple[object, ...]]:
        began = time.perf_counter()
        report = engine.Shapes.from_file(shapes).validate_file(data)
        yield "took", time.perf_counter() - began
        for one in report.results:
            yield "result", _plain(one.source_shape or ""), _plain(one.focus_node)

    return {"judge": judge}


def _change(graph: Any, added: Any, removed: Any) -> None:
    for triple in removed:
        graph.remove(triple)
    for triple in added:
        graph.add(triple)


def _results_of(report: Any) -> Iterator[tuple[object, ...]]:
    from rdflib import URIRef

    # Not what stands as a detail within a result.
    for result in report.objects(None, URIRef(_RESULT)):
        shape, focus = (report.value(result, URIRef(word)) for word in (_SOURCE, _FOCUS))
        yield "result", _plain(shape.n3()), _plain(focus.n3())


def _plain(term: str) -> str:
    """Return an IRI without brackets, and of a blank node only that it is one."""
    if term.startswith("_:"):
        return "_:"
    return " ".join((term[1:-1] if term.startswith("<") else term).split())


def _most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


_ENGINES: Mapping[str, Callable[[], Mapping[str, Answers]]] = {
    "gate": _gate,
    "ours": partial(_ours, 1),
    "ours-2": partial(_ours, 2),
    "pyshacl": _pyshacl,
    "turbo": _turbo,
    "shacl": _shacl,
}


def main(name: str) -> None:
    """Answer with the engine of a name until nothing more is asked."""
    # What an engine prints is not an answer.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    answers = _ENGINES[name]()
    for line in sys.stdin:
        verb, *words = line.rstrip("\n").split("\t")
        try:
            told = list(answers[verb](*words))
        except BaseException as error:  # what Rust panics with is no Exception
            told = [("failed", " ".join(f"{type(error).__name__}: {error}".split()))]
        for row in told:
            print(*row, sep="\t", file=answer)
        print("end", file=answer, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

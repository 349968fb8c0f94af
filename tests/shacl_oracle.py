"""pySHACL as the oracle of the evaluator, and a graph whose standing results follow its changes."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyoxigraph as ox
import pytest
from competency_graph.graphs import fill, term
from competency_graph.shacl.checks import Result
from competency_graph.shacl.compile import Compiled
from competency_graph.shacl.data import Data, Parsed, Run, Stored
from competency_graph.shacl.evaluate import judge, judge_pairs
from competency_graph.shacl.paths import parsed, written
from competency_graph.shacl.plan import Plan, Planner
from competency_graph.shacl.reference import Data as Judged
from competency_graph.shacl.standing import Changed, Standing
from pyshacl.constraints.constraint_component import ConstraintComponent
from pyshacl.pytypes import SHACLExecutor
from pyshacl.shapes_graph import ShapesGraph
from rdflib import SH, Graph
from rdflib.term import Node

Row = tuple[str, str, str, str, str, str]
"""Focus node, path, value, source shape, constraint component, severity."""

logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)


def row_of(result: Result) -> Row:
    return (
        str(result.focus),
        "" if result.path is None else written(result.path),
        "" if result.value is None else str(result.value),
        str(result.shape),
        str(result.component),
        str(result.severity),
    )


class Oracle:
    """A shapes graph as pySHACL judges by it: every shape, every focus node."""

    def __init__(self, shapes: Iterable[ox.Quad | ox.Triple]) -> None:
        statements = list(shapes)
        graph = Graph(bind_namespaces="none")
        fill(graph, statements)
        self._paths = Parsed(statements)
        self._shapes = ShapesGraph(graph)
        self._known = list(self._shapes.shapes)

    def rows(self, data: Iterable[ox.Quad]) -> Counter[Row]:
        graph = Judged()
        fill(graph, data)
        executor = SHACLExecutor(max_validation_depth=30)
        found: Counter[Row] = Counter()
        with _without_descriptions():
            for shape in self._known:
                nodes = shape.focus_nodes(graph)
                if nodes and not shape.deactivated:
                    _, results = shape.validate(executor, graph, focus=list(nodes))
                    found.update(self._row(node, said) for _, node, said in results)
        return found

    def _row(self, result: Node, statements: Iterable[Sequence[Any]]) -> Row:
        said: dict[Node, Any] = {}
        for node, predicate, value in statements:
            # The results that explain this one stand beside it.
            if node == result:
                said[predicate] = value[1] if isinstance(value, tuple) else value

        def spelt(word: Node) -> str:
            return str(term(said[word])) if word in said else ""

        path = said.get(SH.resultPath)
        return (
            spelt(SH.focusNode),
            "" if path is None else written(parsed(self._paths, term(path))),
            spelt(SH.value),
            spelt(SH.sourceShape),
            spelt(SH.sourceConstraintComponent),
            spelt(SH.resultSeverity),
        )


@contextmanager
def _without_descriptions() -> Iterator[None]:
    """Let pySHACL leave out its texts about results, which cost most of its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConstraintComponent, "make_v_result_description", lambda *_, **__: "")
        yield


class Followed:
    """A graph whose standing results are kept by judging what each change can affect."""

    def __init__(
        self,
        compiled: Compiled,
        data: Iterable[ox.Quad | ox.Triple] = (),
        *,
        planner: Planner | None = None,
        parsed_terms: bool = False,
    ) -> None:
        self.compiled = compiled
        self.planner = planner or Planner(compiled)
        self._parsed = Parsed(data) if parsed_terms else None
        self.store = ox.Store()
        if not parsed_terms:
            self.store.extend(ox.Quad(s.subject, s.predicate, s.object) for s in data)
        self.standing = Standing(judge(compiled, self.run()))

    def run(self) -> Run:
        return Run(self.data)

    @property
    def data(self) -> Data:
        return self._parsed or Stored(self.store)

    def change(self, added: Iterable[ox.Triple], removed: Iterable[ox.Triple]) -> Changed:
        gone = list(dict.fromkeys(t for t in removed if self._has(t)))
        self._apply(gone, self._take)
        come = list(dict.fromkeys(t for t in added if not self._has(t)))
        self._apply(come, self._put)
        self.plan = self.planner.plan(come, gone, run := self.run())
        return self.standing.update(self.plan, judge_pairs(self.plan.pairs, run))

    plan: Plan

    def _has(self, triple: ox.Triple) -> bool:
        return self.data.holds(triple.subject, triple.predicate, triple.object)

    def _apply(self, triples: Iterable[ox.Triple], what: Callable[[ox.Triple], None]) -> None:
        for triple in triples:
            what(triple)

    def _put(self, triple: ox.Triple) -> None:
        if self._parsed is not None:
            self._parsed.add(triple.subject, triple.predicate, triple.object)
        else:
            self.store.add(ox.Quad(triple.subject, triple.predicate, triple.object))

    def _take(self, triple: ox.Triple) -> None:
        if self._parsed is not None:
            self._parsed.remove(triple.subject, triple.predicate, triple.object)
        else:
            self.store.remove(ox.Quad(triple.subject, triple.predicate, triple.object))

    def standing_rows(self) -> Counter[Row]:
        return Counter(map(row_of, self.standing))

    def rows_anew(self) -> Counter[Row]:
        return Counter(row_of(row.result) for row in judge(self.compiled, self.run()))

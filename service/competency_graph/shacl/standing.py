"""What stands: results by shape and focus node, kept as changes come. Judges nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from competency_graph.shacl.checks import Result
from competency_graph.shacl.data import Node, Term
from competency_graph.shacl.evaluate import Row
from competency_graph.shacl.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What a change did to what stands: results that are new, and those that it mended."""

    new: tuple[Result, ...]
    fixed: tuple[Result, ...]


class Standing:
    """Results by the shape that has the target and its focus node."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._rows: dict[Node, dict[Term, Counter[Result]]] = {}
        for row in rows:
            self._add(row)

    def __iter__(self) -> Iterator[Result]:
        for nodes in self._rows.values():
            for results in nodes.values():
                yield from results.elements()

    def of(self, focus: Term) -> dict[Node, list[Result]]:
        """Return what stands at a focus node, by the shape that has the target."""
        return {
            shape: list(nodes[focus].elements())
            for shape, nodes in self._rows.items()
            if focus in nodes
        }

    def update(self, plan: Plan, rows: Iterable[Row]) -> Changed:
        """Take over what was found where a plan asked to judge; all else at its pairs has gone."""
        old: Counter[Result] = Counter()
        for targeted in plan.whole:
            for results in self._rows.pop(targeted.node, {}).values():
                old += results
        for pairs in (plan.pairs, plan.gone):
            for targeted, focus_nodes in pairs.items():
                nodes = self._rows.get(targeted.node)
                if nodes:
                    for focus in focus_nodes:
                        old += nodes.pop(focus, Counter())
        new: Counter[Result] = Counter()
        for row in rows:
            self._add(row)
            new[row.result] += 1
        return Changed(new=tuple((new - old).elements()), fixed=tuple((old - new).elements()))

    def _add(self, row: Row) -> None:
        nodes = self._rows.setdefault(row.targeted.node, {})
        nodes.setdefault(row.focus, Counter())[row.result] += 1

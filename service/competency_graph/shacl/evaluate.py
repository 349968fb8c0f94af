"""Judging by compiled shapes: all of a graph, or pairs of shape and focus node that a plan names.

Evaluates in the calling process: what strangers sent is to be judged in a sealed fork. Plans
nothing, and keeps nothing but what the run remembers.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple

from competency_graph.shacl.checks import Result
from competency_graph.shacl.compile import Compiled, Targeted
from competency_graph.shacl.data import Run, Term

# So many focus nodes are asked of one query at a time.
_AT_A_TIME: Final = 1_000


class Row(NamedTuple):
    """A result, and the pair that it belongs to: the shape with the target and its focus node.

    The result's own shape and focus node are others where shapes stand inside shapes.
    """

    targeted: Targeted
    focus: Term
    result: Result


def judge(compiled: Compiled, run: Run) -> Iterator[Row]:
    """Judge a graph by every shape that has targets in it; return each result as it is found."""
    for targeted in compiled.targeted:
        yield from _judged(targeted, run, targeted.targets.all(run))


def judge_pairs(pairs: Mapping[Targeted, Iterable[Term]], run: Run) -> Iterator[Row]:
    """Judge nodes by shapes of which they are focus nodes."""
    for targeted, nodes in pairs.items():
        yield from _judged(targeted, run, nodes)


def _judged(targeted: Targeted, run: Run, nodes: Iterable[Term]) -> Iterator[Row]:
    remaining = iter(nodes)
    while some := list(islice(remaining, _AT_A_TIME)):
        for focus, result in targeted.shape.judged(run, some):
            yield Row(targeted, focus, result)

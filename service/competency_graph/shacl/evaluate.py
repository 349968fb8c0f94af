"""Judging by compiled shapes: all of a graph, or the pairs of shape and focus node of a plan.

Evaluates in the calling process: over data that strangers sent, call it in a sealed fork. Plans
nothing and remembers nothing from one judging to the next.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

from competency_graph.shacl.checks import Result
from competency_graph.shacl.compile import Compiled, Targeted
from competency_graph.shacl.data import Data, Run, Term

# So many focus nodes are asked of one query at a time.
_AT_A_TIME: Final = 1_000


def judge(compiled: Compiled, data: Data) -> Iterator[Result]:
    """Judge a graph by every shape that has targets in it; return each result as it is found."""
    run = Run(data)
    for targeted in compiled.targeted:
        yield from _judged(targeted, run, targeted.targets.all(run))


def judge_pairs(pairs: Mapping[Targeted, Iterable[Term]], data: Data) -> Iterator[Result]:
    """Judge nodes by shapes, each of which must have the node as a focus node.

    What stands at the pairs besides what this returns has gone.
    """
    run = Run(data)
    for targeted, nodes in pairs.items():
        yield from _judged(targeted, run, nodes)


def _judged(targeted: Targeted, run: Run, nodes: Iterable[Term]) -> Iterator[Result]:
    remaining = iter(nodes)
    while some := list(islice(remaining, _AT_A_TIME)):
        yield from targeted.shape.judged(run, some)

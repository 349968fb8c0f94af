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


def judge(compiled: Compiled, run: Run, *, part: int = 0, of: int = 1) -> Iterator[Row]:
    """Judge a graph by every shape that has targets in it; return each result as it is found.

    Forks of one process that share the work each judge another ``part`` ``of`` as many.
    """
    # A node is judged by all its shapes at once, so that what is said of it is read once. Of each
    # is kept for which shapes it is, as the bits of a number: little, even of a million nodes.
    shapes: dict[Term, int] = {}
    for number, targeted in enumerate(compiled.targeted):
        for node in targeted.targets.all(run):
            shapes[node] = shapes.get(node, 0) | 1 << number
    remaining = islice(shapes.items(), part, None, of)
    while some := list(islice(remaining, _AT_A_TIME)):
        for number, targeted in enumerate(compiled.targeted):
            nodes = [node for node, bits in some if bits >> number & 1]
            for focus, result in targeted.shape.judged(run, nodes) if nodes else ():
                yield Row(targeted, focus, result)


def judge_pairs(pairs: Mapping[Targeted, Iterable[Term]], run: Run) -> Iterator[Row]:
    """Judge nodes by shapes of which they are focus nodes."""
    for targeted, nodes in pairs.items():
        remaining = iter(nodes)
        while some := list(islice(remaining, _AT_A_TIME)):
            for focus, result in targeted.shape.judged(run, some):
                yield Row(targeted, focus, result)

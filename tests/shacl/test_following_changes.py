"""What stands after each change is what judging all anew finds, and what pySHACL finds."""

import os
from collections import Counter

from competency_graph.shacl.compile import compiled
from hypothesis import HealthCheck, Phase, given, seed, settings
from shacl_oracle import Followed, Oracle
from shacl_worlds import Change, changes, shapes, statements, triples, turtle

# SHACL_EDITS=50000 for a long run by hand.
_EDITS = int(os.environ.get("SHACL_EDITS", "2000"))
_A_SEQUENCE = 20
_done: Counter[str] = Counter()


@settings(
    max_examples=_EDITS // _A_SEQUENCE,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    # To make a case small that fails takes minutes, so it is asked for: SHACL_SHRINK=1.
    phases=[Phase.generate, *([Phase.shrink] if "SHACL_SHRINK" in os.environ else [])],
)
@seed(int(os.environ.get("SHACL_SEED", "1")))
@given(shapes(), statements(4, 16), changes(_A_SEQUENCE))
def _check(text: str, before: list[str], edits: list[Change]) -> None:
    quads = turtle(text)
    graph = Followed(compiled(quads, stored=True), triples("\n".join(before)))
    oracle = Oracle(quads)
    assert graph.standing_rows() == oracle.rows(graph.store)
    for added, numbers in edits:
        there = sorted(graph.store, key=str)
        removed = [there[n % len(there)].triple for n in numbers if there]
        graph.change(triples("\n".join(added)), removed)
        _done["edits"] += 1
        assert graph.standing_rows() == oracle.rows(graph.store)


def test_random_changes_under_random_shapes() -> None:
    _check()
    assert _done["edits"] >= _EDITS

"""Going back undoes exactly what changes did, and nothing where it cannot undo all."""

import random
from pathlib import Path

import pytest
from competency_graph.errors import Unavailable
from competency_graph.index import MOST_OF_ONE, Board, Graph, go_back, is_near
from competency_graph.model import joined

_EVERY = [
    f"<urn:s{subject}> <urn:p> {value} <urn:g{graph}> .".encode()
    for subject in range(3)
    for value in ('"a"', '"b"@en', "<urn:s1>", "_:c1x1")
    for graph in range(3)
]


class _History:
    """A graph that changes, its ring, and what it held at each revision."""

    def __init__(self, folder: Path, *, union: bool = True) -> None:
        self.board = Board.create(folder / "board")
        self.graph = Graph(union=union)
        self.union = union
        self.lines: list[frozenset[bytes]] = [frozenset()]

    def change(self, removed: list[bytes], added: list[bytes]) -> None:
        revision = len(self.lines)
        self.graph.apply(added, removed)
        self.graph.revision = revision
        self.board.ring.put(revision, removed=joined(removed), added=joined(added))
        self.board.advance(revision)
        self.lines.append(self.lines[-1] - frozenset(removed) | frozenset(added))

    def wander(self, changes: int, seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(changes):
            held = self.lines[-1]
            there = sorted(held.intersection(_EVERY))
            removed = chance.sample(there, min(len(there), chance.randrange(6)))
            gone = [line for line in _EVERY if line not in held]
            self.change(removed, chance.sample(gone, min(len(gone), chance.randrange(6))))

    def fresh(self, revision: int) -> Graph:
        graph = Graph(union=self.union, revision=revision)
        graph.load([("added", joined(sorted(self.lines[revision])))])
        return graph


def _dump(graph: Graph) -> tuple[list[str], list[str]]:
    return sorted(map(str, graph.store)), graph.graph_names()


@pytest.mark.parametrize("union", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_each_revision_is_what_it_was(tmp_path: Path, seed: int, union: bool) -> None:
    history = _History(tmp_path, union=union)
    history.wander(40, seed)
    for revision in range(40):
        assert is_near(history.board, revision)
        graph = history.fresh(40)
        go_back(graph, revision, board=history.board)
        assert graph.revision == revision
        assert _dump(graph) == _dump(history.fresh(revision))


def test_a_large_change_is_not_gone_past(tmp_path: Path) -> None:
    history = _History(tmp_path)
    history.wander(5, 1)
    history.change([], [b'<urn:large> <urn:p> "%s" <urn:g> .' % (b"x" * MOST_OF_ONE)])
    history.wander(5, 2)
    assert [is_near(history.board, revision) for revision in (5, 6, 11)] == [False, True, True]
    graph = history.fresh(11)
    before = _dump(graph)
    with pytest.raises(Unavailable, match="Revision 5 has just become an older one"):
        go_back(graph, 5, board=history.board)
    assert (_dump(graph), graph.revision) == (before, 11)


def test_the_last_thousand_are_near_and_no_more(tmp_path: Path) -> None:
    history = _History(tmp_path)
    history.wander(1_010, 3)
    assert is_near(history.board, 10)
    assert not is_near(history.board, 9)
    graph = history.fresh(1_010)
    go_back(graph, 10, board=history.board)
    assert _dump(graph) == _dump(history.fresh(10))

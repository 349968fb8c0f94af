"""The last revisions, had by undoing what came after them. Undoes only in forks that then end."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from competency_graph.errors import Unavailable
from competency_graph.index.board import Board
from competency_graph.index.client import TRIES, Client
from competency_graph.index.graph import Graph
from competency_graph.index.whole import Whole
from competency_graph.model import split

PAST_SOCKET: Final = "past.sock"
MOST_UNDONE: Final = 1_000
"""How many changes before the newest are promised at once, where all of them are small."""


def is_near(board: Board, revision: int) -> bool:
    """Say whether a revision can be had by undoing what the ring holds."""
    head = board.revision
    return head - revision <= MOST_UNDONE and all(
        board.ring.holds(number) for number in range(revision + 1, head + 1)
    )


def go_back(graph: Graph, revision: int, *, board: Board) -> None:
    """Bring a graph back to an earlier revision.

    Raises:
        Unavailable: the ring no longer holds all that must be undone; nothing was.
    """
    # The state of a line after all of it is what the earliest change found, which comes last here.
    net: dict[bytes, bool] = {}
    for number in range(graph.revision, revision, -1):
        change = board.ring.get(number)
        if change is None:
            raise Unavailable(f"Revision {revision} has just become an older one. Ask again.")
        removed, added = change
        net.update(dict.fromkeys(split(added), False))
        net.update(dict.fromkeys(split(removed), True))
    graph.apply(
        [line for line, was_there in net.items() if was_there],
        [line for line, was_there in net.items() if not was_there],
    )
    graph.revision = revision


class PastClient(Client):
    """Asks for the data as it was at one of the last revisions; else as a :class:`Client`.

    Args:
        run: the run folder with the board and the sockets.
        revision: which one.
        query_seconds: time of one query.
        query_memory: memory of one query in bytes, for the sentence of a refusal.
        left: whether whoever is to have the answer has gone.
    """

    def __init__(
        self,
        run: Path,
        *,
        revision: int,
        query_seconds: float,
        query_memory: int,
        left: Callable[[], bool],
    ) -> None:
        super().__init__(run, query_seconds=query_seconds, query_memory=query_memory, left=left)
        self._at = revision

    def _ask(self, lane: str, head: Mapping[str, Any], body: bytes, seconds: float) -> Whole:
        told: dict[str, Any] = {**head, "at": self._at}
        # While it is the newest, any reader that is not past it has it already.
        if self.board.revision == self._at and (whole := self._once(lane, told, body, seconds)):
            return whole
        # To go back takes its time: a look-up gets here that of a query.
        seconds = told.setdefault("seconds", self._seconds)
        for _ in range(TRIES):
            whole = self._once(PAST_SOCKET, told, body, seconds)
            if whole is not None:
                return whole
        raise self._busy()

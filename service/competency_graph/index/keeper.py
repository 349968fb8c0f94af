"""The keeper: one thread that holds the index and forks its readers. Answers no query itself."""

import gc
import os
import select
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

from competency_graph.index import fork, reader
from competency_graph.index.board import Board
from competency_graph.index.graph import Graph
from competency_graph.index.reader import Lane

_TICK = 0.5
_TOO_YOUNG_TO_DIE = 0.02


@dataclass(frozen=True, slots=True)
class _Child:
    lane: Lane
    slot: int
    born: float


class Keeper:
    """Keeps every lane full of readers until it is told to end or its supervisor is gone.

    The caller loaded ``graph``, holds no other thread and no database handle, and made the sockets
    of the lanes non-blocking. Readers that an earlier keeper left are ended once these serve.
    """

    def __init__(self, graph: Graph, board: Board, lanes: Sequence[Lane], *, lifeline: int) -> None:
        self._graph = graph
        self._board = board
        self._places = [lane for lane in lanes for _ in range(lane.readers)]
        self._lifeline = lifeline
        self._generation = board.generation + 1
        self._children: dict[int, _Child] = {}

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or the end of the supervisor; then end every reader."""
        watched = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, watched)
        gc.collect()
        gc.freeze()
        sealed = _can_seal()
        for index, lane in enumerate(self._places):
            self._fork(lane, Board.slot(self._generation, index))
        earlier = self._board.group
        self._board.serve(
            revision=self._graph.revision,
            generation=self._generation,
            group=os.getpgrp(),
            sealed=sealed,
        )
        if earlier and earlier != os.getpgrp():
            _end_group(earlier)
        lifeline = select.poll()
        lifeline.register(self._lifeline, select.POLLIN)
        while not lifeline.poll(0):
            told = signal.sigtimedwait(watched, _TICK)
            if told is not None and told.si_signo != signal.SIGCHLD:
                break
            self._replace_the_dead()
        self._end()

    def _fork(self, lane: Lane, slot: int) -> None:
        pid = os.fork()
        if pid == 0:
            try:
                reader.serve(self._graph, lane, self._board, slot=slot, lifeline=self._lifeline)
            finally:
                os._exit(70)
        self._children[pid] = _Child(lane, slot, time.monotonic())

    def _replace_the_dead(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            child = self._children.pop(pid, None)
            if child is None:
                continue
            number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            self._board.record_death(child.slot, number)
            if time.monotonic() - child.born < _TOO_YOUNG_TO_DIE:
                time.sleep(_TOO_YOUNG_TO_DIE)
            self._fork(child.lane, child.slot)

    def _end(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 2
        while self._children and time.monotonic() < deadline:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                time.sleep(0.01)
            self._children.pop(pid, None)
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)


def _can_seal() -> bool:
    """Try the seal in a fork, since it cannot be taken off again."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if fork.seal() else 1)
    return os.waitpid(pid, 0)[1] == 0


def _end_group(group: int) -> None:
    """End the readers that a keeper before this one left behind."""
    try:
        os.killpg(group, signal.SIGTERM)
    except ProcessLookupError:
        return

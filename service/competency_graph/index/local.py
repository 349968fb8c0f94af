"""A trial without a running service: one sealed fork of a graph in this process. Linux only."""

import os
import signal
import socket
from collections.abc import Mapping
from typing import Any, NoReturn

from competency_graph.errors import InternalError, LimitReached
from competency_graph.index import fork, reader, wire
from competency_graph.index.board import Seat
from competency_graph.index.graph import Graph
from competency_graph.index.reader import Answer, Lane
from competency_graph.index.spool import INLINE
from competency_graph.index.whole import Whole


class LocalTrial:
    """A conversation with a fork, as :class:`competency_graph.index.Trial` is. A context manager.

    The caller has one thread.

    Args:
        graph: what is forked.
        answers: what can be asked.
        seconds: how long one answer may take.
        memory: how many bytes more than the graph it may take.
    """

    def __init__(
        self, graph: Graph, answers: Mapping[str, Answer], *, seconds: float, memory: int
    ) -> None:
        self._seconds, self._memory = seconds, memory
        ours, theirs = socket.socketpair()
        lane = Lane(
            name="local",
            socket=theirs,
            readers=1,
            seconds=seconds,
            memory=memory,
            answer_bytes=1 << 40,
            private=1 << 40,
            answers=answers,
            once=True,
        )
        self._child = os.fork()
        if self._child == 0:
            ours.close()
            _serve(graph, lane)
        theirs.close()
        self._connection = ours

    def __enter__(self) -> "LocalTrial":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)

    def ask(self, name: str, parameters: Mapping[str, Any], body: bytes = b"") -> Whole:
        """Ask one thing; what is asked next finds the fork as this left it.

        Raises:
            CompetencyGraphError: what the answer raises; ``LimitReached``.
            InternalError: the fork failed in any other way.
        """
        head = {"ask": name, "parameters": dict(parameters), "request": 0}
        try:
            wire.send(self._connection, head, body)
            told = wire.receive(self._connection, most=INLINE * 16)
        except ConnectionError:
            told = None
        if told is None:
            raise self._lost()
        return Whole.of(told)

    def _lost(self) -> LimitReached | InternalError:
        status = os.waitpid(self._child, 0)[1]
        self._child = 0
        limit = fork.LIMIT_OF_SIGNAL.get(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else None
        if limit is None:
            return InternalError("A worker ended without an answer. Try again.")
        value = {"time": self._seconds, "memory": self._memory / 1_000_000}.get(limit)
        return LimitReached(limit, value)


def _serve(graph: Graph, lane: Lane) -> NoReturn:
    try:
        fork.leave_no_core()
        fork.die_with_parent(signal.SIGKILL)
        fork.seal()
        reader.converse(graph, lane, lane.socket, Seat(), report=2)
    finally:
        os._exit(0)

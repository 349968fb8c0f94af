"""The keeper: one thread that holds the index, follows the log, forks readers. Answers no query."""

import fcntl
import gc
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from competency_graph.index import fork, reader, wire
from competency_graph.index.board import Board
from competency_graph.index.graph import Graph
from competency_graph.index.reader import Lane
from competency_graph.model import split

_TICK: Final = 0.5
_TOO_YOUNG_TO_DIE: Final = 0.02
_PATIENCE: Final = 10.0
# What was taken out is never freed: past both of these a fresh keeper is loaded beside this one.
_OLD_REMOVED: Final = 10_000
_OLD_SHARE: Final = 0.05

Follow = Callable[[int], Iterable[tuple[int, bytes, bytes]]]
"""Gives the changes after a revision: number, removed and added lines. Holds nothing afterwards."""


@dataclass(frozen=True, slots=True)
class _Child:
    lane: Lane
    slot: int
    born: float


class Keeper:
    """Keeps every lane full of readers until it is told to end or its supervisor is gone.

    The caller loaded ``graph``, holds no other thread and no database handle, and made the sockets
    non-blocking. Where another keeper serves, this one asks it to leave, takes what changed
    meanwhile from the log, and ends the other's readers once its own serve.

    Args:
        graph: the index, at a revision of the log.
        board: where the machine's processes read what is served.
        lanes: the kinds of readers.
        changes: the socket on which the gate tells of changes.
        turn: a file that the serving keeper holds locked.
        lifeline: a descriptor that ends with the supervisor.
        follow: the log, from a revision on.
        prepare: what is done, in steps, before the readers of lanes with ``once`` are forked, and
            after changes.
    """

    def __init__(
        self,
        graph: Graph,
        board: Board,
        lanes: Sequence[Lane],
        *,
        changes: socket.socket,
        turn: str,
        lifeline: int,
        follow: Follow,
        prepare: Callable[[Graph], Iterable[None]] = lambda graph: (),
    ) -> None:
        self._graph = graph
        self._board = board
        self._lanes = lanes
        self._changes = changes
        self._turn = turn
        self._lifeline = lifeline
        self._follow = follow
        self._prepare = prepare
        self._generation = 0
        self._children: dict[int, _Child] = {}

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or the end of the supervisor; then end every reader.

        After SIGUSR1, by which a successor asks, it leaves its readers to serve on.
        """
        woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        watched = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
        for number in watched:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        earlier = self._take_turn()
        self._catch_up()
        gc.collect()
        gc.freeze()
        self._take_over(earlier)
        waiting = select.poll()
        for descriptor in (self._lifeline, woken, self._changes.fileno()):
            waiting.register(descriptor, select.POLLIN)
        while True:
            ready = {what for what, _ in waiting.poll(_TICK * 1000)}
            told = os.read(woken, 4096) if woken in ready else b""
            if signal.SIGUSR1 in told:
                return
            if self._lifeline in ready or signal.SIGTERM in told or signal.SIGINT in told:
                break
            if self._changes.fileno() in ready:
                self._take_change()
            elif not ready:
                self._catch_up()
            self._replace_the_dead()
        self._end()

    def _take_turn(self) -> int:
        """Wait until no other keeper serves and return the process group that one left, or 0."""
        held = os.open(self._turn, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # A lock of the process (POSIX), not of the open file: readers do not inherit it.
        try:
            fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if self._board.group:
                os.kill(self._board.group, signal.SIGUSR1)
            fcntl.lockf(held, fcntl.LOCK_EX)
        return self._board.group

    def _take_over(self, earlier: int) -> None:
        """Fork readers, say what is served, and end the readers of the keeper before."""
        self._generation = self._board.generation + 1
        sealed = _can_seal()
        places = [lane for lane in self._lanes for _ in range(lane.readers)]
        for index, lane in enumerate(places):
            if not lane.once:
                self._fork(lane, Board.slot(self._generation, index))
        self._board.serve(
            revision=self._graph.revision,
            generation=self._generation,
            group=os.getpgrp(),
            sealed=sealed,
        )
        for _ in self._prepare(self._graph):
            # The readers serve already, and some may die meanwhile.
            self._replace_the_dead()
        for index, lane in enumerate(places):
            if lane.once:
                self._fork(lane, Board.slot(self._generation, index))
        if earlier and earlier != os.getpgrp():
            _end_group(earlier)

    def _take_change(self) -> None:
        """Take one change that the gate tells of, and answer when it is served."""
        try:
            connection, _ = self._changes.accept()
        except (BlockingIOError, ConnectionError):
            return
        with connection:
            connection.settimeout(_PATIENCE)
            try:
                told = wire.receive(connection, most=1 << 40)
                if told is None:
                    return
                head, lines, _ = told
                cut = head["removed"]
                if head["revision"] == self._graph.revision + 1:
                    self._apply(head["revision"], lines[:cut], lines[cut:])
                elif head["revision"] > self._graph.revision:
                    self._catch_up()
                wire.send(connection, {"revision": self._graph.revision})
            except (ConnectionError, TimeoutError):
                return

    def _catch_up(self) -> None:
        """Apply what the log holds beyond this revision, whoever wrote it."""
        for revision, removed, added in self._follow(self._graph.revision):
            self._apply(revision, removed, added)

    def _apply(self, revision: int, removed: bytes, added: bytes) -> None:
        self._graph.apply(split(added), split(removed))
        self._graph.revision = revision
        if not self._generation:
            return
        for _ in self._prepare(self._graph):
            pass
        self._board.ring.put(revision, removed=removed, added=added)
        self._board.advance(revision)
        gone = self._graph.removed
        if gone > _OLD_REMOVED and gone > _OLD_SHARE * self._graph.size():
            self._board.age(self._generation)

    def _fork(self, lane: Lane, slot: int) -> None:
        pid = os.fork()
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
                    signal.signal(number, signal.SIG_DFL)
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
            if status and time.monotonic() - child.born < _TOO_YOUNG_TO_DIE:
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

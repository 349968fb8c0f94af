"""The keeper: one thread that holds the index, follows the log, forks readers. Answers no query."""

import fcntl
import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, islice
from typing import Final

from competency_graph.errors import UnusableDatabase
from competency_graph.index import fork, reader, wire
from competency_graph.index.board import Board
from competency_graph.index.graph import Graph
from competency_graph.index.reader import Lane
from competency_graph.model import split

_TICK: Final = 0.5
_TOO_YOUNG_TO_DIE: Final = 0.02
_ASK_AGAIN: Final = 0.01
_PATIENCE: Final = 10.0
# Who works longer on one request than nearly all are worked on stands aside for the others.
_LONG: Final = 0.25
_GLANCE: Final = 0.125
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
    meanwhile from the log, and says so on the board once its own readers serve. The other's end
    then by themselves.

    Args:
        graph: the index, at a revision of the log.
        board: where the machine's processes read what is served.
        lanes: the kinds of readers.
        changes: the socket on which the gate tells of changes.
        turn: a file that the serving keeper holds locked.
        lifeline: a descriptor that ends with the supervisor.
        follow: the log, from a revision on.
        recall: the last small changes up to a revision, for a ring that has none yet.
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
        recall: Follow = lambda revision: (),
        prepare: Callable[[Graph], Iterable[None]] = lambda graph: (),
    ) -> None:
        self._graph = graph
        self._board = board
        self._lanes = lanes
        self._changes = changes
        self._turn = turn
        self._lifeline = lifeline
        self._follow = follow
        self._recall = recall
        self._prepare = prepare
        self._generation = 0
        self._serving = False
        self._looked = 0.0
        self._told = ""
        self._children: dict[int, _Child] = {}
        # Places that the system had no process for; tried again.
        self._empty: list[tuple[Lane, int]] = []
        # The readers that stand aside, with the places of their own that they have left.
        self._aside: dict[int, _Child] = {}
        self._spare = {lane.name: list[int]() for lane in lanes}

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or the end of the supervisor; then end every reader.

        After SIGUSR1, by which a successor asks, it follows and forks no more, and ends with the
        last of its readers.
        """
        woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        watched = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
        for number in watched:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        # As much as can be while another still serves, so that nobody waits for it.
        if self._board.generation:
            for _ in self._prepare(self._graph):
                pass
        self._catch_up()
        gc.collect()
        gc.freeze()
        turn = self._take_turn()
        if turn is None:
            return
        self._catch_up()
        self._take_over()
        waiting = select.poll()
        for descriptor in (self._lifeline, woken, self._changes.fileno()):
            waiting.register(descriptor, select.POLLIN)
        while True:
            # Not whenever nothing else happens: something may always happen.
            due = min(_GLANCE, self._looked + _TICK - time.monotonic()) if self._serving else _TICK
            ready = {what for what, _ in waiting.poll(max(0.0, due) * 1000)}
            told = os.read(woken, 4096) if woken in ready else b""
            if self._lifeline in ready or signal.SIGTERM in told or signal.SIGINT in told:
                break
            if signal.SIGUSR1 in told and self._serving:
                # Others may take over from now on, and the lock goes with its descriptor.
                self._serving = False
                waiting.unregister(self._changes)
                os.close(turn)
            if self._serving:
                if self._changes.fileno() in ready:
                    self._take_change()
                if time.monotonic() >= self._looked + _TICK:
                    self._look()
                self._let_stand_aside()
            self._bury_the_dead()
            if self._serving:
                self._fill()
                self._board.readers = len(self._children)
            elif not self._children:
                return
        self._end()

    def _take_turn(self) -> int | None:
        """Wait until no other keeper serves; return what holds the turn, nothing at the end."""
        held = os.open(self._turn, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while not select.select([self._lifeline], [], [], 0)[0]:
            # A lock of the process (POSIX), not of the open file: readers do not inherit it.
            try:
                fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _ask_to_leave(self._board.keeper)
                time.sleep(_ASK_AGAIN)
                continue
            self._generation = self._board.generation + 1
            return held
        return None

    def _take_over(self) -> None:
        """Fork readers and say what is served, at which the readers of the keeper before end."""
        sealed = _can_seal()
        places = [lane for lane in self._lanes for _ in range(lane.readers)]
        spare = count(len(places))
        for lane in self._lanes:
            slots = islice(spare, lane.aside)
            self._spare[lane.name] = [Board.slot(self._generation, index) for index in slots]
        for index, lane in enumerate(places):
            if not lane.once:
                self._fork(lane, Board.slot(self._generation, index))
        self._board.serve(
            revision=self._graph.revision,
            generation=self._generation,
            keeper=os.getpid(),
            sealed=sealed,
        )
        self._serving = True
        if not self._board.ring.holds(self._graph.revision):
            for revision, removed, added in self._recall(self._graph.revision):
                self._board.ring.put(revision, removed=removed, added=added)
        for _ in self._prepare(self._graph):
            # The readers serve already, and some may die meanwhile.
            self._bury_the_dead()
            self._fill()
        for index, lane in enumerate(places):
            if lane.once:
                self._fork(lane, Board.slot(self._generation, index))

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
                if head["revision"] == self._graph.revision + 1 and cut is not None:
                    self._apply(head["revision"], lines[:cut], lines[cut:])
                elif head["revision"] > self._graph.revision:
                    self._look()
                wire.send(connection, {"revision": self._graph.revision})
            except (ConnectionError, TimeoutError):
                return

    def _look(self) -> None:
        """Catch up with the log while it can be read; what is served goes on being served."""
        self._looked = time.monotonic()
        try:
            self._catch_up()
            self._told = ""
        except UnusableDatabase as error:
            if error.detail != self._told:
                self._told = error.detail
                print(f"The index cannot follow the log. {error.detail}", file=sys.stderr)

    def _catch_up(self) -> None:
        """Apply what the log holds beyond this revision, whoever wrote it.

        Raises:
            UnusableDatabase: it cannot be read.
        """
        for revision, removed, added in self._follow(self._graph.revision):
            self._apply(revision, removed, added)

    def _apply(self, revision: int, removed: bytes, added: bytes) -> None:
        self._graph.apply(split(added), split(removed))
        self._graph.revision = revision
        # From its turn on, even before its own readers serve: those of the keeper before follow, so
        # nobody is given a revision and then an earlier one. What they have it takes in silence.
        if self._generation and self._board.generation and revision > self._board.revision:
            self._board.ring.put(revision, removed=removed, added=added)
            self._board.advance(revision)
        if not self._serving:
            return
        for _ in self._prepare(self._graph):
            pass
        gone = self._graph.removed
        if gone > _OLD_REMOVED and gone > _OLD_SHARE * self._graph.size():
            self._board.age(self._generation)

    def _fork(self, lane: Lane, slot: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            # To end for want of a process or of memory would cost those that still serve.
            print(f"A reader cannot be started: {error.strerror}.", file=sys.stderr)
            self._empty.append((lane, slot))
            return
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
                    signal.signal(number, signal.SIG_DFL)
                reader.serve(
                    self._graph,
                    lane,
                    self._board,
                    slot=slot,
                    generation=self._generation,
                    lifeline=self._lifeline,
                )
            finally:
                os._exit(70)
        self._children[pid] = _Child(lane, slot, time.monotonic())

    def _bury_the_dead(self) -> None:
        """Say on the board what ended readers, and note their places."""
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
            if self._aside.pop(pid, None) is None:
                self._empty.append((child.lane, child.slot))
            else:
                self._spare[child.lane.name].append(child.slot)

    def _let_stand_aside(self) -> None:
        """Let others take the places of readers that are long at one request.

        These go on while the machine has nothing else to do, so that a few long queries take
        neither all readers nor all processors from the many short ones, and end with their request.
        """
        for pid, child in list(self._children.items()):
            spare = self._spare[child.lane.name]
            if not spare or pid in self._aside or self._board.seat(child.slot).busy < _LONG:
                continue
            # A reader takes this signal when its request is done.
            os.kill(pid, signal.SIGTERM)
            if hasattr(os, "SCHED_IDLE"):
                # It may have ended this moment, or the system may not let it be held back.
                with suppress(OSError):
                    os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
            self._aside[pid] = child
            self._empty.append((child.lane, spare.pop()))

    def _fill(self) -> None:
        places, self._empty = self._empty, []
        for lane, slot in places:
            self._fork(lane, slot)

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


def _ask_to_leave(keeper: int) -> None:
    if keeper:
        try:
            os.kill(keeper, signal.SIGUSR1)
        except ProcessLookupError:
            return  # It has just ended, and its lock with it.

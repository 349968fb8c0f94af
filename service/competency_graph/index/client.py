"""How a web process asks the readers of its machine. Parses neither SPARQL nor RDF."""

import _socket
import errno
import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

from competency_graph.codings import Coding
from competency_graph.errors import (
    ClientLeft,
    CompetencyGraphError,
    LimitReached,
    TooDeep,
    Unavailable,
)
from competency_graph.index import wire
from competency_graph.index.board import Board
from competency_graph.index.fork import LIMIT_OF_SIGNAL
from competency_graph.index.spool import INLINE
from competency_graph.index.whole import Whole
from competency_graph.rdf import MAX_NESTING

BOARD: Final = "board"
LOOKUP_SOCKET: Final = "lookup.sock"
QUERY_SOCKET: Final = "query.sock"
TRIAL_SOCKET: Final = "trial.sock"
CHANGES_SOCKET: Final = "changes.sock"
GATE_SOCKET: Final = "gate.sock"
CHECK_SOCKET: Final = "check.sock"
_GRACE: Final = 2.0
# The keeper may be at something else for a moment.
_OBITUARY: Final = 1.5
# How often a request is sent anew where the reader that took it was behind and ended.
TRIES: Final = 20
# How long an answer is waited for before it is asked whether anybody still wants it: long enough
# that nobody pays for it whose answer comes at once.
_STILL_THERE: Final = 0.1
# One for all clients of a process: a name of a request is never used twice.
_NUMBERS: Final = count(1)


class Client:
    """Asks look-up and query readers; knows from the board which revision is served.

    Args:
        run: the run folder with the board and the sockets.
        query_seconds: time of one query.
        query_memory: memory of one query in bytes, for the sentence of a refusal.
        left: whether whoever is to have the answer has gone, so that nobody need work on it.
    """

    def __init__(
        self,
        run: Path,
        *,
        query_seconds: float,
        query_memory: int,
        left: Callable[[], bool] = lambda: False,
    ) -> None:
        self.board = Board(run / BOARD)
        self.run = run
        self._seconds = query_seconds
        self._memory = query_memory
        self._left = left

    def look_up(self, name: str, parameters: Mapping[str, Any], body: bytes = b"") -> Whole:
        """Ask one of our own questions. Raises what the answer raises, or ``Unavailable``."""
        return self._ask(LOOKUP_SOCKET, {"ask": name, "parameters": dict(parameters)}, body, 5.0)

    def describe(self, iri: str, syntax: str, *, labels: bool = False) -> Whole:
        """Ask for all that is said of a thing, in the syntax of this name."""
        head = {"ask": "description", "iri": iri, "syntax": syntax, "labels": labels}
        return self._ask(LOOKUP_SOCKET, head, b"", 5.0)

    def graph(
        self,
        name: str | None,
        syntax: str,
        *,
        labels: bool = False,
        coding: Coding | None = None,
    ) -> Whole:
        """Ask for a whole graph (none: the default graph) in the syntax of this name.

        What comes as a file comes in the ``coding``.
        """
        head: dict[str, Any] = {"ask": "graph", "name": name, "syntax": syntax, "labels": labels}
        head |= {"seconds": self._seconds, "coding": coding}
        return self._ask(QUERY_SOCKET, head, b"", self._seconds)

    def query(
        self,
        text: bytes,
        options: Mapping[str, Any],
        *,
        seconds: float | None = None,
        coding: Coding | None = None,
        services: Mapping[str, Any] | None = None,
    ) -> Whole:
        """Ask somebody's query.

        Args:
            text: the query.
            options: those of :meth:`Graph.write_answer`. With ``shown``, languages of the client,
                the answer is as a page shows it; then those of
                :func:`competency_graph.shown.shown`.
            seconds: its time, where that is not the one of every query.
            coding: what an answer that comes as a file comes in.
            services: what :func:`competency_graph.index.federation.federated` is told; the answers
                follow the text. Nothing where nobody else may be asked.

        Raises:
            LimitReached, TooDeep: the reader was ended at a limit.
            ClientLeft: nobody waits for the answer any more, and the reader was ended.
            Unavailable: too many wait, or the index is being built.
        """
        seconds = seconds or self._seconds
        head = {"ask": "query", "options": options, "seconds": seconds, "coding": coding}
        return self._ask(QUERY_SOCKET, {**head, "services": services}, text, seconds)

    def tell(self, revision: int, lines: tuple[bytes, bytes] | None = None) -> bool:
        """Tell the keeper of a change that the log holds, and say whether it serves it now.

        With its removed and added lines the keeper need not read them in the log.
        """
        removed, added = lines or (b"", b"")
        try:
            connection = self._connect(CHANGES_SOCKET)
        except Unavailable:
            return False
        with connection:
            try:
                connection.settimeout(_GRACE + len(removed + added) / 1_000_000)
                head = {"revision": revision, "removed": len(removed) if lines else None}
                wire.send(connection, head, removed + added)
                told = wire.receive(connection, most=0)
            except (ConnectionError, TimeoutError):
                return False
        return told is not None and told[0]["revision"] >= revision

    def ask_gate(
        self, head: Mapping[str, Any], body: bytes = b"", *, seconds: float | None = None
    ) -> dict[str, Any]:
        """Ask the gate of this machine and return its answer; it takes as long as it takes.

        With ``seconds`` no longer than that, for what changes nothing.

        Raises:
            CompetencyGraphError: what the gate refuses it with.
            Unavailable: the gate ended, or too many wait: whether it was done is to be looked up.
        """
        with self._connect(GATE_SOCKET) as connection:
            connection.settimeout(seconds)
            try:
                wire.send(connection, head, body)
                told = wire.receive(connection, most=1 << 32)
            except TimeoutError:
                raise self._busy() from None
            except ConnectionError:
                told = None
        if told is None:
            raise Unavailable(
                "The gate was stopped while it worked on this. Look whether the change is there "
                "(/changes) before you send it again."
            )
        answer, content, _ = told
        if answer.get("error"):
            raise wire.error_from_bytes(content)
        reply: dict[str, Any] = json.loads(content)
        return reply

    def trial(self, *, seconds: float) -> "Trial":
        """Begin a conversation with a fork in which one change is tried out.

        Raises:
            Unavailable: too many wait, or the index is being built.
        """
        return Trial(self, lambda: self._connect(TRIAL_SOCKET), seconds)

    def check(self, *, seconds: float, named: str) -> "Trial":
        """Begin the same with a fork of those for everybody's candidates; raises the same.

        ``named`` says what sets its time.
        """
        return Trial(self, lambda: self._connect(CHECK_SOCKET), seconds, named)

    def _ask(self, lane: str, head: Mapping[str, Any], body: bytes, seconds: float) -> Whole:
        for _ in range(TRIES):
            if (whole := self._once(lane, head, body, seconds)) is not None:
                return whole
        raise self._busy()

    def _once(
        self, lane: str, head: Mapping[str, Any], body: bytes, seconds: float
    ) -> Whole | None:
        with self._connect(lane) as connection:
            return self.converse(connection, head, body, seconds)

    def converse(
        self, connection: socket.socket, head: Mapping[str, Any], body: bytes, seconds: float
    ) -> Whole | None:
        """Send one request over a connection to a reader and return its answer.

        Nothing where the reader could not follow to the revision that is served: another can.
        ``seconds`` is how long it may be worked on.

        Raises:
            LimitReached, TooDeep: the reader was ended at a limit.
            ClientLeft: nobody waits for the answer any more; to close the connection ends the
                reader.
            Unavailable: it took no request in time, or ended.
        """
        # A name that no other request on this machine has, by which the board tells of its end.
        request = os.getpid() << 32 | next(_NUMBERS) & 0xFFFFFFFF
        # It may wait in the queue about as long as it may run.
        patience = 2 * (seconds + _GRACE)
        deadline = time.monotonic() + patience

        def waiting() -> None:
            if self._left():
                raise ClientLeft
            if time.monotonic() > deadline:
                raise TimeoutError

        try:
            connection.settimeout(patience)
            wire.send(connection, {**head, "request": request}, body)
            connection.settimeout(_STILL_THERE)
            told = wire.receive(connection, most=INLINE * 16, waiting=waiting)
        except TimeoutError:
            raise self._busy() from None
        except ConnectionError:
            told = None
        if told is None:
            raise self._lost(request, head["ask"], seconds)
        return None if told[0].get("behind") else Whole.of(told)

    def _connect(self, lane: str) -> socket.socket:
        """Connect at once or not at all: the backlog of the socket is the queue.

        The plain socket of the interpreter is used for this one call, because gevent's own retries
        a full backlog without a pause.
        """
        plain = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        plain.setblocking(False)
        try:
            plain.connect(os.path.join(self.run, lane))
        except OSError as error:
            plain.close()
            if error.errno == errno.EAGAIN:
                raise self._busy() from None
            raise Unavailable("The graph is being loaded. Try again in a moment.") from None
        return socket.socket(fileno=plain.detach())

    def _busy(self) -> Unavailable:
        return Unavailable(
            "As many queries wait as may (QUEUE). Try again in a moment.",
            retry_after=2,
            limit="queue",
        )

    def _lost(self, request: int, asked: str, seconds: float) -> CompetencyGraphError:
        """Return why there was no answer, from what the keeper wrote on the board."""
        deadline = time.monotonic() + _OBITUARY
        death = None
        while death is None and time.monotonic() < deadline:
            death = self.board.death(request) or self.board.overdue(request, seconds)
            if death is None:
                time.sleep(0.002)
        limit = LIMIT_OF_SIGNAL.get(death.signal) if death else None
        if death is None or limit is None:
            return Unavailable("The process that worked on this ended. Try again.", retry_after=1)
        error: CompetencyGraphError = TooDeep(MAX_NESTING)
        if limit != "nesting":
            named = "QUERY_TIMEOUT"
            if seconds < self._seconds:
                named = "timeout=" if asked == "query" else "fixed"
            value = {"time": seconds, "memory": self._memory / 1_000_000}.get(limit)
            error = LimitReached(limit, value, named=named).after(
                seconds=death.seconds, size=death.size, rows=death.rows
            )
        error.ended_reader = True
        return error


class Trial:
    """A conversation with one fork, which ends with it. A context manager.

    Args:
        client: whose machine it is.
        connect: connects to a reader of the lane of trials.
        seconds: how long may be worked on its answers together.
        named: what sets that, for the sentence of a refusal.
    """

    def __init__(
        self,
        client: Client,
        connect: Callable[[], socket.socket],
        seconds: float,
        named: str = "VALIDATION_TIMEOUT",
    ) -> None:
        self._client = client
        self._connect = connect
        self._seconds = seconds
        self._left = seconds
        self._named = named
        self._connection = connect()

    def __enter__(self) -> "Trial":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def end(self) -> None:
        """End the fork, whatever it is at; who waits for its answer is told. From any thread."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def ask(self, name: str, parameters: Mapping[str, Any], body: bytes = b"") -> Whole:
        """Ask one thing; what is asked next finds the fork as this left it.

        Raises:
            CompetencyGraphError: what the answer raises; ``LimitReached``; ``Unavailable``.
        """
        head = {"ask": name, "parameters": dict(parameters), "seconds": self._left}
        try:
            return self._answer(head, body)
        except LimitReached as reached:
            if reached.limit != "time":
                raise
            slow = LimitReached(
                "time",
                self._seconds,
                detail=f"Judging took longer than {self._seconds:g} s ({self._named}). "
                "Send less at a time, or simpler shapes.",
            )
            slow.ended_reader = reached.ended_reader
            raise slow from None

    def _answer(self, head: Mapping[str, Any], body: bytes) -> Whole:
        for _ in range(TRIES):
            whole = self._client.converse(self._connection, head, body, self._left)
            if whole is not None:
                # Never nothing, which would be no limit.
                self._left = max(self._left - whole.seconds, 0.01)
                return whole
            # Only before its first answer is a fork behind: nothing of the conversation is lost.
            self._connection.close()
            self._connection = self._connect()
        raise Unavailable("The graph changes faster than this can be tried out. Try again.")

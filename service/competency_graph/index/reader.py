"""A reader: one fork of the index that answers one request after another. Waits for no client.

It is sealed, has its limits from the kernel, and ends itself when it has grown. What it answers is
whole: small over the socket, large as an unlinked file whose descriptor goes to the web process.
"""

import gc
import os
import select
import signal
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, cast

from competency_graph.errors import CompetencyGraphError, InternalError, LimitReached, NotAcceptable
from competency_graph.index import fork, wire
from competency_graph.index.board import Board, Seat
from competency_graph.index.describing import write_description, write_graph
from competency_graph.index.federation import NEEDS, federated
from competency_graph.index.graph import Graph, Writer
from competency_graph.index.spool import Spool
from competency_graph.model import split
from competency_graph.rdf import SYNTAXES, Syntax

_LOOK_AT_MEMORY_AFTER: Final = 0.05
_LOOK_AROUND: Final = 0.25
# What a reader follows is its own and no longer shared: a statement is written into tables that lie
# all over the memory. With 100,000 triples the first 200 statements, put in or taken out, cost each
# reader 5 MB, the first 2,000 cost it 16 MB. Past so many a fresh fork takes its place.
_MOST_FOLLOWED: Final = 200

Answer = Callable[[Graph, Mapping[str, Any], Writer], str]
"""Answers a named look-up: graph, parameters, where to write; returns the media type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Readers of one kind: how many, how they are held back, and what they answer.

    Times in seconds, sizes in bytes.
    """

    name: str
    socket: socket.socket
    readers: int
    seconds: float
    memory: int
    answer_bytes: int
    private: int
    rows: int | None = None
    nice: int = 0
    answers: Mapping[str, Answer] | None = None
    aside: int = 0
    """How many readers more there may be while as many are long at one request."""
    once: bool = False
    """Whether a reader has one conversation of several requests, and ends with it."""
    undo: Callable[[Graph, int], None] | None = None
    """Brings a graph back to an earlier revision, in lanes that answer about the past."""


def serve(
    graph: Graph, lane: Lane, board: Board, *, slot: int, generation: int, lifeline: int
) -> NoReturn:
    """Answer requests of a lane until told to end; the body of a freshly forked process.

    It ends by itself once a keeper of a later ``generation`` than its own serves.
    """
    gc.disable()
    graph.removed = graph.added = 0
    if not lane.once:
        graph.remember()
    fork.leave_no_core()
    if lane.nice:
        os.nice(lane.nice)
        fork.offer_to_the_oom_killer()
    # The engine reports a failed allocation on standard error; the keeper says it better.
    report = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    fork.seal()
    seat = board.seat(slot)
    # One reader wakes for one connection, where the system can, not all that wait on the socket.
    waiting: Any = select.epoll() if hasattr(select, "epoll") else select.poll()
    patience = _LOOK_AROUND if hasattr(select, "epoll") else _LOOK_AROUND * 1000
    waiting.register(lane.socket, select.POLLIN | getattr(select, "EPOLLEXCLUSIVE", 0))
    waiting.register(lifeline, select.POLLIN)
    while True:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        waiting.poll(patience)
        # A request under way is finished before a polite end, and none is taken after its sign.
        signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGTERM])
        if select.select([lifeline], [], [], 0)[0] or not _catch_up(graph, board, generation):
            os._exit(0)
        # Tried without a sign too: that of a connection may have gone to a reader that then ended,
        # and nobody is told of it twice.
        try:
            connection, _ = lane.socket.accept()
        except (BlockingIOError, ConnectionError):
            continue
        began = time.monotonic()
        with connection:
            # Once more: whoever connected may have seen a later revision than was looked for above.
            if not _catch_up(graph, board, generation):
                _send_away(lane, connection)
            converse(graph, lane, connection, seat, report=report)
        seat.rest()
        if lane.once:
            os._exit(0)
        if time.monotonic() - began > _LOOK_AT_MEMORY_AFTER and _private() > lane.private:
            os._exit(0)


def converse(
    graph: Graph,
    lane: Lane,
    connection: socket.socket,
    seat: Seat,
    *,
    report: int,
) -> None:
    """Answer one request, or in a lane with ``once`` all requests, of a connection.

    ``seat`` is told what is worked on; faults of ours are written to ``report``.
    """
    while _serve_one(graph, lane, connection, seat, report) and lane.once:
        pass


def _catch_up(graph: Graph, board: Board, generation: int) -> bool:
    """Bring the graph to the revision that is served, or say that a fresh fork must."""
    if board.generation > generation:
        return False
    while graph.revision < board.revision:
        change = board.ring.get(graph.revision + 1)
        if change is None or graph.removed + graph.added > _MOST_FOLLOWED:
            return False
        removed, added = change
        graph.apply(split(added), split(removed))
        graph.revision += 1
    return True


def _send_away(lane: Lane, connection: socket.socket) -> NoReturn:
    """Take a request, say that another reader must answer it, and end."""
    try:
        fork.limit_time(lane.seconds)
        if wire.receive(connection, most=1 << 32) is not None:
            wire.send(connection, {"behind": True})
    finally:
        os._exit(0)


def _serve_one(
    graph: Graph,
    lane: Lane,
    connection: socket.socket,
    seat: Seat,
    report: int,
) -> bool:
    """Answer one request of a connection and say whether there was one."""
    try:
        # The one timer covers the taking of the request too, so the socket needs none of its own.
        fork.limit_time(lane.seconds)
        request = wire.receive(connection, most=1 << 32)
        if request is None:
            return False
        head, body, _ = request
        seat.take(head["request"])
        spool = Spool(lane.answer_bytes, lane.rows, seat, head.get("coding"))
        try:
            if "seconds" in head:
                fork.limit_time(min(lane.seconds, head["seconds"]))
            if not _turned_to(graph, lane, head.get("at", graph.revision)):
                wire.send(connection, {"behind": True})
                return True
            fork.limit_memory(lane.memory)
            with fork.ended_when_left(connection):
                media_type = _answer(graph, lane, head, body, spool)
                spool.finish()
        except CompetencyGraphError as error:
            if isinstance(error, LimitReached):
                error.after(seconds=seat.seconds, size=spool.taken, rows=spool.rows)
            _refuse(connection, graph, error)
            return True
        except MemoryError:
            os.abort()
        except Exception:
            # A fault of ours must not cost a reader, or a client could end all of them with it.
            os.write(report, traceback.format_exc().encode())
            _refuse(connection, graph, InternalError("The fault is recorded. Try again later."))
            return True
        fork.limit_time(0)
        fork.limit_memory(None)
        _reply(connection, graph, media_type, spool, seat)
        return True
    except (ConnectionError, TimeoutError):
        return False


def _turned_to(graph: Graph, lane: Lane, revision: int) -> bool:
    """Say whether a reader has the revision that is asked for, going back where its lane may."""
    if graph.revision > revision and lane.undo is not None:
        lane.undo(graph, revision)
    return graph.revision == revision


def _refuse(connection: socket.socket, graph: Graph, error: CompetencyGraphError) -> None:
    fork.limit_time(0)
    fork.limit_memory(None)
    told = wire.error_to_bytes(error)
    wire.send(connection, {"error": True, "revision": graph.revision}, told)


def _reply(
    connection: socket.socket, graph: Graph, media_type: str, spool: Spool, seat: Seat
) -> None:
    head = {
        "media_type": media_type,
        "revision": graph.revision,
        "size": spool.size,
        "rows": spool.rows,
        "seconds": seat.seconds,
        "digest": spool.digest.hexdigest(),
        "coding": spool.coding,
    }
    if spool.file is None:
        wire.send(connection, head, spool.small)
        return
    with spool.file as file:
        wire.send(connection, head, descriptor=file.fileno())


def _answer(graph: Graph, lane: Lane, head: Mapping[str, Any], body: bytes, spool: Spool) -> str:
    """Answer one request: a client's query, a whole graph, or one of our own look-ups."""
    output = cast(Writer, spool)
    match head["ask"]:
        case "query":
            asked = federated(body, head.get("services"), base=graph.base)
            if isinstance(asked, bytes):
                # The web process reads it itself.
                spool.coding = None
                spool.write(asked)
                return NEEDS
            options = {**head["options"], "count": spool.count}
            if lane.answers and "shown" in options:
                return lane.answers["shown"](graph, {**options, "body": asked.encode()}, output)
            return graph.write_answer(asked, output, **options)
        case "graph":
            syntax = _syntax(head["syntax"])
            write_graph(graph, head["name"], syntax, output, labels=head["labels"])
            return syntax.media_type
        case "description":
            syntax = _syntax(head["syntax"])
            write_description(graph, head["iri"], syntax, output, labels=head["labels"])
            return syntax.media_type
        case name if lane.answers and name in lane.answers:
            return lane.answers[name](graph, {**head["parameters"], "body": body}, output)
    raise InternalError("A reader was asked for something that it does not answer.")


def _syntax(name: str) -> Syntax:
    syntax = next((s for s in SYNTAXES if s.name == name), None)
    if syntax is None:
        raise NotAcceptable([s.media_type for s in SYNTAXES])
    return syntax


def _private() -> int:
    """Return how many bytes this process has un-shared since it was forked."""
    try:
        with open("/proc/self/smaps_rollup", encoding="ascii") as rollup:
            for line in rollup:
                if line.startswith("Private_Dirty:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0

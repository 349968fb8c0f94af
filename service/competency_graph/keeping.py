"""The keeper's process: graph from the log, lanes of readers. Started by `machine`, not by hand."""

import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from competency_graph import catalogue, changes, history, pages, service_description, shown
from competency_graph.config import Settings
from competency_graph.errors import CompetencyGraphError
from competency_graph.index import BOARD, Answer, Board, Graph, Keeper, Lane, Writer, go_back

LOOKUP_READERS = 2
LOOKUP_SECONDS = 5.0
TRIAL_READERS = 4
CHECK_READERS = 2
PAST_READERS = 2
# As many as one client's queries at once (CLIENT_QUERIES).
_ASIDE = 4

# Our own questions, and how a reader answers them.
_LOOKUPS: Mapping[str, Answer] = {
    **catalogue.ANSWERS,
    **pages.ANSWERS,
    **changes.ANSWERS,
    **service_description.ANSWERS,
}


def main(arguments: Sequence[str]) -> int:
    """Load and serve; ``arguments`` are the run folder and the descriptors that were handed over.

    Returns the exit code: 0 after a clean end, else that of the error, told on standard error.
    """
    run, *readers, told, lifeline = arguments
    settings = Settings.load(os.environ)
    try:
        graph = history.load(settings, now=datetime.now(UTC))
    except CompetencyGraphError as error:
        print(error.detail, file=sys.stderr)
        return error.exit_code
    board = Board(Path(run) / BOARD)
    keeper = Keeper(
        graph,
        board,
        _lanes(settings, board, [_listening(int(descriptor)) for descriptor in readers]),
        changes=_listening(int(told)),
        turn=str(Path(run) / "keeper.turn"),
        lifeline=int(lifeline),
        follow=history.Follower(settings),
        recall=partial(history.recent, settings),
        prepare=_prepare,
    )
    keeper.run()
    return 0


def _lanes(settings: Settings, board: Board, sockets: Sequence[socket.socket]) -> list[Lane]:
    """Return the kinds of readers, each with the socket that it accepts on, in their order."""
    lookups, queries, trials, checks, past = sockets
    return [
        *reading_lanes(
            settings, lookups=(lookups, LOOKUP_READERS), queries=(queries, settings.readers)
        ),
        Lane(
            name="trial",
            socket=trials,
            readers=TRIAL_READERS,
            seconds=settings.validation_timeout,
            memory=2 * settings.query_memory,
            answer_bytes=settings.query_bytes,
            private=settings.reader_private,
            nice=5,
            answers={name: _tried(name) for name in ("stage", "follow", "judge")},
            once=True,
        ),
        # Everybody's candidates: apart, so that no stranger holds a fork that a writer waits for.
        Lane(
            name="check",
            socket=checks,
            readers=CHECK_READERS,
            seconds=settings.validation_timeout,
            memory=2 * settings.query_memory,
            answer_bytes=settings.query_bytes,
            private=settings.reader_private,
            nice=19,
            answers={name: _tried(name) for name in ("stage", "check", "own")},
            once=True,
        ),
        Lane(
            name="past",
            socket=past,
            readers=PAST_READERS,
            # The most that anybody may have; each request says its own.
            seconds=settings.query_timeout * settings.token_factor,
            memory=settings.query_memory,
            answer_bytes=settings.query_bytes,
            private=settings.reader_private,
            rows=settings.query_rows,
            nice=19,
            answers={**_LOOKUPS, **shown.ANSWERS},
            once=True,
            undo=partial(go_back, board=board),
        ),
    ]


def reading_lanes(
    settings: Settings, *, lookups: tuple[socket.socket, int], queries: tuple[socket.socket, int]
) -> list[Lane]:
    """Return the lanes of our own questions and of strangers', each of a socket and its readers."""
    return [
        Lane(
            name="lookup",
            socket=lookups[0],
            readers=lookups[1],
            seconds=LOOKUP_SECONDS,
            memory=settings.query_memory,
            answer_bytes=settings.query_bytes,
            private=settings.reader_private,
            answers=_LOOKUPS,
        ),
        Lane(
            name="query",
            socket=queries[0],
            readers=queries[1],
            # The most that anybody may have; each request says its own.
            seconds=settings.query_timeout * settings.token_factor,
            memory=settings.query_memory,
            answer_bytes=settings.query_bytes,
            private=settings.reader_private,
            rows=settings.query_rows,
            nice=19,
            aside=_ASIDE,
            answers=shown.ANSWERS,
        ),
    ]


# The trials' SHACL engine is loaded once the graph is served: nobody who reads waits for it.


def _prepare(graph: Graph) -> Iterator[None]:
    from competency_graph import trial

    yield
    yield from trial.prepare(graph)


def _tried(name: str) -> Answer:
    def answer(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
        from competency_graph import trial

        return trial.ANSWERS[name](graph, parameters, output)

    return answer


def _listening(descriptor: int) -> socket.socket:
    listening = socket.socket(fileno=descriptor)
    listening.setblocking(False)
    return listening


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

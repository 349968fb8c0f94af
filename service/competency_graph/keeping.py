"""The keeper's process: graph from the log, lanes of readers. Started by `machine`, not by hand."""

import os
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from competency_graph import catalogue, history, pages, trial
from competency_graph.config import Settings
from competency_graph.errors import CompetencyGraphError
from competency_graph.index import BOARD, Board, Keeper, Lane

LOOKUP_READERS = 2
LOOKUP_SECONDS = 5.0
TRIAL_READERS = 2


def main(arguments: Sequence[str]) -> int:
    """Load and serve; ``arguments`` are the run folder and the descriptors that were handed over.

    Returns the exit code: 0 after a clean end, else that of the error, told on standard error.
    """
    run, lookups, queries, trials, changes, lifeline = arguments
    settings = Settings.load(os.environ)
    try:
        graph = history.load(settings, now=datetime.now(UTC))
    except CompetencyGraphError as error:
        print(error.detail, file=sys.stderr)
        return error.exit_code
    lanes = [
        Lane(
            name="lookup",
            socket=_listening(int(lookups)),
            readers=LOOKUP_READERS,
            seconds=LOOKUP_SECONDS,
            memory=settings.query_memory,
            answer_bytes=settings.query_bytes,
            private=settings.reader_private,
            answers={**catalogue.ANSWERS, **pages.ANSWERS},
        ),
        Lane(
            name="query",
            socket=_listening(int(queries)),
            readers=settings.readers,
            seconds=settings.query_timeout,
            memory=settings.query_memory,
            answer_bytes=settings.query_bytes,
            private=settings.reader_private,
            nice=19,
        ),
        Lane(
            name="trial",
            socket=_listening(int(trials)),
            readers=TRIAL_READERS,
            seconds=settings.validation_timeout,
            memory=2 * settings.query_memory,
            answer_bytes=settings.query_bytes,
            private=settings.reader_private,
            nice=5,
            answers=trial.ANSWERS,
            once=True,
        ),
    ]
    keeper = Keeper(
        graph,
        Board(Path(run) / BOARD),
        lanes,
        changes=_listening(int(changes)),
        turn=str(Path(run) / "keeper.turn"),
        lifeline=int(lifeline),
        follow=history.Follower(settings),
        prepare=trial.prepare,
    )
    keeper.run()
    return 0


def _listening(descriptor: int) -> socket.socket:
    listening = socket.socket(fileno=descriptor)
    listening.setblocking(False)
    return listening


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

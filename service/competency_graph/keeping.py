"""The keeper's process: graph from the log, lanes of readers. Started by `machine`, not by hand."""

import os
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from competency_graph import catalogue, history, pages
from competency_graph.config import Settings
from competency_graph.errors import CompetencyGraphError
from competency_graph.index import BOARD, Board, Keeper, Lane

LOOKUP_READERS = 2
LOOKUP_SECONDS = 5.0


def main(arguments: Sequence[str]) -> int:
    """Load and serve; ``arguments`` are the run folder and the descriptors that were handed over.

    Returns the exit code: 0 after a clean end, else that of the error, told on standard error.
    """
    run, lookups, queries, lifeline = arguments
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
    ]
    Keeper(graph, Board(Path(run) / BOARD), lanes, lifeline=int(lifeline)).run()
    return 0


def _listening(descriptor: int) -> socket.socket:
    listening = socket.socket(fileno=descriptor)
    listening.setblocking(False)
    return listening


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

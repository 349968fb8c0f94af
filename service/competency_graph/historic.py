"""A historic keeper's process: the graph at one revision, with readers of its own. Follows nothing.

Started by `past`, not by hand.
"""

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from competency_graph import history
from competency_graph.config import Settings
from competency_graph.errors import CompetencyGraphError
from competency_graph.index import (
    BOARD,
    CHANGES_SOCKET,
    LOOKUP_SOCKET,
    QUERY_SOCKET,
    Board,
    Keeper,
    die_with_parent,
    offer_to_the_oom_killer,
)
from competency_graph.keeping import reading_lanes

_LEAST_URGENT = 19


def main(arguments: Sequence[str]) -> int:
    """Load and serve; ``arguments`` are the run folder, the revision and the lifeline.

    Returns the exit code: 0 after a clean end, else that of the error, told on standard error.
    """
    folder, revision, lifeline = arguments
    die_with_parent()
    os.nice(_LEAST_URGENT)
    offer_to_the_oom_killer()
    settings = Settings.load(os.environ)
    try:
        graph = history.read(settings, at=int(revision))
    except CompetencyGraphError as error:
        print(f"Revision {revision} cannot be built. {error.detail}", file=sys.stderr)
        return error.exit_code
    run = Path(folder)
    lanes = reading_lanes(
        settings,
        lookups=(_listening(run / LOOKUP_SOCKET, settings), 1),
        queries=(_listening(run / QUERY_SOCKET, settings), 1),
    )
    Keeper(
        graph,
        Board(run / BOARD),
        lanes,
        # Nobody tells it of changes.
        changes=_listening(run / CHANGES_SOCKET, settings),
        turn=str(run / "keeper.turn"),
        lifeline=int(lifeline),
        follow=lambda revision: (),
    ).run()
    return 0


def _listening(path: Path, settings: Settings) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    listening.listen(settings.queue)
    listening.setblocking(False)
    return listening


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The data as it was: which revisions can be had, and the historic keepers that hold older ones.

Part of the gate's process. Builds nothing itself: each historic keeper is a process of its own
(docs/design/0006-past.md).
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from threading import Lock
from typing import Any, Final

from competency_graph.config import Settings
from competency_graph.errors import NotFound, Unavailable
from competency_graph.index import BOARD, Board, is_near
from competency_graph.log import Log

MOST_KEEPERS: Final = 2
IDLE: Final = 300.0
"""Seconds without a request after which a historic keeper is ended."""
_LEEWAY: Final = 5.0
_PREFIX: Final = "past-"


@dataclass(slots=True)
class _Historic:
    """A historic keeper: its process, its run folder, and when it was begun and last asked for."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    board: Board
    began: float
    asked: float
    is_told: bool = False

    @property
    def is_ready(self) -> bool:
        return self.board.revision > 0

    def end(self) -> None:
        """End it with its readers and wait until their memory is given back."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Past:
    """Says of revisions how they can be had, and has those built that cannot be had at once.

    Safe for threads.

    Args:
        log: the open log.
        board: that of the machine.
        run: its run folder.
        settings: all of them, for the historic keepers too.
        clock: seconds that only grow.
    """

    def __init__(
        self, log: Log, board: Board, run: Path, settings: Settings, *, clock: Callable[[], float]
    ) -> None:
        self._log = log
        self._board = board
        self._run = run
        self._settings = settings
        self._clock = clock
        self._lock = Lock()
        self._keepers: dict[int, _Historic] = {}
        # How long the last one took to build.
        self._lasts = 2.0
        # The writing end is this process's alone, so that its end is theirs.
        self._lifeline, self._held = os.pipe()
        for left in run.glob(f"{_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)

    def look(self, revision: int) -> dict[str, Any]:
        """Return when a revision was made (``time``), and whether it is ``near``: had at once.

        Raises:
            NotFound: there is no such revision.
            Redacted: it cannot be rebuilt.
            Unavailable: this machine does not serve it yet.
        """
        head = self._log.head()
        if not 1 <= revision <= head:
            raise NotFound(f"There is no revision {revision}; the newest is {head}.", revision=head)
        self._log.require_graph(revision)
        if revision > self._board.revision:
            raise Unavailable(f"Revision {revision} is not served here yet. Try again in a moment.")
        time = self._log.change(revision).time.isoformat()
        return {"time": time, "near": is_near(self._board, revision)}

    def folder(self, revision: int) -> str:
        """Return the name of the run folder, within the machine's, of who holds an older revision.

        Raises:
            Unavailable: it is being built now, or another is, or all that may be held are in use.
        """
        with self._lock:
            self._look_after()
            held = self._keepers.get(revision)
            if held is None:
                self._make_room(revision)
                held = self._keepers[revision] = self._start(revision)
            held.asked = self._clock()
            if not held.is_ready:
                raise self._building(revision, held)
            return held.folder.name

    def sweep(self) -> None:
        """End those that nobody asked for any more; to be called every second or so."""
        with self._lock:
            self._look_after()
            for revision, held in list(self._keepers.items()):
                if held.is_ready and self._clock() - held.asked > IDLE:
                    self._keepers.pop(revision).end()

    def close(self) -> None:
        """End them all."""
        with self._lock:
            while self._keepers:
                self._keepers.popitem()[1].end()
            os.close(self._held)
            os.close(self._lifeline)

    def _look_after(self) -> None:
        for revision, held in list(self._keepers.items()):
            if held.process.poll() is not None:
                self._keepers.pop(revision).end()
            elif held.is_ready and not held.is_told:
                held.is_told, self._lasts = True, self._clock() - held.began

    def _make_room(self, revision: int) -> None:
        """End one for another to be built, where one may be ended and nothing is being built."""
        for other, held in self._keepers.items():
            if not held.is_ready:
                raise self._building(revision, held, other=other)
        if len(self._keepers) < MOST_KEEPERS:
            return
        oldest = min(self._keepers, key=lambda one: self._keepers[one].asked)
        used = self._keepers[oldest].asked
        lasts = self._settings.query_timeout * self._settings.token_factor
        free = used + lasts + _LEEWAY - self._clock()
        if free > 0:
            raise Unavailable(
                f"{MOST_KEEPERS} older revisions are held at a time, and others are in use. "
                f"Ask for revision {revision} again in a while.",
                retry_after=ceil(free),
                revision=revision,
            )
        self._keepers.pop(oldest).end()

    def _start(self, revision: int) -> _Historic:
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{revision}-", dir=self._run))
        board = Board.create(folder / BOARD)
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "competency_graph.historic"),
                *(str(folder), str(revision), str(self._lifeline)),
            ],
            env=os.environ | self._settings.environment(),
            pass_fds=[self._lifeline],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        now = self._clock()
        return _Historic(process, folder, board, began=now, asked=now)

    def _building(self, revision: int, held: _Historic, *, other: int | None = None) -> Unavailable:
        left = ceil(max(1.0, held.began + self._lasts - self._clock()))
        what = f"Revision {revision} is older and is being built"
        if other is not None:
            what = f"Revision {revision} is older, and revision {other} is being built before it"
        return Unavailable(f"{what}. Ask again in {left} s.", retry_after=left, revision=revision)

"""What the web processes of a machine count together, in memory that they share. Knows no request.

Each process writes a column of its own, so no count is lost and no lock is needed; sums are over
all columns. What runs is counted by client as well, and a process that dies takes its part along.
"""

import mmap
import zlib
from typing import Final

# Words of a column: what runs, as pairs of client and number, then the figures.
_CLIENTS: Final = 512
_PROBES: Final = 8


class Counts:
    """Made before the processes are forked; each of them then says which column it writes.

    Args:
        columns: how many processes there may be at once.
        figures: how many numbers are kept that only grow.
    """

    def __init__(self, columns: int, figures: int) -> None:
        self._figures = figures
        self._columns = columns
        self._width = 2 * _CLIENTS + figures
        self._words = memoryview(mmap.mmap(-1, 8 * self._width * columns)).cast("Q")
        self._start = 0

    def take(self, column: int) -> None:
        """Write this column from now on; whoever had it before runs nothing any more."""
        self._start = column * self._width
        self.leave(column)

    def leave(self, column: int) -> None:
        """Say that the process of a column has ended, and so has what it ran."""
        for place in range(column * self._width, column * self._width + 2 * _CLIENTS):
            self._words[place] = 0

    def add(self, figure: int, number: int = 1) -> None:
        """Let a figure grow."""
        self._words[self._start + 2 * _CLIENTS + figure] += number

    def total(self, figure: int) -> int:
        """Return a figure, over all processes."""
        place = 2 * _CLIENTS + figure
        return sum(self._words[place : len(self._words) : self._width])

    def begin(self, client: str) -> int:
        """Count one more that runs for a client, and return how many do, with it.

        Two clients of one checksum share a count. Where there is no room for a client, it is not
        counted, and 0.
        """
        key = _key(client)
        place = self._find(self._start, key, free=True)
        if place is None:
            return 0
        self._words[place] = key
        self._words[place + 1] += 1
        return sum(self._running(column, key) for column in range(self._columns))

    def end(self, client: str) -> None:
        """Count one less that runs for a client."""
        place = self._find(self._start, _key(client))
        if place is not None and self._words[place + 1]:
            self._words[place + 1] -= 1

    def running(self) -> int:
        """Return how many run, of all clients."""
        return sum(
            sum(self._words[start + 1 : start + 2 * _CLIENTS : 2])
            for start in range(0, len(self._words), self._width)
        )

    def _running(self, column: int, key: int) -> int:
        place = self._find(column * self._width, key)
        return 0 if place is None else self._words[place + 1]

    def _find(self, start: int, key: int, *, free: bool = False) -> int | None:
        """Return the place of a client in a column, or one that is free where that is asked for."""
        empty = None
        for probe in range(_PROBES):
            place = start + (key + probe) % _CLIENTS * 2
            if self._words[place] == key:
                return place
            if empty is None and not self._words[place + 1]:
                empty = place
        return empty if free else None


def _key(client: str) -> int:
    return zlib.crc32(client.encode()) + 1

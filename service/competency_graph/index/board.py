"""A small file that all processes of the machine map: revision served, and how readers died.

Holds numbers only. Each field is one aligned word with one writer, so no lock is needed. Beside it
lies the ring of the last small changes.
"""

import mmap
import os
import signal
import struct
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from competency_graph.index.ring import Ring

# Words by number: single ones; for each slot what its reader is at; deaths, the last by request and
# all by what ended them.
_REVISION, _GENERATION, _KEEPER, _SEALED, _AGED, _READERS = 0, 1, 2, 3, 4, 5
_SERVED, _SLOTS, _SLOT_WORDS = 8, 256, 4
_DEATH_COUNT = _SERVED + _SLOTS * _SLOT_WORDS
_DEATHS, _REMEMBERED, _DEATH_WORDS = _DEATH_COUNT + 2, 128, 5
_DEATHS_BY, _SIGNALS = _DEATHS + _REMEMBERED * _DEATH_WORDS, 65
# In bytes: what clients asked for, what of it had to be ended, and what was refused.
_TALLIES, _CLIENTS, _PROBES = 8 * (_DEATHS_BY + _SIGNALS), 1024, 8
_ENTRY: Final = struct.Struct("@III4x")
_TALLY_SIZE: Final = _CLIENTS * _ENTRY.size
_SIZE: Final = _TALLIES + 3 * _TALLY_SIZE
MINUTE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """How a reader ended while it worked on a request: the signal, after how many seconds.

    ``size`` and ``rows`` are what it had written of the answer, where rows are counted.
    """

    signal: int
    seconds: float
    size: int
    rows: int | None


class Seat:
    """Where one reader says what it is at: the request, since when, and what is written of it."""

    def __init__(self, words: memoryview | None = None) -> None:
        self._words = words or memoryview(bytearray(8 * _SLOT_WORDS)).cast("Q")

    def take(self, request: int) -> None:
        """Say which request is worked on from now on."""
        self._words[2] = self._words[3] = 0
        self._words[1] = time.monotonic_ns()
        self._words[0] = request

    def rest(self) -> None:
        """Say that nothing is worked on any more."""
        self._words[0] = 0

    def wrote(self, size: int, rows: int | None) -> None:
        """Say how many bytes and, where they are counted, rows of its answer are written."""
        self._words[2] = size
        self._words[3] = 0 if rows is None else rows + 1

    @property
    def seconds(self) -> float:
        """How long it has been worked on."""
        return (time.monotonic_ns() - self._words[1]) / 1e9

    @property
    def busy(self) -> float:
        """How long the request has been worked on that is worked on now; 0 if there is none."""
        return self.seconds if self._words[0] else 0.0


def _death(number: int, lasted: int, size: int, rows: int) -> Death:
    return Death(signal=number, seconds=lasted / 1e9, size=size, rows=rows - 1 if rows else None)


class Board:
    """The mapped file. ``create`` makes it once; every process opens it by path.

    ``requests``, ``kills`` and ``refusals`` count, by client, what strangers asked for, what of it
    had to be ended, and what was refused.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR)
        try:
            self._map = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)
        # Each word is read and written in one step: `struct` would clear it before it writes.
        self._words = memoryview(self._map).cast("Q")
        self.ring = Ring(path.with_suffix(".ring"))
        self.requests = _Tally(self._map, _TALLIES)
        self.kills = _Tally(self._map, _TALLIES + _TALLY_SIZE)
        self.refusals = _Tally(self._map, _TALLIES + 2 * _TALLY_SIZE)

    @classmethod
    def create(cls, path: Path) -> "Board":
        """Make an empty board that only this user can read and return it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.ftruncate(descriptor, _SIZE)
        os.close(descriptor)
        Ring.create(path.with_suffix(".ring"))
        return cls(path)

    @property
    def revision(self) -> int:
        """The revision that the keeper serves; 0 until it serves one."""
        return self._words[_REVISION]

    @property
    def generation(self) -> int:
        """How many keepers have served so far."""
        return self._words[_GENERATION]

    @property
    def keeper(self) -> int:
        """The process id of the serving keeper; 0 for none."""
        return self._words[_KEEPER]

    @property
    def sealed(self) -> bool:
        """Whether the kernel took the seal of the readers."""
        return bool(self._words[_SEALED])

    def serve(self, *, revision: int, generation: int, keeper: int, sealed: bool) -> None:
        """Say what is served from now on, and by whom.

        The generation last but for the revision, since the readers of earlier ones end at it.
        """
        for place, number in (
            (_KEEPER, keeper),
            (_SEALED, int(sealed)),
            (_GENERATION, generation),
            (_REVISION, revision),
        ):
            self._words[place] = number

    def advance(self, revision: int) -> None:
        """Say that the serving keeper holds a later revision."""
        self._words[_REVISION] = revision

    @property
    def aged(self) -> int:
        """The generation of the keeper that asked for a successor; 0 for none."""
        return self._words[_AGED]

    def age(self, generation: int) -> None:
        """Ask the supervisor for a fresh keeper beside the one of this generation."""
        self._words[_AGED] = generation

    @staticmethod
    def slot(generation: int, index: int) -> int:
        """Return the slot of a keeper's reader; two successive keepers share none."""
        return (generation % 2) * (_SLOTS // 2) + index

    def seat(self, slot: int) -> Seat:
        """Return where the reader in this slot says what it is at."""
        start = _SERVED + slot * _SLOT_WORDS
        return Seat(self._words[start : start + _SLOT_WORDS])

    @property
    def readers(self) -> int:
        """How many readers the serving keeper has."""
        return self._words[_READERS]

    @readers.setter
    def readers(self, count: int) -> None:
        self._words[_READERS] = count

    def record_death(self, slot: int, signal_number: int) -> None:
        """Write which signal ended the reader in this slot, by the request that it worked on.

        Only keepers write here, before another reader gets the slot. While one follows another
        both may, and one death may be lost: then its request is told that a process ended.
        """
        start = _SERVED + slot * _SLOT_WORDS
        request, began, *written = self._words[start : start + _SLOT_WORDS]
        count = self._words[_DEATH_COUNT]
        place = _DEATHS + count % _REMEMBERED * _DEATH_WORDS
        lasted = time.monotonic_ns() - began
        # The request last: who finds it must find its own death beside it.
        for offset, number in enumerate((signal_number, lasted, *written), 1):
            self._words[place + offset] = number
        self._words[place] = request
        self._words[_DEATH_COUNT] = count + 1
        # Whoever gets the slot next is not at it.
        self._words[start] = 0
        self._words[_DEATHS_BY + min(signal_number, _SIGNALS - 1)] += 1

    def death(self, request: int) -> Death | None:
        """Return how the reader of a request ended, or nothing while that is not known."""
        for place in range(_DEATHS, _DEATHS + _REMEMBERED * _DEATH_WORDS, _DEATH_WORDS):
            if self._words[place] == request:
                number, lasted, size, rows = self._words[place + 1 : place + _DEATH_WORDS]
                return _death(number, lasted, size, rows)
        return None

    def overdue(self, request: int, seconds: float) -> Death | None:
        """Return the end of a reader that had its time, which needs no keeper to know.

        It may be dying still, or the keeper at something else: what it said last stands until then.
        """
        for start in range(_SERVED, _SERVED + _SLOTS * _SLOT_WORDS, _SLOT_WORDS):
            if self._words[start] == request:
                began, size, rows = self._words[start + 1 : start + _SLOT_WORDS]
                lasted = time.monotonic_ns() - began
                if lasted >= seconds * 1e9:
                    return _death(signal.SIGALRM, lasted, size, rows)
        return None

    def deaths(self) -> dict[int, int]:
        """Return how many readers ended by each signal so far; 0 for those that ended by will."""
        counts = self._words[_DEATHS_BY : _DEATHS_BY + _SIGNALS]
        return {number: count for number, count in enumerate(counts) if count}


class _Tally:
    """Counts for each client in the present minute, in a part of the map.

    Two web processes that count the same client at once may lose one count: it then has one more.
    Two clients of one checksum share a count.
    """

    def __init__(self, shared: mmap.mmap, start: int) -> None:
        self._map = shared
        self._start = start

    def add(self, client: str) -> int:
        """Count one more and return how many there were in this minute, with it."""
        place, minute, count = self._find(client)
        now = int(time.monotonic()) // MINUTE
        count = count + 1 if minute == now else 1
        _ENTRY.pack_into(self._map, place, zlib.crc32(client.encode()), now, count)
        return count

    def count(self, client: str) -> int:
        """Return how many were counted in the present minute."""
        _, minute, count = self._find(client)
        return count if minute == int(time.monotonic()) // MINUTE else 0

    def _find(self, client: str) -> tuple[int, int, int]:
        """Return place, minute and count of a client, or of the entry that it may take over."""
        key = zlib.crc32(client.encode())
        oldest = (0, 1 << 32, 0)
        for probe in range(_PROBES):
            place = self._start + ((key + probe) % _CLIENTS) * _ENTRY.size
            held, minute, count = _ENTRY.unpack_from(self._map, place)
            if held == key:
                return place, minute, count
            if minute < oldest[1]:
                oldest = (place, minute, 0)
        return oldest[0], 0, 0

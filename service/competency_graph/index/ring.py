"""The last small changes in memory that all processes of the machine map. One writer, no lock.

The keeper puts each change that it applied; a reader that is behind takes what it lacks. A change
that is too large, or that has been overwritten since, is not there: such a reader ends, and a fresh
fork of the keeper takes its place.
"""

import mmap
import os
import struct
import zlib
from pathlib import Path
from typing import Final

_CUT: Final = struct.Struct("=Q")
# Words, in words: how much was written, then four for each slot: revision, start, length, checksum.
_FIRST_SLOT, _SLOT, _SLOTS = 8, 4, 1024
_DATA: Final = (_FIRST_SLOT + _SLOTS * _SLOT) * 8
CAPACITY: Final = 16_000_000
MOST_OF_ONE: Final = 1_000_000
"""Bytes that the lines of all changes, and those of one, may have here."""


class Ring:
    """The mapped file. ``create`` makes it once; every process opens it by path."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR)
        try:
            self._map = mmap.mmap(descriptor, _DATA + CAPACITY)
        finally:
            os.close(descriptor)
        # Each word is read and written in one step: `struct` would clear it before it writes.
        self._words = memoryview(self._map).cast("Q")

    @classmethod
    def create(cls, path: Path) -> "Ring":
        """Make an empty ring that only this user can read and return it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.ftruncate(descriptor, _DATA + CAPACITY)
        os.close(descriptor)
        return cls(path)

    def put(self, revision: int, *, removed: bytes, added: bytes) -> None:
        """Offer the N-Quads lines of a change; one that is too large is left out."""
        content = _CUT.pack(len(removed)) + removed + added
        if len(content) > MOST_OF_ONE:
            return
        words, slot = self._words, _FIRST_SLOT + revision % _SLOTS * _SLOT
        start = words[0]
        # Reserved before it is written over: who reads there meanwhile sees that it was.
        words[0] = start + len(content)
        place = start % CAPACITY
        head = content[: CAPACITY - place]
        self._map[_DATA + place : _DATA + place + len(head)] = head
        self._map[_DATA : _DATA + len(content) - len(head)] = content[len(head) :]
        words[slot], words[slot + 1], words[slot + 2] = 0, start, len(content)
        words[slot + 3] = zlib.crc32(content)
        words[slot] = revision

    def holds(self, revision: int) -> bool:
        """Say whether a change is there, without reading it."""
        slot = _FIRST_SLOT + revision % _SLOTS * _SLOT
        return self._words[slot] == revision and self._words[0] <= self._words[slot + 1] + CAPACITY

    def get(self, revision: int) -> tuple[bytes, bytes] | None:
        """Return removed and added lines of a change, or nothing where it is not there."""
        words, slot = self._words, _FIRST_SLOT + revision % _SLOTS * _SLOT
        start, length, checksum = words[slot + 1], words[slot + 2], words[slot + 3]
        if words[slot] != revision or length > MOST_OF_ONE:
            return None
        place = start % CAPACITY
        head = self._map[_DATA + place : _DATA + min(place + length, CAPACITY)]
        content = head + self._map[_DATA : _DATA + length - len(head)]
        overwritten = words[0] > start + CAPACITY
        # The checksum also tells what another core was shown out of the order it was written in.
        if overwritten or words[slot] != revision or zlib.crc32(content) != checksum:
            return None
        (cut,) = _CUT.unpack_from(content)
        return content[_CUT.size : _CUT.size + cut], content[_CUT.size + cut :]

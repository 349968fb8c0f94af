"""The last small changes in memory that all processes of the machine map. One writer, no lock.

The keeper puts each change that it applied; a reader that is behind takes what it lacks. A change
that is too large, or that has been overwritten since, is not there: such a reader ends, and a fresh
fork of the keeper takes its place.
"""

import mmap
import os
import struct
from pathlib import Path
from typing import Final

_WORD: Final = struct.Struct("=Q")
_SLOT: Final = struct.Struct("=QQQ")
_SLOTS: Final = 1024
_DATA: Final = 64 + _SLOTS * _SLOT.size
_CAPACITY: Final = 16_000_000
_MOST: Final = 1_000_000


class Ring:
    """The mapped file. ``create`` makes it once; every process opens it by path."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR)
        try:
            self._map = mmap.mmap(descriptor, _DATA + _CAPACITY)
        finally:
            os.close(descriptor)

    @classmethod
    def create(cls, path: Path) -> "Ring":
        """Make an empty ring that only this user can read and return it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.ftruncate(descriptor, _DATA + _CAPACITY)
        os.close(descriptor)
        return cls(path)

    def put(self, revision: int, *, removed: bytes, added: bytes) -> None:
        """Offer the N-Quads lines of a change; one that is too large is left out."""
        content = _WORD.pack(len(removed)) + removed + added
        if len(content) > _MOST:
            return
        (start,) = _WORD.unpack_from(self._map, 0)
        # Reserved before it is written over: who reads there meanwhile sees that it was.
        _WORD.pack_into(self._map, 0, start + len(content))
        place = start % _CAPACITY
        head = content[: _CAPACITY - place]
        self._map[_DATA + place : _DATA + place + len(head)] = head
        self._map[_DATA : _DATA + len(content) - len(head)] = content[len(head) :]
        slot = 64 + revision % _SLOTS * _SLOT.size
        _SLOT.pack_into(self._map, slot, 0, start, len(content))
        _WORD.pack_into(self._map, slot, revision)

    def get(self, revision: int) -> tuple[bytes, bytes] | None:
        """Return removed and added lines of a change, or nothing where it is not there."""
        slot = 64 + revision % _SLOTS * _SLOT.size
        held, start, length = _SLOT.unpack_from(self._map, slot)
        if held != revision or length > _MOST:
            return None
        place = start % _CAPACITY
        head = self._map[_DATA + place : _DATA + min(place + length, _CAPACITY)]
        content = head + self._map[_DATA : _DATA + length - len(head)]
        (reserved,) = _WORD.unpack_from(self._map, 0)
        if _SLOT.unpack_from(self._map, slot) != (held, start, length):
            return None
        if reserved > start + _CAPACITY:
            return None
        (cut,) = _WORD.unpack_from(content)
        return content[_WORD.size : _WORD.size + cut], content[_WORD.size + cut :]

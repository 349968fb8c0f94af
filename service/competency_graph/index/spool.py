"""Where a reader collects an answer before anybody is sent a byte of it. Sends nothing itself."""

import errno
import tempfile
from hashlib import blake2b
from typing import IO, Final

from competency_graph.codings import Coding, Compressor, compressor
from competency_graph.errors import LimitReached, Unavailable
from competency_graph.index.board import Seat

INLINE: Final = 1 << 16
"""Bytes of an answer that go over the socket; what is larger goes as a file."""

# The engine writes in small pieces: each is worth neither a call of the system nor one of zlib.
_GATHERED: Final = 1 << 18


class Spool:
    """Collects an answer: in memory while small, then in an unlinked file, up to limits.

    Once finished, what is to be sent is in ``file`` or, where there is none, in ``small``.

    Args:
        most: bytes that the answer may have, before it is coded.
        most_rows: rows that it may have, or nothing for any number.
        seat: where it says how much there is.
        coding: the content coding of the file; what is small is left to whoever holds it.
    """

    def __init__(
        self, most: int, most_rows: int | None, seat: Seat, coding: Coding | None = None
    ) -> None:
        self.file: IO[bytes] | None = None
        self.small = bytearray()
        self.coding = coding
        self.size = 0
        """Bytes that are to be sent."""
        self.digest = blake2b(digest_size=16)
        """Digest of what is to be sent."""
        self.taken = 0
        """Bytes that were written, before they are coded."""
        self.rows: int | None = None
        """Rows that were written, where they are counted."""
        self._most = most
        self._most_rows = most_rows
        self._seat = seat
        self._held = bytearray()
        self._room = INLINE
        self._compressor: Compressor | None = None

    def write(self, content: bytes, /) -> int:
        """Take some bytes.

        Raises:
            LimitReached: the answer grew past the limit.
            Unavailable: there is no room for the file.
        """
        self.taken += len(content)
        if self.taken > self._most:
            raise LimitReached("bytes", self._most / 1_000_000)
        self._held += content
        if len(self._held) > self._room:
            self._drain()
        self._seat.wrote(self.taken, self.rows)
        return len(content)

    def count(self, rows: int) -> None:
        """Take notice of how many rows were written.

        Raises:
            LimitReached: they are more than may be.
        """
        self.rows = rows
        self._seat.wrote(self.taken, rows)
        if self._most_rows is not None and rows > self._most_rows:
            raise LimitReached("rows", self._most_rows)

    def flush(self) -> None:
        """Do nothing: what was taken is kept."""

    def finish(self) -> None:
        """Take no more, and make ready what is to be sent; raises as :meth:`write` does."""
        if self.file is not None:
            self._drain(last=True)
            return
        self.small, self.coding = self._held, None
        self.size = len(self.small)
        self.digest.update(self.small)

    def _drain(self, *, last: bool = False) -> None:
        try:
            if self.file is None:
                self.file = tempfile.TemporaryFile(buffering=0)
                self._room = _GATHERED
                self._compressor = None if self.coding is None else compressor(self.coding)
            coder = self._compressor
            self._put(self._held if coder is None else coder.compress(self._held))
            if last and coder is not None:
                self._put(coder.flush())
        except OSError as error:
            raise _full(error) from None
        self._held.clear()

    def _put(self, content: bytes | bytearray) -> None:
        assert self.file is not None
        self.size += len(content)
        self.digest.update(content)
        put = 0
        # The system may take a part only, as when the disk is about to be full.
        while put < len(content):
            put += self.file.write(memoryview(content)[put:])


def _full(error: OSError) -> Exception:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return error
    return Unavailable(
        "There is no room just now for so large an answer. Try again later, or ask for less.",
        retry_after=60,
    )

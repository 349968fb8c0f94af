"""Content codings (RFC 9110, section 8.4.1): gzip and zstd. The same bytes for the same content."""

import zlib
from typing import Final, Literal, Protocol

import zstandard

Coding = Literal["zstd", "gzip"]

CODINGS: Final[tuple[Coding, ...]] = ("zstd", "gzip")
"""What there is, what costs least first."""

LEAST: Final = 1_000
"""Bytes below which nothing is coded: it would go in one packet all the same."""

# Coding must not take longer than the answering: at these levels it takes about half of it.
_GZIP_LEVEL, _ZSTD_LEVEL = 1, 1
# A gzip member, not a bare stream (zlib.h, deflateInit2); its time stamp is left at nought.
_GZIP: Final = 16 + zlib.MAX_WBITS


class Compressor(Protocol):
    """Codes one content, given in pieces."""

    def compress(self, data: bytes | bytearray, /) -> bytes:
        """Take a piece and return what is ready of the coded content."""
        ...

    def flush(self) -> bytes:
        """Return the rest."""
        ...


def compressor(coding: Coding) -> Compressor:
    """Return what codes one content."""
    if coding == "gzip":
        return zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP)
    # The window stays far below the 8 MB that every recipient must take (RFC 9659).
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compressobj()


def coded(coding: Coding, content: bytes | bytearray) -> bytes:
    """Return a whole content coded."""
    made = compressor(coding)
    return made.compress(content) + made.flush()

"""Lines of N-Quads packed for storage, and unpacked again. Never looks into a line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

import zstandard

Line = str | bytes
Kind = Literal["added", "removed"]

BLOCK_BYTES: Final = 4_000_000
"""Most that one stored block holds before compression; only a longer single line exceeds it."""

LEVEL: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Sorted lines as they are stored: compressed blocks, and what they came to."""

    blocks: tuple[bytes, ...]
    count: int
    size: int
    digest: bytes


def pack(lines: Iterable[Line]) -> Packed:
    """Compress lines, with or without their line feeds, into blocks.

    The digest is that of the text, so that it outlives another level or size of block. Raises
    ``ValueError`` for lines that are empty, repeated or not in the order of their bytes:
    the counts and the digest would not mean what they say.
    """
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    digest = sha256()
    blocks: list[bytes] = []
    count = size = 0
    for chunk in _chunks(lines):
        text = b"\n".join(chunk) + b"\n"
        digest.update(text)
        blocks.append(compressor.compress(text))
        count += len(chunk)
        size += len(text)
    return Packed(blocks=tuple(blocks), count=count, size=size, digest=digest.digest())


def unpack(block: bytes) -> bytes:
    """Return the text of a block: lines with their line feeds; ``ZstdError`` where it is torn."""
    return zstandard.ZstdDecompressor().decompress(block)


def split(text: bytes) -> list[bytes]:
    """Return the lines of an unpacked block without their line feeds."""
    # Not splitlines(): a carriage return inside a line would split it.
    return text[:-1].split(b"\n")


def _chunks(lines: Iterable[Line]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    size = 0
    previous = b""
    for given in lines:
        line = (given.encode() if isinstance(given, str) else given).removesuffix(b"\n")
        if line <= previous:
            raise ValueError(
                f"lines must be sorted, without repetition; after {previous!r}: {line!r}"
            )
        if b"\n" in line:
            raise ValueError(f"this is more than one line: {line!r}")
        if chunk and size + len(line) + 1 > BLOCK_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(line)
        size += len(line) + 1
        previous = line
    if chunk:
        yield chunk

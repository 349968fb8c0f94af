"""Places in a text as the protocol counts them: lines, and units of an encoding. Knows no RDF."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from lsprotocol.types import Position, PositionEncodingKind, Range

# Language Server Protocol 3.17, Text Documents: these end a line and nothing else does.
_LINE: Final = re.compile(r"\r\n|\n|\r")


@dataclass(kw_only=True)
class Lines:
    """A text whose places are counted; offsets are characters from 0."""

    text: str
    encoding: PositionEncodingKind | str | None

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in _LINE.finditer(self.text))]

    @cached_property
    def _feeds(self) -> list[int]:
        # Places of findings count lines by line feeds alone.
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    def offset(self, position: Position) -> int:
        """Return the character at a position; behind the end of its line, that end."""
        if position.line >= len(self._starts):
            return len(self.text)
        start = self._starts[position.line]
        end = _LINE.search(self.text, start)
        row = self.text[start : end.start() if end else None]
        if row.isascii():
            return start + min(position.character, len(row))
        units = 0
        for number, character in enumerate(row):
            if units >= position.character:
                return start + number
            units += self._units(character)
        return start + len(row)

    def position(self, offset: int) -> Position:
        """Return the position of a character."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._starts, offset) - 1
        row = self.text[self._starts[line] : offset]
        return Position(line=line, character=self._units(row))

    def range(self, start: int, end: int) -> Range:
        """Return the range between two characters."""
        return Range(start=self.position(start), end=self.position(end))

    def at(self, line: int, column: int) -> int:
        """Return the character at a line and column as findings have them: both from 1."""
        if line > len(self._feeds):
            return len(self.text)
        # A mark of the byte order is no character of the text to those who find.
        mark = self.text.startswith("\ufeff") and line == 1
        return min(self._feeds[line - 1] + column - 1 + mark, len(self.text))

    def _units(self, text: str) -> int:
        if text.isascii() or self.encoding == PositionEncodingKind.Utf32:
            return len(text)
        if self.encoding == PositionEncodingKind.Utf8:
            return len(text.encode("utf-8", "surrogatepass"))
        return len(text.encode("utf-16-le", "surrogatepass")) // 2

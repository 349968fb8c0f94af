"""How many rows of a SELECT are written, told from the bytes of any results format. Parses nothing.

The engine writes rows without telling how many, and to iterate over them instead costs several
times the writing. Each format has a mark that only a row can make, whatever its values hold.
"""

import re
from collections.abc import Callable
from typing import IO, Final

# What is before all rows in JSON, and between two of them. A quote inside of a string is escaped,
# so there is one way only in which a string could hold the latter: as its end, before a comma or
# a brace. A row that binds nothing, {}, might stand in a string, and is not counted.
_ROWS: Final = b'"bindings":['
_NEXT: Final = re.compile(rb'\},\{"[^,}]')
_RESULT: Final = b"<result>"
_NO_MARKS: Final = bytes(byte for byte in range(256) if byte not in b'"\n')


class Rows:
    """Passes an answer on and counts its rows.

    Args:
        output: where the answer goes.
        format_: ``json``, ``xml``, ``csv`` or ``tsv``, as the engine writes them.
        count: is told how many rows there are, after each writing.
    """

    def __init__(self, output: IO[bytes], format_: str, count: Callable[[int], None]) -> None:
        self._output = output
        self._new_in = getattr(self, f"_{format_}")
        self._count = count
        # Tables begin with a line of names.
        self._rows = -1 if format_ in ("csv", "tsv") else 0
        # What was written before, as much as a mark may begin in; and all before the rows.
        self._tail = b""
        self._head: bytes | None = b""
        self._quoted = False

    def write(self, content: bytes, /) -> int:
        """Pass some bytes on; raises what ``count`` raises."""
        self._output.write(content)
        self._rows += self._new_in(content)
        self._count(max(self._rows, 0))
        return len(content)

    def flush(self) -> None:
        """Do nothing: everything was passed on."""

    def _json(self, content: bytes) -> int:
        first = 0
        if self._head is not None:
            self._head += content
            _, found, content = self._head.partition(_ROWS)
            if not found or len(content) < 2:
                return 0
            self._head, first = None, content.startswith(b'{"')
        seen = self._tail + content
        self._tail = seen[-4:]
        return first + len(_NEXT.findall(seen))

    def _xml(self, content: bytes) -> int:
        seen = self._tail + content
        self._tail = seen[1 - len(_RESULT) :]
        return seen.count(_RESULT)

    def _tsv(self, content: bytes) -> int:
        return content.count(b"\n")

    def _csv(self, content: bytes) -> int:
        if not self._quoted and b'"' not in content:
            return content.count(b"\n")
        marks = content.translate(None, _NO_MARKS)
        # Two quotes with no end of a line between them change nothing.
        parts = ((b'"' if self._quoted else b"") + marks).replace(b'""', b"").split(b'"')
        self._quoted = len(parts) % 2 == 0
        return sum(part.count(b"\n") for part in parts[::2])

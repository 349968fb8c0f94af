"""The beginning of an answer as plain values, while the rest is only counted. Asks nothing."""

from collections.abc import Iterator
from typing import Final

import pyoxigraph as ox

from competency_graph.index.terms import Term, term
from competency_graph.rdf import RESULTS, SYNTAXES

# One row or triple a line, so that they can be counted as they come.
ROWS: Final = "tsv"
TRIPLES: Final = "n-triples"
_TYPE_OF_ROWS: Final = RESULTS[ROWS][0]
_MOST_BYTES: Final = 4_000_000


class Beginning:
    """What an answer in the formats ``ROWS`` and ``TRIPLES`` is written to; keeps its first rows.

    Args:
        most: how many rows are kept, as long as they have not more than 4 MB.
    """

    def __init__(self, most: int) -> None:
        self.size = 0
        """How many bytes there were."""
        self._most = most
        self._lines = 0
        self._kept = bytearray()

    def write(self, content: bytes, /) -> int:
        """Take some bytes."""
        # The first line of rows names the columns.
        if self._lines <= self._most and len(self._kept) < _MOST_BYTES:
            self._kept += content
        self._lines += content.count(b"\n")
        self.size += len(content)
        return len(content)

    def flush(self) -> None:
        """Do nothing: what was taken is kept."""

    def truth(self) -> bool | None:
        """Return the answer of ASK, or nothing where it was another query."""
        return {b"true": True, b"false": False}.get(bytes(self._kept).strip())

    def total(self, media_type: str) -> int:
        """Return how many rows or triples there were."""
        return self._lines - (media_type == _TYPE_OF_ROWS)

    def read(self, media_type: str) -> tuple[list[str], list[tuple[Term | None, ...]]]:
        """Return the names of the columns, none for triples, and the first rows."""
        if media_type == _TYPE_OF_ROWS:
            found = ox.parse_query_results(self._lines_kept(self._most + 1), RESULTS[ROWS][1])
            assert isinstance(found, ox.QuerySolutions)
            names = [variable.value for variable in found.variables]
            return names, [tuple(None if n is None else term(n) for n in row) for row in found]
        return [], list(self._triples())

    def _triples(self) -> Iterator[tuple[Term, ...]]:
        syntax = next(s for s in SYNTAXES if s.name == TRIPLES)
        for quad in ox.parse(self._lines_kept(self._most), syntax.format):
            yield term(quad.subject), term(quad.predicate), term(quad.object)

    def _lines_kept(self, most: int) -> bytes:
        """Return the first lines, as far as they were kept whole."""
        whole = bytes(self._kept[: self._kept.rfind(b"\n") + 1])
        return b"".join(whole.splitlines(keepends=True)[:most])

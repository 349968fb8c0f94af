"""One query to one server: how long it took and what it answered. Judges no answer."""

import http.client
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Self
from urllib.parse import quote

import pyoxigraph as ox

from bench.load import Address
from bench.peer_queries import TRIPLES, accepted

_NUMBERS = ("integer", "decimal", "double", "float", "int")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer, read to its end. Of one that is no 200 only the status is told, 0 for none.

    ``content`` is a digest of its rows, in any order and without blank nodes.
    """

    status: int
    seconds: float
    rows: int = 0
    content: str = ""
    said: str = ""

    @property
    def ending(self) -> str:
        """How it ended, in a word or two."""
        return str(self.status) if self.status else self.said

    def taking(self, seconds: float) -> Self:
        """Return the same, with the time that it takes."""
        return replace(self, seconds=seconds)

    def __str__(self) -> str:
        told = f"{1000 * self.seconds:.1f} ms"
        return f"{told}, {self.rows} rows" if self.status == 200 else f"{told}, {self.ending}"


def ask(
    address: Address,
    path: str,
    text: str,
    *,
    patience: float,
    compare: bool = False,
    source: str = "",
) -> Answered:
    """Ask a query by GET, written behind the path, on a connection of its own.

    Args:
        address: of the server.
        path: with what stands before the query.
        text: the query.
        patience: seconds until it is given up.
        compare: whether rows and content are wanted.
        source: the address of this machine to ask from.
    """
    connection = http.client.HTTPConnection(
        *address, timeout=patience, source_address=(source, 0) if source else None
    )
    began = time.monotonic()
    try:
        connection.request("GET", path + quote(text, safe=""), headers={"Accept": accepted(text)})
        answer = connection.getresponse()
        body = answer.read()
        seconds = time.monotonic() - began
        if answer.status != 200:
            return Answered(
                status=answer.status, seconds=seconds, said=body[:200].decode("latin-1")
            )
        rows, content = _told(answer.headers.get_content_type(), body) if compare else (0, "")
        return Answered(status=200, seconds=seconds, rows=rows, content=content)
    except TimeoutError:
        return Answered(status=0, seconds=patience, said="no answer")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answered(status=0, seconds=time.monotonic() - began, said=type(error).__name__)
    finally:
        connection.close()


def _told(media_type: str, body: bytes) -> tuple[int, str]:
    """Return how many rows or triples an answer has, and a digest of them."""
    if media_type == TRIPLES:
        triples = list(ox.parse(body, ox.RdfFormat.N_TRIPLES))
        named = (str(t) for t in triples if "_:" not in str(t))
        return len(set(triples)), _digest(named)
    found = json.loads(body)["results"]["bindings"]
    return len(found), _digest(_row(row) for row in found)


def _row(row: dict[str, dict[str, Any]]) -> str:
    return str(sorted((name, _value(cell)) for name, cell in row.items()))


def _value(cell: dict[str, Any]) -> str:
    if cell["type"] == "bnode":
        return ""
    # One number has several spellings.
    if cell.get("datatype", "").rpartition("#")[2] in _NUMBERS:
        return str(float(cell["value"]))
    return str(cell["value"])


def _digest(rows: Iterable[str]) -> str:
    return blake2b("\n".join(sorted(rows)).encode(), digest_size=8).hexdigest()

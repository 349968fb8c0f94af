"""A query's answer as a page shows it, made inside a reader: the first rows, things by name.

Knows no HTTP and no markup, and is no results format: programs ask for one of those.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from competency_graph.catalogue import write
from competency_graph.index import ROWS, TRIPLES, Answer, Beginning, Graph, Term, Writer
from competency_graph.words import Words, short_name

MOST_ROWS: Final = 1_000
# A page is to be read: what is longer is cut here, and whole in every results format.
_LONGEST: Final = 2_000


def shown(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write the answer of the query in ``body``: truth, or columns and first rows; what it took.

    Parameters are ``body`` (SPARQL 1.1 Query, UTF-8), ``default_graphs``, ``named_graphs``,
    ``count``, which is told how many rows there are, and ``shown``, the client's languages. Triples
    have no columns. Time is in seconds, size in bytes of the answer in TSV or N-Triples. Raises
    what :meth:`Graph.write_answer` and ``count`` raise.
    """
    began = time.perf_counter()
    beginning = Beginning(MOST_ROWS)
    media_type = graph.write_answer(
        parameters["body"].decode("utf-8"),
        cast(Writer, beginning),
        rows=ROWS,
        graph=TRIPLES,
        default_graphs=parameters["default_graphs"],
        named_graphs=parameters["named_graphs"],
        count=parameters["count"],
    )
    seconds = time.perf_counter() - began
    told: dict[str, Any] = {"seconds": seconds, "bytes": beginning.size, "type": media_type}
    if (truth := beginning.truth()) is not None:
        return write({**told, "truth": truth}, output)
    columns, rows = beginning.read(media_type)
    words = Words(graph, parameters["shown"])
    told |= {"columns": columns, "rows": list(_named(graph, words, rows))}
    told["total"] = beginning.total(media_type)
    return write(told, output)


def _named(
    graph: Graph, words: Words, rows: list[tuple[Term | None, ...]]
) -> Iterator[list[dict[str, Any] | None]]:
    """Yield rows with each thing by name, looked up once."""
    known: dict[str, dict[str, Any]] = {}
    for row in rows:
        cells: list[dict[str, Any] | None] = []
        for cell in row:
            if cell is not None and cell.kind == "iri":
                if cell.value not in known:
                    known[cell.value] = _thing(graph, words, cell.value)
                cells.append(known[cell.value])
            else:
                cells.append(None if cell is None else _text(cell))
        yield cells


def _thing(graph: Graph, words: Words, iri: str) -> dict[str, Any]:
    name = words.name(iri)
    return {
        "id": iri,
        "known": bool(graph.properties(iri)),
        "text": name.value if name else short_name(iri),
        "language": name.language if name else "",
    }


def _text(cell: Term) -> dict[str, Any]:
    text = f"_:{cell.value}" if cell.kind == "blank" else cell.value
    told = {"text": text[:_LONGEST], "language": cell.language, "cut": len(text) > _LONGEST}
    if cell.datatype and not cell.language:
        told["datatype"] = cell.datatype.rpartition("#")[2]
    return told


ANSWERS: Final[Mapping[str, Answer]] = {"shown": shown}

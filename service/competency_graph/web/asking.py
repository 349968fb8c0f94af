"""Somebody's query, from its text to its answer: within limits, measured, told to the operator.

What is logged of it is a digest of its text, what it cost and where it ended; never the text, nor
who asked.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

from flask import g

from competency_graph.codings import Coding
from competency_graph.errors import CompetencyGraphError, QueryTooLong
from competency_graph.index import Whole
from competency_graph.web import federating
from competency_graph.web.exchange import client, client_address, metrics, settings
from competency_graph.web.limits import counted
from competency_graph.web.reading import readers

_logger: Final = logging.getLogger("competency_graph.queries")
# Of one client in a minute: whoever is refused again and again must not fill the disk.
_MOST_LOGGED: Final = 10


def ask(
    text: bytes,
    options: Mapping[str, Any],
    timeout: str | None,
    revision: Sequence[str] | None = None,
    *,
    coding: Coding | None = None,
) -> Whole:
    """Ask a query of the client of this request.

    Args:
        text: SPARQL 1.1 Query, as UTF-8.
        options: those of :meth:`Graph.write_answer`.
        timeout: the time that the client asks for, as it wrote it.
        revision: of which revision, where that is not in the address; see :func:`readers`.
        coding: what an answer that comes as a file is to be coded in.

    Raises:
        CompetencyGraphError: what the query, or a limit that it meets, raises.
    """
    began, limits = time.monotonic(), settings()
    try:
        if len(text) > limits.query_length:
            raise QueryTooLong(limits.query_length)
        with counted() as share:
            seconds = share.time(timeout)
            whole = federating.query(
                readers(revision), text, options, seconds=seconds, coding=coding
            )
    except CompetencyGraphError as error:
        if "limit" in error.facts:
            _refused(text, error, time.monotonic() - began)
        raise
    took = time.monotonic() - began
    metrics().answered(took)
    if limits.slow_query is not None and took >= limits.slow_query:
        metrics().slow()
        _log(text, "slow", took, whole.rows, whole.size, whole.revision)
    return whole


def too_long() -> QueryTooLong:
    """Return the refusal of a query that is too long to be read, and count it."""
    error = QueryTooLong(settings().query_length)
    metrics().refused(str(error.facts["limit"]))
    return error


def _refused(text: bytes, error: CompetencyGraphError, took: float) -> None:
    limit = str(error.facts["limit"])
    metrics().refused(limit)
    board = client().board
    if board.refusals.add(g.share.client if "share" in g else client_address()) > _MOST_LOGGED:
        return
    got: Any = error.facts.get("got") or {"seconds": took, "rows": None, "bytes": None}
    _log(text, limit, got["seconds"], got["rows"], got["bytes"], board.revision)


def _log(
    text: bytes, limit: str, seconds: float, rows: int | None, size: int | None, revision: int
) -> None:
    _logger.warning(
        "query=%s limit=%s seconds=%.3f rows=%s bytes=%s revision=%d",
        blake2b(text, digest_size=8).hexdigest(),
        limit,
        seconds,
        "-" if rows is None else rows,
        "-" if size is None else size,
        revision,
    )

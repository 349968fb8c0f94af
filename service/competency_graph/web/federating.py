"""Queries that ask other endpoints: between two readers, who cannot. Reads no SPARQL.

A reader says what is to be asked; this process, which only waits meanwhile, asks endpoints that the
operator allowed (``SERVICE_ALLOW``), and sends the query again with their answers.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from flask import Response, after_this_request

from competency_graph.codings import Coding
from competency_graph.errors import InternalError, ServiceFailed, ServiceTooLarge, Unavailable
from competency_graph.index import NEEDS, Client, Whole
from competency_graph.outward import ask, endpoints
from competency_graph.web.exchange import settings

_MOST_BYTES: Final = 8_000_000
# At once, in one web process: more would let one slow endpoint keep much memory here.
_MOST_ASKING: Final = 8

_asking = threading.BoundedSemaphore(_MOST_ASKING)


def query(
    readers: Client,
    text: bytes,
    options: Mapping[str, Any],
    *,
    seconds: float,
    coding: Coding | None,
) -> Whole:
    """Ask a query as :meth:`Client.query` does, and others for its ``SERVICE`` clauses first.

    They have as many ``seconds`` together as the query has in a reader. An answer that they had a
    part in is kept by nobody: it may be another at the same revision.

    Raises:
        CompetencyGraphError: as :meth:`Client.query`.
        ServiceFailed: an endpoint gave no answer.
        Unavailable: as many endpoints are being asked as may.
    """
    allowed = endpoints(settings().service_allow)
    if not allowed:
        return readers.query(text, options, seconds=seconds, coding=coding)
    services: dict[str, Any] = {"allowed": list(allowed)}
    whole = readers.query(text, options, seconds=seconds, coding=coding, services=services)
    if whole.media_type != NEEDS:
        return whole
    after_this_request(_not_kept)
    deadline = time.monotonic() + seconds
    left = _MOST_BYTES
    answers: list[bytes | None] = []
    for need in whole.json():
        answer = _answer(need, max(0.001, deadline - time.monotonic()), left)
        left -= len(answer or b"")
        answers.append(answer)
    services["sizes"] = [None if answer is None else len(answer) for answer in answers]
    body = text + b"".join(a or b"" for a in answers)
    return readers.query(body, options, seconds=seconds, coding=coding, services=services)


def _answer(need: Mapping[str, Any], seconds: float, most: int) -> bytes | None:
    """Return the answer to one need; nothing where its failure is to be ignored."""
    # Once more, for a reader works on what strangers wrote.
    endpoint = endpoints(settings().service_allow).get(need["endpoint"])
    if endpoint is None:
        raise InternalError("A reader wants an endpoint asked that is not allowed.")
    if not _asking.acquire(blocking=False):
        raise Unavailable("As many other endpoints are being asked as may. Try again in a moment.")
    try:
        return ask(endpoint, need["query"], seconds=seconds, most=most)
    except ServiceFailed as error:
        if need["silent"] and not isinstance(error, ServiceTooLarge):
            return None
        raise
    finally:
        _asking.release()


def _not_kept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response

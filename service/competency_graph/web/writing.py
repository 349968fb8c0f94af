"""What paths that change data share: the message to the gate, its answer. Parses nothing."""

from collections.abc import Sequence
from typing import Any

from flask import Response, current_app, jsonify, request

from competency_graph.errors import (
    BadRequest,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
)
from competency_graph.model import Operation, pack_operations
from competency_graph.rdf import SYNTAXES, syntax_of_media_type
from competency_graph.web.exchange import client, client_address

WRITING = ("message",)
"""Query parameters that every path which changes data takes."""


def write(
    operations: Sequence[Operation],
    *,
    message: str,
    graph: str | None = None,
    dry_run: bool = False,
    created: bool = False,
) -> Response:
    """Send a change through the gate and answer with what became of it.

    Args:
        operations: what to do, in order; together one change.
        message: what the log says where the client says nothing (``message=``).
        graph: the graph that ``If-Match`` is about.
        dry_run: whether it is only tried.
        created: whether its success makes something new (201).

    Raises:
        CompetencyGraphError: whatever the gate refuses it with.
    """
    told_operations, contents = pack_operations(operations)
    head = {
        "ask": "change",
        "operations": told_operations,
        "secret": bearer(),
        "address": client_address(),
        "what": f"{request.method} {request.path}",
        "message": request.args.get("message", message),
        "dry_run": dry_run,
        "based_on": _based_on(graph),
    }
    told = client().ask_gate(head, contents)
    response = jsonify(told)
    response.status_code = 201 if created and told["recorded"] else 200
    response.headers["Revision"] = str(told["revision"])
    response.headers["Cache-Control"] = "no-store"
    return response


def bearer() -> str | None:
    """Return the secret that the client sent (RFC 6750), or nothing."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.strip() else None


def _based_on(graph: str | None) -> int | None:
    """Return the revision at which the graph is what ``If-Match`` names (RFC 9110, 13.1.1).

    Raises:
        PreconditionFailed: it is something else now.
    """
    if graph is None or not request.if_match:
        return None
    revision = None
    for syntax in SYNTAXES:
        whole = client().graph(graph, syntax.name)
        whole.close()
        if request.if_match.contains(whole.digest):
            return whole.revision
        revision = whole.revision
    raise PreconditionFailed(
        "The graph is not the one that you read (If-Match). Read it again and redo your change.",
        graph=graph,
        revision=revision,
    )


def document(graph: str | None) -> dict[str, Any]:
    """Return content and syntax of the body, as an operation takes them.

    Raises:
        UnsupportedMediaType: it is of no RDF syntax.
    """
    syntax = syntax_of_media_type(request.mimetype)
    if syntax is None:
        known = ", ".join(s.media_type for s in SYNTAXES)
        raise UnsupportedMediaType(
            f"Say what the body is with Content-Type; it may be one of: {known}."
        )
    if graph is not None and syntax.graphs and syntax.name != "json-ld":
        raise BadRequest(
            f"{syntax.media_type} names graphs itself, and this path is about one. "
            "Send Turtle, N-Triples, RDF/XML or JSON-LD."
        )
    return {"content": body(), "syntax": syntax.name}


def body() -> bytes:
    """Return the body as it was sent.

    Raises:
        UnsupportedMediaType: it is compressed.
        TooLarge: it is larger than ``MAX_BODY``.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")
    most = current_app.config["MAX_CONTENT_LENGTH"]
    if request.content_length is not None and request.content_length > most:
        raise TooLarge(f"A body may have {most} bytes (MAX_BODY). Send less at a time.")
    return request.get_data(cache=False)

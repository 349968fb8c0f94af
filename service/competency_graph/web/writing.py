"""What paths that change data share: the message to the gate, its answer. Parses nothing."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from flask import Response, current_app, jsonify, request

from competency_graph.errors import (
    BadRequest,
    NotFound,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
)
from competency_graph.index import wire
from competency_graph.model import Operation, Severity, pack_operations
from competency_graph.rdf import SYNTAXES, syntax_of_file, syntax_of_media_type
from competency_graph.web.exchange import client, client_address, problem_body

WRITING = ("message", "dry-run", "only-adds", "based-on", "fail-on", "validate")
"""Query parameters that every path which changes data takes."""

# Above this a client gets a job to look at instead of an answer to wait for: judging takes about a
# second for a thousand statements, and proxies give up on an answer after half a minute or so.
MOST_WAITED_FOR = 2_000_000
_MOST_STATEMENTS = 20_000
# Up to this the gate is not asked beforehand who sends a body: that would cost more than it saves.
_MOST_UNKNOWN = 100_000
_BY_LINES = ("n-triples", "n-quads")


def write(
    operations: Sequence[Operation],
    *,
    message: str,
    graph: str | None = None,
    dry_run: bool = False,
    created: bool = False,
    location: str | None = None,
) -> Response:
    """Send a change through the gate and answer with what became of it, or with a job (202).

    Args:
        operations: what to do, in order; together one change.
        message: what the log says where the client says nothing (``message=``).
        graph: the graph that ``If-Match`` is about.
        dry_run: whether it is only tried.
        created: whether its success makes something new (201).
        location: where that is, if not where the request went.

    Raises:
        CompetencyGraphError: whatever the gate refuses it with.
    """
    told_operations, contents = pack_operations(operations)
    asked = request.args.get
    head = {
        "ask": "change",
        "operations": told_operations,
        **asking(),
        "background": _respond_later(operations),
        "wish": {
            "message": asked("message", message),
            "dry_run": dry_run or _said("dry-run"),
            "only_adds": _said("only-adds"),
            "based_on": _based_on(graph),
            "severity": _severity(),
            "validate": _said("validate", otherwise=True),
        },
    }
    told = client().ask_gate(head, contents)
    if "job" in told:
        return told_job(told["job"])
    response = jsonify(told)
    response.status_code = 201 if created and told["recorded"] else 200
    if location is not None and response.status_code == 201:
        response.headers["Location"] = location
    response.headers["Revision"] = str(told["revision"])
    response.headers["Cache-Control"] = "no-store"
    return response


def asking() -> dict[str, Any]:
    """Return who asks the gate, from where and for what, as it wants to know with each message."""
    return {
        "secret": bearer(),
        "address": client_address(),
        "what": f"{request.method} {request.path}",
    }


def told_job(job: dict[str, Any]) -> Response:
    """Return a job: 202 with its ``Location`` to whoever sent the change, else 200."""
    path = f"/jobs/{job['id']}"
    refused = job.pop("refused")
    if refused is not None:
        job["result"] = problem_body(wire.error_from_bytes(refused.encode()))
    response = jsonify({**job, "id": path})
    response.headers["Cache-Control"] = "no-store"
    if request.path != path:
        response.status_code = 202
        response.headers["Location"] = path
    if job["ended"] is None:
        response.headers["Retry-After"] = "1"
    return response


def _respond_later(operations: Sequence[Operation]) -> bool:
    """Say whether a change is one for a job: by its size, or as the client likes (RFC 7240)."""
    if "respond-async" in request.headers.get("Prefer", "").lower():
        return True
    size = sum(len(one.content) for one in operations)
    statements = sum(one.content.count(b"\n") for one in operations if one.syntax in _BY_LINES)
    return size > MOST_WAITED_FOR or statements > _MOST_STATEMENTS


def _said(name: str, *, otherwise: bool = False) -> bool:
    """Return a query parameter that is true or false.

    Raises:
        BadRequest: it is neither.
    """
    text = request.args.get(name)
    if text not in (None, "true", "false"):
        raise BadRequest(f"“{name}” is true or false.")
    return otherwise if text is None else text == "true"


def _severity() -> Severity:
    text = request.args.get("fail-on", "violation")
    if text not in ("violation", "warning"):
        raise BadRequest("“fail-on” is violation or warning: the least severe that refuses.")
    return cast(Severity, text)


def bearer() -> str | None:
    """Return the secret that the client sent (RFC 6750), or nothing."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.strip() else None


def _based_on(graph: str | None) -> int | None:
    """Return the revision that ``based-on`` names, or at which the graph is what ``If-Match`` does.

    The latter is RFC 9110, 13.1.1.

    Raises:
        PreconditionFailed: it is something else now.
    """
    based_on = request.args.get("based-on")
    if based_on is not None:
        if not re.fullmatch("[0-9]{1,18}", based_on):
            raise BadRequest("“based-on” is the number of the revision that you read.")
        return int(based_on)
    if graph is None:
        if request.if_match or request.if_none_match:
            raise BadRequest(
                "If-Match and If-None-Match are about one graph, at /graphs?graph=. "
                "Say which revision you read with “based-on=”."
            )
        return None
    if request.if_none_match:
        return _absent(graph)
    if not request.if_match:
        return None
    revision = None
    # Of a graph that is not there nothing can match, “*” neither.
    with suppress(NotFound):
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


def _absent(graph: str) -> int:
    """Return the revision at which a graph is not there, as ``If-None-Match: *`` wants it.

    Raises:
        BadRequest: it wants something else.
        PreconditionFailed: it is there.
    """
    if not request.if_none_match.star_tag:
        raise BadRequest("For a change, If-None-Match takes * only: the graph is to be a new one.")
    told = client().look_up("graphs", {})
    if graph in told.json()["graphs"]:
        raise PreconditionFailed(
            "The graph is there already (If-None-Match: *). Choose another name, or leave it out.",
            graph=graph,
            revision=told.revision,
        )
    return told.revision


def require_somebody() -> None:
    """Refuse who may change nothing before their body is read: nobody fills memory unknown.

    The gate asks again when it has the change; here it only asks about bodies that weigh something.

    Raises:
        Unauthorised: no token came, or one that does not count.
    """
    length = request.content_length
    if bearer() is None or length is None or length > _MOST_UNKNOWN:
        client().ask_gate({"ask": "who", **asking()})


def document() -> dict[str, Any]:
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
    return {"content": body(), "syntax": syntax.name}


def documents() -> list[dict[str, Any]]:
    """Return the same of each document of a form (``multipart/form-data``), with its file's name.

    Raises:
        BadRequest: it holds no file, or something else beside, or what :func:`document` refuses.
        UnsupportedMediaType: a file is of no RDF syntax.
    """
    _require_plain()
    files = [file for _, file in request.files.items(multi=True)]
    if not files or request.form:
        raise BadRequest(
            "Send a form of files: each with its name (filename=) and what it is (Content-Type)."
        )
    found = []
    for file in files:
        name = file.filename or file.name or "A file"
        syntax = syntax_of_media_type(file.mimetype) or syntax_of_file(name)
        if syntax is None:
            known = ", ".join(s.media_type for s in SYNTAXES)
            raise UnsupportedMediaType(
                f"Say what {name} is with its Content-Type; it may be one of: {known}."
            )
        _require_utf8(file.mimetype_params)
        found.append({"content": file.read(), "syntax": syntax.name, "name": name})
    return found


def body() -> bytes:
    """Return the body as it was sent.

    Raises:
        UnsupportedMediaType: it is compressed, or not in UTF-8 by what it says.
        TooLarge: it is larger than ``MAX_BODY``.
    """
    _require_plain()
    _require_utf8(request.mimetype_params)
    most = current_app.config["MAX_CONTENT_LENGTH"]
    if request.content_length is not None and request.content_length > most:
        raise TooLarge(f"A body may have {most} bytes (MAX_BODY). Send less at a time.")
    return request.get_data(cache=False)


def _require_utf8(parameters: Mapping[str, str]) -> None:
    """Refuse what says to be in another encoding than the one that all is in here."""
    said = parameters.get("charset", "utf-8")
    if said.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"Send it in UTF-8 instead of {said}, and say charset=utf-8.")


def _require_plain() -> None:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")

"""The Flask application: its parts, what every answer carries, how errors look. Holds no path."""

import re
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, current_app, render_template, request
from flask_openapi3 import Info, OpenAPI
from gunicorn.http.errors import ParseException
from pydantic import ValidationError
from werkzeug.exceptions import ClientDisconnected, HTTPException, MethodNotAllowed

from competency_graph import errors
from competency_graph.config import Settings
from competency_graph.index import Client
from competency_graph.model import finding_from_json
from competency_graph.web import (
    api,
    changes,
    editor,
    graphs,
    jobs,
    linked_data,
    ops,
    reading,
    session,
    sparql,
    validating,
)
from competency_graph.web.counts import Counts
from competency_graph.web.delivery import Deliveries
from competency_graph.web.exchange import POLICY, acceptable, has_left, problem_body
from competency_graph.web.metrics import FIGURES, Metrics

Application = Callable[..., Iterable[bytes]]

_ALLOWED: Final = (
    "Accept, Authorization, Content-Type, If-Match, If-None-Match, If-Range, Min-Revision, "
    "Prefer, Range"
)
_VARY: Final = "Accept, Accept-Language, Accept-Encoding"
# A page that needs more than others says so itself, in place of this.
_POLICY: Final = ("Content-Security-Policy", POLICY)
HEADERS: Final = [
    ("Vary", _VARY),
    ("Access-Control-Allow-Origin", "*"),
    (
        "Access-Control-Expose-Headers",
        "Accept-Patch, Accept-Ranges, Allow, Content-Range, ETag, Link, Location, Query-Limits, "
        "RateLimit, RateLimit-Policy, Retry-After, Revision",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    _POLICY,
]
"""What every answer carries."""
# How long an answer at a revision (Min-Revision) is waited for, in seconds.
_PATIENCE: Final = 2.0
_LOOK_AGAIN: Final = 0.005
# What the binding would say in expressions. One parameter has a pattern: the language.
_IN_WORDS = {"string_pattern_mismatch": "give a language tag such as de or pt-BR"}
# Pages say who is signed in.
_ON_PAGES: Final = [("Vary", f"{_VARY}, Cookie"), *HEADERS[1:]]


def create_app(settings: Settings, run: Path, metrics: Metrics | None = None) -> Flask:
    """Return the application that asks the readers of a run folder.

    ``metrics`` are shared with the other processes that serve it, if there are any.
    """
    app = OpenAPI(
        __name__,
        info=Info(title="Competency Graph", version=version("competency-graph")),
        doc_ui=False,
        validation_error_callback=_invalid_parameters,
        static_folder=None,
        # Declared as they are: our own status and body; no schemes (null, the default, is invalid).
        validation_error_status=400,
        validation_error_model=api.Problem,
        security_schemes={},
    )
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.max_body
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions["settings"] = settings
    app.extensions["client"] = Client(
        run,
        query_seconds=settings.query_timeout,
        query_memory=settings.query_memory,
        left=has_left,
    )
    app.extensions["deliveries"] = Deliveries()
    app.extensions["metrics"] = metrics or Metrics(Counts(1, FIGURES))
    parts = (sparql, editor, graphs, jobs, changes, validating, ops, linked_data, session)
    for part in (module.paths for module in parts):
        app.register_blueprint(part)
    app.register_api(api.paths)
    app.context_processor(lambda: {"person": session.person, "form_key": session.form_key})
    app.register_error_handler(errors.CompetencyGraphError, problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(ParseException, _broken_body)
    app.register_error_handler(Exception, _fault)
    app.before_request(reading.require_reader)
    app.before_request(_wait_for_revision)
    app.after_request(_finish)
    app.wsgi_app = _Envelope(app.wsgi_app)  # type: ignore[method-assign]
    return app


def problem(error: errors.CompetencyGraphError) -> Response:
    """Return the one error body (RFC 9457) of an error of our tree."""
    body = problem_body(error)
    kind = _kind(error)
    if kind == "text/turtle":
        assert isinstance(error, errors.InvalidChange)
        # Brings rdflib, which most web processes never need.
        from competency_graph.reports import report

        told = report.turtle([finding_from_json(row) for row in error.findings["new"]])
        response = Response(told, error.status, mimetype=kind)
    elif isinstance(error, errors.Unauthorised) and kind == "text/html" and reading.may_sign_in():
        response = session.to_sign_in()
    elif kind == "text/html":
        page = render_template("problem.html", problem=body)
        response = Response(page, error.status, mimetype="text/html")
    else:
        response = Response(
            current_app.json.dumps(body), error.status, mimetype="application/problem+json"
        )
    response.headers["Cache-Control"] = "no-store"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.RangeNotSatisfiable):
        response.headers["Content-Range"] = f"bytes */{error.size}"
    if error.challenge is not None:
        response.headers["WWW-Authenticate"] = error.challenge
    return response


def _kind(error: errors.CompetencyGraphError) -> str | None:
    """Return how to tell an error: a page for a browser, a report of findings as the graph it is.

    The one body of programs is what everybody else gets, whatever they asked for.
    """
    offered = ["application/problem+json", "text/html"]
    if isinstance(error, errors.InvalidChange):
        offered.append("text/turtle")
    return acceptable(offered)


def _invalid_parameters(error: ValidationError) -> Response:
    """Return which parameters are impossible, in the one body."""
    said = "; ".join(
        f"{e['loc'][-1]}: {_IN_WORDS.get(e['type'], e['msg'].lower())}" for e in error.errors()
    )
    return problem(errors.BadRequest(f"These parameters cannot be used: {said}."))


def _http_problem(error: HTTPException) -> Response:
    """Return the errors that Flask itself raises in the one body."""
    if isinstance(error, ClientDisconnected):
        return problem(
            errors.BadRequest(
                "The body ended before it was whole; nothing was done. Send it again."
            )
        )
    match error.code:
        case 404:
            return problem(
                errors.NotFound(
                    "There is nothing at this path. The home page (/) shows what there is."
                )
            )
        case 405:
            assert isinstance(error, MethodNotAllowed)
            allowed = sorted(error.valid_methods or ())
            response = problem(
                errors.MethodNotAllowed(
                    f"This path takes {', '.join(allowed)}.", method=request.method
                )
            )
            response.headers["Allow"] = ", ".join(allowed)
            return response
        case 413:
            most, parts = request.max_content_length, request.max_form_parts
            return problem(
                errors.TooLarge(
                    f"A body may have {most} bytes here (MAX_BODY is for data), and a form {parts} "
                    "parts. Send less at a time."
                )
            )
        case 415:
            return problem(errors.UnsupportedMediaType("This path does not take that type."))
        case _:
            return problem(errors.BadRequest(error.description or "The request is not readable."))


def _broken_body(_: Exception) -> Response:
    """Refuse a body whose chunks cannot be told apart (RFC 9112, 7.1)."""
    return problem(
        errors.BadRequest("The chunks of the body are broken; nothing was done. Send it again.")
    )


def _fault(error: Exception) -> Response:
    """Tell the client nothing of a fault of ours, and the operator everything."""
    current_app.logger.error("Unhandled error at %s", request.path, exc_info=error)
    return problem(errors.InternalError("The fault is recorded. Try again later."))


def _wait_for_revision() -> None:
    """Hold a request back until the revision that it must not be answered before is served.

    Raises:
        BadRequest: ``Min-Revision`` is no number.
        Unavailable: that revision did not come in time.
    """
    least = request.environ.get("HTTP_MIN_REVISION")
    if least is None:
        return
    if not re.fullmatch(r"[0-9]{1,18}", least):
        raise errors.BadRequest("Min-Revision takes the number of a change, such as 12.")
    board = current_app.extensions["client"].board
    deadline = time.monotonic() + _PATIENCE
    while board.revision < int(least):
        if time.monotonic() > deadline:
            raise errors.Unavailable(
                f"Revision {board.revision} is served, and {least} is not here yet. "
                "Try again in a moment.",
                retry_after=2,
            )
        time.sleep(_LOOK_AGAIN)


def _finish(response: Response) -> Response:
    if "Revision" not in response.headers:
        client: Client = current_app.extensions["client"]
        response.headers["Revision"] = str(client.board.revision)
    reading.finish(response)
    session.finish(response)
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET")
        response.headers["Access-Control-Allow-Headers"] = _ALLOWED
        response.headers["Access-Control-Max-Age"] = "86400"
    return response


class _Envelope:
    """WSGI middleware (PEP 3333): the headers of every answer; bodies come whole."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH"):
            # Gunicorn says that it ends each body itself, and ends one that was cut off too: so
            # Werkzeug must count, or the first half of a change is taken for the whole.
            environ.pop("wsgi.input_terminated", None)

        def started(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            page = any(n == "Content-Type" and v.startswith("text/html") for n, v in headers)
            more = _ON_PAGES if page else HEADERS
            if page and any(name == _POLICY[0] for name, _ in headers):
                more = [header for header in more if header is not _POLICY]
            return start_response(status, headers + more, *error)

        return self._application(environ, started)

"""The Flask application: its parts, what every answer carries, how errors look. Holds no path."""

from pathlib import Path

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from competency_graph import errors
from competency_graph.config import Settings
from competency_graph.index import Client
from competency_graph.vocab import DOCS
from competency_graph.web import graphs, ops, sparql

_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}
_EXPOSED = "Revision, ETag, Link, Retry-After"


def create_app(settings: Settings, run: Path) -> Flask:
    """Return the application that asks the readers of a run folder."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.max_body
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions["settings"] = settings
    app.extensions["client"] = Client(
        run, query_seconds=settings.query_timeout, query_memory=settings.query_memory
    )
    for part in (sparql.paths, graphs.paths, ops.paths):
        app.register_blueprint(part)
    app.register_error_handler(errors.CompetencyGraphError, problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _fault)
    app.after_request(_finish)
    return app


def problem(error: errors.CompetencyGraphError) -> Response:
    """Return the one error body (RFC 9457) of an error of our tree."""
    body = {
        "type": f"{DOCS}errors#{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        **error.facts,
    }
    response = Response(
        current_app.json.dumps(body), error.status, mimetype="application/problem+json"
    )
    response.headers["Cache-Control"] = "no-store"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _http_problem(error: HTTPException) -> Response:
    """Return the errors that Flask itself raises in the one body."""
    match error.code:
        case 404:
            return problem(errors.NotFound("There is nothing at this path. The home page lists."))
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
            most = current_app.config["MAX_CONTENT_LENGTH"]
            return problem(
                errors.TooLarge(f"A body may have {most} bytes (MAX_BODY). Send less at a time.")
            )
        case 415:
            return problem(errors.UnsupportedMediaType("This path does not take that type."))
        case _:
            return problem(errors.BadRequest(error.description or "The request is not readable."))


def _fault(error: Exception) -> Response:
    """Tell the client nothing of a fault of ours, and the operator everything."""
    current_app.logger.error("Unhandled error at %s", request.path, exc_info=error)
    return problem(errors.InternalError("The fault is recorded. Try again later."))


def _finish(response: Response) -> Response:
    client: Client = current_app.extensions["client"]
    response.headers.setdefault("Revision", str(client.board.revision))
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    response.headers.setdefault("Vary", "Accept, Accept-Language, Accept-Encoding")
    for name, value in _SECURITY.items():
        response.headers.setdefault(name, value)
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET")
        response.headers["Access-Control-Allow-Headers"] = "Accept, Content-Type, If-None-Match"
        response.headers["Access-Control-Max-Age"] = "86400"
    return response

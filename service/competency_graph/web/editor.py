"""`/sparql` for people: a form that is answered on the same page, with or without script.

Programs never meet it: it is for requests that like HTML better than any results format.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from babel.numbers import format_decimal
from flask import Blueprint, Response, make_response, render_template, request

from competency_graph import resources
from competency_graph.errors import (
    BadRequest,
    CompetencyGraphError,
    Unauthorised,
    UnknownParameter,
)
from competency_graph.rdf import RESULTS, SYNTAXES
from competency_graph.web import interface
from competency_graph.web.api import languages
from competency_graph.web.asking import ask
from competency_graph.web.exchange import (
    POLICY,
    acceptable,
    answer,
    problem_body,
    require_known_parameters,
    validated,
)
from competency_graph.web.reading import REVISION, may_sign_in, readers

paths = Blueprint("editor", __name__)

HTML: Final = "text/html"
BUILT: Final = Path(__file__).parent / "static" / "built"
"""Where the build of the wheel puts the editor from npm; missing where it had no npm."""
# What a form sends beside the query, and every link to the same answer has.
_BESIDE: Final = ("default-graph-uri", "named-graph-uri", "timeout", REVISION)
_KNOWN: Final = ("query", *_BESIDE, "lang")
# An address that every browser and proxy takes; what is longer is asked by POST, and not linked.
_LONGEST_ADDRESS: Final = 6_000
# The page's script asks this service, and nothing else: all that it needs beyond other pages.
_POLICY: Final = f"{POLICY}; connect-src 'self'"
_NUMBERS: Final = ("integer", "decimal", "double", "float")
_FIRST_QUERY: Final = """\
PREFIX cg: <https://w3id.org/competency-graph/ns#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>

SELECT ?competency ?name
WHERE {
  ?competency a cg:Competency ; skos:prefLabel ?name .
}
LIMIT 100
"""


Parameters = Mapping[str, list[str]]


def wanted(parameters: Parameters, offered: Iterable[str]) -> bool:
    """Say whether a request at `/sparql` wants the page rather than one of the media types."""
    other = request.method == "POST" and request.mimetype != "application/x-www-form-urlencoded"
    if other or "format" in parameters:
        return False
    # Only where it is named, and most who ask name no such thing.
    if HTML not in request.environ.get("HTTP_ACCEPT", ""):
        return False
    return HTML in request.accept_mimetypes.values() and acceptable([*offered, HTML]) == HTML


def page(parameters: Parameters) -> Response:
    """Show the form, and where there is a query, its answer or what is wrong with it.

    Raises:
        UnknownParameter, BadRequest: the request has another parameter, or several queries.
        Unauthorised: the answer is for who signs in first.
    """
    unknown = sorted(set(parameters) - set(_KNOWN))
    if unknown:
        raise UnknownParameter(unknown, list(_KNOWN))
    queries = parameters.get("query", [])
    if len(queries) > 1:
        raise BadRequest("Give one query.")
    text = "".join(queries).replace("\r\n", "\n")
    if not text.strip():
        return _policed(validated(_rendered(text or _FIRST_QUERY, parameters)))
    try:
        told, revision = _ask(text, parameters)
    except CompetencyGraphError as error:
        if isinstance(error, Unauthorised) and may_sign_in():
            raise
        return _refused(text, parameters, error)
    response = _rendered(text, parameters, told=told, revision=revision)
    response.headers["Revision"] = str(revision)
    return _policed(validated(response))


def _ask(text: str, parameters: Parameters) -> tuple[dict[str, Any], int]:
    """Return what to show of a query's answer, and at which revision it was given."""
    options = {
        "shown": languages(),
        "default_graphs": parameters.get("default-graph-uri", []),
        "named_graphs": parameters.get("named-graph-uri", []),
    }
    timeout = parameters.get("timeout")
    whole = ask(text.encode(), options, timeout[0] if timeout else None, parameters.get(REVISION))
    return json.loads(whole.read()), whole.revision


def _refused(text: str, parameters: Parameters, error: CompetencyGraphError) -> Response:
    """Return the page with the query as it was and the problem in the place of the answer."""
    problem = problem_body(error)
    lines = text.split("\n")
    if isinstance(line := problem.get("line"), int) and 0 < line <= len(lines):
        at = max(int(str(problem.get("column", 1))) - 1, 0)
        problem["before"], problem["behind"] = lines[line - 1][:at], lines[line - 1][at:]
    response = _policed(_rendered(text, parameters, problem=problem))
    response.status_code = error.status
    response.headers["Cache-Control"] = "no-store"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _rendered(text: str, parameters: Parameters, **shown: Any) -> Response:
    beside = [(name, value) for name in _BESIDE for value in parameters.get(name, ())]
    asked = [("query", text), *beside]
    response = make_response(
        render_template(
            "sparql.html",
            query=text,
            beside=beside,
            asked=asked,
            longest=_LONGEST_ADDRESS,
            examples=resources.questions(),
            formats=_formats(shown.get("told", {}).get("type", "")),
            built=is_built(),
            numbers=_NUMBERS,
            seconds=_seconds(shown.get("told", {}).get("seconds", 0)),
            **shown,
        )
    )
    response.content_language = interface.interface_language()
    return response


def _seconds(spent: float) -> str:
    return format_decimal(spent, "0.0000", locale=interface.interface_language())


@cache
def is_built() -> bool:
    """Say whether this installation has the editor with completion."""
    return (BUILT / "yasqe.min.js").is_file()


def _formats(media_type: str) -> dict[str, str]:
    """Return name and media type of the formats that an answer like one of this type has."""
    syntaxes = {syntax.title: syntax.media_type for syntax in SYNTAXES}
    if media_type in syntaxes.values():
        return syntaxes
    return {name.upper(): media_type for name, (media_type, _) in RESULTS.items()}


def _policed(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@paths.get("/ns/terms")
def terms() -> Response:
    """Give prefixes and terms to write queries with, in the client's language, as JSON."""
    require_known_parameters(("lang", REVISION))
    return answer(readers().look_up("vocabulary", {"languages": languages()}))

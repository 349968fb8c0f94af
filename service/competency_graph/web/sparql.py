"""`/sparql`: SPARQL 1.1 Protocol. Reads no SPARQL itself: readers and the gate's forks do."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request

from competency_graph.errors import (
    BadRequest,
    NotAcceptable,
    UnknownParameter,
    UnsupportedMediaType,
)
from competency_graph.model import Operation
from competency_graph.rdf import RESULTS, SYNTAXES
from competency_graph.web import editor
from competency_graph.web.asking import ask, too_long
from competency_graph.web.description import description
from competency_graph.web.exchange import acceptable, answer, coding, settings
from competency_graph.web.limits import tell
from competency_graph.web.reading import REVISION
from competency_graph.web.writing import WRITING, bearer, body, require_somebody, write

paths = Blueprint("sparql", __name__)
paths.after_request(tell)

# What the names of graphs in a form may weigh.
_MOST_NAMES: Final = 100_000
_KNOWN = ("query", "default-graph-uri", "named-graph-uri", "format", "timeout", REVISION)
# What may call a function of time or chance (SPARQL 1.1, 17.4.2, 17.4.4 and 17.4.5), which other
# words may touch: its answer is another at the same revision.
_VARIES: Final = re.compile(rb"(?:now|rand|uuid)\b", re.IGNORECASE)
# SPARQLWrapper names the format by all of them, since servers listen to one or another.
_OTHER_NAMES_OF_FORMAT: Final = ("output", "results")
_FORM: Final = "application/x-www-form-urlencoded"
_QUERY: Final = "application/sparql-query"
_UPDATE: Final = "application/sparql-update"
_ROWS = {media_type: name for name, (media_type, _) in RESULTS.items()} | {
    "application/json": "json",
    "application/xml": "xml",
}
_GRAPHS = {syntax.media_type: syntax.name for syntax in SYNTAXES} | {
    "application/json": "json-ld",
    "application/xml": "rdf-xml",
}
# What ``format=`` takes beside media types.
_ROW_NAMES: Final = {name: name for name in RESULTS} | _ROWS
_GRAPH_NAMES: Final = (
    {ending.lstrip("."): syntax.name for syntax in SYNTAXES for ending in syntax.endings}
    | {syntax.name: syntax.name for syntax in SYNTAXES}
    | {"json": "json-ld", "xml": "rdf-xml", "rdf+xml": "rdf-xml", "n3": "turtle"}
    | _GRAPHS
)


@paths.route("/sparql", methods=["GET", "POST"])
def sparql() -> Response:
    """Answer a query, do an update, or say what is served here.

    SPARQL 1.1 Protocol, sections 2.1 and 2.2; Service Description, section 2.
    """
    form = _form() if request.method == "POST" else {}
    parameters = _fields(request.query_string)
    for name, values in form.items():
        parameters.setdefault(name, []).extend(values)
    for name in _OTHER_NAMES_OF_FORMAT:
        if name in parameters:
            parameters.setdefault("format", []).extend(parameters.pop(name))
    if request.method == "POST" and (request.mimetype == _UPDATE or "update" in form):
        return _update(parameters)
    if editor.wanted(parameters, [*_ROWS, *_GRAPHS]):
        return editor.page(parameters)
    if request.method != "POST" and set(parameters) <= {"format"}:
        return description(_described(parameters))
    text = _query(parameters)
    options, timeout = _options(parameters), parameters.get("timeout")
    asked = timeout[0] if timeout else None
    reply = answer(ask(text, options, asked, parameters.get(REVISION, []), coding=coding()))
    if _VARIES.search(text):
        reply.headers["Cache-Control"] = "no-store"
    return reply


def _form() -> dict[str, list[str]]:
    """Return the fields of a form in the body, once it is known that the body may be read.

    Raises:
        QueryTooLong, Unauthorised: as :func:`_bound_body` does.
        BadRequest: it is not UTF-8.
    """
    _bound_body()
    return _fields(body()) if request.mimetype == _FORM else {}


def _bound_body() -> None:
    """Let nobody fill memory: a query has a length, and who sends an update is known first.

    Raises:
        QueryTooLong: it is told before it is read.
        Unauthorised: as an update's sender is asked for.
    """
    if request.mimetype == _UPDATE:
        require_somebody()
        return
    is_form = request.mimetype == _FORM
    if is_form and bearer() is not None:
        # It may be an update.
        require_somebody()
        return
    # A form writes one byte as three, and may name graphs besides.
    most = settings().query_length * (3 if is_form else 1) + (_MOST_NAMES if is_form else 1)
    length = request.content_length
    if length is not None and length > most:
        raise too_long()
    request.max_content_length = most


def _fields(raw: bytes) -> dict[str, list[str]]:
    """Return the parameters of an address or of a form (WHATWG URL, section 5.1).

    Raises:
        BadRequest: one is not UTF-8. Flask would put other characters in its place.
    """
    found: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(raw.decode(), keep_blank_values=True, errors="strict"):
            found.setdefault(name, []).append(value)
    except UnicodeDecodeError:
        raise BadRequest("The request is not UTF-8. Encode it so, then by percent signs.") from None
    return found


def _update(parameters: dict[str, list[str]]) -> Response:
    texts = [text.encode() for text in parameters.pop("update", [])]
    if request.mimetype == _UPDATE:
        texts.append(body())
    known = ("using-graph-uri", "using-named-graph-uri", *WRITING)
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise UnknownParameter(unknown, ["update", *known])
    if len(texts) != 1:
        raise BadRequest("Give one update, as the field “update” or as the body of a POST.")
    operation = Operation(
        kind="update",
        content=texts[0],
        name="The update",
        using=tuple(parameters.get("using-graph-uri", ())),
        using_named=tuple(parameters.get("using-named-graph-uri", ())),
    )
    return write([operation], message="Update by SPARQL.")


def _query(parameters: Mapping[str, list[str]]) -> bytes:
    """Return the query as UTF-8, once all parameters are known to be possible."""
    unknown = sorted(set(parameters) - set(_KNOWN))
    if unknown:
        raise UnknownParameter(unknown, list(_KNOWN))
    texts = [text.encode() for text in parameters.get("query", [])]
    if request.method == "POST" and request.mimetype == _QUERY:
        texts.append(body())
    elif request.method == "POST" and request.mimetype != _FORM:
        raise UnsupportedMediaType(
            f"Send a query as {_QUERY}, an update as {_UPDATE}, or either as the field “query” or "
            f"“update” of a form ({_FORM})."
        )
    if len(texts) != 1:
        raise BadRequest("Give one query, as the parameter “query” or as the body of a POST.")
    try:
        texts[0].decode()
    except UnicodeDecodeError:
        raise BadRequest("The query is not UTF-8. Encode it so.") from None
    return texts[0]


def _options(parameters: Mapping[str, list[str]]) -> dict[str, Any]:
    rows, graph = _formats(parameters)
    return {
        "rows": rows,
        "graph": graph,
        "default_graphs": parameters.get("default-graph-uri", []),
        "named_graphs": parameters.get("named-graph-uri", []),
    }


def _formats(parameters: Mapping[str, list[str]]) -> tuple[str | None, str | None]:
    """Return how to write rows and how to write a graph, none where the client takes no way.

    ``format=`` stands in place of ``Accept``. It names one format, by a short name, a media type
    or, as SPARQLWrapper does, by several of them; of several, those that nobody knows say nothing.
    """
    wanted = parameters.get("format")
    if wanted is None:
        rows, graph = acceptable(_ROWS), acceptable(_GRAPHS)
        return None if rows is None else _ROWS[rows], None if graph is None else _GRAPHS[graph]
    # A plus that was not encoded comes as a space, and no format has one.
    names = [n.strip().lower().replace(" ", "+") for value in wanted for n in value.split(",")]
    found = {(_ROW_NAMES.get(name), _GRAPH_NAMES.get(name)) for name in names} - {(None, None)}
    if len(found) != 1:
        known = sorted(n for n in {*_ROW_NAMES, *_GRAPH_NAMES} if "/" not in n)
        raise BadRequest(f"“format” is one media type, or one of: {', '.join(known)}.")
    return found.pop()


def _described(parameters: Mapping[str, list[str]]) -> str:
    """Return the syntax in which to describe the service."""
    _, graph = _formats(parameters)
    if graph is None:
        raise NotAcceptable([syntax.media_type for syntax in SYNTAXES])
    return graph

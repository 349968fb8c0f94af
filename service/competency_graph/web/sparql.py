"""`/sparql`: SPARQL 1.1 Protocol. Reads no SPARQL itself: readers and the gate's forks do."""

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, request

from competency_graph.errors import (
    BadRequest,
    NotAcceptable,
    QueryTooLong,
    UnknownParameter,
    UnsupportedMediaType,
)
from competency_graph.model import Operation
from competency_graph.rdf import RESULTS, SYNTAXES
from competency_graph.web import editor
from competency_graph.web.description import description
from competency_graph.web.exchange import acceptable, answer, client, counted, settings
from competency_graph.web.writing import WRITING, body, require_utf8, write

paths = Blueprint("sparql", __name__)

_KNOWN = ("query", "default-graph-uri", "named-graph-uri", "format")
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
    | {"json": "json-ld", "xml": "rdf-xml"}
    | _GRAPHS
)
_NOT_UTF8: Final = "The {} is not UTF-8. Encode it so, or write the escape \\uFFFD."


@paths.route("/sparql", methods=["GET", "POST"])
def sparql() -> Response:
    """Answer a query, do an update, or say what is served here.

    SPARQL 1.1 Protocol, sections 2.1 and 2.2; Service Description, section 2.
    """
    if request.method == "POST" and _is_update():
        return _update()
    if editor.wanted([*_ROWS, *_GRAPHS]):
        return editor.page()
    if request.method != "POST" and set(request.args) <= {"format"}:
        return description(_described())
    parameters, text = _asked()
    limits = settings()
    if len(text) > limits.query_length:
        raise QueryTooLong(limits.query_length)
    with counted():
        return answer(client().query(text, _options(parameters)))


def _is_update() -> bool:
    form = request.mimetype == _FORM and "update" in request.form
    return form or request.mimetype == _UPDATE


def _update() -> Response:
    parameters = _parameters()
    if request.mimetype == _UPDATE:
        texts = [body()]
    else:
        texts = [_utf8(text, "update") for text in parameters.pop("update", [])]
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


def _asked() -> tuple[dict[str, list[str]], bytes]:
    """Return the protocol's parameters, and the query as UTF-8."""
    parameters = _parameters()
    if request.method == "POST":
        match request.mimetype:
            case "application/x-www-form-urlencoded":
                pass
            case "application/sparql-query":
                parameters.setdefault("query", []).append(body().decode(errors="replace"))
            case _:
                raise UnsupportedMediaType(
                    f"Send a query as {_QUERY}, an update as {_UPDATE}, or either as the field "
                    f"“query” or “update” of a form ({_FORM})."
                )
    unknown = sorted(set(parameters) - set(_KNOWN))
    if unknown:
        raise UnknownParameter(unknown, list(_KNOWN))
    queries = parameters.get("query", [])
    if len(queries) != 1:
        raise BadRequest("Give one query, as the parameter “query” or as the body of a POST.")
    return parameters, _utf8(queries[0], "query")


def _parameters() -> dict[str, list[str]]:
    """Return the parameters of the address, and those of a form beside them."""
    parameters = dict(request.args.lists())
    if request.mimetype == _FORM:
        require_utf8()
        for name, values in request.form.lists():
            parameters.setdefault(name, []).extend(values)
    return parameters


def _utf8(text: str, what: str) -> bytes:
    if "\N{REPLACEMENT CHARACTER}" in text:
        raise BadRequest(_NOT_UTF8.format(what))
    return text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").encode()


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

    ``format=`` is a short name or a media type, and stands in place of ``Accept``.
    """
    wanted = parameters.get("format")
    if wanted is None:
        rows, graph = acceptable(_ROWS), acceptable(_GRAPHS)
        return None if rows is None else _ROWS[rows], None if graph is None else _GRAPHS[graph]
    # A plus that was not encoded comes as a space, and no format has one.
    name = wanted[-1].strip().lower().replace(" ", "+")
    if len(wanted) > 1 or not (name in _ROW_NAMES or name in _GRAPH_NAMES):
        known = sorted(n for n in {*_ROW_NAMES, *_GRAPH_NAMES} if "/" not in n)
        raise BadRequest(f"“format” is one media type, or one of: {', '.join(known)}.")
    return _ROW_NAMES.get(name), _GRAPH_NAMES.get(name)


def _described() -> str:
    """Return the syntax in which to describe the service."""
    _, graph = _formats(dict(request.args.lists()))
    if graph is None:
        raise NotAcceptable([syntax.media_type for syntax in SYNTAXES])
    return graph

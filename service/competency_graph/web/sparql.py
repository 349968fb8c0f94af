"""`/sparql`: SPARQL 1.1 Protocol. Reads no SPARQL itself: readers and the gate's forks do."""

from typing import Any

from flask import Blueprint, Response, request

from competency_graph.errors import (
    BadRequest,
    QueryTooLong,
    UnknownParameter,
    UnsupportedMediaType,
)
from competency_graph.model import Operation
from competency_graph.rdf import RESULTS, SYNTAXES
from competency_graph.web.asking import ask
from competency_graph.web.exchange import acceptable, answer, metrics, settings
from competency_graph.web.limits import tell
from competency_graph.web.writing import WRITING, bearer, body, require_somebody, write

paths = Blueprint("sparql", __name__)
paths.after_request(tell)

# What the names of graphs in a form may weigh.
_MOST_NAMES = 100_000
_KNOWN = ("query", "default-graph-uri", "named-graph-uri", "timeout")
_ROWS = {media_type: name for name, (media_type, _) in RESULTS.items()} | {
    "application/json": "json",
    "application/xml": "xml",
}
_GRAPHS = {syntax.media_type: syntax.name for syntax in SYNTAXES}


@paths.route("/sparql", methods=["GET", "POST"])
def sparql() -> Response:
    """Answer a query, or do an update (SPARQL 1.1 Protocol, sections 2.1 and 2.2)."""
    if request.method == "POST":
        _bound_body()
        if _is_update():
            return _update()
    parameters, text = _asked()
    timeout = parameters.get("timeout")
    return answer(ask(text, _options(parameters), timeout[0] if timeout else None))


def _bound_body() -> None:
    """Let nobody fill memory: a query has a length, and who sends an update is known first.

    Raises:
        QueryTooLong: it is told before it is read.
        Unauthorised: as an update's sender is asked for.
    """
    if request.mimetype == "application/sparql-update":
        require_somebody()
        return
    is_form = request.mimetype == "application/x-www-form-urlencoded"
    if is_form and bearer() is not None:
        # It may be an update.
        require_somebody()
        return
    # A form writes one byte as three, and may name graphs besides.
    most = settings().query_length * (3 if is_form else 1) + (_MOST_NAMES if is_form else 1)
    length = request.content_length
    if length is not None and length > most:
        metrics().refused("length")
        raise QueryTooLong(settings().query_length)
    request.max_content_length = most


def _is_update() -> bool:
    return request.mimetype == "application/sparql-update" or "update" in request.form


def _update() -> Response:
    parameters = dict(request.args.lists())
    if request.mimetype == "application/sparql-update":
        texts = [body()]
    else:
        for name, values in request.form.lists():
            parameters.setdefault(name, []).extend(values)
        texts = [text.encode() for text in parameters.pop("update", [])]
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
    parameters = dict(request.args.lists())
    if request.method == "POST":
        match request.mimetype:
            case "application/x-www-form-urlencoded":
                for name, values in request.form.lists():
                    parameters.setdefault(name, []).extend(values)
            case "application/sparql-query":
                parameters.setdefault("query", []).append(request.get_data(as_text=True))
            case _:
                raise UnsupportedMediaType(
                    "Send a query as application/sparql-query, an update as "
                    "application/sparql-update, or either as the field “query” or “update” of a "
                    "form (application/x-www-form-urlencoded)."
                )
    unknown = sorted(set(parameters) - set(_KNOWN))
    if unknown:
        raise UnknownParameter(unknown, list(_KNOWN))
    queries = parameters.get("query", [])
    if len(queries) != 1:
        raise BadRequest("Give one query, as the parameter “query” or as the body of a POST.")
    if "\N{REPLACEMENT CHARACTER}" in queries[0]:
        raise BadRequest("The query is not UTF-8. Encode it so, or write the escape \\uFFFD.")
    return parameters, queries[0].encode()


def _options(parameters: dict[str, list[str]]) -> dict[str, Any]:
    rows, graph = acceptable(_ROWS), acceptable(_GRAPHS)
    return {
        "rows": None if rows is None else _ROWS[rows],
        "graph": None if graph is None else _GRAPHS[graph],
        "default_graphs": parameters.get("default-graph-uri", []),
        "named_graphs": parameters.get("named-graph-uri", []),
    }

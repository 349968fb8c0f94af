"""`/graphs`: SPARQL 1.1 Graph Store HTTP Protocol. Parses no RDF: readers and the gate do.

A graph is named by ``graph=`` (indirect identification, section 4.2), or by the request's own
address under ``/graphs/`` (direct identification, section 4.1).
"""

from uuid import uuid4

from flask import Blueprint, Response, current_app, request

from competency_graph.catalogue import JSON
from competency_graph.errors import BadRequest, UnsupportedMediaType
from competency_graph.model import Operation, OperationKind
from competency_graph.rdf import SYNTAXES, syntax_of_media_type
from competency_graph.web.exchange import (
    answer,
    client,
    coding,
    negotiate,
    own_url,
    require_known_parameters,
)
from competency_graph.web.reading import REVISION, readers
from competency_graph.web.writing import (
    WRITING,
    body,
    document,
    documents,
    require_somebody,
    write,
)

paths = Blueprint("graphs", __name__)
_NAMES = {s.media_type: s.name for s in SYNTAXES}
_DIRECT = "/graphs/<path:_>"
_UPDATE = "application/sparql-update"


@paths.after_request
def _tell(response: Response) -> Response:
    """Say what may be done with a graph to whoever looks before writing, as Comunica does.

    RFC 9110, section 10.2.1; RFC 5789, section 3.1.
    """
    response.allow = current_app.make_default_options_response().allow
    response.headers["Accept-Patch"] = _UPDATE
    return response


@paths.get("/graphs")
def graphs() -> Response:
    """Return one graph (section 5.2), or list them all."""
    require_known_parameters(("graph", "default", REVISION))
    if not request.args.keys() - {REVISION}:
        negotiate([JSON])
        return answer(readers().look_up("graphs", {}))
    return _whole(_named())


@paths.get(_DIRECT)
def graph(_: str) -> Response:
    """Return the graph that has this address as its name (section 5.2)."""
    require_known_parameters((REVISION,))
    return _whole(own_url())


@paths.put("/graphs")
@paths.put(_DIRECT)
def put(_: str = "") -> Response:
    """Replace one graph by the document in the body (section 5.3), or those that it names."""
    if _is_data_set():
        operation = Operation(kind="replace", base=own_url(), **document())
        return write([operation], message="Replace the graphs that the document names.")
    graph = _to_change()
    return _send([_of_body("replace", graph)], "Replace", graph)


@paths.post("/graphs")
@paths.post(_DIRECT)
def post(_: str = "") -> Response:
    """Add documents to one graph, or to those that they name, or make a graph (section 5.5)."""
    if _is_data_set():
        operation = Operation(kind="add", base=own_url(), **document())
        return write([operation], message="Add to the graphs that the document names.")
    names_none = not (request.view_args or {"graph", "default"} & set(request.args))
    if names_none:
        require_known_parameters(WRITING)
        require_somebody()
        graph: str | None = f"{own_url()}/{uuid4()}"
    else:
        graph = _to_change()
    if request.mimetype == "multipart/form-data":
        base = graph or own_url()
        told = documents()
        operations = [Operation(kind="add", graph=graph, base=base, **one) for one in told]
    else:
        operations = [_of_body("add", graph)]
    return _send(operations, "Add to", graph, location=graph if names_none else None)


@paths.delete("/graphs")
@paths.delete(_DIRECT)
def delete(_: str = "") -> Response:
    """Take one graph away (section 5.4)."""
    graph = _to_change()
    operation = Operation(kind="delete", graph=graph)
    return write([operation], message=f"Delete the graph {graph or 'default'}.", graph=graph)


@paths.patch("/graphs")
@paths.patch(_DIRECT)
def patch(_: str = "") -> Response:
    """Change one graph by SPARQL Update (section 5.7): it is the default graph of the text."""
    graph = _to_change()
    if request.mimetype != _UPDATE:
        raise UnsupportedMediaType(f"Send a SPARQL Update as {_UPDATE}.")
    operation = Operation(kind="update", graph=graph, content=body(), name="The update")
    return write([operation], message=f"Change the graph {graph or 'default'}.", graph=graph)


def _whole(name: str | None) -> Response:
    syntax = _NAMES[negotiate(list(_NAMES))]
    return answer(readers().graph(name, syntax, coding=coding()))


def _of_body(kind: OperationKind, graph: str | None) -> Operation:
    # The name of the graph is what relative IRIs are relative to (RFC 3986, 5.1).
    return Operation(kind=kind, graph=graph, base=graph or own_url(), **document())


def _send(
    operations: list[Operation], verb: str, graph: str | None, *, location: str | None = None
) -> Response:
    return write(
        operations,
        message=f"{verb} the graph {graph or 'default'}.",
        graph=graph,
        created=not _exists(graph),
        location=location,
    )


def _is_data_set() -> bool:
    """Say whether the request names no graph because the document does."""
    syntax = syntax_of_media_type(request.mimetype)
    named = request.view_args or "graph" in request.args or "default" in request.args
    if named or syntax is None or not syntax.graphs:
        return False
    require_known_parameters(("graph", "default", *WRITING))
    require_somebody()
    return True


def _to_change() -> str | None:
    if request.view_args:
        require_known_parameters(WRITING)
        graph: str | None = own_url()
    else:
        require_known_parameters(("graph", "default", *WRITING))
        graph = _named()
    require_somebody()
    return graph


def _named() -> str | None:
    """Return the graph that the request is about, nothing for the default graph."""
    names = request.args.getlist("graph")
    default = "default" in request.args
    if len(names) + default != 1 or "" in names:
        raise BadRequest("Name one graph with “graph=”, or the default graph with “default”.")
    return None if default else names[0]


def _exists(graph: str | None) -> bool:
    return graph is None or graph in client().look_up("graphs", {}).json()["graphs"]

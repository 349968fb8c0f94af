"""`/graphs`: SPARQL 1.1 Graph Store HTTP Protocol. Parses no RDF: readers and the gate do."""

from flask import Blueprint, Response, request

from competency_graph.catalogue import JSON
from competency_graph.errors import BadRequest, UnsupportedMediaType
from competency_graph.model import Operation
from competency_graph.rdf import SYNTAXES, syntax_of_media_type
from competency_graph.web.exchange import answer, client, negotiate, require_known_parameters
from competency_graph.web.writing import WRITING, body, document, require_somebody, write

paths = Blueprint("graphs", __name__)
_NAMES = {s.media_type: s.name for s in SYNTAXES}


@paths.get("/graphs")
def graphs() -> Response:
    """Return one graph (Graph Store Protocol, section 5.2), or list them all."""
    require_known_parameters(("graph", "default"))
    if not request.args:
        negotiate([JSON])
        return answer(client().look_up("graphs", {}))
    syntax = _NAMES[negotiate(list(_NAMES))]
    return answer(client().graph(_named(), syntax))


@paths.put("/graphs")
def put() -> Response:
    """Replace one graph by the document in the body (section 5.3), or those that it names."""
    if _is_data_set():
        operation = Operation(kind="replace", **document(None))
        return write([operation], message="Replace the graphs that the document names.")
    graph = _to_change()
    operation = Operation(kind="replace", graph=graph, **document(graph))
    return write(
        [operation],
        message=f"Replace the graph {graph or 'default'}.",
        graph=graph,
        created=not _exists(graph),
    )


@paths.post("/graphs")
def post() -> Response:
    """Add the document in the body to one graph (section 5.5), or to those that it names."""
    if _is_data_set():
        operation = Operation(kind="add", **document(None))
        return write([operation], message="Add to the graphs that the document names.")
    graph = _to_change()
    operation = Operation(kind="add", graph=graph, **document(graph))
    return write(
        [operation],
        message=f"Add to the graph {graph or 'default'}.",
        graph=graph,
        created=not _exists(graph),
    )


@paths.delete("/graphs")
def delete() -> Response:
    """Take one graph away (section 5.4)."""
    graph = _to_change()
    operation = Operation(kind="delete", graph=graph)
    return write([operation], message=f"Delete the graph {graph or 'default'}.", graph=graph)


@paths.patch("/graphs")
def patch() -> Response:
    """Change one graph by SPARQL Update (section 5.7): it is the default graph of the text."""
    graph = _to_change()
    if request.mimetype != "application/sparql-update":
        raise UnsupportedMediaType("Send a SPARQL Update as application/sparql-update.")
    operation = Operation(kind="update", graph=graph, content=body(), name="The update")
    return write([operation], message=f"Change the graph {graph or 'default'}.", graph=graph)


def _is_data_set() -> bool:
    """Say whether the request names no graph because the document does."""
    syntax = syntax_of_media_type(request.mimetype)
    named = "graph" in request.args or "default" in request.args
    if named or syntax is None or not syntax.graphs:
        return False
    require_known_parameters(("graph", "default", *WRITING))
    require_somebody()
    return True


def _to_change() -> str | None:
    require_known_parameters(("graph", "default", *WRITING))
    graph = _named()
    require_somebody()
    return graph


def _named() -> str | None:
    """Return the graph that the request is about, nothing for the default graph."""
    names = request.args.getlist("graph")
    default = "default" in request.args
    if len(names) + default != 1:
        raise BadRequest("Name one graph with “graph=”, or the default graph with “default”.")
    return None if default else names[0]


def _exists(graph: str | None) -> bool:
    return graph is None or graph in client().look_up("graphs", {}).json()["graphs"]

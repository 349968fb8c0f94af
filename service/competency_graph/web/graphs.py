"""`/graphs`: Graph Store Protocol, reading. Writes nothing."""

from flask import Blueprint, Response, request

from competency_graph.catalogue import JSON
from competency_graph.errors import BadRequest
from competency_graph.rdf import SYNTAXES
from competency_graph.web.exchange import answer, client, negotiate, require_known_parameters

paths = Blueprint("graphs", __name__)
_NAMES = {s.media_type: s.name for s in SYNTAXES}


@paths.get("/graphs")
def graphs() -> Response:
    """Return one graph (SPARQL 1.1 Graph Store HTTP Protocol, section 5.2), or list them all."""
    require_known_parameters(("graph", "default"))
    names = request.args.getlist("graph")
    default = "default" in request.args
    if not names and not default:
        negotiate([JSON])
        return answer(client().look_up("graphs", {}))
    if len(names) + default != 1:
        raise BadRequest("Name one graph with “graph=”, or the default graph with “default”.")
    syntax = _NAMES[negotiate(list(_NAMES))]
    return answer(client().graph(None if default else names[0], syntax))

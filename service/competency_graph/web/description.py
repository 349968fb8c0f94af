"""What the endpoint says of itself, as far as it is settings. Writes no RDF itself."""

from flask import Response

from competency_graph.outward import endpoints
from competency_graph.web.exchange import answer, client, own_url, settings
from competency_graph.web.limits import limits_told


def description(syntax: str) -> Response:
    """Answer with the service description (SPARQL 1.1 Service Description, section 2).

    Args:
        syntax: a name in ``rdf.SYNTAXES``.
    """
    limits = [told._asdict() for told in limits_told(settings()) if told.value is not None]
    parameters = {
        "endpoint": own_url(),
        "syntax": syntax,
        "limits": limits,
        "services": list(endpoints(settings().service_allow)),
    }
    return answer(client().look_up("service-description", parameters))

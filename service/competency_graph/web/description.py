"""What the endpoint says of itself, as far as it is settings: its limits. Writes no RDF itself."""

from typing import Any, Final

from flask import Response

from competency_graph.config import setting_fields
from competency_graph.web.exchange import answer, client, own_url, settings

# Which settings limit what a client may ask, and the unit of each.
_LIMITS: Final = {
    "query_timeout": "seconds",
    "query_memory": "bytes",
    "query_bytes": "bytes",
    "query_length": "bytes",
    "queue": "queries",
    "rate_limit": "requests a minute",
    "kill_limit": "queries a minute",
    "max_body": "bytes",
}


def description(syntax: str) -> Response:
    """Answer with the service description (SPARQL 1.1 Service Description, section 2).

    Args:
        syntax: a name in ``rdf.SYNTAXES``.
    """
    parameters = {"endpoint": own_url(), "syntax": syntax, "limits": _limits()}
    return answer(client().look_up("service-description", parameters))


def _limits() -> list[dict[str, Any]]:
    """Return name, meaning, value and unit of each limit that is on, in the order of settings."""
    values = {field.name: getattr(settings(), field.name) for field in setting_fields()}
    return [
        {
            "name": field.name.upper(),
            "meaning": field.metadata["help"],
            "value": values[field.name],
            "unit": _LIMITS[field.name],
        }
        for field in setting_fields()
        if field.name in _LIMITS and values[field.name] is not None
    ]

"""`/healthz`, `/readyz`, `/metrics`: whether the service lives, can answer, and how it does."""

from ipaddress import ip_address
from typing import Any

from flask import Blueprint, Response, jsonify, request

from competency_graph.errors import CompetencyGraphError, Unauthorised, Unavailable
from competency_graph.web.exchange import (
    client,
    metrics,
    require_known_parameters,
    settings,
    validated,
)
from competency_graph.web.writing import asking, bearer

paths = Blueprint("ops", __name__)

# How long the gate is waited for: whoever watches must not wait for a change under way.
_PATIENCE = 1.0
_FORWARDED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")


@paths.get("/healthz")
def healthz() -> Response:
    """Say that this process lives. Asks nobody."""
    require_known_parameters(())
    return validated(jsonify(status="alive"))


@paths.get("/readyz")
def readyz() -> Response:
    """Say whether the graph answers, by asking it, and what else operators want to be sure of."""
    require_known_parameters(())
    asked = client()
    if not asked.board.revision and settings().seed != "none":
        raise Unavailable("The graph is being loaded. Try again in a moment.")
    state = _gate()
    revision = asked.look_up("graphs", {}).revision
    return validated(
        jsonify(
            status="ready",
            revision=revision,
            # How many changes the log has beyond it; null where the gate does not answer.
            behind=None if state is None else max(0, state["head"] - revision),
            sealed=asked.board.sealed,
            validation="on" if settings().validation else "off",
        )
    )


@paths.get("/metrics")
def figures() -> Response:
    """Return what there is to watch, for Prometheus; to this machine and to holders of a token."""
    require_known_parameters(())
    _require_operator()
    accept = request.headers.get("Accept", "")
    content, media_type = metrics().told(client().board, _gate(), accept)
    response = Response(content, content_type=media_type)
    response.headers["Cache-Control"] = "no-store"
    return response


def _gate() -> dict[str, Any] | None:
    """Return what the gate says of itself, or nothing where it does not answer soon."""
    try:
        return client().ask_gate({"ask": "state"}, seconds=_PATIENCE)
    except CompetencyGraphError:
        return None


def _require_operator() -> None:
    """Return where this machine itself asks, by no proxy, or somebody with a token of any role.

    Raises:
        Unauthorised: for everybody else.
    """
    if bearer() is not None:
        client().ask_gate({"ask": "who", **asking()})
        return
    address = request.remote_addr or ""
    forwarded = any(name in request.headers for name in _FORWARDED)
    if forwarded or not address or not ip_address(address).is_loopback:
        raise Unauthorised(
            "The figures are for whoever runs this service. Ask on its own machine, without a "
            "proxy, or send a token of any role: “Authorization: Bearer TOKEN”."
        )

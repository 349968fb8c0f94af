"""`/healthz` and `/readyz`: whether the service lives, and whether it can answer."""

from flask import Blueprint, Response, jsonify

from competency_graph.errors import Unavailable
from competency_graph.web.exchange import client, require_known_parameters, settings, validated

paths = Blueprint("ops", __name__)


@paths.get("/healthz")
def healthz() -> Response:
    """Say that this process lives. Asks nobody."""
    require_known_parameters(())
    return validated(jsonify(status="alive"))


@paths.get("/readyz")
def readyz() -> Response:
    """Say whether the graph answers, by asking it."""
    require_known_parameters(())
    asked = client()
    if not asked.board.revision and settings().seed != "none":
        raise Unavailable("The graph is being loaded. Try again in a moment.")
    revision = asked.look_up("graphs", {}).revision
    return validated(jsonify(status="ready", revision=revision, sealed=asked.board.sealed))

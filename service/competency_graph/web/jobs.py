"""`/jobs`: changes that are done in the background. Does none of them: the gate's process does."""

from flask import Blueprint, Response

from competency_graph.web.exchange import client, require_known_parameters
from competency_graph.web.writing import asking, told_job

paths = Blueprint("jobs", __name__)


@paths.get("/jobs/<identifier>")
def job(identifier: str) -> Response:
    """Return how far a job is, and when it is over the answer that the change came to."""
    require_known_parameters(())
    return told_job(client().ask_gate({"ask": "job", "job": identifier, **asking()}))


@paths.delete("/jobs/<identifier>")
def cancel(identifier: str) -> Response:
    """Stop a job and return it; what it recorded before stays."""
    require_known_parameters(())
    return told_job(client().ask_gate({"ask": "cancel job", "job": identifier, **asking()}))

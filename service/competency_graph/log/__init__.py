"""Append-only log of changes in SQL, and the tokens of who may change. Never reads RDF.

It never updates a change, save to redact it.
"""

from competency_graph.log.log import Log
from competency_graph.log.values import (
    Attempt,
    Change,
    Draft,
    Fault,
    Outcome,
    Standing,
    Token,
)

__all__ = ["Attempt", "Change", "Draft", "Fault", "Log", "Outcome", "Standing", "Token"]

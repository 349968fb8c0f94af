"""Append-only log of changes in SQL, and the tokens of who may change. Never reads RDF."""

from competency_graph.log.log import Log
from competency_graph.log.values import Attempt, Change, Draft, Outcome, Token

__all__ = ["Attempt", "Change", "Draft", "Log", "Outcome", "Token"]

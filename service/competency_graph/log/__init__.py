"""Append-only log of changes in SQL. Never reads RDF; never updates a change, save to redact it."""

from competency_graph.log.log import Log
from competency_graph.log.values import Change, Draft, Fault, Standing

__all__ = ["Change", "Draft", "Fault", "Log", "Standing"]

"""Append-only log of changes in SQL. Never reads RDF; never updates a row."""

from competency_graph.log.log import Log
from competency_graph.log.values import Change, Draft

__all__ = ["Change", "Draft", "Log"]

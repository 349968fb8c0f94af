"""The graph in memory and the disposable processes that answer from it. Writes no log."""

from competency_graph.index.board import MINUTE, Board
from competency_graph.index.border import refuse_in_document
from competency_graph.index.client import (
    BOARD,
    CHANGES_SOCKET,
    CHECK_SOCKET,
    GATE_SOCKET,
    LOOKUP_SOCKET,
    QUERY_SOCKET,
    TRIAL_SOCKET,
    Client,
    Trial,
    Whole,
)
from competency_graph.index.fork import die_with_parent, sealed
from competency_graph.index.graph import Graph, Writer
from competency_graph.index.keeper import Keeper
from competency_graph.index.local import LocalTrial
from competency_graph.index.matching import differing, pointing_at, said_of
from competency_graph.index.reader import Answer, Lane
from competency_graph.index.staging import stage
from competency_graph.index.terms import Statement, Term, statements

__all__ = [
    "BOARD",
    "CHANGES_SOCKET",
    "CHECK_SOCKET",
    "GATE_SOCKET",
    "LOOKUP_SOCKET",
    "MINUTE",
    "QUERY_SOCKET",
    "TRIAL_SOCKET",
    "Answer",
    "Board",
    "Client",
    "Graph",
    "Keeper",
    "Lane",
    "LocalTrial",
    "Statement",
    "Term",
    "Trial",
    "Whole",
    "Writer",
    "die_with_parent",
    "differing",
    "pointing_at",
    "refuse_in_document",
    "said_of",
    "sealed",
    "stage",
    "statements",
]

"""The graph in memory and the disposable processes that answer from it. Writes no log."""

from competency_graph.index.board import Board
from competency_graph.index.client import BOARD, LOOKUP_SOCKET, QUERY_SOCKET, Client, Whole
from competency_graph.index.fork import die_with_parent, sealed
from competency_graph.index.graph import Graph, Statement, Term, Writer, statements
from competency_graph.index.keeper import Keeper
from competency_graph.index.reader import Answer, Lane

__all__ = [
    "BOARD",
    "LOOKUP_SOCKET",
    "QUERY_SOCKET",
    "Answer",
    "Board",
    "Client",
    "Graph",
    "Keeper",
    "Lane",
    "Statement",
    "Term",
    "Whole",
    "Writer",
    "die_with_parent",
    "sealed",
    "statements",
]

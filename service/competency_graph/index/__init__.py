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
)
from competency_graph.index.describing import write_graph
from competency_graph.index.federation import NEEDS
from competency_graph.index.fork import (
    LIMIT_OF_SIGNAL,
    die_with_parent,
    give_memory_back,
    offer_to_the_oom_killer,
    sealed,
)
from competency_graph.index.graph import Graph, Writer
from competency_graph.index.keeper import Keeper
from competency_graph.index.local import LocalTrial
from competency_graph.index.matching import differing, pointing_at, said_of
from competency_graph.index.past import MOST_UNDONE, PAST_SOCKET, PastClient, go_back, is_near
from competency_graph.index.reader import Answer, Lane
from competency_graph.index.results import ROWS, TRIPLES, Beginning
from competency_graph.index.ring import CAPACITY, MOST_OF_ONE
from competency_graph.index.staging import stage
from competency_graph.index.terms import Statement, Term, statements
from competency_graph.index.whole import Whole

__all__ = [
    "BOARD",
    "CAPACITY",
    "CHANGES_SOCKET",
    "CHECK_SOCKET",
    "GATE_SOCKET",
    "LIMIT_OF_SIGNAL",
    "LOOKUP_SOCKET",
    "MINUTE",
    "MOST_OF_ONE",
    "MOST_UNDONE",
    "NEEDS",
    "PAST_SOCKET",
    "QUERY_SOCKET",
    "ROWS",
    "TRIAL_SOCKET",
    "TRIPLES",
    "Answer",
    "Beginning",
    "Board",
    "Client",
    "Graph",
    "Keeper",
    "Lane",
    "LocalTrial",
    "PastClient",
    "Statement",
    "Term",
    "Trial",
    "Whole",
    "Writer",
    "die_with_parent",
    "differing",
    "give_memory_back",
    "go_back",
    "is_near",
    "offer_to_the_oom_killer",
    "pointing_at",
    "refuse_in_document",
    "said_of",
    "sealed",
    "stage",
    "statements",
    "write_graph",
]

"""A database made ready to serve: opened, migrated, filled once. Changes nothing that is there."""

from datetime import datetime

from competency_graph.config import Settings
from competency_graph.index import Graph
from competency_graph.log import Draft, Log
from competency_graph.rdf import seed_lines, subjects_of_lines
from competency_graph.resources import shipped_graphs


def load(settings: Settings, *, now: datetime) -> Graph:
    """Return the graph at the head of the log, filling an empty log first (setting ``SEED``).

    Every handle on the database is closed when it returns, so the caller may fork.

    Raises:
        UnusableDatabase: the database cannot be opened or written.
    """
    with Log.open(settings.database, base=settings.base) as log:
        if log.head() == 0 and settings.seed != "none":
            log.append(_shipped(settings, now), expected_head=0)
        graph = Graph(union=settings.union_default, revision=log.head())
        graph.load(log.content_blocks())
        return graph


def _shipped(settings: Settings, now: datetime) -> Draft:
    graphs = (
        (graph.iri, [(file.name, file.read_bytes()) for file in graph.files])
        for graph in shipped_graphs(settings.seed)
    )
    lines = seed_lines(graphs, labels="c1x")
    return Draft(
        author="Competency Graph",
        time=now,
        message="Fill the database with the shipped ontology, shapes and framework.",
        added=lines,
        touched=frozenset(subjects_of_lines(lines)),
    )

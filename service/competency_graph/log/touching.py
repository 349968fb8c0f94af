"""Which changes touched a subject or a graph, as conditions and counts in SQL."""

from sqlalchemy import ColumnElement, func, select

from competency_graph.log import rows
from competency_graph.log.chain import touched_key
from competency_graph.log.database import Database
from competency_graph.log.tables import change, touched


def touches(graph: str | None, subject: str | None) -> ColumnElement[bool]:
    """Return the condition that a change touched a subject of a graph, or may have.

    Without a subject: the graph at all; without a graph: the subject in any.
    """
    keys = [rows.IN_GRAPH] if subject is None else [touched_key(subject), rows.IN_MANY]
    return _under(keys, graph)


def count(database: Database, graph: str | None, subject: str | None) -> tuple[int, list[int]]:
    """Return how many changes name what they touched here, and which touched too much to name."""
    query = select(func.count()).select_from(change).where(touches(graph, subject))
    many = select(change.c.number).where(_under([rows.IN_MANY], graph))
    with database.transaction() as connection:
        unnamed = [] if subject is None else sorted(connection.scalars(many))
        return (connection.scalar(query) or 0) - len(unnamed), unnamed


def _under(keys: list[int], graph: str | None) -> ColumnElement[bool]:
    found = select(touched.c.number).where(touched.c.subject.in_(keys))
    if graph is not None:
        found = found.where(touched.c.graph == touched_key(graph))
    return change.c.number.in_(found)

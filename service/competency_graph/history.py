"""A database made ready to serve: opened, migrated, filled once. Changes nothing that is there."""

import io
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from competency_graph.config import Settings
from competency_graph.errors import UnusableDatabase
from competency_graph.index import Graph
from competency_graph.log import Draft, Log
from competency_graph.model import joined
from competency_graph.rdf import SYNTAXES, seed_lines, subjects_of_lines
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


class Follower:
    """Gives the changes after a revision. Looks into the database only where it may have changed.

    It holds no handle after its iterator is read to the end, so that the caller may fork.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = sqlite_path(settings.database)
        self._seen: object = None

    def __call__(self, revision: int) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield number, removed lines and added lines of each change after a revision.

        Raises:
            UnusableDatabase: the database fails.
        """
        state = self._state()
        if state is not None and state == self._seen:
            return
        with Log.open(self._settings.database, base=self._settings.base) as log:
            for change in log.changes(after=revision):
                added, removed = log.read(change.number)
                yield change.number, joined(removed), joined(added)
        self._seen = state

    def _state(self) -> object:
        """Return what differs once somebody wrote to the file; nothing where none can tell."""
        if self._path is None:
            return None
        return tuple(
            (file.st_mtime_ns, file.st_size)
            for file in (_stat(self._path + ending) for ending in ("", "-wal"))
            if file is not None
        )


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def sqlite_path(url: str) -> str | None:
    """Return the file of an SQLite URL, or nothing for another database."""
    path = url.removeprefix("sqlite:///")
    return path if path != url else None


def read(settings: Settings, *, at: int | None = None) -> Graph:
    """Return the graph of a database that exists, at a revision or the head; make and fill none.

    Raises:
        NotFound: there is no such revision.
        UnusableDatabase: there is no database, or it cannot be opened.
    """
    with existing(settings) as log:
        graph = Graph(union=settings.union_default, revision=log.head() if at is None else at)
        graph.load(log.content_blocks(at))
        return graph


def existing(settings: Settings) -> Log:
    """Open the log of a database that exists; make and fill none.

    Raises:
        UnusableDatabase: there is none, or it cannot be opened.
    """
    path = sqlite_path(settings.database)
    if path is not None and not Path(path).is_file():
        raise UnusableDatabase(
            f"There is no database {path}. Name one with --database, or make one: "
            "competency-graph serve."
        )
    return Log.open(settings.database, base=settings.base)


def n_triples(settings: Settings) -> bytes:
    """Return everything that a database holds at its head as N-Triples.

    Raises:
        UnusableDatabase: as :func:`read`.
    """
    output = io.BytesIO()
    read(settings).write_graph(None, next(s for s in SYNTAXES if s.name == "n-triples"), output)
    return output.getvalue()


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

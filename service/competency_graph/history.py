"""The log's whole life: made and filled, read, kept short, backed up, verified, redacted.

Adds no change of its own, save the first.
"""

import io
import os
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from competency_graph.config import Settings
from competency_graph.errors import UnusableDatabase
from competency_graph.index import CAPACITY, MOST_OF_ONE, MOST_UNDONE, Graph, write_graph
from competency_graph.log import Draft, Log
from competency_graph.model import Extent, joined, split
from competency_graph.rdf import SYNTAXES, graph_name, seed_lines, subjects_of_lines
from competency_graph.resources import shipped_findings, shipped_graphs

_COARSE: Final = 100_000_000
"""Nanoseconds after which a file that is written to again has another time."""

Kind = Literal["added", "removed"]


def load(settings: Settings, *, now: datetime) -> Graph:
    """Return the graph at the head of the log, filling an empty log first (setting ``SEED``).

    Every handle on the database is closed when it returns, so the caller may fork.

    Raises:
        UnusableDatabase: the database cannot be opened or written.
    """
    with Log.open(settings.database, base=settings.base) as log:
        if log.head() == 0 and settings.seed != "none":
            log.append(_shipped(settings, now), expected_head=0)
        return graph_of(log, settings)


def recent(settings: Settings, revision: int) -> list[tuple[int, bytes, bytes]]:
    """Return the last small changes up to a revision, oldest first, as a follower does.

    They are those that the ring of an index can hold, without a gap; none where the database
    fails: what cannot be undone is rebuilt.
    """
    try:
        with existing(settings) as log:
            return log.tail(revision, most=MOST_UNDONE, each=MOST_OF_ONE, total=CAPACITY)
    except UnusableDatabase:
        return []


class Follower:
    """Gives the changes after a revision. Looks into the database only where it may have changed.

    It holds no handle after its iterator is read to the end, so that the caller may fork.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = sqlite_path(settings.database)
        self._seen: tuple[tuple[int, int], ...] | None = None

    def __call__(self, revision: int) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield number, removed lines and added lines of each change after a revision.

        Raises:
            UnusableDatabase: the database fails.
        """
        state = self._state()
        if state is not None and state == self._seen:
            return
        # A file system's clock is coarse: what was written a moment ago may be written to again
        # without another time.
        settled = state is not None and time.time_ns() - max(state, default=(0, 0))[0] > _COARSE
        with Log.open(self._settings.database, base=self._settings.base) as log:
            for change in log.changes(after=revision):
                added, removed = log.read(change.number)
                yield change.number, joined(removed), joined(added)
        self._seen = state if settled else None

    def _state(self) -> tuple[tuple[int, int], ...] | None:
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
        return graph_of(log, settings, at=at)


def graph_of(log: Log, settings: Settings, *, at: int | None = None) -> Graph:
    """Return the graph of an open log, at a revision or the head.

    Raises:
        NotFound: there is no such revision.
        Redacted: it can no longer be rebuilt.
    """
    graph = Graph(
        union=settings.union_default,
        revision=log.head() if at is None else at,
        base=settings.base,
        strict=settings.validation,
    )
    graph.load(lasting(log, graph.revision))
    return graph


def lasting(log: Log, number: int) -> Iterator[tuple[Kind, bytes]]:
    """Yield the blocks that make up the graph at a change, without what was taken out since.

    The engine never frees that: an index that put it in would be born old.
    """
    ever: dict[bytes, bool] = {}
    for kind, block in log.content_blocks(number):
        if kind == "removed":
            ever.update(dict.fromkeys(split(block), False))
    if not ever:
        yield from log.content_blocks(number)
        return
    for kind, block in log.content_blocks(number):
        if kind == "removed":
            ever.update(dict.fromkeys(split(block), False))
            continue
        lines = split(block)
        ever.update((line, True) for line in lines if line in ever)
        yield "added", joined(line for line in lines if line not in ever)
    yield "added", joined(line for line, stays in ever.items() if stays)


def existing(settings: Settings) -> Log:
    """Open the log of a database that exists; make none.

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
    lines = next(s for s in SYNTAXES if s.name == "n-triples")
    write_graph(read(settings), None, lines, output)
    return output.getvalue()


def keep_snapshot(log: Log) -> bool:
    """Keep the graph of the head where reading what came after the newest snapshot is dear.

    Meant for a thread beside the one that appends, which waits for the insertion only.
    """
    if not log.snapshot_due():
        return False
    head = log.head()
    log.write_snapshot(head, _sorted(log, head))
    return True


def _sorted(log: Log, number: int) -> Iterator[tuple[str, list[bytes]]]:
    graphs = lines_by_graph(log, number)
    return ((graph, sorted(graphs[graph])) for graph in sorted(graphs))


def lines_by_graph(log: Log, number: int | None = None) -> dict[str, dict[bytes, None]]:
    """Return the graph at a change, or at the head, as lines of N-Quads under their graphs.

    The lines of a graph are nearly in order: a few sorted runs, which cost next to nothing to sort.

    Raises:
        NotFound: there is no such change.
        Redacted: it can no longer be rebuilt.
    """
    graphs: dict[str, dict[bytes, None]] = {}
    for kind, block in log.content_blocks(number):
        for line in block[:-1].split(b"\n"):
            lines = graphs.setdefault(graph_name(line), {})
            if kind == "added":
                lines[line] = None
            else:
                lines.pop(line, None)
    return {graph: lines for graph, lines in graphs.items() if lines}


def digests(graphs: dict[str, dict[bytes, None]]) -> dict[str, str]:
    """Return a digest of each graph: of its sorted lines of N-Triples."""
    found = {}
    for graph, lines in graphs.items():
        name = f" {graph if graph.startswith('_:') else f'<{graph}>'} ." if graph else " ."
        ending = len(name.encode())
        found[graph] = digest(line[:-ending] + b" ." for line in lines)
    return found


def digest(triples: Iterable[bytes]) -> str:
    """Return the digest of lines of N-Triples, in whatever order they come."""
    return sha256(b"\n".join(sorted(triples))).hexdigest()


def reverse(log: Log, number: int) -> tuple[Iterator[bytes], Iterator[bytes]]:
    """Return what would undo a change: the lines to remove, then the lines to add.

    Raises:
        NotFound: there is no such change.
        Redacted: it was emptied.
    """
    added, removed = log.read(number)
    return added, removed


def redact(log: Log, number: int, extent: Extent, *, now: datetime) -> list[int]:
    """Empty a change for good; see :meth:`Log.redact`.

    Raises:
        NotFound: there is no such change.
        StillInGraph: the graph holds something that it added.
    """
    return log.redact(number, extent, now=now, graphs=lambda head: _sorted(log, head))


def restore(settings: Settings, file: Path) -> int:
    """Put a backup into a database that is not there or empty; return its newest change.

    Raises:
        BadRequest, UnusableDatabase: see :meth:`Log.restore`.
    """
    with Log.restore(settings.database, file, base=settings.base) as log:
        return log.head()


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
        findings_added=shipped_findings(settings.seed),
    )

"""What goes into an exchange and what comes out of it. Reads and converts nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from competency_graph.index import Graph
from competency_graph.rdf import Syntax


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file as it was read."""

    name: str
    content: bytes
    syntax: Syntax


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The files of one import together.

    ``lines`` are N-Quads without line feeds and without a graph where a file names none; ``graph``
    holds the same, for questions, with those statements in a graph of no meaning. ``target`` is the
    graph that the importer names.
    """

    files: str
    lines: tuple[bytes, ...]
    names_graphs: bool
    graph: Graph
    target: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What an import comes to: lines of N-Quads by graph, and what could not be carried over.

    ``lines`` each name a graph and have no line feed. ``from_files`` are the graphs that a file,
    instead of the importer, names; ``losses`` sentences; ``counts`` how many things of each of our
    classes there are; ``unchanged`` whether the lines say exactly what the files say.
    """

    lines: tuple[bytes, ...]
    graphs: tuple[str, ...]
    from_files: frozenset[str] = frozenset()
    losses: tuple[str, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    unchanged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format: its name, how it is told, and how it becomes statements in graphs."""

    name: str
    recognises: Callable[[Material], bool]
    bring: Callable[[Material], Brought]


def in_graph(line: bytes, graph: str) -> bytes:
    """Return a line that names no graph with one."""
    return line[:-1] + f"<{graph}> .".encode()

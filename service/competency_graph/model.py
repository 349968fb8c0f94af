"""Frozen values that cross module borders. Knows no database, no parser, no web."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Severity = Literal["violation", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("violation", "warning", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in an editor's input something stands; lines and columns count from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(
            str(part) for part in (self.file, self.line, self.column) if part is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault that a shape found, in words: which thing, which field, what to do, where.

    ``rule`` and ``focus`` are IRIs (``_:label`` for a blank node); ``field`` is the IRI of a simple
    path, ``value`` the offending term in N-Triples form, ``value_label`` what it is called.
    """

    severity: Severity
    message: str
    rule: str
    focus: str
    focus_label: str | None = None
    field: str | None = None
    field_label: str | None = None
    value: str | None = None
    value_label: str | None = None
    place: Place | None = None
    repair: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What judging some files came to: findings, how much was judged, and what was not read."""

    findings: tuple[Finding, ...]
    files: int
    checked: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def count(self, severity: Severity) -> int:
        """Return how many findings have this severity."""
        return Counter(finding.severity for finding in self.findings)[severity]

    def fails(self, threshold: Severity) -> bool:
        """Say whether any finding is as severe as the threshold, or more."""
        worst = SEVERITIES.index(threshold)
        return any(SEVERITIES.index(finding.severity) <= worst for finding in self.findings)


Role = Literal["reader", "editor", "reviewer", "maintainer", "admin"]
ROLES: tuple[Role, ...] = ("reader", "editor", "reviewer", "maintainer", "admin")
"""What a token may do, each role with what those before it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks: a display name, a role, and the graphs it is for (none named: every framework's).

    ``token`` is the number of the token that said so, nothing for the operator at the database.
    """

    name: str
    role: Role
    graphs: frozenset[str] = frozenset()
    token: int | None = None
    expires: datetime | None = None


OperationKind = Literal["update", "add", "replace", "delete", "lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that a client asks to do to the data.

    ``update`` is SPARQL 1.1 Update; with a ``graph``, that graph is the default graph of templates
    and patterns. ``add`` and ``replace`` put the statements of a document into ``graph``, or, where
    the syntax names graphs and ``graph`` is none, into those it names. ``delete`` takes a graph
    away. ``lines`` is an exact difference: ``content`` removed lines, an empty line, added lines.

    ``syntax`` is a name in ``rdf.SYNTAXES``, ``name`` what to call the content in an error.
    """

    kind: OperationKind
    graph: str | None = None
    content: bytes = b""
    syntax: str = "turtle"
    name: str = "The body"
    using: tuple[str, ...] = ()
    using_named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a change really adds and removes: sorted lines of N-Quads, disjoint, each once.

    ``touched`` are its (graph, subject) pairs as :class:`competency_graph.log.Draft` wants them;
    ``graphs_read`` the graphs that it depends on, none for all.
    """

    added: tuple[bytes, ...]
    removed: tuple[bytes, ...]
    touched: frozenset[tuple[str, str]]
    graphs_read: frozenset[str] | None

    @property
    def graphs(self) -> frozenset[str]:
        """The named graphs that it changes; an empty string is the default graph."""
        return frozenset(graph for graph, _ in self.touched)


Extent = Literal["message", "content"]
"""What a redacted change was emptied of: its message, or its content as well."""

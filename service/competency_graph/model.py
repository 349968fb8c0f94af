"""Frozen values that cross module borders. Knows no database, no parser, no web."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any, Final, Literal

from competency_graph.vocab import SKOS

_MOST_LISTED: Final = 50
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')

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


def finding_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding, given by its fields, as every JSON answer has it."""
    return {
        "severity": row["severity"],
        "message": row["message"],
        "field": {"id": row["field"], "label": row["field_label"]},
        "focus": {"id": row["focus"], "label": row["focus_label"]},
        "value": row["value"],
        "rule": row["rule"],
        "place": row["place"],
        "repair": row["repair"],
    }


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


OPERATOR: Final = "Operator"
"""The author of what is changed at the database itself, without a token."""


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


@lru_cache(4096)
def client_of(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 that one has of IPv6.

    What is no address counts as it is.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed) >> 64 << 64, 64)))


def joined(lines: Iterable[bytes]) -> bytes:
    """Return lines as one text, each with its line feed."""
    return b"".join(line + b"\n" for line in lines)


def split(text: bytes) -> list[bytes]:
    """Return the lines of a text without their line feeds."""
    # Not splitlines(): a carriage return inside a line would split it.
    return text.removesuffix(b"\n").split(b"\n") if text else []


OperationKind = Literal["update", "add", "replace", "delete", "lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that a client asks to do to the data.

    ``update`` is SPARQL 1.1 Update; with a ``graph``, that graph is the default graph of templates
    and patterns. ``add`` and ``replace`` put the statements of a document into ``graph``, or, where
    the syntax names graphs and ``graph`` is none, into those it names. ``delete`` takes a graph
    away. ``lines`` is an exact difference: ``content`` removed lines, an empty line, added lines.

    ``syntax`` is a name in ``rdf.SYNTAXES``, ``name`` what to call the content in an error, and
    relative IRIs of a document are resolved against ``base``, where there is one.
    """

    kind: OperationKind
    graph: str | None = None
    content: bytes = b""
    syntax: str = "turtle"
    name: str = "The body"
    base: str | None = None
    using: tuple[str, ...] = ()
    using_named: tuple[str, ...] = ()


def pack_operations(operations: Sequence[Operation]) -> tuple[list[dict[str, Any]], bytes]:
    """Return operations as a message between processes has them: fields for JSON, contents."""
    told = [
        {
            **{name: value for name, value in asdict(operation).items() if name != "content"},
            "size": len(operation.content),
        }
        for operation in operations
    ]
    return told, b"".join(operation.content for operation in operations)


def unpack_operations(told: Iterable[Mapping[str, Any]], contents: bytes) -> list[Operation]:
    """Return the operations that :func:`pack_operations` was given."""
    operations, start = [], 0
    for fields in told:
        said = {name: value for name, value in fields.items() if name != "size"}
        said |= {name: tuple(said[name]) for name in ("using", "using_named")}
        end = start + fields["size"]
        operations.append(Operation(**said, content=contents[start:end]))
        start = end
    return operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a change really adds and removes: sorted lines of N-Quads without line feeds, each once.

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


def removals_json(lines: Sequence[bytes]) -> dict[str, Any]:
    """Return what lines of N-Quads that are removed are about, as every JSON answer has it.

    Things are listed up to a number, those that lose most first, by the label that they lose.
    """
    counts: Counter[tuple[str, str]] = Counter()
    labels: dict[str, str] = {}
    for line in lines:
        thing, predicate, _ = line.decode().split(" ", 2)
        counts[thing, line.rsplit(b" ", 2)[1].decode()] += 1
        if predicate == f"<{SKOS}prefLabel>" and (said := _QUOTED.search(line.decode())):
            labels.setdefault(thing, json.loads(said[0]))
    listed = [
        {
            "thing": {"id": thing.strip("<>"), "label": labels.get(thing)},
            "graph": graph.strip("<>"),
            "statements": count,
        }
        for (thing, graph), count in counts.most_common(_MOST_LISTED)
    ]
    return {"statements": len(lines), "things": len(counts), "listed": listed}

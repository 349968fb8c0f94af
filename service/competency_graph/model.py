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
_QUOTED: Final = re.compile(r'("(?:[^"\\]|\\.)*")(?:@([\w-]+))?')

Severity = Literal["violation", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("violation", "warning", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in an editor's input something stands; lines and columns count characters from 1.

    ``end_line`` and ``end_column`` are where the first character after it stands; they may be
    known only together.
    """

    file: str
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None

    def __str__(self) -> str:
        return ":".join(
            str(part) for part in (self.file, self.line, self.column) if part is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What stands at a place, which has its end, is replaced by a text."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A proposal of how to mend a finding: a sentence, and where it can be said, what to change.

    ``remove`` and ``insert`` are what is no longer and what is newly said of the focus: predicate
    and value as Turtle writes them under ``vocab.PREFIXES``; ``about`` is the IRI of what they are
    said of where that is something else. ``edits`` do the same to the editor's text; none overlaps
    another.
    """

    text: str
    about: str | None = None
    remove: str | None = None
    insert: str | None = None
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault that a shape found, in words: which thing, which field, what to do, where.

    ``rule`` and ``focus`` are IRIs (``_:label`` for a blank node; a focus that is a literal is in
    N-Triples form); ``component`` is the IRI of the kind of constraint; ``page`` the address that
    explains the rule. ``field`` is the IRI of a simple path, ``path`` any other, as SPARQL 1.1
    writes property paths; ``value`` the offending term in N-Triples form, ``value_label`` what it
    is called. ``language`` is that of the message, an empty string where its shape does not say.
    ``own_severity`` is the IRI of a severity that is none of SHACL's; it weighs as a violation.
    """

    severity: Severity
    message: str
    rule: str
    focus: str
    language: str = "en"
    component: str | None = None
    page: str | None = None
    focus_label: str | None = None
    field: str | None = None
    field_label: str | None = None
    path: str | None = None
    value: str | None = None
    value_label: str | None = None
    place: Place | None = None
    repair: Repair | None = None
    own_severity: str | None = None


def finding_of(row: Mapping[str, Any]) -> Finding:
    """Return the finding whose ``asdict`` a row holds; what is no field of a finding is let go.

    A row that an earlier version wrote may lack fields, and have a mere sentence as its repair.
    """
    known = {name: row[name] for name in Finding.__dataclass_fields__ if name in row}
    place, repair = known.get("place"), known.get("repair")
    if isinstance(repair, str):
        repair = {"text": repair}
    if repair is not None:
        edits = tuple(
            Edit(place=Place(**edit["place"]), text=edit["text"])
            for edit in repair.get("edits", ())
        )
        known["repair"] = Repair(**{**repair, "edits": edits})
    return Finding(**{**known, "place": Place(**place) if place else None})


def without_places(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a finding without what is only true of the text that was sent."""
    repair = row["repair"] and {**row["repair"], "edits": ()}
    return {**row, "place": None, "repair": repair}


def finding_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding, given by its fields, as every JSON answer has it."""
    found = finding_of(row)
    return {
        "severity": found.severity,
        "message": found.message,
        "language": found.language,
        "field": {"id": found.field, "label": found.field_label},
        "path": found.path or (found.field and f"<{found.field}>"),
        "focus": {"id": found.focus, "label": found.focus_label},
        "value": found.value,
        "valueLabel": found.value_label,
        "rule": found.rule,
        "component": found.component,
        "page": found.page,
        "place": found.place and _place_json(found.place),
        "repair": found.repair and _repair_json(found.repair),
    }


def finding_from_json(told: Mapping[str, Any]) -> Finding:
    """Return the finding that :func:`finding_json` told."""
    place, repair = told["place"], told["repair"]
    if repair is not None:
        edits = [{"place": _place_row(e["place"]), "text": e["text"]} for e in repair["edits"]]
        repair = {**repair, "edits": edits}
    path = told["path"]
    return finding_of(
        {
            **told,
            **{"field": told["field"]["id"], "field_label": told["field"]["label"]},
            **{"focus": told["focus"]["id"], "focus_label": told["focus"]["label"]},
            "path": None if told["field"]["id"] else path,
            "value_label": told["valueLabel"],
            "place": place and _place_row(place),
            "repair": repair,
        }
    )


def _place_json(place: Place) -> dict[str, Any]:
    told = {"file": place.file, "line": place.line, "column": place.column}
    if place.end_line is None:
        return told
    return told | {"endLine": place.end_line, "endColumn": place.end_column}


def _place_row(told: Mapping[str, Any]) -> dict[str, Any]:
    ends = {"end_line": told.get("endLine"), "end_column": told.get("endColumn")}
    return {name: told.get(name) for name in ("file", "line", "column")} | ends


def _repair_json(repair: Repair) -> dict[str, Any]:
    edits = [{"place": _place_json(edit.place), "text": edit.text} for edit in repair.edits]
    return {
        "text": repair.text,
        "about": repair.about,
        "remove": repair.remove,
        "insert": repair.insert,
        "edits": edits,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What judging some files came to: findings, how much was judged, and what was not read.

    Where there is data that the files belong to, ``findings`` are those that the files bring anew,
    ``fixed`` those that they mend, ``standing`` those that were there and stay.
    """

    findings: tuple[Finding, ...]
    files: int
    fixed: tuple[Finding, ...] = ()
    standing: tuple[Finding, ...] = ()
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

    Things are listed up to a number, those that lose most first, by the label that they lose: the
    English one where there is one.
    """
    counts: Counter[tuple[str, str]] = Counter()
    labels: dict[str, tuple[bool, str, str]] = {}
    for line in lines:
        thing, predicate, _ = line.decode().split(" ", 2)
        counts[thing, line.rsplit(b" ", 2)[1].decode()] += 1
        if predicate == f"<{SKOS}prefLabel>" and (said := _QUOTED.search(line.decode())):
            language = said[2] or ""
            label = language.partition("-")[0].lower() != "en", language, json.loads(said[1])
            labels[thing] = min(label, labels.get(thing, label))
    listed = [
        {
            "thing": {
                "id": thing.strip("<>"),
                "label": labels[thing][2] if thing in labels else None,
            },
            "graph": graph.strip("<>"),
            "statements": count,
        }
        for (thing, graph), count in counts.most_common(_MOST_LISTED)
    ]
    return {"statements": len(lines), "things": len(counts), "listed": listed}

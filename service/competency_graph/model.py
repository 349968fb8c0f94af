"""Frozen values that cross module borders. Knows no database, no parser, no web."""

from collections import Counter
from dataclasses import dataclass
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
    path, ``value`` the offending term in N-Triples form.
    """

    severity: Severity
    message: str
    rule: str
    focus: str
    focus_label: str | None = None
    field: str | None = None
    field_label: str | None = None
    value: str | None = None
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

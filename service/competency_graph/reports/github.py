"""A verdict as workflow commands of GitHub Actions, which show it at the lines of a change."""

from typing import Final

from competency_graph.model import Finding, Verdict
from competency_graph.reports.text import found_value, others, sentence, summary, thing

_COMMANDS: Final = {"violation": "error", "warning": "warning", "info": "notice"}


def render(verdict: Verdict) -> str:
    """Return a command for each new finding, then the others and the summary as plain lines."""
    lines = [_command(finding) for finding in verdict.findings]
    lines += [_plain(line) for line in (*others(verdict), *verdict.notes)]
    return "\n".join([*lines, summary(verdict)])


def _command(finding: Finding) -> str:
    facts: dict[str, object] = {}
    if (place := finding.place) is not None:
        facts |= {"file": place.file, "line": place.line, "endLine": place.end_line}
        # GitHub takes columns within one line only, and its last is the last that is marked.
        if place.end_line in (None, place.line):
            last = place.end_column and max(place.end_column - 1, place.column or 1)
            facts |= {"col": place.column, "endColumn": last}
    facts["title"] = thing(finding)
    told = ",".join(f"{name}={_fact(str(v))}" for name, v in facts.items() if v is not None)
    found = found_value(finding)
    parts = [
        sentence(finding),
        found and f"Found: {found}",
        finding.repair and finding.repair.text,
        finding.page or finding.rule,
    ]
    text = "\n".join(part for part in parts if part)
    return f"::{_COMMANDS[finding.severity]} {told}::{_text(text)}"


def _text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _fact(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")


def _plain(line: str) -> str:
    """Return a line that is no command, whatever the data say."""
    return " ".join(line.split()).replace("##[", "## [").replace("::", ": :")

"""A verdict told to people and programs, in each format. Judges nothing, places nothing."""

import json
from dataclasses import asdict, replace
from typing import Final, Literal

from competency_graph.model import Finding, Verdict, finding_json
from competency_graph.reports import github, page, report, sarif, text
from competency_graph.reports.text import Paint, unpainted
from competency_graph.vocab import BASE

__all__ = ["MEDIA_TYPES", "Format", "Paint", "render", "with_pages_at"]

Format = Literal["text", "json", "turtle", "json-ld", "sarif", "html", "github"]

MEDIA_TYPES: Final[dict[Format, str]] = {
    "json": "application/json",
    "turtle": "text/turtle",
    "json-ld": "application/ld+json",
    "sarif": "application/sarif+json",
    "html": "text/html",
    "text": "text/plain",
}
"""What the formats are called that a service answers with."""


def render(verdict: Verdict, format_: Format, *, paint: Paint = unpainted) -> str:
    """Return the report in a format; ``paint`` gives the parts of the text their look."""
    match format_:
        case "text":
            return text.render(verdict, paint)
        case "json":
            return json.dumps(_as_json(verdict), ensure_ascii=False, indent=2)
        case "turtle":
            return report.turtle(verdict.findings)
        case "json-ld":
            return report.json_ld(verdict.findings)
        case "sarif":
            return sarif.render(verdict)
        case "html":
            return page.render(verdict)
        case "github":
            return github.render(verdict)


def with_pages_at(verdict: Verdict, url: str) -> Verdict:
    """Return a verdict whose links to the pages on rules lead to a service, given by its address.

    The addresses of our own base need not be served anywhere.
    """

    def led(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(
            replace(f, page=f"{url.rstrip('/')}/{f.page.removeprefix(BASE)}")
            if f.page is not None and f.page.startswith(BASE)
            else f
            for f in findings
        )

    return replace(
        verdict,
        findings=led(verdict.findings),
        fixed=led(verdict.fixed),
        standing=led(verdict.standing),
    )


def _as_json(verdict: Verdict) -> dict[str, object]:
    """Return a verdict as JSON has it; what stood before is counted."""
    return {
        "conforms": not verdict.count("violation"),
        "findings": [finding_json(asdict(finding)) for finding in verdict.findings],
        "fixed": [finding_json(asdict(finding)) for finding in verdict.fixed],
        "standing": len(verdict.standing),
        "files": verdict.files,
        "checked": dict(verdict.checked),
        "notes": verdict.notes,
    }

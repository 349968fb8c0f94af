"""A verdict as text for a terminal, as JSON, and as a SHACL report. Judges nothing."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from rdflib import RDF, SH, BNode, Graph, URIRef
from rdflib import Literal as Text

from competency_graph.model import Verdict
from competency_graph.vocab import PREFIXES

Format = Literal["text", "json", "turtle"]
Paint = Callable[[str, str], str]
"""Gives a piece of text the look of its part: ``place``, ``aside``, or a severity."""


def _unpainted(text: str, _part: str) -> str:
    return text


def render(verdict: Verdict, format_: Format, *, paint: Paint = _unpainted) -> str:
    """Return the report in a format; ``paint`` gives the parts of the text their look."""
    match format_:
        case "text":
            return _text(verdict, paint)
        case "json":
            return _json(verdict)
        case "turtle":
            return _turtle(verdict)


def _text(verdict: Verdict, paint: Paint) -> str:
    lines = []
    for finding in verdict.findings:
        place = str(finding.place) if finding.place else ""
        lines.append(paint(place, "place") + f"  {finding.focus_label or _name(finding.focus)}")
        word = paint(finding.severity, finding.severity)
        field = f"{finding.field_label}: " if finding.field_label else ""
        lines.append(f"    {word}  {field}{finding.message}")
        rule = finding.rule.rpartition("#")[2]
        repair = f"→ {finding.repair}  " if finding.repair else ""
        value = f"found {_name(finding.value)}  " if finding.value else ""
        lines.append("    " + paint(f"{repair}{value}rule {rule}", "aside"))
        lines.append("")
    lines += [paint(note, "aside") for note in verdict.notes]
    lines.append(_summary(verdict))
    return "\n".join(lines)


def _name(term: str) -> str:
    """Return the part of an IRI that a person recognises; other terms as they are."""
    if term.startswith("<") or "://" in term.split('"')[0]:
        return term.strip("<>").rstrip("/#").replace("#", "/").rpartition("/")[2]
    return term


def _summary(verdict: Verdict) -> str:
    violations, warnings = verdict.count("violation"), verdict.count("warning")
    checked = ", ".join(f"{count} {label}" for label, count in verdict.checked) or "nothing of ours"
    return (
        f"{_many(violations, 'violation')}, {_many(warnings, 'warning')} in "
        f"{_many(verdict.files, 'file')} ({checked} checked in {verdict.seconds:.1f} s)"
    )


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _json(verdict: Verdict) -> str:
    return json.dumps(
        {
            "conforms": not verdict.count("violation"),
            "findings": [finding_json(asdict(finding)) for finding in verdict.findings],
            "files": verdict.files,
            "checked": dict(verdict.checked),
            "notes": verdict.notes,
        },
        ensure_ascii=False,
        indent=2,
    )


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


def _turtle(verdict: Verdict) -> str:
    return report([finding_json(asdict(finding)) for finding in verdict.findings])


def report(findings: Sequence[Mapping[str, Any]]) -> str:
    """Return findings, as JSON has them, as a ``sh:ValidationReport`` in Turtle."""
    graph = Graph(bind_namespaces="none")
    for prefix, iri in PREFIXES.items():
        graph.bind(prefix, iri)
    whole = BNode()
    graph.add((whole, RDF.type, SH.ValidationReport))
    graph.add((whole, SH.conforms, Text(not findings)))
    for row in findings:
        result = BNode()
        graph.add((whole, SH.result, result))
        graph.add((result, RDF.type, SH.ValidationResult))
        graph.add((result, SH.resultMessage, Text(row["message"], lang="en")))
        graph.add((result, SH.resultSeverity, SH[row["severity"].capitalize()]))
        graph.add((result, SH.sourceShape, URIRef(row["rule"])))
        focus, field = row["focus"]["id"], row["field"]["id"]
        graph.add((result, SH.focusNode, BNode(focus[2:]) if focus[:2] == "_:" else URIRef(focus)))
        if field is not None:
            graph.add((result, SH.resultPath, URIRef(field)))
    return graph.serialize(format="longturtle", canon=True)

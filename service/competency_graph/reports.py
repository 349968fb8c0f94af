"""A verdict as text for a terminal, as JSON, and as a SHACL report. Judges nothing."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from rdflib import RDF, SH, BNode, Graph, URIRef
from rdflib import Literal as Text
from rdflib.term import Node

from competency_graph.model import Finding, Verdict, finding_json
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
        place = paint(str(finding.place), "place") + "  " if finding.place else ""
        lines.append(place + _thing(finding))
        word = paint(finding.severity, finding.severity)
        field = f"{finding.field_label}: " if finding.field_label else ""
        lines.append(f"    {word}  {field}{finding.message}")
        lines += [f"    {paint(line, 'aside')}" for line in _asides(finding)]
        lines.append("")
    lines += [paint(note, "aside") for note in verdict.notes]
    lines.append(_summary(verdict))
    return "\n".join(lines)


def _thing(finding: Finding) -> str:
    if finding.focus_label:
        return _short(finding.focus_label)
    return "a thing without a name" if finding.focus.startswith("_:") else _name(finding.focus)


def _asides(finding: Finding) -> list[str]:
    """Return what helps to mend it: the value as it was found, a proposal, the rule."""
    found = _found(finding)
    rule = "" if finding.rule.startswith("_:") else f"rule {_name(finding.rule)}"
    said = "  ".join(part for part in (found and f"found {found}", rule) if part)
    return [part for part in (said, finding.repair and f"→ {finding.repair}") if part]


def _found(finding: Finding) -> str:
    """Return the value of a finding as a person would quote it."""
    if finding.value is None:
        return ""
    if not finding.value.startswith('"'):
        return f"“{_short(finding.value_label or _name(finding.value))}”"
    text, _, rest = finding.value[1:].rpartition('"')
    plain = json.loads(f'"{text}"')
    language = f" in the language “{rest[1:]}”" if rest.startswith("@") else ""
    return (f"“{_short(plain)}”" if plain else "an empty text") + language


def _short(text: str) -> str:
    """Return a text on one line that fits a terminal."""
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"


def _name(term: str) -> str:
    """Return the part of an IRI that a person recognises."""
    return term.strip("<>").rstrip("/#").replace("#", "/").rpartition("/")[2]


def _summary(verdict: Verdict) -> str:
    counts = [
        _many(verdict.count("violation"), "violation"),
        _many(verdict.count("warning"), "warning"),
    ]
    if verdict.count("info"):
        counts.append(_many(verdict.count("info"), "hint"))
    checked = (
        ", ".join(_many(count, label) for label, count in verdict.checked)
        or "nothing of a known type"
    )
    return (
        f"{', '.join(counts)} in {_many(verdict.files, 'file')} "
        f"({checked} checked in {verdict.seconds:.1f} s)"
    )


def _many(count: int, noun: str) -> str:
    many = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{count} {noun if count == 1 else many}"


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
        graph.add((result, SH.sourceShape, _thing_named(row["rule"])))
        focus, field = row["focus"]["id"], row["field"]["id"]
        graph.add((result, SH.focusNode, _thing_named(focus)))
        if (value := _term(row["value"])) is not None:
            graph.add((result, SH.value, value))
        if field is not None:
            graph.add((result, SH.resultPath, URIRef(field)))
    return graph.serialize(format="longturtle", canon=True)


def _thing_named(name: str) -> Node:
    return BNode(name[2:]) if name.startswith("_:") else URIRef(name)


def _term(value: str | None) -> Node | None:
    """Return a term from its N-Triples form."""
    if value is None:
        return None
    if value.startswith("<"):
        return URIRef(value[1:-1])
    if not value.startswith('"'):
        return BNode(value.removeprefix("_:"))
    text, _, rest = value[1:].rpartition('"')
    plain = json.loads(f'"{text}"')
    if rest.startswith("@"):
        return Text(plain, lang=rest[1:])
    return Text(plain, datatype=URIRef(rest[3:-1]) if rest else None, normalize=False)

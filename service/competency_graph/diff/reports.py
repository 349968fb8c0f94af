"""A comparison as text, as Markdown for a pull request, as a page, as JSON. Weighs nothing."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from competency_graph.diff.values import (
    IMPACTS,
    Alteration,
    Comparison,
    Impact,
    Reason,
)

Format = Literal["text", "markdown", "html", "json"]
Paint = Callable[[str, str], str]
"""Gives a piece of text the look of its part: an impact, or ``aside``."""

MARK: Final = "<!-- competency-graph diff -->"
"""What a comment in Markdown begins with, so that the next one can take its place."""

_HERE: Final = Path(__file__).parent
_STYLE: Final = _HERE.parent / "web" / "static" / "style.css"
# A comment on GitHub has at most 65,536 characters.
_MOST_MARKDOWN: Final = 60_000
_ALONE: Final = frozenset({"identifier-removed", "rule-removed", "thing-added", "rule-added"})


def _unpainted(text: str, _part: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Line:
    """One alteration as it is read: a sentence, and why it matters."""

    impact: Impact
    sentence: str
    reasons: tuple[Reason, ...]


def render(comparison: Comparison, format_: Format, *, paint: Paint = _unpainted) -> str:
    """Return a comparison in a format; the same for the same comparison.

    Args:
        comparison: what differs.
        format_: ``text`` for a terminal, ``markdown`` for a comment, ``html`` for a page that needs
            nothing else, ``json`` for programs.
        paint: gives the parts of the text their look.
    """
    match format_:
        case "text":
            return _text(comparison, paint)
        case "markdown":
            return _markdown(comparison)
        case "html":
            return _html(comparison)
        case "json":
            return json.dumps(as_json(comparison), ensure_ascii=False, indent=2)


def lines(comparison: Comparison) -> Iterator[Line]:
    """Yield what differs as it is read, gravest first; what went with its whole is told there."""
    parts: dict[tuple[str, str], Counter[str]] = {}
    told = {(a.kind, a.thing.id) for a in comparison.alterations}
    left = []
    for alteration in comparison.alterations:
        whole = (alteration.kind, alteration.within or "")
        if whole in told and {reason.rule for reason in alteration.reasons} <= _ALONE:
            parts.setdefault(whole, Counter())[alteration.type.label] += 1
        else:
            left.append(alteration)
    for alteration in left:
        counted = parts.get((alteration.kind, alteration.thing.id), Counter())
        with_it = [_many(counted[label], label) for label in sorted(counted)]
        ending = f", with {_listed(with_it)}" if with_it else ""
        yield Line(alteration.impact, sentence(alteration) + ending, alteration.reasons)


def sentence(alteration: Alteration) -> str:
    """Return what happened to a thing, in words."""
    kind = alteration.type.label
    thing = f"{kind[:1].upper()}{kind[1:]} “{alteration.thing.label}”"
    return f"{thing}{_happened(alteration)}"


def _happened(alteration: Alteration) -> str:
    others = _listed([f"“{other.label}”" for other in alteration.others])
    ending = " (removed)" if alteration.direction == "removed" else " (deprecated)"
    match alteration.kind:
        case "added" | "removed":
            return f" {alteration.kind}"
        case "readdressed":
            names = (_last(alteration.thing.id), _last(alteration.others[0].id))
            return f" has another identifier: “{names[0]}” → “{names[1]}”"
        case "merged":
            return f" merged into {others}{ending}"
        case "split":
            return f" split into {others}{ending}"
        case "deprecated":
            return f" deprecated in favour of {others}" if others else " deprecated"
        case "restored":
            return " no longer deprecated"
        case "follows":
            return ""
    return ": " + _of_field(alteration)


def _of_field(alteration: Alteration) -> str:
    """Return what happened to one field of a thing."""
    before, after = _listed(alteration.before), _listed(alteration.after)
    name = alteration.field.label if alteration.field else "nameless part"
    part = f" of {alteration.part}" if alteration.part else ""
    if alteration.kind == "retyped":
        name = "class"
    elif alteration.kind == "moved":
        name = f"moved, {name}"
    elif alteration.kind == "renamed" and before and after:
        name = "renamed"
    way = f"{alteration.direction}, " if alteration.direction in ("tightened", "loosened") else ""
    if before and after:
        return f"{way}{name}{part} {before} → {after}"
    return f"{way}{name}{part} {after} added" if after else f"{way}{name}{part} {before} removed"


def _text(comparison: Comparison, paint: Paint) -> str:
    out = []
    found = list(lines(comparison))
    for line, next_ in pairwise([*found, None]):
        assert line is not None
        out.append(f"{paint(line.impact, line.impact)}  {line.sentence}")
        # What is true of several that follow each other is said once, after them.
        if next_ is None or next_.reasons != line.reasons:
            out += [f"       {paint(text, 'aside')}" for text in _reasons(line)]
    if out:
        out.append("")
    out.append(summary(comparison))
    out += [sentence for sentence, _ in _steps(comparison)]
    out += comparison.notes
    return "\n".join(out)


def _reasons(line: Line) -> list[str]:
    """Return the sentences of reasons; one milder than the line says its own impact."""
    return [
        reason.text if reason.impact == line.impact else f"({reason.impact}) {reason.text}"
        for reason in line.reasons
    ]


def summary(comparison: Comparison) -> str:
    """Return how much differs, in one sentence."""
    sides = f"between {comparison.before} and {comparison.after}"
    if comparison.impact is None:
        return f"Nothing differs in meaning {sides}."
    counts = [f"{n} {impact}" for impact in IMPACTS if (n := comparison.count(impact))]
    return f"A {comparison.impact} change {sides}: {', '.join(counts)}."


def _steps(comparison: Comparison) -> Iterator[tuple[str, bool]]:
    """Yield what versions say where something changed, and whether one is too small."""
    for step in comparison.versions:
        if step.fault:
            yield step.fault, True
        elif step.impact is not None and step.after:
            said = f"“{step.thing.label}” says version {step.after}"
            needs = f"; a {step.impact} change needs {step.needed} or more" if step.needed else ""
            yield f"{said}{needs}.", False


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON has it, everything that differs one by one."""
    return {
        "before": comparison.before,
        "after": comparison.after,
        "impact": comparison.impact,
        "counts": {impact: comparison.count(impact) for impact in IMPACTS},
        "versions": [
            {
                "thing": _named(step.thing),
                "before": step.before,
                "after": step.after,
                "impact": step.impact,
                "needed": step.needed,
                "enough": not step.fault,
            }
            for step in comparison.versions
        ],
        "changes": [_change(alteration) for alteration in comparison.alterations],
        "notes": list(comparison.notes),
    }


def _change(alteration: Alteration) -> dict[str, Any]:
    field = alteration.field
    return {
        "kind": alteration.kind,
        "impact": alteration.impact,
        "sentence": sentence(alteration),
        "thing": {**_named(alteration.thing), "type": _named(alteration.type)},
        "field": _named(field) if field else None,
        "language": alteration.language or None,
        "part": alteration.part or None,
        "before": list(alteration.before),
        "after": list(alteration.after),
        "successors": [_named(other) for other in alteration.others],
        "reasons": [
            {"rule": reason.rule, "impact": reason.impact, "text": reason.text}
            for reason in alteration.reasons
        ],
    }


def _named(thing: Any) -> dict[str, str]:
    return {"id": thing.id, "label": thing.label}


def _markdown(comparison: Comparison) -> str:
    title = "No change of meaning"
    if comparison.impact is not None:
        title = f"{comparison.impact.capitalize()} change"
    out = [MARK, f"### {title}", "", _escaped(summary(comparison)), ""]
    for said, fault in _steps(comparison):
        out.append(f"- {'**' if fault else ''}{_escaped(said)}{'**' if fault else ''}")
    out += [f"- {_escaped(note)}" for note in comparison.notes]
    found = list(lines(comparison))
    grave = [line for line in found if line.impact != "patch"]
    small = [line for line in found if line.impact == "patch"]
    room = _MOST_MARKDOWN
    if grave:
        out += ["", *_table(grave, room)]
        room -= sum(len(row) for row in out)
    if small:
        many = _many(len(small), "change")
        rows = _table(small, max(room, 2_000))
        out += ["", f"<details><summary>{many} of wording</summary>", "", *rows, "", "</details>"]
    return "\n".join(out) + "\n"


def _table(found: Sequence[Line], room: int) -> list[str]:
    """Return lines as rows of a table, as many as there is room for."""
    out = ["| impact | what | why |", "|---|---|---|"]
    for number, line in enumerate(found):
        why = "<br>".join(_escaped(text) for text in _reasons(line))
        row = f"| {line.impact} | {_escaped(line.sentence)} | {why} |"
        room -= len(row)
        if room < 0:
            return [*out, "", f"And {len(found) - number} more: run `competency-graph diff`."]
        out.append(row)
    return out


def _escaped(text: str) -> str:
    """Return text that is only text in Markdown: labels may say anything, @everyone as well."""
    text = re.sub(r"([\\`*_{}\[\]()#+!|~-])", r"\\\1", text.replace("&", "&amp;"))
    text = text.replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    return re.sub(r"(?i)(https?|ftp|mailto|www)([:.])", r"\1&#8203;\2", text)


def _html(comparison: Comparison) -> str:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found = list(lines(comparison))
    return environment.get_template("report.html").render(
        comparison=comparison,
        summary=summary(comparison),
        steps=list(_steps(comparison)),
        groups=[(i, [line for line in found if line.impact == i]) for i in IMPACTS],
        style=_STYLE.read_text(encoding="utf-8"),
    )


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _many(count: int, noun: str) -> str:
    many = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{count} {noun if count == 1 else many}"


def _last(iri: str) -> str:
    return iri.rstrip("/#").replace("#", "/").rpartition("/")[2] or iri

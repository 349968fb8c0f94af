"""A verdict as text for a terminal. Judges nothing."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Final

from competency_graph.model import Finding, Verdict

# What a terminal would obey, or what turns the direction of a line.
_SIGN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

Paint = Callable[[str, str], str]
"""Gives a piece of text the look of its part: ``place``, ``aside``, or a severity."""


def unpainted(text: str, _part: str) -> str:
    """Return a piece of text as it is."""
    return text


def render(verdict: Verdict, paint: Paint) -> str:
    """Return a verdict as lines: what is new at length, then what is mended and what stood."""
    lines = []
    for finding in verdict.findings:
        place = paint(seen(str(finding.place)), "place") + "  " if finding.place else ""
        lines.append(place + seen(thing(finding)))
        lines.append(f"    {paint(finding.severity, finding.severity)}  {seen(sentence(finding))}")
        lines += [f"    {paint(seen(line), 'aside')}" for line in _asides(finding)]
        lines.append("")
    lines += [paint(seen(line), "aside") for line in others(verdict)]
    lines += [paint(seen(note), "aside") for note in verdict.notes]
    pages = {f.page.partition("#")[0] for f in verdict.findings if f.page}
    lines += [paint(f"What each rule is for: {page}", "aside") for page in sorted(pages)]
    lines.append(summary(verdict))
    return "\n".join(lines)


def seen(text: str) -> str:
    """Return a text with its signs that a terminal would obey by their numbers."""
    return _SIGN.sub(lambda sign: f"<U+{ord(sign[0]):04X}>", text)


def others(verdict: Verdict) -> Iterator[str]:
    """Yield a line for each finding that is mended or was there before, and what they are."""
    groups = (("Mended:", verdict.fixed), ("There before:", verdict.standing))
    for title, findings in groups:
        if findings:
            yield title
        for finding in findings:
            place = f"{finding.place}  " if finding.place else ""
            yield f"    {place}{thing(finding)}: {finding.severity}  {sentence(finding)}"


def sentence(finding: Finding) -> str:
    """Return what to do, after the name of the field."""
    return f"{finding.field_label}: {finding.message}" if finding.field_label else finding.message


def thing(finding: Finding) -> str:
    """Return what a finding is about, as a person calls it, on one line."""
    if finding.focus_label:
        return short(finding.focus_label)
    return "a thing without a name" if finding.focus.startswith("_:") else name(finding.focus)


def _asides(finding: Finding) -> list[str]:
    """Return what helps to mend it: the value as it was found, a proposal, the rule."""
    found = found_value(finding)
    rule = "" if finding.rule.startswith("_:") else f"rule {name(finding.rule)}"
    said = "  ".join(part for part in (found and f"found {found}", rule) if part)
    return [part for part in (said, finding.repair and f"→ {finding.repair.text}") if part]


def found_value(finding: Finding) -> str:
    """Return the value of a finding as a person would quote it."""
    if finding.value is None:
        return ""
    if not finding.value.startswith('"'):
        return f"“{short(finding.value_label or name(finding.value))}”"
    text, _, rest = finding.value[1:].rpartition('"')
    plain = json.loads(f'"{text}"')
    language = f" in the language “{rest[1:]}”" if rest.startswith("@") else ""
    return (f"“{short(plain)}”" if plain else "an empty text") + language


def short(text: str) -> str:
    """Return a text on one line that fits a terminal."""
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"


def name(term: str) -> str:
    """Return the part of an IRI that a person recognises."""
    return term.strip("<>").rstrip("/#").replace("#", "/").rpartition("/")[2]


def summary(verdict: Verdict) -> str:
    """Return in one line how much was found, in how much."""
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
    if verdict.fixed or verdict.standing:
        counts[0] = counts[0].replace(" ", " new ", 1)
        counts.append(f"{len(verdict.fixed)} mended")
        counts.append(f"{len(verdict.standing)} there before")
    return (
        f"{', '.join(counts)} in {_many(verdict.files, 'file')} "
        f"({checked} checked in {verdict.seconds:.1f} s)"
    )


def _many(count: int, noun: str) -> str:
    many = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{count} {noun if count == 1 else many}"

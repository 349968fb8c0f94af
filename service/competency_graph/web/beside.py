"""A text line by line with what was found beside its lines, as a page shows it. Judges nothing."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from competency_graph.editing import starts_of_lines

Row = Mapping[str, Any]
"""A finding as JSON has it."""

# A text up to this is shown whole, of a longer one what is around the findings.
_MOST_LINES: Final = 1_000
_MOST_CHARACTERS: Final = 100_000
_AROUND: Final = 2
_MOST_OF_LINE: Final = 400
_BEFORE_MARK: Final = 100
# What turns the direction of a text, or cannot be seen: it may hide what a line really says.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)


class Part(NamedTuple):
    """A part of a line: ``kind`` is empty, ``marked`` at a finding, ``sign`` for what is hidden."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that is shown; ``skipped`` are those before it that are not, ``cut`` its own sides."""

    number: int
    skipped: int
    parts: Sequence[Part]
    cut: tuple[bool, bool]
    found: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The lines of a text that are shown; ``rest`` is how many come after the last of them."""

    lines: Sequence[Line]
    rest: int
    whole: bool


def beside(text: str, rows: Iterable[Row]) -> View:
    """Return a text with findings beside their lines.

    Args:
        text: the text, lines ended by line feeds.
        rows: findings in it, in the order in which those of one line are to stand; those without a
            line are left out.
    """
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if line := line_of(row):
            found[line].append(row)
    last = text.count("\n") + 1
    whole = last <= _MOST_LINES and len(text) <= _MOST_CHARACTERS
    shown, before = [], 0
    starts = starts_of_lines(text, range(1, last + 1) if whole else _around(found, last))
    for number, start in starts.items():
        end = text.find("\n", start)
        said = text[start : len(text) if end < 0 else end]
        shown.append(_line(number, number - before - 1, said, found.get(number, ())))
        before = number
    return View(lines=shown, rest=last - before, whole=whole)


def line_of(row: Row) -> int:
    """Return the line at which something was found, 0 where that is not known."""
    place = row["place"]
    return (place and place["line"]) or 0


def _around(numbers: Iterable[int], last: int) -> list[int]:
    near = {n for number in numbers for n in range(number - _AROUND, number + _AROUND + 1)}
    return sorted(number for number in near if 1 <= number <= last)


def _line(number: int, skipped: int, text: str, found: Sequence[Row]) -> Line:
    marks = sorted(_mark(row["place"], text) for row in found if row["place"].get("column"))
    start = max(0, marks[0][0] - _BEFORE_MARK) if marks and len(text) > _MOST_OF_LINE else 0
    end = min(len(text), start + _MOST_OF_LINE)
    parts: list[Part] = []
    at = start
    for first, last in marks:
        parts += _parts("", text[at : max(at, min(first, end))])
        parts += _parts("marked", text[max(at, first) : max(at, min(last, end))])
        at = min(end, max(at, last))
    parts += _parts("", text[at:end])
    cut = (start > 0, end < len(text))
    return Line(number=number, skipped=skipped, parts=parts, cut=cut, found=found)


def _mark(place: Mapping[str, Any], text: str) -> tuple[int, int]:
    """Return from where to where in its line a place is, as offsets."""
    start = min(place["column"] - 1, max(len(text) - 1, 0))
    end = place.get("endColumn")
    if end is None:
        return start, start + 1
    return start, max(end - 1, start + 1) if place["endLine"] == place["line"] else len(text)


def _parts(kind: str, text: str) -> Iterable[Part]:
    at = 0
    for sign in _HIDDEN.finditer(text):
        if sign.start() > at:
            yield Part(kind, text[at : sign.start()])
        yield Part("sign", f"U+{ord(sign[0]):04X}")
        at = sign.end()
    if at < len(text):
        yield Part(kind, text[at:])

"""Edits done to a text, and which repairs can be done together. Knows no RDF, proposes nothing."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Final

from competency_graph.model import Edit, Repair

_Ends = tuple[tuple[int, int], tuple[int, int], str]
_BLOCK: Final = 4_096


def starts_of_lines(text: str, numbers: Iterable[int]) -> dict[int, int]:
    """Return at which character each of some lines begins; what the text does not have is left out.

    Line feeds alone end lines, which count from 1. A text may have more lines than there is memory
    for a list of them, so blocks without any of these are counted through.
    """
    found: dict[int, int] = {}
    line, at = 1, 0
    for number in sorted(set(numbers)):
        while line < number and line + (passed := text.count("\n", at, at + _BLOCK)) < number:
            line, at = line + passed, at + _BLOCK
            if at >= len(text):
                return found
        for _ in range(number - line):
            at = text.index("\n", at) + 1
        line = number
        found[number] = at
    return found


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return a text with edits of it done; equal ones count once.

    Lines and columns of their places count characters from 1; line feeds alone end lines.

    Raises:
        ValueError: two edits overlap, or one has no place in the text.
    """
    placed = [(_ends(edit), edit.text) for edit in edits]
    starts = starts_of_lines(text, (line for ends, _ in placed for line, _ in ends))
    spans = sorted({(*_span(ends, starts, len(text)), new) for ends, new in placed})
    parts, end = [], 0
    for start, stop, new in spans:
        if start < end:
            raise ValueError("Two edits overlap.")
        parts += [text[end:start], new]
        end = stop
    return "".join([*parts, text[end:]])


def together(repairs: Iterable[Repair]) -> list[Repair]:
    """Return those repairs of one or several texts that can be done at once.

    Of two that overlap it is the earlier one; equal ones overlap nothing.
    """
    chosen: list[Repair] = []
    taken: dict[str, list[_Ends]] = {}
    for repair in repairs:
        wanted = [(edit.place.file, (*_ends(edit), edit.text)) for edit in repair.edits]
        if all(_is_free(taken.get(file, []), span) for file, span in wanted):
            chosen.append(repair)
            for file, span in wanted:
                spans = taken.setdefault(file, [])
                at = bisect_left(spans, span)
                if spans[at : at + 1] != [span]:
                    spans.insert(at, span)
    return chosen


def _is_free(taken: list[_Ends], span: _Ends) -> bool:
    """Say whether nothing that is taken, which does not overlap itself, overlaps a span."""
    at = bisect_left(taken, span)
    if taken[at : at + 1] == [span]:
        return True
    before, after = taken[at - 1 : at] if at else [], taken[at : at + 1]
    return all(one[1] <= span[0] for one in before) and all(one[0] >= span[1] for one in after)


def _ends(edit: Edit) -> tuple[tuple[int, int], tuple[int, int]]:
    place = edit.place
    if not (place.line and place.column and place.end_line and place.end_column):
        raise ValueError("An edit has no place.")
    return (place.line, place.column), (place.end_line, place.end_column)


def _span(
    ends: tuple[tuple[int, int], tuple[int, int]], starts: Mapping[int, int], size: int
) -> tuple[int, int]:
    if any(line not in starts for line, _ in ends):
        raise ValueError("An edit is behind the end of the text.")
    start, stop = (starts[line] + column - 1 for line, column in ends)
    if not start <= stop <= size:
        raise ValueError("An edit is behind the end of the text.")
    return start, stop

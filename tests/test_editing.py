"""Edits of a text land where their places say; repairs that do not overlap go together."""

import pytest
from competency_graph.editing import edited, starts_of_lines, together
from competency_graph.model import Edit, Place, Repair


def edit(line: int, column: int, end_line: int, end_column: int, text: str = "") -> Edit:
    place = Place(file="a.ttl", line=line, column=column, end_line=end_line, end_column=end_column)
    return Edit(place=place, text=text)


def repair(*edits: Edit) -> Repair:
    return Repair(text="Do it.", edits=edits)


def test_columns_count_characters_whatever_they_weigh() -> None:
    text = "one\n😀\t\u202eא x\u2028y\r\nthree"
    assert edited(text, [edit(2, 6, 2, 7, "X")]) == text.replace("x", "X")
    assert edited(text, [edit(2, 8, 2, 9, "Y")]) == text.replace("y", "Y")
    assert edited(text, [edit(3, 1, 3, 1, "> ")]) == text.replace("three", "> three")


@pytest.mark.parametrize("row", ["", "x", "y" * 5_000])
def test_lines_are_found_however_many_there_are(row: str) -> None:
    text = f"{row}\n" * 10_000 + "last"
    every = [0, *(n + 1 for n, sign in enumerate(text) if sign == "\n")]
    for numbers in ([1], [10_001], [2, 3, 4_097, 4_098, 9_999, 10_000, 10_001], range(1, 10_002)):
        assert starts_of_lines(text, numbers) == {n: every[n - 1] for n in numbers}
    assert starts_of_lines(text, [7, 10_002, 99_999]) == {7: every[6]}
    assert starts_of_lines("", [1, 2]) == {1: 0}
    assert starts_of_lines(f"{row}\n", [2]) == {2: len(row) + 1}


def test_edits_are_done_at_once_and_equal_ones_once() -> None:
    text = "abc\ndef"
    edits = [edit(2, 1, 2, 2, "D"), edit(1, 1, 1, 2, "AA"), edit(2, 1, 2, 2, "D")]
    assert edited(text, edits) == "AAbc\nDef"
    assert edited(text, [edit(1, 3, 2, 2, "-"), edit(2, 2, 2, 2, "+")]) == "ab-+ef"
    assert edited(text, []) == text


@pytest.mark.parametrize(
    "edits",
    [
        [edit(1, 1, 1, 3), edit(1, 2, 1, 4)],
        [edit(1, 1, 1, 3, "x"), edit(1, 1, 1, 3, "y")],
        [edit(3, 1, 3, 1)],
        [edit(2, 4, 2, 9)],
        [edit(1, 3, 1, 2)],
        [Edit(place=Place(file="a.ttl", line=1), text="")],
    ],
)
def test_what_cannot_be_done_is_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="edit"):
        edited("abc\ndef", edits)


def test_of_repairs_that_overlap_the_first_is_taken() -> None:
    first, second = repair(edit(1, 1, 1, 5, "a")), repair(edit(1, 4, 1, 9, "b"))
    third, again = repair(edit(1, 5, 1, 5, "c"), edit(2, 1, 2, 2)), repair(edit(1, 1, 1, 5, "a"))
    whole = repair(edit(1, 9, 1, 9, "d"), edit(1, 2, 1, 3, "e"))
    assert together([first, second, third, again, whole]) == [first, third, again]
    assert together([second, first]) == [second]
    elsewhere = Place(file="b.ttl", line=1, column=1, end_line=1, end_column=5)
    other = repair(Edit(place=elsewhere, text=""))
    assert together([first, other]) == [first, other]

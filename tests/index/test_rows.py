"""Rows are counted from the bytes of an answer, whatever the values hold and wherever it is cut."""

import io

import pyoxigraph as ox
import pytest
from competency_graph.index.rows import Rows
from competency_graph.rdf import RESULTS
from hypothesis import given
from hypothesis import strategies as st

# What ends, separates and opens rows in any of the formats.
_AWKWARD = st.text(st.sampled_from('"\\},{:[]<>result/\n\r\t ,xé'), max_size=12)
_CELL = st.one_of(
    st.none(),
    _AWKWARD.map(ox.Literal),
    _AWKWARD.map(lambda text: ox.Literal(text, language="en")),
    st.just(ox.NamedNode("http://e/")),
    st.just(ox.Triple(ox.NamedNode("http://a"), ox.NamedNode("http://b"), ox.Literal('"},{"'))),
)
_VARIABLES = [ox.Variable("type"), ox.Variable("subject"), ox.Variable("bindings")]


def _answer(rows: list[list[object]], format_: str) -> bytes:
    """Return a table as the engine writes it."""
    cells = " ".join(
        "(" + " ".join("UNDEF" if cell is None else str(_spelt(cell)) for cell in row) + ")"
        for row in rows
    )
    names = " ".join(str(v) for v in _VARIABLES)
    found = ox.Store().query(f"SELECT {names} {{ VALUES ({names}) {{ {cells} }} }}")
    assert isinstance(found, ox.QuerySolutions)
    written = found.serialize(format=RESULTS[format_][1])
    assert isinstance(written, bytes)
    return written


def _spelt(cell: object) -> str:
    # A triple as a value is written as a triple term.
    return f"<<( {cell!s} )>>" if isinstance(cell, ox.Triple) else str(cell)


def _counted(written: bytes, format_: str, step: int) -> tuple[list[int], bytes]:
    told: list[int] = []
    output = io.BytesIO()
    rows = Rows(output, format_, told.append)
    for start in range(0, len(written), step):
        rows.write(written[start : start + step])
    return told, output.getvalue()


@pytest.mark.parametrize("format_", RESULTS)
@given(
    rows=st.lists(
        st.lists(_CELL, min_size=3, max_size=3).filter(lambda row: any(c is not None for c in row)),
        max_size=8,
    ),
    step=st.integers(1, 40),
)
def test_as_many_as_were_asked_for_and_never_more_on_the_way(
    format_: str, rows: list[list[object]], step: int
) -> None:
    written = _answer(rows, format_)
    told, passed = _counted(written, format_, step)
    assert passed == written
    assert told[-1] == len(rows)
    assert told == sorted(told)


@pytest.mark.parametrize("format_", ["xml", "csv", "tsv"])
def test_rows_that_bind_nothing_count_where_they_can_be_told(format_: str) -> None:
    written = _answer([[None, None, None]] * 3, format_)
    assert _counted(written, format_, 7)[0][-1] == 3


def test_rows_after_one_that_binds_nothing_are_told_in_json_too() -> None:
    written = _answer([[None] * 3, [ox.Literal("a"), None, None], [None] * 3], "json")
    assert _counted(written, "json", 1)[0][-1] == 1

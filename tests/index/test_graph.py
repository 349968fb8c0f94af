"""The default graph is the set union: a triple in three graphs counts once."""

import io

from competency_graph.index import Graph

_P = "<https://example.org/p>"


def _graph() -> Graph:
    lines = "".join(
        f"<https://example.org/a> {_P} <https://example.org/b> <https://example.org/g{n}> .\n"
        f"<https://example.org/b> {_P} <https://example.org/c> <https://example.org/g{n}> .\n"
        for n in range(3)
    )
    graph = Graph(revision=1)
    graph.load([("added", lines.encode())])
    return graph


def _answer(text: str) -> str:
    output = io.BytesIO()
    _graph().write_answer(text, output, rows="csv", graph="n-triples")
    return output.getvalue().decode()


def test_once_in_a_count() -> None:
    counted = _answer(f"SELECT (COUNT(*) AS ?n) {{ ?s {_P} ?o }}")
    assert counted.split() == ["n", "2"]


def test_once_in_a_join() -> None:
    counted = _answer(f"SELECT (COUNT(*) AS ?n) {{ ?s {_P} ?o . ?o {_P} ?x }}")
    assert counted.split() == ["n", "1"]


def test_once_on_a_path() -> None:
    counted = _answer(f"SELECT (COUNT(*) AS ?n) {{ ?s {_P}+ ?o }}")
    assert counted.split() == ["n", "3"]


def test_once_in_a_construct() -> None:
    assert len(_answer(f"CONSTRUCT {{ ?s {_P} ?o }} {{ ?s {_P} ?o }}").splitlines()) == 2


def test_a_removed_line_leaves_the_union_only_with_its_last_graph() -> None:
    line = f"<https://example.org/a> {_P} <https://example.org/b> <https://example.org/g"
    graph = Graph()
    graph.load(
        [("added", f"{line}1> .\n{line}2> .\n".encode()), ("removed", f"{line}1> .\n".encode())]
    )
    assert len(graph) == 1
    assert list(graph.properties("https://example.org/a")) == ["https://example.org/p"]


def test_a_graph_that_lost_its_last_statement_is_not_there_after_a_rebuild_either() -> None:
    line = f"<https://example.org/a> {_P} <https://example.org/b> <https://example.org/g"
    graph = Graph()
    graph.load(
        [("added", f"{line}1> .\n{line}2> .\n".encode()), ("removed", f"{line}1> .\n".encode())]
    )
    assert graph.graph_names() == ["https://example.org/g2"]

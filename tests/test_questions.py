"""Every competency question has exactly the expected rows, in order, in-process and over HTTP."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from competency_graph import history
from competency_graph.config import Settings
from competency_graph.index import Graph
from competency_graph.resources import ontology_files
from conftest import Service, start_service
from questions import Question, questions

QUESTIONS = questions()
SHIPPED = [q for q in QUESTIONS if not q.data]
ADDED = [q for q in QUESTIONS if q.data]


def _table(content: bytes) -> tuple[list[str], list[list[str]]]:
    columns, *rows = list(csv.reader(io.StringIO(content.decode())))
    return columns, rows


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service to which a maintainer has added what some questions are about."""
    running = start_service(tmp_path_factory.mktemp("questions"), kill_limit="off")
    headers = {"Authorization": f"Bearer {running.token('maintainer')}"}
    headers["Content-Type"] = "application/trig"
    for question in ADDED:
        reply = running.send("POST", "/graphs", question.data, headers=headers)
        assert reply.status in (200, 201), reply.body
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("question", SHIPPED, ids=lambda q: q.name)
def test_in_process(graph: Graph, question: Question) -> None:
    output = io.BytesIO()
    graph.write_answer(question.text, output, rows="csv")
    assert _table(output.getvalue()) == (question.columns, question.rows)


@pytest.mark.parametrize("question", SHIPPED, ids=lambda q: q.name)
def test_over_http(service: Service, question: Question) -> None:
    reply = service.query(question.text, Accept="text/csv")
    assert reply.status == 200, reply.body
    assert _table(reply.body) == (question.columns, question.rows)


@pytest.mark.parametrize("question", ADDED, ids=lambda q: q.name)
def test_with_more_than_ships(added: Service, question: Question) -> None:
    reply = added.query(question.text, Accept="text/csv")
    assert reply.status == 200, reply.body
    assert _table(reply.body) == (question.columns, question.rows)
    database = f"sqlite:///{added.folder}/log.db"
    test_in_process(history.load(Settings(database=database), now=datetime.now(UTC)), question)


def test_each_question_states_itself_its_columns_and_its_order() -> None:
    for question in QUESTIONS:
        first, second, third = question.text.splitlines()[:3]
        assert re.fullmatch(r"# [A-Z].*\?", first), question.name
        assert second == f"# Columns: {', '.join(question.columns)}", question.name
        assert third.startswith("# Order:   "), question.name
        assert question.rows, f"{question.name} expects no row, so a broken query would pass"


def test_each_class_answers_a_question() -> None:
    """O16: no class without a question that needs it."""
    asked = set(re.findall(r"\bcg:(\w+)", " ".join(q.text for q in QUESTIONS)))
    declared = set()
    for file in ontology_files():
        declared |= set(re.findall(r"^cg:(\w+)\n    a owl:Class ;", file.read_text(), re.M))
    assert len(declared) > 35
    # Its four kinds are asked for by name, and every element is of one of them.
    missing = declared - asked - {"CompetencyElement"}
    assert not missing, f"Add a question to tests/questions that needs {sorted(missing)} (O16)."

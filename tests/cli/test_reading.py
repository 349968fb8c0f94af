"""`query` and `export`: the same answers from a database and a service, refusals in words."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from competency_graph import history
from competency_graph.config import Settings
from competency_graph.log import Draft, Log
from conftest import Service, start_service

_COUNT = "SELECT (COUNT(*) AS ?n) { ?s a <https://w3id.org/competency-graph/ns#Role> }"
_ADDED = (
    b"<urn:x:role> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> "
    b"<https://w3id.org/competency-graph/ns#Role> <urn:x:graph> ."
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of two revisions: the second has one role more, in a graph of a foreign name."""
    folder = tmp_path_factory.mktemp("reading")
    settings = Settings(database=f"sqlite:///{folder}/log.db", seed="framework")
    history.load(settings, now=datetime.now(UTC))
    with Log.open(settings.database, base=settings.base) as log:
        draft = Draft(author="test", time=datetime.now(UTC), message="A role", added=[_ADDED])
        log.append(draft, expected_head=1)
    running = start_service(folder, query_timeout="300 ms", kill_limit="off")
    yield running
    assert running.stop() == 0


def _run(served: Service, *arguments: str) -> tuple[int, str, str]:
    told = subprocess.run(
        [sys.executable, "-m", "competency_graph", *arguments],
        cwd=served.folder,
        env={"COMPETENCY_GRAPH_DATABASE": "sqlite:///log.db"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in told.stderr
    return told.returncode, told.stdout, told.stderr


def test_a_database_is_asked_as_it_is_and_as_it_was(served: Service) -> None:
    assert _run(served, "query", "-e", _COUNT, "--format", "csv")[:2] == (0, "n\n8\n")
    assert _run(served, "query", "-e", _COUNT, "--format", "csv", "--at", "1")[1] == "n\n7\n"
    code, _, said = _run(served, "query", "-e", _COUNT, "--at", "3")
    assert (code, "3" in said) == (2, True)


def test_a_service_answers_the_same(served: Service) -> None:
    told = _run(served, "query", "-e", _COUNT, "--format", "csv", "--url", served.url)
    assert told == (0, "n\n8\n", "")
    then = _run(served, "query", "-e", _COUNT, "--format", "csv", "--at", "1", "--url", served.url)
    assert then == (0, "n\n7\n", "")


@pytest.mark.parametrize("where", ["database", "service"])
def test_one_framework_is_exported_by_name_or_iri(served: Service, where: str) -> None:
    place = ["--url", served.url] if where == "service" else []
    shape = ["--format", "n-triples", *place]
    code, foreign, _ = _run(served, "export", "--framework", "urn:x:graph", *shape)
    assert (code, foreign) == (0, _ADDED.decode().replace(" <urn:x:graph> .", " .\n"))
    named = _run(served, "export", "--framework", "implementation-support", *shape)[1]
    assert named.startswith("<https://w3id.org/competency-graph/id/")
    code, _, said = _run(served, "export", "--framework", "none", *shape)
    assert (code, "There is no" in said) == (2, True)


def test_a_file_is_written_whole_or_the_reason_told(served: Service, tmp_path: Path) -> None:
    target = tmp_path / "out.ttl"
    assert _run(served, "export", "--framework", "urn:x:graph", "-o", str(target))[0] == 0
    assert b"urn:x:role" in target.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["out.ttl"]
    code, _, said = _run(served, "export", "-o", str(tmp_path / "no" / "out.ttl"))
    assert (code, said.endswith("cannot be written: No such file or directory.\n")) == (2, True)


def test_exit_codes_are_the_same_over_the_wire(served: Service) -> None:
    values = " ".join(map(str, range(400)))
    runaway = "SELECT (COUNT(*) AS ?n) { " + "".join(
        f"VALUES ?{name} {{ {values} }} " for name in "abcd"
    )
    code, _, said = _run(served, "query", "-e", runaway + "}", "--url", served.url)
    assert (code, "QUERY_TIMEOUT" in said) == (1, True)
    code, _, said = _run(served, "query", "-e", "ASK { ?s", "--url", served.url)
    assert (code, "cannot be read" in said) == (2, True)
    code, _, said = _run(served, "query", "-e", "ASK {}", "--url", "http://127.0.0.1:1")
    assert (code, said.endswith("127.0.0.1:1: Connection refused.\n")) == (3, True)
    code, _, said = _run(served, "query", "missing.rq")
    assert (code, said.endswith("cannot be read: No such file or directory.\n")) == (2, True)


def _at_a_terminal(served: Service, *arguments: str) -> tuple[str, str]:
    """Return what a command says on standard output and error when both are terminals."""
    told = []
    (out, out_end), (said, said_end) = pty.openpty(), pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "competency_graph", *arguments],
        cwd=served.folder,
        env={"COMPETENCY_GRAPH_DATABASE": "sqlite:///log.db", "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=out_end,
        stderr=said_end,
    )
    for end in (out_end, said_end):
        os.close(end)
    for master in (out, said):
        content = b""
        while True:
            try:
                content += os.read(master, 4096)
            except OSError:  # Linux: the other side is closed
                break
        os.close(master)
        told.append(content.decode().replace("\r\n", "\n"))
    assert process.wait(60) == 0, told
    return told[0], told[1]


@pytest.mark.parametrize("where", ["database", "service"])
def test_a_terminal_shows_a_table_and_the_cost(served: Service, where: str) -> None:
    place = ["--url", served.url] if where == "service" else []
    text = "SELECT ?kind (COUNT(*) AS ?n) { ?s a ?kind } GROUP BY ?kind ORDER BY DESC(?n) LIMIT 3"
    shown, cost = _at_a_terminal(served, "query", "-e", text, *place)
    assert re.search(r"kind +┃ +n ", shown)
    assert re.search(r"│ cg:\w+ +│ +\d+ │", shown)
    assert re.fullmatch(r"3 rows, \d+ bytes in \d\.\d{3} s at revision 2\.\n", cost)
    shown, cost = _at_a_terminal(served, "query", "-e", "ASK {}", *place)
    assert shown == "yes\n" and cost.startswith("1 row, ")
    built = "CONSTRUCT { ?s a ?c } WHERE { ?s a ?c } LIMIT 1"
    shown, cost = _at_a_terminal(served, "query", "-e", built, *place)
    assert "PREFIX" in shown.upper() and not re.search(r"\brow", cost)


def test_a_pipe_gets_rows_alone_and_a_table_when_asked(served: Service) -> None:
    assert _run(served, "query", "-e", _COUNT)[1:] == ("?n\n8\n", "")
    code, shown, said = _run(served, "query", "-e", _COUNT, "--format", "table")
    assert (code, said) == (0, "") and re.search(r"│ +8 │", shown)


def test_a_wrong_query_is_told_with_its_place(served: Service) -> None:
    for place in ([], ["--url", served.url]):
        code, _, said = _run(served, "query", "-e", "SELECT ?s\nWHERE { ?s ?p }", *place)
        assert code == 2 and "line 2, column 16" in said

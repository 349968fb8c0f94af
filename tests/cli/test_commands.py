"""`fmt`, `export`, `query`, `settings`: wrong usage is a sentence and the right exit code."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from competency_graph import history
from competency_graph.cli import command
from competency_graph.config import Settings


def _run(cwd: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "competency_graph", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {f"COMPETENCY_GRAPH_{k}": v for k, v in settings.items()},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a filled database under its default name, and files that are wrong."""
    made = tmp_path_factory.mktemp("commands")
    settings = Settings.load({}, {"database": f"sqlite:///{made}/competency-graph.db"})
    history.load(settings, now=datetime.now(UTC))
    (made / "latin.rq").write_bytes("# é\nASK {}".encode("latin-1"))
    (made / "text.db").write_text("no database")
    return made


WRONG = [
    (["query"], 2, "Give the query either as a file or with -e."),
    (["query", "-e", "ASK {}", "--database", "sqlite:///none.db"], 2, "no database none.db"),
    (["query", "-e", "ASK {}", "--database", "none"], 2, "--database cannot be “none”"),
    (["query", "-e", "ASK {}", "--database", "sqlite:///text.db"], 2, "text.db is not a database"),
    (["query", "none.rq"], 2, "none.rq cannot be read: No such file or directory."),
    (["query", "latin.rq"], 2, "latin.rq is not a text in UTF-8."),
    (
        ["query", "-e", "ASK {}", "--url", "http://127.0.0.1:1"],
        3,
        "127.0.0.1:1: Connection refused.",
    ),
    (["query", "-e", "ASK {}", "--url", "http://a", "--database", "b"], 2, "not both"),
    (["query", "-e", "SELECT * { ?s ?p }"], 2, "The query cannot be read"),
    (["query", "-e", "SELECT * { SERVICE <http://a/> { } }"], 2, "SERVICE"),
    (["export", "--framework", "none"], 2, "There are: "),
    (["export", "-o", "none/a.ttl"], 2, "none/a.ttl cannot be written: No such file"),
    (["export", "--url", "ftp://a"], 2, "ftp://a is not an http or https address."),
    (["fmt", "none.ttl"], 2, "none.ttl: There is no such file."),
    (["fmt", "a.jsonld"], 2, "a.jsonld: This is JSON-LD; fmt writes Turtle files only."),
    (["fmt", "."], 2, "This is a folder."),
    (["settings", "--none"], 2, "No such option"),
    (["none"], 2, "No such command"),
]


@pytest.mark.parametrize(("arguments", "code", "sentence"), WRONG)
def test_wrong_usage_is_told(folder: Path, arguments: list[str], code: int, sentence: str) -> None:
    told = _run(folder, *arguments)
    assert sentence in told.stderr
    assert (told.returncode, told.stdout) == (code, "")
    assert "Traceback" not in told.stderr and "Errno" not in told.stderr


def test_a_query_past_its_limit_is_refused(folder: Path) -> None:
    told = _run(folder, "query", "-e", "SELECT * { ?a ?b ?c . ?d ?e ?f }", QUERY_TIMEOUT="200 ms")
    assert (told.returncode, told.stdout) == (1, "")
    assert "QUERY_TIMEOUT" in told.stderr


def test_export_writes_what_the_ending_says(folder: Path) -> None:
    for name, beginning in (("a.nt", "<"), ("a.ttl", "@prefix"), ("a.rdf", "<?xml")):
        told = _run(folder, "export", "--framework", "implementation-support", "-o", name)
        assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
        assert (folder / name).read_text().startswith(beginning)


def test_fmt_is_stable_and_refuses_to_lose_a_comment(tmp_path: Path) -> None:
    file = tmp_path / "a.ttl"
    file.write_text('<https://example.org/b> <https://example.org/p> "x" .\n')
    assert _run(tmp_path, "fmt", "--check", "a.ttl").returncode == 1
    assert _run(tmp_path, "fmt", "a.ttl").returncode == 0
    assert _run(tmp_path, "fmt", "--check", "a.ttl").returncode == 0
    before = file.read_text() + "# a thought\n"
    file.write_text(before)
    told = _run(tmp_path, "fmt", "a.ttl")
    assert (told.returncode, file.read_text()) == (2, before)
    assert "a.ttl:6: A comment" in told.stderr


def test_fmt_keeps_a_value_that_is_not_of_its_type(tmp_path: Path) -> None:
    typed = '"2026-13-01"^^<http://www.w3.org/2001/XMLSchema#date>'
    (tmp_path / "a.ttl").write_text(f"<https://example.org/b> <https://example.org/p> {typed} .")
    told = _run(tmp_path, "fmt", "a.ttl")
    assert (told.returncode, told.stdout, told.stderr) == (0, "a.ttl rewritten\n", "")
    assert '"2026-13-01"^^' in (tmp_path / "a.ttl").read_text()


def test_fmt_writes_all_files_or_none(tmp_path: Path) -> None:
    good = '<https://example.org/b> <https://example.org/p> "x" .\n'
    (tmp_path / "a.ttl").write_text(good)
    (tmp_path / "b.ttl").write_text(good[:-2])
    assert _run(tmp_path, "fmt", "a.ttl", "b.ttl").returncode == 2
    assert (tmp_path / "a.ttl").read_text() == good


def test_a_misspelt_setting_is_told(tmp_path: Path) -> None:
    told = _run(tmp_path, "settings", QUERY_TIMOUT="3")
    assert (told.returncode, told.stdout) == (2, "")
    assert "Did you mean COMPETENCY_GRAPH_QUERY_TIMEOUT?" in told.stderr


@pytest.mark.parametrize("name", command.list_commands(click.Context(command)))
def test_help_has_an_example_that_names_what_there_is(tmp_path: Path, name: str) -> None:
    told = _run(tmp_path, name, "--help")
    assert told.returncode == 0
    example = re.search(r"Example: competency-graph (\S+)", told.stdout)
    assert example and example[1] == name
    part = command.get_command(click.Context(command), name)
    assert part
    for option in re.findall(r"(?<!\S)--[a-z-]+", part.epilog or ""):
        assert any(option in parameter.opts for parameter in part.params), option
    if name != "serve":
        assert "Exit code 0" in " ".join(told.stdout.split())

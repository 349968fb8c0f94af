"""The log at the terminal: who changed what, kept safe, emptied only when it may be."""

import json
import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from competency_graph import history
from competency_graph.config import Settings
from competency_graph.log import Draft
from competency_graph.rdf import graph_name
from conftest import Service, start_service

BROKER = "implementation-support/role/knowledge-broker"
IRI = "https://w3id.org/competency-graph/id/" + BROKER
DEFINITION = "http://www.w3.org/2004/02/skos/core#definition"
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def change(
    folder: Path, message: str, *, old: bytes | None = None, new: bytes | None = None
) -> int:
    settings = Settings.load({}, {"database": f"sqlite:///{folder}/log.db"})
    line = old or new
    assert line is not None
    with history.existing(settings) as log:
        draft = Draft(
            author="Ada Lovelace",
            time=NOON,
            message=message,
            added=[new] if new else [],
            removed=[old] if old else [],
            touched={(graph_name(line), IRI)},
            findings_added=[{"graph": "g", "severity": "warning", "message": "Write it shorter."}],
        )
        return log.append(draft, expected_head=log.head())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the shipped framework, whose broker got another definition, twice."""
    settings = Settings.load({}, {"database": f"sqlite:///{tmp_path}/log.db"})
    graph = history.load(settings, now=NOON)
    (first,) = (
        line for line in graph.lines_about(IRI) if DEFINITION.encode() in line and b'"@en' in line
    )
    phone = first.replace(b'"@en', b' Ring 030 1234567."@en')
    change(tmp_path, "Say whom to ring.", old=first, new=phone)
    change(tmp_path, "Better not.", old=phone, new=first)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    def told(*arguments: str, database: str = "log.db") -> "subprocess.CompletedProcess[str]":
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COMPETENCY_GRAPH_")}
        environment["COMPETENCY_GRAPH_DATABASE"] = f"sqlite:///{folder}/{database}"
        return subprocess.run(
            [sys.executable, "-m", "competency_graph", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return told


def test_history_lists_who_when_why_and_how_much(run: Run) -> None:
    said = run("history").stdout
    assert [line.split()[0] for line in said.splitlines()[::3]] == ["3", "2", "1"]
    assert "2026-11-03 12:00  Ada Lovelace\n        Better not.\n        +1 −1 statements" in said
    assert "findings: 1 new, 0 fixed" in said
    page = json.loads(run("history", "--format", "json", "--limit", "1", "--before", "3").stdout)
    assert ([item["revision"] for item in page["items"]], page["total"]) == ([2], 3)
    assert "--before 2" in run("history", "--limit", "2").stdout
    assert run("history", "--before", "1").stdout == "There are no changes before change 1.\n"


def test_show_tells_a_change_by_thing_in_words(run: Run) -> None:
    said = run("show", "2").stdout
    assert "\nKnowledge broker\n        − definition: “" in said
    assert "Ring 030 1234567.” (en)\n" in said
    assert "new warning: Write it shorter." in said
    assert "http" not in said
    told = json.loads(run("show", "2", "--format", "json").stdout)
    assert (len(told["added"]), len(told["removed"]), len(told["things"])) == (1, 1, 1)
    large = run("show", "1").stdout
    assert "statements more: --format json has all" in large
    missing = run("show", "9")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr == "competency-graph: There is no change 9; the newest is 3.\n"


@pytest.mark.parametrize("name", [IRI, BROKER, "/" + BROKER])
def test_a_thing_has_a_history_and_each_statement_its_change(run: Run, name: str) -> None:
    said = run("history", name).stdout
    assert said.count("− definition: ") == 2
    assert "+ preferred label: “Knowledge broker” (en)" in said
    blamed = run("blame", name).stdout
    assert "3  2026-11-03 12:00  Ada Lovelace  definition: " in blamed
    assert "1  2026-11-03 12:00  Competency Graph  preferred label: “Knowledge broker”" in blamed
    told = json.loads(run("blame", name, "--format", "json").stdout)
    assert {s["change"]["revision"] for s in told["statements"]} == {1, 3}


def test_what_nobody_knows_has_no_history(run: Run) -> None:
    assert (
        "No change touched https://example.org/none."
        in run("history", "https://example.org/none").stdout
    )
    unknown = run("blame", "https://example.org/none")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "Nothing is known about https://example.org/none." in unknown.stderr


def test_a_backup_is_restored_to_the_same_history_and_bytes(run: Run, folder: Path) -> None:
    assert run("backup", "kept.db").returncode == 0
    refused = run("backup", "kept.db")
    assert (refused.returncode, "There is a file kept.db already" in refused.stderr) == (2, True)
    restored = run("restore", "kept.db", database="other.db")
    assert restored.returncode == 0 and "as it was at change 3" in restored.stdout
    for ask in (["history", "--format", "json"], ["export", "--format", "n-quads"]):
        assert run(*ask).stdout == run(*ask, database="other.db").stdout != ""
    refused = run("restore", "kept.db")
    assert (refused.returncode, "is not empty" in refused.stderr) == (2, True)


def test_verify_names_the_first_change_that_is_not_as_recorded(run: Run, folder: Path) -> None:
    whole = run("verify")
    assert (whole.returncode, "Everything is as recorded, up to change 3" in whole.stdout) == (
        0,
        True,
    )
    with closing(sqlite3.connect(folder / "log.db")) as raw, raw:
        (block,) = raw.execute(
            "SELECT content FROM change_part WHERE number = 2 AND part = 1"
        ).fetchone()
        damaged = block[:-9] + bytes([block[-9] ^ 1]) + block[-8:]
        raw.execute("UPDATE change_part SET content = ? WHERE number = 2 AND part = 1", (damaged,))
    broken = run("verify")
    assert (broken.returncode, broken.stdout) == (1, "")
    assert broken.stderr == "Change 2 does not hold what was recorded.\n"
    told = json.loads(run("verify", "--format", "json").stdout)
    assert (told["whole"], told["change"]) == (False, 2)
    run("backup", "kept.db")
    restored = run("restore", "kept.db", database="other.db")
    assert restored.returncode == 2
    assert "Change 2 does not hold what was recorded. Nothing was restored" in restored.stderr
    assert run("history", database="other.db").stdout == "There are no changes yet.\n"


def test_redact_empties_what_may_go_and_nothing_else(run: Run) -> None:
    exported = sorted(run("export", "--format", "n-quads").stdout.splitlines())
    unasked = run("redact", "2")
    assert (unasked.returncode, "Say --yes" in unasked.stderr) == (2, True)
    standing = run("redact", "1", "--yes")
    assert (standing.returncode, "still in the graph" in standing.stderr) == (1, True)
    done = run("redact", "2", "--yes")
    assert done.returncode == 0
    assert "redact them too: 3." in done.stdout
    assert (
        "The message of change 3 was emptied"
        in run("redact", "3", "--message-only", "--yes").stdout
    )
    assert "(redacted)" in run("show", "2").stdout
    assert "030" not in run("show", "2", "--format", "json").stdout
    assert sorted(run("export", "--format", "n-quads").stdout.splitlines()) == exported
    assert run("verify").returncode == 0


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_redact_asks_first(folder: Path, answer: str, code: int) -> None:
    master, terminal = pty.openpty()
    os.write(master, f"{answer}\n".encode())
    database = f"sqlite:///{folder}/log.db"
    asked = [sys.executable, "-m", "competency_graph", "redact", "2", "--database", database]
    told = subprocess.run(asked, stdin=terminal, capture_output=True, text=True, check=False)
    os.close(master)
    os.close(terminal)
    assert told.returncode == code
    assert "Say whom to ring." in told.stdout and "Empty this change for good?" in told.stdout
    assert ("Change 2 was emptied" in told.stdout) == (code == 0)


def test_an_empty_log_is_whole(run: Run, folder: Path) -> None:
    settings = Settings.load({}, {"database": f"sqlite:///{folder}/new.db", "seed": "none"})
    history.load(settings, now=NOON)
    verified = run("verify", database="new.db")
    assert (verified.returncode, verified.stdout) == (0, "There are no changes yet.\n")


def test_a_database_that_is_not_there_is_not_made(run: Run, folder: Path) -> None:
    for ask in (["history"], ["verify"], ["backup", "kept.db"], ["redact", "1", "--yes"]):
        told = run(*ask, database="none.db")
        assert (told.returncode, "There is no database" in told.stderr) == (2, True)
    assert not (folder / "none.db").exists() and not (folder / "kept.db").exists()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = start_service(tmp_path_factory.mktemp("served"), seed="framework")
    yield running
    assert running.stop() == 0


def test_verify_compares_with_the_graph_of_a_service(
    run: Run, folder: Path, served: Service
) -> None:
    own = f"sqlite:///{served.folder}/log.db"
    whole = run("verify", "--url", served.url, "--database", own)
    assert (whole.returncode, whole.stderr) == (0, "")
    other = run("verify", "--url", served.url)
    assert other.returncode == 1
    assert "does not hold what the log has at 1: example-assessments." in other.stderr
    nobody = run("verify", "--url", "http://127.0.0.1:9")
    assert (nobody.returncode, "Nobody answers" in nobody.stderr) == (3, True)


def test_a_backup_is_made_while_the_service_runs(run: Run, folder: Path, served: Service) -> None:
    own = f"sqlite:///{served.folder}/log.db"
    assert run("backup", "live.db", "--database", own).returncode == 0
    assert run("restore", "live.db", database="copy.db").returncode == 0
    assert run("verify", "--url", served.url, database="copy.db").returncode == 0

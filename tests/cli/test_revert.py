"""`revert` at the terminal: on a local database, and at a running service with a token."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Service, start_service
from helping import framework, put, revision


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(tmp_path_factory.mktemp("revert"), workers="1")
    yield service
    assert service.stop() == 0


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COMPETENCY_GRAPH_")}
    return subprocess.run(
        [sys.executable, "-m", "competency_graph", "revert", *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def relabelled(running: Service, *labels: str) -> tuple[str, int]:
    """Return an editor's token, and the last of changes that give the competency these labels."""
    token = running.token("editor")
    for label in labels:
        assert put(running, token, framework(label=label)).status in (200, 201)
    return token, revision(running)


def test_at_a_service_the_token_says_who(running: Service) -> None:
    token, last = relabelled(running, "Listening", "Hearing")
    at = ("--url", running.url)
    assert run(str(last), *at).returncode == 4
    assert revision(running) == last
    tried = run(str(last), *at, "--token", token, "--dry-run")
    assert (tried.returncode, revision(running)) == (0, last)
    assert (
        tried.stdout == f"It would revert change {last}: +1 −1 statements. Nothing was changed.\n"
    )
    done = run(str(last), *at, "-m", "Not so", COMPETENCY_GRAPH_TOKEN=token)
    assert done.stdout == f"Change {last + 1} reverts change {last}: +1 −1 statements.\n"
    told = running.get("/changes?limit=1").json()["items"]
    assert isinstance(told, list)
    assert (told[0]["message"], told[0]["author"]) == ("Not so", "a editor")
    again = run(str(last), *at, "--token", token)
    assert (again.returncode, again.stdout[:10]) == (0, "Nothing of")


def test_on_a_database_the_running_service_follows(running: Service) -> None:
    _, last = relabelled(running, "Listening", "Attending")
    database = f"sqlite:///{running.folder}/log.db"
    done = run(str(last), "--database", database)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Change {last + 1} reverts change {last}: ")
    reply = running.get("/changes?limit=1", Min_Revision=str(last + 1))
    told = reply.json()["items"]
    assert isinstance(told, list)
    assert told[0]["message"].startswith(f"Revert change {last}: ")
    assert told[0]["author"] == "Operator"


@pytest.mark.parametrize("where", ["service", "database"])
def test_what_would_not_be_valid_is_refused_with_its_findings(running: Service, where: str) -> None:
    token, last = relabelled(running, "Listening", "Hearing", "Attending")
    at: tuple[str, ...] = ("--url", running.url, "--token", token)
    if where == "database":
        at = ("--database", f"sqlite:///{running.folder}/log.db")
    tried = run(str(last - 1), *at, "--dry-run")
    assert (tried.returncode, tried.stdout.startswith("violation  ")) == (1, True), tried.stdout
    assert "would be refused" in tried.stdout
    refused = run(str(last - 1), *at)
    assert refused.returncode == 1
    assert refused.stdout.startswith("violation  ")
    assert "nothing was changed" in refused.stderr
    assert revision(running) == last


def test_what_is_not_there_is_said(running: Service, tmp_path: Path) -> None:
    assert run("999", "--database", f"sqlite:///{running.folder}/log.db").returncode == 2
    missing = run("1", "--database", f"sqlite:///{tmp_path}/none.db")
    assert (missing.returncode, (tmp_path / "none.db").exists()) == (2, False)
    both = run("1", "--database", "sqlite:///x.db", "--url", running.url)
    assert both.returncode == 2

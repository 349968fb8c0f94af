"""`token` makes, lists and revokes on a local database; `serve` says so on a terminal."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from competency_graph.access import authenticate
from competency_graph.cli import main
from competency_graph.errors import Unauthorised
from competency_graph.log import Log
from competency_graph.vocab import BASE, GRAPH


@pytest.fixture
def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    Log.open(url, base=BASE).close()
    return url


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(database: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return how to run `token` on the database: its exit code and what it says on both ways."""

    def token(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["token", *arguments, "--database", database])
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    return token


def test_a_token_is_made_shown_once_listed_and_revoked(database: str, run: Run) -> None:
    code, shown, hints = run("create", "Ada L.", "--role", "editor", "--graph", "mine")
    assert code == 0
    assert re.fullmatch(r"cg_1_[0-9a-f]{64}\n", shown)
    assert "It is not shown again" in hints
    assert "There is no graph “mine” yet" in hints
    assert "competency-graph token revoke 1" in hints
    secret, now = shown.strip(), datetime.now(UTC)
    with Log.open(database) as log:
        identity = authenticate(log, secret, now=now, address="local")
        assert (identity.name, identity.graphs) == ("Ada L.", frozenset({GRAPH + "mine"}))
        assert identity.expires is not None
        assert timedelta(days=364) < identity.expires - now < timedelta(days=365)
        _, listed, _ = run("list")
        good = r"^1 +Ada L\. +editor +mine +20\S+ +20\S+ +20\S+ \S+Z +good$"
        assert re.search(good, listed, re.MULTILINE)
        code, revoked, _ = run("revoke", "1")
        assert code == 0
        assert revoked.startswith("Token 1 (Ada L.) is revoked since 20")
        with pytest.raises(Unauthorised):
            authenticate(log, secret, now=now, address="local", what="GET /changes")
    listed += run("list")[1]
    assert "revoked 20" in listed
    _, attempts, _ = run("list", "--attempts")
    assert re.search(r"local +1 +revoked +GET /changes$", attempts, re.MULTILINE)
    assert secret[5:] not in hints + listed + revoked + attempts


@pytest.mark.parametrize(
    ("given", "shown"), [("never", "never"), ("2099-12-31", "2099-12-31"), ("90", None)]
)
def test_a_token_expires_when_it_is_told_to(run: Run, given: str, shown: str | None) -> None:
    expected = shown or f"{datetime.now(UTC) + timedelta(days=90):%Y-%m-%d}"
    assert run("create", "Ada", "--role", "admin", "--expires", given)[0] == 0
    assert f" {expected}  " in run("list")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "Ada", "--role", "owner"], "'owner' is not one of"),
        (["create", "Ada"], "Missing option '--role'"),
        (["create", "Ada", "--role", "editor", "--expires", "soon"], "cannot be “soon”. Give a"),
        (["create", "Ada", "--role", "editor", "--expires", "2000-01-01"], "expired already"),
        (["create", "Ada", "--role", "editor", "--graph", "ontology"], "the ontology needs a main"),
        (["revoke", "7"], "There is no token 7. See: competency-graph token list."),
        (["revoke", "Ada"], "'Ada' is not a valid integer"),
    ],
)
def test_what_cannot_be_is_said_in_words(run: Run, arguments: list[str], said: str) -> None:
    code, shown, hints = run(*arguments)
    assert (code, shown) == (2, "")
    assert said in hints


def test_a_program_finds_the_token_alone_on_standard_output(database: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "competency_graph", "token", "create", "Ada", "--role", "reader"],
        env=os.environ | {"COMPETENCY_GRAPH_DATABASE": database},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    with Log.open(database) as log:
        now = datetime.now(UTC)
        assert authenticate(log, told.stdout.rstrip("\n"), now=now, address="").role == "reader"


def test_no_database_is_made_by_a_misspelt_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = f"sqlite:///{tmp_path}/none.db"
    with pytest.raises(SystemExit) as ended:
        main(["token", "create", "Ada", "--role", "admin", "--database", missing])
    assert ended.value.code == 2
    assert "There is no database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_first_start_on_a_terminal_says_how_to_make_a_token(tmp_path: Path) -> None:
    terminal, end = pty.openpty()
    serving = subprocess.Popen(
        [sys.executable, "-m", "competency_graph", "serve", "--bind", "127.0.0.1:0"],
        env=os.environ
        | {
            "COMPETENCY_GRAPH_DATABASE": f"sqlite:///{tmp_path}/log.db",
            "COMPETENCY_GRAPH_SEED": "none",
        },
        stderr=end,
    )
    os.close(end)
    said = b""
    try:
        with open(terminal, "rb", buffering=0) as lines:
            while b"--role editor" not in said:
                said += lines.read(1000)
            serving.send_signal(signal.SIGTERM)
            assert serving.wait(20) == 0
    finally:
        serving.kill()
    assert b"Changing something needs a token." in said
    assert b"cg_" not in said
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        assert log.tokens.all() == []

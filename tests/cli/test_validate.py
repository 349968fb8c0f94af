"""Twelve wrong inputs: each a sentence that needs no SHACL, the place, the right exit code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WRONG = HERE / "wrong"
CASES: dict[str, tuple[list[str], int]] = {
    "01-lost-label": (["01-lost-label.ttl"], 1),
    "02-unknown-level": (["02-unknown-level.ttl"], 1),
    "03-cycle-over-two-files": (["03-cycle-a.ttl", "03-cycle-b.ttl"], 1),
    "04-wrong-language-tag": (["04-wrong-language-tag.ttl"], 2),
    "05-requirement-without-role": (["05-requirement-without-role.ttl"], 1),
    "06-misspelt-term": (["06-misspelt-term.ttl"], 1),
    "07-broken-turtle": (["07-broken-turtle.ttl"], 2),
    "08-wrong-encoding": (["08-wrong-encoding.ttl"], 2),
    "09-empty": (["09-empty.ttl"], 2),
    "10-folder": (["."], 2),
    "11-picture": (["11-picture.png"], 2),
    "12-missing": (["12-missing.ttl"], 2),
}


def _run(*arguments: str, cwd: Path = WRONG) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "competency_graph", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_all_twelve_are_there() -> None:
    assert len(CASES) == 12
    assert {p.stem for p in (HERE / "golden").glob("*.txt")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_file_is_told_in_words_with_its_place(name: str) -> None:
    files, code = CASES[name]
    told = _run("validate", *files)
    said = re.sub(r"in \d+\.\d s", "in N s", told.stdout + told.stderr)
    golden = HERE / "golden" / f"{name}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")
    assert told.returncode == code
    assert "Traceback" not in said
    assert files[0].split("-")[0] in said or files[0] == "."


def test_a_hundred_megabytes_of_nothing_are_refused_quickly(tmp_path: Path) -> None:
    with (tmp_path / "huge.ttl").open("wb") as file:
        file.truncate(100_000_000)
    told = _run("validate", "huge.ttl", cwd=tmp_path)
    assert told.returncode == 2
    assert "100000000 bytes" in told.stderr


def test_what_ships_is_found_good() -> None:
    root = HERE.parent.parent
    files = sorted(str(p) for p in (root / "ontology").glob("frameworks/*/*.ttl"))
    assert len(files) > 10
    told = _run("validate", *files, "--fail-on", "warning")
    assert told.returncode == 0, told.stdout[-3000:]


def test_json_and_turtle_tell_the_same() -> None:
    for format_, words in (("json", '"rule":'), ("turtle", "sh:ValidationReport")):
        told = _run("validate", "05-requirement-without-role.ttl", "--format", format_)
        assert told.returncode == 1
        assert words in told.stdout


def test_fmt_is_stable_and_refuses_to_lose_a_comment(tmp_path: Path) -> None:
    file = tmp_path / "a.ttl"
    file.write_text('<https://example.org/b> <https://example.org/p> "x" .\n')
    assert _run("fmt", "--check", "a.ttl", cwd=tmp_path).returncode == 1
    assert _run("fmt", "a.ttl", cwd=tmp_path).returncode == 0
    assert _run("fmt", "--check", "a.ttl", cwd=tmp_path).returncode == 0
    before = file.read_text() + "# a thought\n"
    file.write_text(before)
    told = _run("fmt", "a.ttl", cwd=tmp_path)
    assert (told.returncode, file.read_text()) == (2, before)
    assert "is a comment" in told.stderr


@pytest.mark.parametrize("name", ["digcomp.ttl", "digitalCompetencies.ttl"])
def test_real_frameworks_are_judged_by_core(name: str) -> None:
    path = HERE.parents[2] / "shared" / "data" / "digcomp" / name
    if not path.is_file():
        pytest.skip("the collection of real frameworks is not beside this checkout")
    told = _run("validate", str(path))
    assert told.returncode in (0, 1)
    assert "Traceback" not in told.stderr
    assert re.search(r"\d+ violations?, \d+ warnings? in 1 file", told.stdout)

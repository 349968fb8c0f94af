"""`lint`: what is wrong with shapes before they judge, in words, with its place and exit code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from competency_graph.resources import shape_files

FOLDER = Path(__file__).parent / "lint"
# Name of the golden file: arguments, exit code.
CASES: dict[str, tuple[list[str], int]] = {
    "01-slow": (["01-slow.ttl"], 1),
    "02-counted": (["02-counted.ttl"], 1),
    "03-every-change": (["03-every-change.ttl"], 1),
    "04-out-of-reach": (["04-out-of-reach.ttl"], 1),
    "05-silent": (["05-silent.ttl"], 1),
    "06-one-language": (["06-one-language.ttl"], 0),
    "07-misspelt": (["07-misspelt.ttl"], 1),
    "08-misspelt-in-query": (["08-misspelt-in-query.ttl"], 1),
    "09-placeholder": (["09-placeholder.ttl"], 1),
    "10-forbidden": (["10-forbidden.ttl"], 1),
    "11-left-to-pyshacl": (["11-left-to-pyshacl.ttl"], 1),
    "12-broken": (["12-broken.ttl"], 2),
    "13-two-files": (["05-silent.ttl", "06-one-language.ttl", "--fail-on", "violation"], 0),
    "14-missing": (["none.ttl"], 2),
}


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "competency_graph", "lint", *arguments],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_case_has_its_files_and_none_is_left_over() -> None:
    assert {p.stem for p in FOLDER.glob("*.txt")} == set(CASES)
    named = {argument for arguments, _ in CASES.values() for argument in arguments}
    assert {p.name for p in FOLDER.glob("*.ttl")} <= named


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_with_shapes_is_told_in_words_with_its_place(name: str) -> None:
    arguments, code = CASES[name]
    told = _run(*arguments)
    said = re.sub(r"in \d+\.\d s", "in N s", told.stdout + told.stderr)
    golden = FOLDER / f"{name}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")
    assert told.returncode == code
    for word in ("Traceback", "Errno", "Parser error", "IRI", "triple", "blank node"):
        assert word not in said
    assert bool(told.stdout) == (code < 2) and bool(told.stderr) == (code == 2)


def test_programs_get_the_same_as_json() -> None:
    told = json.loads(_run("01-slow.ttl", "--format", "json").stdout)
    (finding,) = told["findings"]
    place = finding["place"]
    assert (place["file"], place["line"], place["column"]) == ("01-slow.ttl", 11, 19)
    assert finding["focus"] == {"id": "https://example.org/Role", "label": None}
    assert (finding["severity"], told["checked"]) == ("warning", {"shape": 1})


def test_nothing_is_wrong_with_our_own_shapes() -> None:
    files = [str(file) for profile in ("core", "house") for file in shape_files(profile)]
    told = _run(*files)
    assert (told.returncode, told.stdout.startswith("0 violations, 0 warnings in")) == (0, True)

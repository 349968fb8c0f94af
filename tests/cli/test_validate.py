"""Wrong inputs of every sort: each a sentence that needs no SHACL, the place, the exit code."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
REAL = Path(os.environ.get("REAL_FRAMEWORKS") or HERE.parents[2] / "shared" / "data")
# Name of the golden file: arguments of `validate`, exit code. `made` makes the files that no
# checkout can hold.
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
    "13-picture-named-turtle": (["13-picture-named.ttl"], 2),
    "14-hundred-megabytes-of-nothing": (["14-hundred-megabytes.ttl"], 2),
    "15-prefix-missing": (["15-prefix-missing.ttl"], 2),
    "16-misspelt-reference": (["16-misspelt-reference.ttl"], 1),
    "17-misspelt-namespace": (["17-misspelt-namespace.ttl"], 1),
    "18-thirteenth-month": (["18-thirteenth-month.ttl"], 1),
    "19-remote-context": (["19-remote-context.jsonld"], 2),
    "20-entity": (["20-entity.rdf"], 2),
    "21-unclosed-tag": (["21-unclosed.rdf"], 2),
    "22-lost-label-rdf-xml": (["22-lost-label.rdf"], 1),
    "23-lost-label-json-ld": (["23-lost-label.jsonld"], 1),
    "24-lost-label-trig": (["24-lost-label.trig"], 1),
    "25-lost-label-n-quads": (["25-lost-label.nq"], 1),
    "26-twice": (["26-twice-a.ttl", "26-twice-b.ttl"], 1),
    "27-says-nothing": (["27-says-nothing.ttl"], 2),
    "28-web-page": (["28-web-page.ttl"], 2),
    "29-utf-16": (["29-utf-16.ttl"], 2),
    "30-mark-and-line-ends": (["30-mark-and-line-ends.ttl"], 1),
    "31-underscore-in-language": (["31-underscore-in-language.ttl"], 2),
    "32-open-quote": (["32-open-quote.ttl"], 2),
    "33-curly-quotes": (["33-curly-quotes.ttl"], 2),
    "34-statement-about-statement": (["34-statement-about-statement.ttl"], 2),
    "35-shapes-as-data": (["35-shapes.ttl"], 0),
    "36-relative-address": (["36-relative.ttl"], 1),
    "37-foreign-vocabulary": (["37-foreign.ttl"], 1),
    "38-broken-json": (["38-broken.jsonld"], 2),
    "39-turtle-named-owl": (["39-turtle-named.owl"], 2),
    "40-unnamed": (["40-unnamed.ttl", "--fail-on", "warning"], 1),
    "41-pipe": (["41-pipe.ttl"], 2),
    "42-endless": (["42-endless.ttl"], 2),
    "43-link-circle": (["43-link-circle.ttl"], 2),
    "44-deep": (["44-deep.jsonld"], 2),
    "45-three-at-once": (["07-broken-turtle.ttl", "15-prefix-missing.ttl", "good.ttl"], 2),
    "46-long-language": (["46-long-language.ttl"], 2),
    "50-shapes-pattern": (["good.ttl", "--shapes", "s-pattern.ttl"], 2),
    "51-shapes-recursive": (["good.ttl", "--shapes", "s-recursive.ttl"], 2),
    "52-shapes-misspelt": (["good.ttl", "--shapes", "s-misspelt.ttl"], 2),
    "53-shapes-without-target": (["good.ttl", "--shapes", "s-without-target.ttl"], 2),
    "54-shapes-without-message": (["good.ttl", "--shapes", "s-without-message.ttl"], 1),
    "55-shapes-broken-query": (["good.ttl", "--shapes", "s-broken-query.ttl"], 2),
    "56-shapes-ill-formed": (["good.ttl", "--shapes", "s-ill-formed.ttl"], 2),
    "57-shapes-that-are-none": (["good.ttl", "--shapes", "01-lost-label.ttl"], 2),
    "58-against-nothing": (["good.ttl", "--against", "sqlite:///none.db"], 2),
    "59-against-no-database": (["good.ttl", "--against", "none"], 2),
    "60-no-full-stop-in-lines": (["60-no-full-stop.nq"], 2),
    "61-graph-without-name": (["61-graph-without-name.trig"], 2),
    "62-encoding": (["62-encoding.rdf"], 2),
    "63-signs-for-a-terminal": (["63-signs.ttl"], 1),
    "64-slow-shapes": (["good.ttl", "--shapes", "s-slow.ttl"], 0),
}


def _run(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "competency_graph", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all the wrong files."""
    folder = tmp_path_factory.mktemp("editor") / "wrong"
    shutil.copytree(HERE / "wrong", folder)
    with (folder / "14-hundred-megabytes.ttl").open("wb") as file:
        file.truncate(100_000_000)
    os.mkfifo(folder / "41-pipe.ttl")
    (folder / "42-endless.ttl").symlink_to("/dev/zero")
    (folder / "43-link-circle.ttl").symlink_to("43-link-circle.ttl")
    (folder / "44-deep.jsonld").write_text('{"https://example.org/":' * 5000 + "1" + "}" * 5000)
    return folder


def test_every_case_has_its_golden_file_and_none_is_left_over() -> None:
    assert len(CASES) == 61
    assert {p.stem for p in GOLDEN.glob("*.txt")} == set(CASES)


def test_every_wrong_file_is_in_a_case() -> None:
    named = {argument for arguments, _ in CASES.values() for argument in arguments}
    assert {p.name for p in (HERE / "wrong").iterdir()} <= named


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_file_is_told_in_words_with_its_place(name: str, wrong: Path) -> None:
    arguments, code = CASES[name]
    told = _run("validate", *arguments, cwd=wrong)
    said = re.sub(r"in \d+\.\d s", "in N s", told.stdout + told.stderr)
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")
    assert told.returncode == code
    # What only a programmer understands, or the parser's own words.
    for word in ("Traceback", "Errno", "Parser error", "IRI", "triple", "blank node", "worker"):
        assert word not in said
    # The verdict on standard output, a refusal on standard error; never half of each.
    assert bool(told.stdout) == (code < 2) and bool(told.stderr) == (code == 2)


def test_findings_have_line_and_column(wrong: Path) -> None:
    placed = 0
    for name, (_, code) in CASES.items():
        if code != 1:
            continue
        for line in (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if re.match(r"[^\s]+\.(ttl|rdf|jsonld|trig|nq)", line):
                place = re.match(r"([^:\s]+):(\d+):(\d+)  \S", line)
                assert place, f"{name}: {line}"
                length = len(
                    (wrong / place[1]).read_text("utf-8-sig").splitlines()[int(place[2]) - 1]
                )
                assert 1 <= int(place[3]) <= length
                placed += 1
    assert placed >= 30


def test_the_column_is_that_of_the_value(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text(
        "PREFIX skos: <http://www.w3.org/2004/02/skos/core#>\n"
        "<https://example.org/a>\n"
        "  a skos:Concept ; skos:prefLabel\n"
        '    "é"@en ,\n'
        '    """two\n'
        'lines"""@fr , "two"@en-x-long ;  skos:broader <https://example.org/none> .\n',
        encoding="utf-8",
    )
    told = _run("validate", "a.ttl", cwd=tmp_path)
    assert "a.ttl:6:47  é\n    violation  Parent: Choose a parent that exists." in told.stdout


def test_what_ships_is_found_good() -> None:
    root = HERE.parent.parent
    files = sorted(str(p) for p in (root / "ontology").glob("frameworks/*/*.ttl"))
    assert len(files) > 10
    told = _run("validate", *files, "--fail-on", "warning", cwd=root)
    assert told.returncode == 0, told.stdout[-3000:]


def test_json_and_turtle_tell_the_same(wrong: Path) -> None:
    for format_, words in (
        ("json", ('"line": 15', '"column": 20', '"conforms": false')),
        ("turtle", ("sh:ValidationReport", "sh:value <", "sh:conforms false")),
    ):
        told = _run("validate", "16-misspelt-reference.ttl", "--format", format_, cwd=wrong)
        assert told.returncode == 1
        for word in words:
            assert word in told.stdout


def test_shapes_that_take_long_are_told_beside_the_verdict(wrong: Path) -> None:
    told = _run("validate", "good.ttl", "--shapes", "s-slow.ttl", "--explain", cwd=wrong)
    assert (told.returncode, told.stdout[:13]) == (0, "0 violations,")
    first, second = told.stderr.splitlines()
    assert first.startswith("s-slow.ttl:13:27  the shape of prefLabel: ")
    assert "pySHACL" in first and "every change" in second
    told = _run("validate", "good.ttl", "--format", "json", "--explain", cwd=wrong)
    assert json.loads(told.stdout)["conforms"]
    assert told.stderr.startswith("No shape needs pySHACL")


def test_the_threshold_decides_the_exit_code(wrong: Path) -> None:
    for threshold, code in (("violation", 0), ("warning", 1), ("info", 1)):
        told = _run("validate", "40-unnamed.ttl", "--fail-on", threshold, cwd=wrong)
        assert told.returncode == code


def test_a_verdict_that_takes_too_long_is_none(
    wrong: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPETENCY_GRAPH_VALIDATION_TIMEOUT", "100 ms")
    told = _run("validate", "good.ttl", cwd=wrong)
    assert (told.returncode, told.stdout) == (2, "")
    assert "longer than 0.1 s" in told.stderr and "VALIDATION_TIMEOUT" in told.stderr


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() == 0, reason="root may read all files")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").touch(mode=0)
    told = _run("validate", "a.ttl", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (
        2,
        "competency-graph: a.ttl: You may not read this file.\n",
    )


# What was read and found sensible, as (violations, warnings).
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("digcomp/digcomp.ttl", (0, 5)),
        ("digcomp/digitalCompetencies.ttl", (0, 89)),
        ("skos/skosmos/groups.ttl", (0, 8)),
        ("skos/skosmos/test-hierarchy-without-top-concepts.ttl", (3, 29)),
    ],
)
def test_real_frameworks_are_judged_by_core(name: str, counts: tuple[int, int]) -> None:
    if not REAL.is_dir():
        pytest.skip("no collection of real frameworks: it is not beside this checkout")
    told = _run("validate", str(REAL / name), cwd=HERE)
    assert told.stderr == ""
    assert told.returncode == (1 if counts[0] else 0)
    found = re.search(r"(\d+) violations?, (\d+) warnings? in 1 file", told.stdout)
    assert found and (int(found[1]), int(found[2])) == counts

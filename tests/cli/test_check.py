"""`check` and `diff` on a real git repository, and the hooks and the action that use them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from competency_graph import history
from competency_graph.config import Settings
from competency_graph.git import files_in

ROOT = Path(__file__).parents[2]
SAMPLE = Path(__file__).parent / "sample"
GOLDEN = SAMPLE / "golden"
LEVEL = "requiresLevel <https://example.org/helping/level/2>"
BIN = Path(sys.executable).parent


def run(folder: Path, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
    # A git hook that runs these tests tells its children of the repository that it is in.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "GITHUB_"))}
    environment |= {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    return subprocess.run(
        command,
        cwd=folder,
        env=environment | more,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = run(folder, "git", *who, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def check(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run(folder, "competency-graph", *arguments)


def edit(file: Path, *pairs: tuple[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a framework and a shape on `main`, changed on the branch `edits`."""
    if shutil.which("git") is None:
        pytest.skip("no git")
    folder = tmp_path_factory.mktemp("repository")
    for file in SAMPLE.glob("*.ttl"):
        shutil.copy(file, folder)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "A framework")
    git(folder, "switch", "--quiet", "--create", "edits")
    framework = folder / "helping.ttl"
    edit(
        framework,
        ('"Talking"@en', '"Speaking"@en'),
        ("requiresLevel <https://example.org/helping/level/1>", LEVEL),
    )
    text = framework.read_text(encoding="utf-8")
    pattern = r"<https://example.org/helping/competency/waiting>\n    a .*?\n\.\n\n"
    text, removed = re.subn(pattern, "", text, flags=re.DOTALL)
    assert removed == 1
    framework.write_text(text, encoding="utf-8")
    edit(folder / "rules.ttl", ("sh:maxCount 2 ;", "sh:maxCount 2 ;\n    sh:minCount 1 ;"))
    run(folder, "competency-graph", "fmt", "helping.ttl", "rules.ttl")
    git(folder, "commit", "--quiet", "--all", "--message", "Edits")
    return folder


@pytest.fixture
def repository(made: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it for a test of its own."""
    copy = tmp_path / "repository"
    shutil.copytree(made, copy)
    yield copy


def told(text: str) -> str:
    return re.sub(r"in \d+\.\d s", "in N s", text)


def golden(name: str, said: str) -> None:
    file = GOLDEN / name
    if os.environ.get("WRITE_GOLDEN"):
        file.write_text(said, encoding="utf-8")
    assert said == file.read_text(encoding="utf-8")


def test_what_is_on_main_passes(repository: Path) -> None:
    git(repository, "switch", "--quiet", "main")
    done = check(repository, "check", "--base", "main")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing differs in meaning" in done.stdout


def test_a_branch_is_told_major_major_patch_major(repository: Path) -> None:
    before = git(repository, "rev-parse", "HEAD"), git(repository, "status", "--porcelain")
    done = check(repository, "check", "--base", "main")
    assert (done.returncode, done.stderr) == (1, "")
    golden("check.txt", told(done.stdout))
    said = json.loads(check(repository, "diff", "main", "edits", "--format", "json").stdout)
    found = {
        (change["thing"]["label"], change["impact"], change["reasons"][0]["rule"])
        for change in said["changes"]
    }
    assert found == {
        ("Helper needs talking", "major", "requirement-raised"),
        ("Waiting", "major", "identifier-removed"),
        ("Speaking", "patch", "label-changed"),
        ("Competency-example-some", "major", "valid-data-refused"),
    }
    # Nothing was checked out, written or moved.
    assert before == (
        git(repository, "rev-parse", "HEAD"),
        git(repository, "status", "--porcelain"),
    )


def test_the_right_version_mends_it(repository: Path) -> None:
    edit(repository / "rules.ttl", ("    sh:minCount 1 ;\n", ""))
    edit(repository / "helping.ttl", ('owl:versionInfo "1.4.0"', 'owl:versionInfo "2.0.0"'))
    done = check(repository, "check", "--base", "main", "helping.ttl", "rules.ttl")
    assert done.returncode == 0, done.stdout
    assert "“Helping” says version 2.0.0; a major change needs 2.0.0 or more." in done.stdout


def test_a_file_in_another_form_fails(repository: Path) -> None:
    git(repository, "switch", "--quiet", "main")
    edit(repository / "helping.ttl", ('"Helping"@en ;\n', '"Helping"@en;\n'))
    with (repository / "rules.ttl").open("a") as file:
        file.write("# a thought\n")
    done = check(repository, "check")
    assert done.returncode == 1
    assert "helping.ttl is not in the canonical form. Run: competency-graph fmt" in done.stdout
    assert "A comment, which the canonical form" in done.stdout


def test_what_git_ignores_is_not_checked(repository: Path, tmp_path: Path) -> None:
    (repository / "draft.ttl").touch()
    (repository / "made.ttl").touch()
    (repository / ".gitignore").write_text("made.ttl\n")
    names = ["draft.ttl", "helping.ttl", "rules.ttl"]
    assert files_in(str(repository)) == [str(repository / name) for name in names]
    hidden = tmp_path / "plain" / ".hidden"
    hidden.mkdir(parents=True)
    for folder in (hidden, hidden.parent):
        shutil.copy(repository / "helping.ttl", folder)
    assert files_in(str(hidden.parent)) == [str(hidden.parent / "helping.ttl")]


def test_a_revision_is_read_as_it_is_in_git(repository: Path) -> None:
    (repository / "helping.ttl").unlink()
    below = repository / "below"
    below.mkdir()
    done = check(below, "diff", "main:../helping.ttl", "edits:helping.ttl")
    assert done.returncode == 0, done.stderr
    assert "A major change between " in done.stdout
    tree = git(repository, "rev-parse", "main^{tree}")
    commit = git(repository, "commit-tree", tree, "-m", "the same")
    assert "Nothing differs" in check(repository, "diff", "main", commit).stdout


def test_the_page_shows_what_is_said() -> None:
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    said = (GOLDEN / "check.txt").read_text(encoding="utf-8")
    assert f"```text\n{said[said.index('major  Competency') :]}```" in page
    comment = (GOLDEN / "action.md").read_text(encoding="utf-8").replace("BASE", "4f2a91c")
    shown = comment.splitlines()[1 : comment.splitlines().index("</details>") + 1]
    assert "\n".join(f"> {line}".rstrip() for line in shown) in page


WRONG = [
    (["diff", "none", "helping.ttl"], "There is no file or folder none."),
    (["diff", "main:none.ttl", "helping.ttl"], "There is no RDF file at main:none.ttl."),
    (["diff", "--", "--upload-pack=touch x", "helping.ttl"], "There is no revision"),
    (["diff", "sqlite:///none.db", "helping.ttl"], "no database none.db"),
    (["check", "--base", "none"], "There is no revision “none” in this repository."),
    (["check", "--report", "a.md"], "Give --base REF as well."),
    (["check", "--base", "main", "--report", "a.pdf"], "a.pdf: Name it with one of .md"),
    (["check", "none.ttl"], "none.ttl: There is no such file."),
    (["check", "--base", "main", ".."], "is not in the git repository"),
]


@pytest.mark.parametrize(("arguments", "sentence"), WRONG)
def test_wrong_usage_is_told(made: Path, arguments: list[str], sentence: str) -> None:
    done = check(made, *arguments)
    assert sentence in done.stderr
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_without_git_it_says_what_is_missing(tmp_path: Path) -> None:
    shutil.copy(SAMPLE / "helping.ttl", tmp_path)
    done = check(tmp_path, "check", "--base", "main")
    assert done.returncode == 2
    assert "not a git repository" in done.stderr


def test_databases_are_compared_with_files(tmp_path: Path) -> None:
    settings = Settings.load({}, {"database": f"sqlite:///{tmp_path}/a.db", "seed": "framework"})
    history.load(settings, now=datetime.now(UTC))
    folder = ROOT / "ontology" / "frameworks" / "implementation-support"
    only = ("--framework", "implementation-support")
    done = check(tmp_path, "diff", f"sqlite:///{tmp_path}/a.db@1", str(folder), *only)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Nothing differs in meaning")


def hooks() -> list[dict[str, Any]]:
    found = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: str(hook["id"]))
def test_a_hook_does_what_it_says_on_what_is_committed(
    hook: dict[str, Any], repository: Path
) -> None:
    assert {"id", "name", "description", "entry", "language"} <= set(hook)
    names = git(repository, "diff", "--name-only", "main", "edits").split()
    files = [name for name in names if re.search(hook.get("files", ""), name)]
    assert files == ["helping.ttl", "rules.ttl"]
    given = files if hook.get("pass_filenames", True) else []
    # As pre-commit has it: what an entry changes, or its exit code, stops the commit.
    done = run(repository, *hook["entry"].split(), *hook.get("args", []), *given)
    assert (done.returncode, done.stderr) == {
        "competency-graph-fmt": (0, ""),
        "competency-graph-validate": (0, ""),
        "competency-graph-check": (1, ""),
    }[hook["id"]]
    assert git(repository, "status", "--porcelain") == ""
    golden(f"{hook['id']}.txt", told(done.stdout))


def test_the_hook_rewrites_what_is_in_another_form(repository: Path) -> None:
    hook = next(hook for hook in hooks() if hook["id"] == "competency-graph-fmt")
    edit(repository / "helping.ttl", ('"Helping"@en ;\n', '"Helping"@en;\n'))
    assert (
        run(repository, *hook["entry"].split(), "helping.ttl").stdout == "helping.ttl rewritten\n"
    )
    assert git(repository, "status", "--porcelain") == ""


def steps() -> dict[str, dict[str, Any]]:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert action["runs"]["using"] == "composite"
    return {step["id"]: step for step in action["runs"]["steps"]}


def run_step(step: dict[str, Any], folder: Path, temp: Path, **inputs: str) -> tuple[int, str]:
    """Run a step as a runner does: expressions filled in, `bash -e -o pipefail` on a file."""
    known = {f"inputs.{name}": value for name, value in inputs.items()}
    known |= {"runner.temp": str(temp), "github.action_path": str(ROOT)}
    environment = {
        name: re.sub(r"\$\{\{ (.+?) \}\}", lambda found: known[found[1]], value)
        for name, value in step["env"].items()
    }
    # What is filled into a script could run as one; only the environment may hold it.
    assert "${{" not in step["run"] and step["shell"] == "bash"
    script = temp / "step.sh"
    script.write_text(step["run"], encoding="utf-8")
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH"):
        environment[name] = str(temp / name)
        (temp / name).touch()
    done = run(
        folder, "bash", "--noprofile", "--norc", "-eo", "pipefail", str(script), **environment
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_the_action_checks_a_pull_request(repository: Path, tmp_path: Path) -> None:
    temp = tmp_path / "temp"
    temp.mkdir()
    base = git(repository, "rev-parse", "main")
    code, said = run_step(steps()["check"], repository, temp, base=base, paths=".")
    assert code == 1
    golden("action.txt", told(said).replace(base, "BASE"))
    summary = (temp / "GITHUB_STEP_SUMMARY").read_text(encoding="utf-8")
    golden("action.md", summary.replace(base, "BASE"))
    outputs = (temp / "GITHUB_OUTPUT").read_text(encoding="utf-8").splitlines()
    assert outputs == ["impact=major", f"report={temp}/competency-graph.md"]


def test_the_action_checks_without_a_base(repository: Path, tmp_path: Path) -> None:
    git(repository, "switch", "--quiet", "main")
    code, said = run_step(
        steps()["check"], repository, tmp_path, base="", paths="helping.ttl rules.ttl"
    )
    assert code == 0, said
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == ""


def test_the_action_says_none_where_nothing_changed(repository: Path, tmp_path: Path) -> None:
    code, _ = run_step(steps()["check"], repository, tmp_path, base="HEAD", paths="helping.ttl")
    assert code == 0
    assert (tmp_path / "GITHUB_OUTPUT").read_text().startswith("impact=none\n")


def test_the_action_installs_itself_with_the_pinned_libraries(tmp_path: Path) -> None:
    # What pip fetches is not asked for here: the wheel is installed by a test of its own.
    fake = tmp_path / "python"
    fake.write_text(
        '#!/bin/sh\nmkdir -p "$3/bin"\nprintf \'#!/bin/sh\\necho "$@"\\n\' > "$3/bin/python"\n'
        'chmod +x "$3/bin/python"\n'
    )
    fake.chmod(0o755)
    code, said = run_step(steps()["install"], tmp_path, tmp_path, python=str(fake))
    assert code == 0
    assert f"--constraint {ROOT}/constraints.txt {ROOT}" in said
    assert (tmp_path / "GITHUB_PATH").read_text() == f"{tmp_path}/competency-graph/bin\n"

"""The wheel, installed far from the checkout, holds ontology, shapes, docs and pages, and works."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    arguments = ["install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", *arguments, str(wheel)], check=True)
    return target


def _run(installed: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=installed.parent,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_is_the_installed_code_that_runs(installed: Path) -> None:
    told = _run(installed, "-c", "import competency_graph; print(competency_graph.__file__)")
    assert told.stdout.startswith(str(installed))


def test_it_carries_pages_queries_and_migrations(installed: Path) -> None:
    package = installed / "competency_graph"
    for pattern in (
        "web/templates/*.html",
        "web/static/*.css",
        "web/messages/*.po",
        "queries/*.rq",
        "shipped/docs/*.md",
        "shipped/tests/questions/*/question.rq",
    ):
        assert list(package.glob(pattern)), f"the wheel has no {pattern}"
    assert list(package.glob("log/migrations/versions/0*.py"))


@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm: pages were not driven")
def test_it_carries_the_query_editor_and_its_licences(installed: Path) -> None:
    built = installed / "competency_graph" / "web" / "static" / "built"
    assert "Yasqe" in (built / "yasqe.min.js").read_text(encoding="utf-8")
    assert ".CodeMirror" in (built / "yasqe.min.css").read_text(encoding="utf-8")
    licences = (built / "LICENCES.txt").read_text(encoding="utf-8")
    assert "== @zazuko/yasqe" in licences and "== codemirror" in licences


def test_it_is_built_without_npm_and_says_so(tmp_path: Path) -> None:
    """From a copy, so that what an earlier build took is not there."""
    for name in ("pyproject.toml", "hatch_build.py", "package.json", "package-lock.json"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("README.md", "LICENSE", "LICENSE-CC-BY-4.0", "NOTICE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("service", "ontology", "shapes", "docs", "tests/questions"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("built"))
    told = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=tmp_path,
        env=os.environ | {"PATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert "no npm here" in told.stderr
    (wheel,) = tmp_path.glob("dist/*.whl")
    with zipfile.ZipFile(wheel) as held:
        assert not [name for name in held.namelist() if "/built/" in name]


def test_it_fills_a_database_and_judges_what_ships(installed: Path) -> None:
    told = _run(
        installed,
        "-c",
        "from datetime import UTC, datetime\n"
        "from competency_graph import history\n"
        "from competency_graph.config import Settings\n"
        "graph = history.load(Settings(), now=datetime.now(UTC))\n"
        "print(graph.revision, len(graph))",
    )
    revision, statements = told.stdout.split()
    assert (revision, int(statements) > 5_000) == ("1", True), told.stderr
    roles = installed / "competency_graph/shipped/ontology/frameworks/implementation-support"
    judged = _run(installed, "-m", "competency_graph", "validate", str(roles / "roles.ttl"))
    assert judged.returncode == 0, judged.stdout + judged.stderr

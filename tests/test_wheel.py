"""The wheel, installed far from the checkout, holds ontology, shapes, docs and pages, and works."""

import os
import subprocess
import sys
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
    ):
        assert list(package.glob(pattern)), f"the wheel has no {pattern}"
    assert list(package.glob("log/migrations/versions/0*.py"))


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

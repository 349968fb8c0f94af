"""Clients that know nothing of this service work with it: the programs of docs/query.md."""

import csv
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Service, start_service

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
DOCS = {name: (ROOT / "docs" / name).read_text("utf-8") for name in ("query.md", "change.md")}
_SECTION = re.compile(r"^### \w+: (.+)\n(?:(?!^#)(?!^```).*\n)*^```\w+\n((?:.*\n)*?)^```", re.M)
PROGRAMS = dict(_SECTION.findall(DOCS["query.md"]))
(FILE,) = re.findall(r"^```turtle\n(.*?)^```", DOCS["change.md"], re.DOTALL | re.MULTILINE)
(RSPARQL,) = re.findall(r"`rsparql (.*)`", DOCS["query.md"])

GRAPH = "/graphs?graph=https://example.org/graph/helping"
QUESTION = ROOT / "tests" / "questions" / "01-named-roles"
MAVEN, NODE, NPM = shutil.which("mvn"), shutil.which("node"), shutil.which("npm")
JDK = MAVEN and shutil.which("javac")
in_java = pytest.mark.skipif(JDK is None, reason="no JDK and Maven: clients in Java were not run")
in_javascript = pytest.mark.skipif(
    NODE is None or NPM is None, reason="no Node and npm: clients in JavaScript were not run"
)


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    running = start_service(tmp_path_factory.mktemp("clients"))
    yield running, running.token("editor")
    assert running.stop() == 0


@pytest.fixture(scope="module")
def jars(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The class path of the clients in Java, in Maven's own cache, as jars.sha256 pins them."""
    told = tmp_path_factory.mktemp("maven") / "classpath"
    asked = ["-B", "-q", "-C", "-f", str(HERE), "dependency:build-classpath"]
    _run([str(MAVEN), *asked, f"-Dmdep.outputFile={told}"], told.parent)
    classpath = told.read_text("utf-8")
    files = map(Path, classpath.split(os.pathsep))
    digests = {f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in files}
    pinned = set((HERE / "jars.sha256").read_text("utf-8").splitlines())
    assert digests == pinned, "CONTRIBUTING.md says how a client is moved to another version."
    return classpath


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose programs find what package-lock.json pins."""
    folder = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    _run([str(NPM), "ci", *options], folder)
    return folder


def test_the_page_has_a_program_for_each_client() -> None:
    assert list(PROGRAMS) == ["SPARQLWrapper", "rdflib", "Apache Jena", "Eclipse RDF4J", "Comunica"]


@pytest.mark.parametrize("client", ["SPARQLWrapper", "rdflib"])
def test_a_session_in_python(editable: tuple[Service, str], client: str, tmp_path: Path) -> None:
    _session(editable, client, [sys.executable, "asking.py"], tmp_path)


@in_java
@pytest.mark.parametrize("client", ["Apache Jena", "Eclipse RDF4J"])
def test_a_session_in_java(
    editable: tuple[Service, str], jars: str, client: str, tmp_path: Path
) -> None:
    _session(editable, client, ["java", "-cp", jars, "Asking.java"], tmp_path)


@in_java
def test_a_question_is_asked_by_the_command_rsparql(
    editable: tuple[Service, str], jars: str
) -> None:
    asked = RSPARQL.replace("http://127.0.0.1:8000", editable[0].url).split()
    told = _run(["java", "-cp", jars, "arq.rsparql", *asked], QUESTION)
    due = (QUESTION / "expected.csv").read_text("utf-8")
    assert _table(told) == _table(due)


@in_javascript
def test_a_session_in_javascript(editable: tuple[Service, str], packages: Path) -> None:
    _session(editable, "Comunica", [str(NODE), "asking.mjs"], packages)


def _session(editable: tuple[Service, str], client: str, command: list[str], folder: Path) -> None:
    """Run a program of the page in a folder; what it is told and what it did must be so."""
    service, token = editable
    service.send("DELETE", GRAPH, None, Authorization=f"Bearer {token}")
    (folder / "helping.ttl").write_text(FILE, "utf-8")
    program = PROGRAMS[client].replace("http://127.0.0.1:8000", service.url)
    (folder / command[-1]).write_text(program, "utf-8")
    said = _run(command, folder, COMPETENCY_GRAPH_TOKEN=token)
    for row in service.rows(
        "PREFIX cg: <https://w3id.org/competency-graph/ns#> "
        "PREFIX skos: <http://www.w3.org/2004/02/skos/core#> "
        "SELECT ?label { ?role a cg:Role ; skos:prefLabel ?label FILTER(LANG(?label) = 'en') }"
    ):
        assert row["label"] in said
    assert "There is no graph https://example.org/none here" in said
    assert "Write the label in at least one language." in said
    held = service.get(GRAPH, Accept="application/n-triples").body.decode().splitlines()
    assert len(held) == 15
    assert '"Lending an ear"@en' in "".join(held)


def _run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _table(text: str) -> list[list[str]]:
    head, *rows = csv.reader(io.StringIO(text))
    return [head, *sorted(rows)]

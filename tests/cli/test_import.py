"""`import` as an editor meets it: what is recorded, what would go, what the exit code says."""

import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Service, start_service

SHARED = Path("/work/shared/data")
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
SCHEME = "https://example.org/craft"
CRAFT = f"""
@prefix : <{SCHEME}/> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .

<{SCHEME}> a skos:ConceptScheme ; dcterms:title "Craft"@en ;
  dcterms:creator "A guild" ; dcterms:license <{LICENCE}> .

:wood a skos:Concept ;
  skos:prefLabel "Wood"@en ;
  skos:definition "Working with wood."@en ;
  skos:inScheme <{SCHEME}> .
"""
NEEDS_DATA = pytest.mark.skipif(not SHARED.is_dir(), reason="The shared example data is not here.")


class Run:
    """The command in a folder of its own, on a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {k: v for k, v in os.environ.items() if "COMPETENCY_GRAPH" not in k}
        self.environment["COMPETENCY_GRAPH_DATABASE"] = f"sqlite:///{folder}/log.db"
        self.write("craft.ttl", CRAFT)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def __call__(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "competency_graph", *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def ask(self, text: str) -> str:
        return self("query", "--format", "csv", "-e", text).stdout


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(tmp_path_factory.mktemp("import"), workers="1", kill_limit="off")
    yield service
    assert service.stop() == 0


def test_a_vocabulary_is_recorded_as_a_framework_once(run: Run) -> None:
    done = run("import", "craft.ttl")
    assert done.returncode == 0, done.stderr
    assert "Recorded as change 2" in done.stdout
    assert "1 competency" in done.stdout
    kinds = run.ask(f"SELECT ?c {{ GRAPH <{SCHEME}> {{ <{SCHEME}> a ?c }} }} ORDER BY ?c")
    assert kinds.split()[1:] == [
        "http://www.w3.org/2004/02/skos/core#ConceptScheme",
        "https://w3id.org/competency-graph/ns#CompetencyFramework",
    ]
    again = run("import", "craft.ttl")
    assert (again.returncode, again.stdout) == (
        0,
        "Nothing was changed: all of it is there already.\n",
    )


def test_what_would_go_is_shown_first_and_needs_a_yes(run: Run) -> None:
    assert run("import", "craft.ttl").returncode == 0
    wood = CRAFT.index(":wood a")
    run.write("craft.ttl", CRAFT[:wood] + CRAFT[wood:].replace("wood", "stone"))
    shown = run("import", "craft.ttl", "--dry-run")
    assert shown.returncode == 0
    assert "Wood: " in shown.stderr
    assert "Nothing was changed. It would be:" in shown.stdout
    refused = run("import", "craft.ttl")
    assert refused.returncode == 1
    assert "This would remove" in refused.stderr
    assert "--yes" in refused.stderr
    assert "Wood" in run.ask(f"SELECT ?l {{ GRAPH <{SCHEME}> {{ ?s ?p ?l }} }}")
    done = run("import", "craft.ttl", "--yes")
    assert done.returncode == 0
    assert "Wood: " in done.stderr
    assert "Recorded as change 3" in done.stdout


def test_findings_have_file_and_line_and_refuse(run: Run) -> None:
    run.write("craft.ttl", CRAFT.replace('"Wood"@en', '""@en'))
    refused = run("import", "craft.ttl")
    assert refused.returncode == 1
    line = CRAFT[: CRAFT.index("Wood")].count("\n") + 1
    assert f"craft.ttl:{line}" in refused.stdout
    assert "violation  Label: " in refused.stdout
    assert refused.stdout.rstrip().splitlines()[-1].startswith("1 violation, ")
    unjudged = run("import", "craft.ttl", "--no-validate")
    assert (unjudged.returncode, "Recorded" in unjudged.stdout) == (0, True)


def test_a_warning_refuses_where_that_is_asked(run: Run) -> None:
    run.write("craft.ttl", CRAFT.replace('  skos:definition "Working with wood."@en ;\n', ""))
    assert run("import", "craft.ttl", "--fail-on", "warning").returncode == 1
    assert run("import", "craft.ttl", "--fail-on", "warning", "--dry-run").returncode == 1
    assert run("import", "craft.ttl").returncode == 0


def test_several_files_are_one_change(run: Run) -> None:
    wood = CRAFT.index(":wood a")
    prefixes = CRAFT[: CRAFT.index(f"<{SCHEME}> a")]
    run.write("scheme.ttl", CRAFT[:wood])
    run.write("wood.ttl", prefixes + CRAFT[wood:])
    done = run("import", "scheme.ttl", "wood.ttl", "-m", "Bring craft in.")
    assert done.returncode == 0, done.stderr
    assert "Recorded as change 2" in done.stdout
    assert "(1 competency framework, 1 competency)" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["missing.ttl"], 2, "missing.ttl: There is no such file"),
        (["craft.txt"], 2, "craft.txt: The ending of the name does not say"),
        (["bad.ttl"], 2, "bad.ttl:1:1: "),
        (["plain.nt"], 2, "--graph NAME"),
        (["plain.nt", "--graph", "g", "--format", "skos"], 2, "no skos:ConceptScheme"),
        (["craft.ttl", "--license", "free"], 2, "--license https://"),
        (["relative.rdf"], 2, "relative.rdf:2:30: The address “wood” is not complete."),
        (["craft.ttl", "--url", "http://127.0.0.1:9"], 3, "Connection refused. Start the service"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_cure(
    run: Run, words: list[str], code: int, said: str
) -> None:
    run.write("craft.txt", CRAFT)
    run.write("bad.ttl", "<a> <b")
    run.write(
        "relative.rdf",
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about="wood" rdf:type="https://example.org/b"/></rdf:RDF>',
    )
    run.write(
        "plain.nt", "<https://example.org/a> <https://example.org/b> <https://example.org/c> ."
    )
    done = run("import", *words)
    assert (done.returncode, done.stdout) == (code, ""), done
    assert said in done.stderr


def test_a_running_service_takes_what_its_token_may(run: Run, running: Service) -> None:
    address = ["--url", running.url]
    assert run("import", "craft.ttl", *address).returncode == 4
    assert run("import", "craft.ttl", *address, "--token", running.token("reader")).returncode == 4
    editor = running.token("editor")
    unjudged = run("import", "craft.ttl", *address, "--token", editor, "--no-validate")
    assert unjudged.returncode == 4
    assert "needs the role maintainer" in unjudged.stderr
    run.environment["COMPETENCY_GRAPH_TOKEN"] = editor
    done = run("import", "craft.ttl", *address)
    assert (done.returncode, "Recorded as change" in done.stdout) == (0, True), done.stderr
    run.write("craft.ttl", CRAFT.replace("Working with wood.", "Working with timber."))
    refused = run("import", "craft.ttl", *address)
    assert (refused.returncode, "This would remove 1 statement" in refused.stderr) == (1, True)
    assert run("import", "craft.ttl", *address, "--yes").returncode == 0


def test_a_file_names_a_graph_of_ours_only_for_a_maintainer(run: Run, running: Service) -> None:
    ours = "https://w3id.org/competency-graph/graph/from-a-file"
    run.write("ours.nq", f'<urn:a> <https://example.org/b> "c" <{ours}> .\n')
    words = ["import", "ours.nq", "--url", running.url, "--token"]
    refused = run(*words, running.token("editor"))
    assert refused.returncode == 4, refused.stderr
    assert "itself names a graph of this service" in refused.stderr
    assert run(*words, running.token("maintainer")).returncode == 0


@NEEDS_DATA
def test_real_frameworks_are_listed_and_readable(run: Run, running: Service) -> None:
    files = ["digcomp/digcomp.ttl", "digcomp/digitalCompetencies.ttl", "skos/skosmos/groups.ttl"]
    run.environment["COMPETENCY_GRAPH_TOKEN"] = running.token("editor")
    done = run(
        "import", *(str(SHARED / f) for f in files[:2]), "--url", running.url, "--license", LICENCE
    )
    assert done.returncode == 0, done.stderr
    assert "115 competencies" in done.stdout
    done = run("import", str(SHARED / files[2]), "--url", running.url, "--license", LICENCE)
    assert done.returncode == 0, done.stderr
    assert "4 collections are kept" in done.stderr
    items = running.get("/api/v1/frameworks").json()["items"]
    assert isinstance(items, list)
    labels = {item["label"] for item in items}
    assert labels >= {
        "DigComp Kompetenzen",
        "Kompetenzen in der digitalen Welt (KMK)",
        "Test conceptscheme with groups",
    }
    scheme = "https://w3id.org/kim/digcomp/digcomp"
    of_it = urllib.parse.urlencode({"framework": scheme, "limit": 1})
    told = running.get(f"/api/v1/competencies?{of_it}").json()
    assert told["total"] == 26, json.dumps(told)[:300]
    for iri in (scheme, "https://w3id.org/kim/digcomp/g_6"):
        page = running.get(f"/id?iri={urllib.parse.quote(iri, safe='')}", Accept="text/html")
        assert page.status == 200
    assert b"INTERACTING THROUGH DIGITAL TECHNOLOGIES" in page.body

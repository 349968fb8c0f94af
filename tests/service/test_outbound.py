"""Nothing that a client or an editor sends makes the service or a command open a connection."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Service

QUERIES = [
    "SELECT * {{ SERVICE <{url}/a> {{ ?s ?p ?o }} }}",
    "SELECT * {{ SERVICE SILENT <{url}/a> {{ ?s ?p ?o }} }}",
    "SELECT * {{ \\u0053ERVICE <{url}/b> {{ ?s ?p ?o }} }}",
    "SELECT * FROM <{url}/c> {{ ?s ?p ?o }}",
    "SELECT * FROM NAMED <{url}/c> {{ GRAPH ?g {{ ?s ?p ?o }} }}",
    "LOAD <{url}/d>",
]


@pytest.mark.parametrize("template", QUERIES)
def test_a_query_reaches_nobody(
    service: Service, canary: tuple[str, list[str]], template: str
) -> None:
    url, heard = canary
    reply = service.query(template.format(url=url))
    assert reply.status == 400
    assert str(reply.json()["detail"]).endswith((".", "?"))
    assert not heard


FILES = {
    "context.jsonld": '{{"@context": "{url}/context", "@id": "https://example.org/a", "x": "y"}}',
    "entity.rdf": '<!DOCTYPE r [<!ENTITY e SYSTEM "{url}/entity">]>'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">&e;</rdf:RDF>',
    "imports.ttl": "<https://example.org/o> a <http://www.w3.org/2002/07/owl#Ontology> ; "
    "<http://www.w3.org/2002/07/owl#imports> <{url}/import> .",
}
SHAPES = "\n".join(
    [
        "PREFIX sh: <http://www.w3.org/ns/shacl#>",
        "<https://example.org/S> a sh:NodeShape ; sh:targetNode <https://example.org/o> ;",
        '  sh:severity sh:Violation ; sh:sparql [ sh:message "No."@en ; sh:select """QUERY""" ] .',
    ]
)
SHAPE_QUERIES = [
    "SELECT $this {{ SERVICE <{url}/s> {{ $this ?p ?o }} }}",
    "SELECT $this {{ S\\\\u0045RVICE <{url}/s> {{ $this ?p ?o }} }}",
    "SELECT $this FROM <{url}/f> {{ $this ?p ?o }}",
]


def _validate(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "competency_graph", "validate", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", FILES)
def test_a_file_reaches_nobody(tmp_path: Path, canary: tuple[str, list[str]], name: str) -> None:
    url, heard = canary
    (tmp_path / name).write_text(FILES[name].format(url=url))
    told = _validate(tmp_path, name)
    assert not heard
    assert "Traceback" not in told.stderr
    if name == "imports.ttl":
        assert f"Not read: {url}/import" in told.stdout
    else:
        assert told.returncode == 2


@pytest.mark.parametrize("template", SHAPE_QUERIES)
def test_shapes_reach_nobody(tmp_path: Path, canary: tuple[str, list[str]], template: str) -> None:
    url, heard = canary
    (tmp_path / "imports.ttl").write_text(FILES["imports.ttl"].format(url=url))
    query = template.format(url=url)
    (tmp_path / "shapes.ttl").write_text(SHAPES.replace("QUERY", query))
    told = _validate(tmp_path, "imports.ttl", "--shapes", "shapes.ttl")
    assert not heard
    assert told.returncode == 2, told.stdout + told.stderr
    assert "Traceback" not in told.stderr

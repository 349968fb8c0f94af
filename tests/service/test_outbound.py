"""Nothing that a client or an editor sends makes the service or a command open a connection."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import Service


class _Canary(BaseHTTPRequestHandler):
    heard: list[str]

    def do_GET(self) -> None:
        self.heard.append(self.path)
        self.send_response(200)
        self.end_headers()

    do_POST = do_GET  # noqa: N815  the name is the base class's

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    heard: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Canary", (_Canary,), {"heard": heard}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    server.server_close()
    thread.join()


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

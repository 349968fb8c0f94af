"""Nothing that a client or an editor sends makes the service or a command open a connection."""

import json
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import Reply, Service, start_service

GRAPH = "https://example.org/g"
TRIPLE = "?s ?p ?o"
# CANARY is who must not hear anything; ALLOWED/open may be asked, ALLOWED/301 sends to the canary.
DIRECT = "SERVICE <CANARY/a> { ?s ?p ?o }"
SILENT = "SERVICE SILENT <CANARY/a> { ?s ?p ?o }"
PREFIX = "PREFIX e: <CANARY/> "
INSERT = f"INSERT {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }} "

QUERIES = {
    "direct": f"SELECT * {{ {DIRECT} }}",
    "silent": f"SELECT * {{ {SILENT} }}",
    "in small letters": "ASK { service silent<CANARY/a>{ ?s ?p ?o } }",
    "after a dot": f"SELECT * {{ ?s ?p 1.{DIRECT} }}",
    "in nested groups": f"SELECT * {{ {{ {{ {SILENT} }} }} }}",
    "in a subselect": f"SELECT * {{ {{ SELECT ?s {{ {SILENT} }} }} }}",
    "in OPTIONAL": f"SELECT * {{ OPTIONAL {{ {SILENT} }} }}",
    "in MINUS": f"SELECT * {{ {TRIPLE} MINUS {{ {SILENT} }} }}",
    "in EXISTS": f"ASK {{ FILTER NOT EXISTS {{ {SILENT} }} }}",
    "in EXISTS of an expression": f"SELECT (EXISTS {{ {SILENT} }} AS ?x) {{}}",
    "in UNION under GRAPH": f"ASK {{ GRAPH ?g {{ {{}} UNION {{ {SILENT} }} }} }}",
    "in CONSTRUCT": f"CONSTRUCT {{ {TRIPLE} }} WHERE {{ {SILENT} }}",
    "in DESCRIBE": f"DESCRIBE ?s {{ {SILENT} }}",
    "a variable": "SELECT * { BIND(<CANARY/a> AS ?e) SERVICE SILENT ?e { ?s ?p ?o } }",
    "a variable with values": "SELECT * { VALUES ?e { <CANARY/a> } SERVICE ?e { ?s ?p ?o } }",
    "a prefixed name": PREFIX + "SELECT * { SERVICE SILENT e:a { ?s ?p ?o } }",
    "a relative name": "BASE <CANARY/> SELECT * { SERVICE SILENT <a> { ?s ?p ?o } }",
    "four digits": r"SELECT * { \u0053ERVICE SILENT <CANARY/a> { ?s ?p ?o } }",
    "eight digits": r"SELECT * { SERVIC\U00000045 SILENT <CANARY/a> { ?s ?p ?o } }",
    "an escaped address": r"SELECT * { SERVICE SILENT <\u0068CANARY/a> { ?s ?p ?o } }",
    "words that touch": PREFIX + "SELECT * { SERVICESILENT e:a { ?s ?p ?o } }",
    "a name that touches": PREFIX + "SELECT * { SERVICEe:a { ?s ?p ?o } }",
    "a prefix that has the word": PREFIX
    + "PREFIX SERVICEe: <urn:x> SELECT * { SERVICEe:a { ?s ?p ?o } }",
    "a number that touches": PREFIX + "SELECT * { ?s ?p 1e5SERVICE SILENT e:a { ?s ?p ?o } }",
    "a comparison like an iri": PREFIX
    + "SELECT * { FILTER(1<'x>'||true)SERVICE SILENT e:a { ?s ?p ?o } }#'",
    "a comment like an iri": PREFIX
    + "SELECT * { FILTER(1<2)#>'''\n SERVICE SILENT e:a { ?s ?p ?o } } #'''",
    "an escaped quotation mark": PREFIX
    + r"SELECT * { ?s ?p 'a\u0027'SERVICE SILENT e:a { ?s ?p ?o } }#'",
    "FROM": f"SELECT * FROM <CANARY/c> {{ {TRIPLE} }}",
    "FROM NAMED": f"SELECT * FROM NAMED <CANARY/c> {{ GRAPH ?g {{ {TRIPLE} }} }}",
    "LOAD as a query": "LOAD <CANARY/d>",
}
UPDATES = {
    "LOAD": (400, "LOAD <CANARY/d>"),
    "LOAD INTO": (400, f"LOAD <CANARY/d> INTO GRAPH <{GRAPH}>"),
    # It succeeds whatever becomes of it (SPARQL 1.1 Update, 3.1.4), and here nothing does.
    "LOAD SILENT": (200, f"LOAD SILENT <CANARY/d> INTO GRAPH <{GRAPH}>"),
    "LOAD that touches": (400, PREFIX + "LOADe:d"),
    "LOAD SILENT that touches": (400, PREFIX + "LOADSILENT e:d"),
    "LOAD in a second operation": (400, "CLEAR SILENT DEFAULT ; LOAD <CANARY/d>"),
    "LOAD behind a comparison": (
        400,
        INSERT + "WHERE { FILTER(1<'x>'||true) } ; LOAD <CANARY/d> #'",
    ),
    "SERVICE": (400, INSERT + f"WHERE {{ {DIRECT} }}"),
    "SERVICE SILENT": (400, INSERT + f"WHERE {{ {SILENT} }}"),
    "SERVICE of what queries may ask": (
        400,
        INSERT + "WHERE { SERVICE <ALLOWED/open> {?s ?p ?o} }",
    ),
    "SERVICE that touches": (400, PREFIX + INSERT + "WHERE { SERVICESILENTe:a { ?s ?p ?o } }"),
    "SERVICE behind a comparison": (
        400,
        PREFIX + INSERT + "WHERE { FILTER(1<'x>'||true)SERVICE SILENT e:a { ?s ?p ?o } }#'",
    ),
    "USING": (200, INSERT + f"USING <CANARY/c> WHERE {{ {TRIPLE} }}"),
    "USING NAMED": (200, INSERT + f"USING NAMED <CANARY/c> WHERE {{ GRAPH ?g {{ {TRIPLE} }} }}"),
}
RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
IMPORTS = (
    "<https://example.org/o> a <http://www.w3.org/2002/07/owl#Ontology> ; "
    "<http://www.w3.org/2002/07/owl#imports> <CANARY/import> ."
)
JSON_LD, RDF_XML, TURTLE = "application/ld+json", "application/rdf+xml", "text/turtle"
DOCUMENTS = {
    "a JSON-LD context": (
        JSON_LD,
        '{"@context": "CANARY/c", "@id": "urn:a", "x": "y"}',
    ),
    "a list of contexts": (
        JSON_LD,
        '{"@context": [{}, "CANARY/c"], "@id": "urn:a", "x": "y"}',
    ),
    "an imported context": (
        JSON_LD,
        '{"@context": {"@version": 1.1, "@import": "CANARY/c"}, "@id": "urn:a", "x": "y"}',
    ),
    "a scoped context": (
        JSON_LD,
        '{"@context": {"x": {"@id": "urn:x", "@context": "CANARY/c"}}, "@id": "urn:a", '
        '"x": {"y": "z"}}',
    ),
    "an external entity": (
        RDF_XML,
        f'<!DOCTYPE r [<!ENTITY e SYSTEM "CANARY/e">]><rdf:RDF {RDF}>&e;</rdf:RDF>',
    ),
    "a parameter entity": (
        RDF_XML,
        f'<!DOCTYPE r [<!ENTITY % e SYSTEM "CANARY/e"> %e;]><rdf:RDF {RDF}/>',
    ),
    "an external subset": (
        RDF_XML,
        f'<!DOCTYPE r SYSTEM "CANARY/e"><rdf:RDF {RDF}/>',
    ),
}
# What names something elsewhere, and is read without it.
READ = {
    "a style sheet": (
        RDF_XML,
        f'<?xml-stylesheet href="CANARY/s"?><rdf:RDF {RDF}/>',
    ),
    "an inclusion": (
        RDF_XML,
        f'<rdf:RDF {RDF}><rdf:Description rdf:about="urn:a"><i:include '
        'xmlns:i="http://www.w3.org/2001/XInclude" rdf:resource="CANARY/i"/>'
        "</rdf:Description></rdf:RDF>",
    ),
    "owl:imports": (TURTLE, IMPORTS),
    "a graph's name": (TURTLE, "<CANARY/a> <CANARY/b> <CANARY/c> ."),
}
SHAPES = (
    "PREFIX sh: <http://www.w3.org/ns/shacl#> "
    "<https://example.org/S> a sh:NodeShape ; sh:targetNode <https://example.org/o> ; "
    'sh:severity sh:Violation ; sh:sparql [ sh:message "No."@en ; sh:select """QUERY""" ] .'
)
SHAPE_QUERIES = {
    "SERVICE": "SELECT $this { SERVICE <CANARY/s> { $this ?p ?o } }",
    "SERVICE SILENT": "SELECT $this { SERVICE SILENT <CANARY/s> { $this ?p ?o } }",
    "an escape": r"SELECT $this { S\\u0045RVICE <CANARY/s> { $this ?p ?o } }",
    "FROM": "SELECT $this FROM <CANARY/f> { $this ?p ?o }",
    "FROM NAMED": "SELECT $this FROM NAMED <CANARY/f> { GRAPH ?g { $this ?p ?o } }",
}
# What the operator allows in these tests; the names of private addresses without saying so.
SPELLINGS = {
    "a name of this machine": "localhost",
    "a decimal number": "2130706433",
    "an octal number": "0177.0.0.1",
    "a hexadecimal number": "0x7f000001",
    "a short form": "127.1",
    "a name with a final dot": "localhost.",
}
REDIRECTS = ("301", "302", "303", "307", "308")
SLIPS = {
    "another path of an allowed host": "<ALLOWED/other>",
    "more at the end": "<ALLOWED/open/../a>",
    "a fragment": "<ALLOWED/open#a>",
    "a user like the allowed host": "<http://ALLOWED-HOST@CANARY-HOST/open>",
    "mapped into IPv6": "<http://[::ffff:127.0.0.1]:PORT/a>",
}
INSIDE = f"SELECT * {{ SERVICE <ALLOWED/open> {{ {SILENT} }} }}"


@dataclass
class World:
    """A service that may ask some paths of ``allowed``, and the canary at ``url``."""

    service: Service
    url: str
    heard: list[str]
    allowed: str
    token: str

    def filled(self, text: str) -> str:
        canary, allowed = urllib.parse.urlsplit(self.url), urllib.parse.urlsplit(self.allowed)
        for name, value in (
            (r"\u0068CANARY", r"\u0068" + self.url[1:]),
            ("CANARY-HOST", canary.netloc),
            ("ALLOWED-HOST", allowed.netloc),
            ("CANARY", self.url),
            ("ALLOWED", self.allowed),
            ("PORT", str(canary.port)),
        ):
            text = text.replace(name, value)
        return text

    def send(self, method: str, path: str, text: str, kind: str, **headers: str) -> Reply:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind, **headers}
        return self.service.send(method, path, self.filled(text).encode(), 60, headers)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    heard: list[str] = []
    results = b'{"head": {"vars": ["s"]}, "results": {"bindings": []}}'

    class Canary(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.answered(200)

        do_POST = do_GET  # noqa: N815  the name is the base class's

        def answered(self, status: int) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Type", "application/sparql-results+json")
            self.send_header("Content-Length", str(len(results)))
            if status != 200:
                self.send_header("Location", canary_url + "/redirected")
            self.end_headers()
            self.wfile.write(results)

        def log_message(self, *_: Any) -> None:
            return

    class Allowed(Canary):
        def do_POST(self) -> None:
            self.answered(int(self.path[1:]) if self.path[1:].isdecimal() else 200)

        do_GET = do_POST  # noqa: N815

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), kind) for kind in (Canary, Allowed)]
    canary_url, allowed = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    entries = [f"{allowed}/{path}" for path in ("open", *REDIRECTS)]
    entries += [f"http://{name}:{servers[0].server_port}/a" for name in SPELLINGS.values()]
    service = start_service(
        tmp_path_factory.mktemp("outbound"), service_allow=",".join(entries), workers="1"
    )
    yield World(service, canary_url, heard, allowed, service.token("maintainer"))
    assert service.stop() == 0
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def nobody_heard_anything(world: World) -> Iterator[None]:
    world.heard.clear()
    yield
    assert not world.heard


def refused(reply: Reply, *codes: str) -> None:
    assert reply.status == 400, reply.body
    assert str(reply.json()["detail"]).endswith((".", "?"))
    assert reply.json()["code"] in codes


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_reaches_nobody(service: Service, world: World, name: str) -> None:
    text = world.filled(QUERIES[name])
    # Once where nobody may be asked, once where others may.
    for asked in (service, world.service):
        refused(asked.query(text), "outbound-refused", "bad-query")


@pytest.mark.parametrize("parameter", ["default-graph-uri", "named-graph-uri"])
def test_a_graph_that_the_protocol_names_is_not_fetched(world: World, parameter: str) -> None:
    # A graph that is not there is an empty one; that nobody was asked is told at the end.
    text = (
        "ASK { ?s ?p ?o }" if parameter == "default-graph-uri" else "ASK { GRAPH ?g { ?s ?p ?o } }"
    )
    asked = {"query": text, parameter: world.url + "/p"}
    reply = world.service.get("/sparql?" + urllib.parse.urlencode(asked))
    assert (reply.status, json.loads(reply.body)["boolean"]) == (200, False)


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_reaches_nobody(world: World, name: str) -> None:
    status, text = UPDATES[name]
    reply = world.send("POST", "/sparql", text, "application/sparql-update")
    if status == 200:
        assert (reply.status, reply.json()["recorded"]) == (200, False), reply.body
    else:
        refused(reply, "outbound-refused", "bad-query")


@pytest.mark.parametrize("name", [*DOCUMENTS, *READ])
def test_a_document_reaches_nobody(world: World, name: str) -> None:
    kind, text = {**DOCUMENTS, **READ}[name]
    path = "?" + urllib.parse.urlencode({"graph": GRAPH, "dry-run": "true"})
    put = world.send("PUT", "/graphs" + path, text, kind)
    judged = world.send("POST", "/validate" + path[: path.index("&")], text, kind)
    if name in DOCUMENTS:
        refused(put, "unreadable-input")
        refused(judged, "unreadable-input")
    else:
        assert put.status in (200, 201, 422), put.body
        assert judged.status == 200, judged.body


def test_a_change_in_the_background_reaches_nobody(world: World) -> None:
    kind, text = DOCUMENTS["a JSON-LD context"]
    path = "/graphs?" + urllib.parse.urlencode({"graph": GRAPH})
    reply = world.send("PUT", path, text, kind, Prefer="respond-async")
    assert reply.status == 202
    while reply.json()["ended"] is None:
        headers = {"Authorization": f"Bearer {world.token}"}
        reply = world.service.send("GET", str(reply.json()["id"]), None, 30, headers)
    result = reply.json()["result"]
    assert isinstance(result, dict)
    assert result["code"] == "unreadable-input"


@pytest.mark.parametrize("name", SHAPE_QUERIES)
def test_shapes_of_ones_own_reach_nobody(world: World, name: str) -> None:
    shapes = SHAPES.replace("QUERY", SHAPE_QUERIES[name])
    reply = _judged_by(world, world.filled(shapes))
    refused(reply, "invalid-shapes")


def test_shapes_that_import_reach_nobody(world: World) -> None:
    asked = SHAPES.replace("QUERY", "SELECT $this { $this a <urn:none> }")
    shapes = asked + IMPORTS + " <https://example.org/o> <http://www.w3.org/ns/shacl#shapesGraph> "
    reply = _judged_by(world, world.filled(shapes + "<CANARY/shapes> ."))
    assert reply.status == 200, reply.body


def _judged_by(world: World, shapes: str) -> Reply:
    mark = uuid.uuid4().hex
    parts = (("data", world.filled(IMPORTS)), ("shapes", shapes))
    body = "".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.ttl"\r\n'
        f"Content-Type: text/turtle\r\n\r\n{text}\r\n"
        for name, text in parts
    )
    headers = {
        "Content-Type": f"multipart/form-data; boundary={mark}",
        "Accept": "application/json",
    }
    return world.service.send("POST", "/validate", f"{body}--{mark}--\r\n".encode(), 60, headers)


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_of_an_allowed_endpoint_is_not_followed(world: World, status: str) -> None:
    for silent, told in (("", 502), ("SILENT", 200)):
        reply = world.service.query(
            world.filled(f"SELECT * {{ SERVICE {silent} <ALLOWED/{status}> {{ {TRIPLE} }} }}")
        )
        assert reply.status == told, reply.body


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_name_of_a_private_address_is_not_connected_to(world: World, name: str) -> None:
    port = urllib.parse.urlsplit(world.url).port
    text = f"SELECT * {{ SERVICE <http://{SPELLINGS[name]}:{port}/a> {{ {TRIPLE} }} }}"
    reply = world.service.query(text)
    assert (reply.status, reply.json()["code"]) == (502, "service-failed")
    # Whether the system reads that spelling of an address or does not find it.
    assert any(w in str(reply.json()["detail"]) for w in ("not public", "could not be reached"))


@pytest.mark.parametrize("name", SLIPS)
def test_what_is_like_an_allowed_endpoint_is_none(world: World, name: str) -> None:
    text = f"SELECT * {{ SERVICE SILENT {SLIPS[name]} {{ {TRIPLE} }} }}"
    refused(world.service.query(world.filled(text)), "outbound-refused")


def test_an_allowed_endpoint_is_not_asked_to_ask_others(world: World) -> None:
    refused(world.service.query(world.filled(INSIDE)), "outbound-refused")


FILES = {
    "context.jsonld": '{"@context": "CANARY/context", "@id": "https://example.org/a", "x": "y"}',
    "entity.rdf": DOCUMENTS["an external entity"][1],
    "imports.ttl": IMPORTS,
}


def _command(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "competency_graph", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", FILES)
def test_a_file_reaches_nobody(tmp_path: Path, world: World, name: str) -> None:
    (tmp_path / name).write_text(world.filled(FILES[name]))
    told = _command(tmp_path, "validate", name)
    assert "Traceback" not in told.stderr
    if name == "imports.ttl":
        assert f"Not read: {world.url}/import" in told.stdout
    else:
        assert told.returncode == 2


def test_shapes_in_a_file_reach_nobody(tmp_path: Path, world: World) -> None:
    (tmp_path / "imports.ttl").write_text(world.filled(IMPORTS))
    shapes = world.filled(SHAPES.replace("QUERY", SHAPE_QUERIES["an escape"]))
    (tmp_path / "shapes.ttl").write_text(shapes)
    told = _command(tmp_path, "validate", "imports.ttl", "--shapes", "shapes.ttl")
    assert told.returncode == 2, told.stdout + told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("name", ["silent", "a comparison like an iri"])
def test_a_query_at_the_terminal_reaches_nobody(tmp_path: Path, world: World, name: str) -> None:
    database = f"sqlite:///{world.service.folder}/log.db"
    text = world.filled(QUERIES[name])
    told = _command(tmp_path, "query", "-e", text, "--database", database)
    assert told.returncode == 2, told.stdout + told.stderr
    assert "SERVICE asks another endpoint" in told.stderr


def test_these_are_all_the_ways() -> None:
    counted = {
        "queries": len(QUERIES),
        "updates": len(UPDATES),
        "documents": len(DOCUMENTS) + len(READ),
        "shapes": len(SHAPE_QUERIES),
        "endpoints": len(REDIRECTS) + len(SPELLINGS) + len(SLIPS),
        "files": len(FILES),
    }
    assert counted == {
        "queries": 30,
        "updates": 14,
        "documents": 11,
        "shapes": 5,
        "endpoints": 16,
        "files": 3,
    }


def test_the_canary_can_hear(world: World) -> None:
    with urllib.request.urlopen(world.url + "/heard") as reply:
        assert json.load(reply)["results"]
    assert world.heard == ["/heard"]
    world.heard.clear()

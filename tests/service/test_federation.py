"""``SERVICE`` asks what the operator allows, within bounds, and means what the standard says."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pyoxigraph as ox
import pytest
from competency_graph.vocab import RDF, RDFS, SD
from conftest import Service, start_service
from rdflib import Graph, Literal, URIRef

PREFIXES = (
    "PREFIX cg: <https://w3id.org/competency-graph/ns#> "
    "PREFIX skos: <http://www.w3.org/2004/02/skos/core#> "
)
# REMOTE is a second instance of this service; the asked instance has the two triples of LOCAL.
GRAPH = "https://example.org/g"
FACILITATOR = "https://w3id.org/competency-graph/id/implementation-support/role/facilitator"
LOCAL = (
    f"<urn:a> <urn:wants> <{FACILITATOR}> ."
    '<urn:b> <urn:wants> <urn:nothing> ; <urn:says> "x"@en , 7 .'
)
ROLES = "SERVICE <REMOTE> { ?role a cg:Role ; skos:prefLabel ?label FILTER(LANG(?label) = 'en') }"
ASKED = {
    "alone": f"SELECT * {{ {ROLES} }}",
    "chosen and sorted": f"SELECT ?label {{ {ROLES} }} ORDER BY DESC(?label) LIMIT 3",
    "joined before": f"SELECT * {{ ?who <urn:wants> ?role . {ROLES} }}",
    "joined after": f"SELECT * {{ {ROLES} ?who <urn:wants> ?role }}",
    "optional": f"SELECT * {{ ?who <urn:wants> ?role OPTIONAL {{ {ROLES} }} }}",
    "taken away": f"SELECT * {{ ?who <urn:wants> ?role MINUS {{ {ROLES} }} }}",
    "in a union": f"SELECT * {{ {{ ?who <urn:wants> ?role }} UNION {{ {ROLES} }} }}",
    "in a subselect": f"SELECT * {{ {{ SELECT (COUNT(*) AS ?n) {{ {ROLES} }} }} }}",
    "a count": f"SELECT (COUNT(*) AS ?n) {{ {ROLES} }}",
    "twice": f"SELECT ?role {{ {ROLES} SERVICE <REMOTE> "
    "{ ?role skos:prefLabel 'Facilitator'@en } }",
    "a subselect inside": "SELECT * { SERVICE <REMOTE> { SELECT ?role { ?role a cg:Role } "
    "ORDER BY ?role LIMIT 2 } }",
    "values inside": "SELECT * { SERVICE <REMOTE> { VALUES ?class { cg:Role cg:Nothing } "
    "?role a ?class } }",
    "unbound values": "SELECT * { SERVICE <REMOTE> { ?role a cg:Role "
    "OPTIONAL { ?role cg:nothing ?x } } }",
    "nothing there": "SELECT * { SERVICE <REMOTE> { ?role a cg:Nothing } }",
    "no variables": "SELECT * { ?who <urn:wants> ?role SERVICE <REMOTE> { cg:Role a ?_any } }",
    "a mere yes": "SELECT * { ?who <urn:wants> ?role SERVICE <REMOTE> { VALUES () { () () } } }",
    "filtered outside": f"SELECT * {{ {ROLES} FILTER(STRSTARTS(?label, 'F')) }}",
    "counted with its kind": "SELECT ?n { SERVICE <REMOTE> { SELECT (COUNT(*) AS ?n) "
    "{ ?role a cg:Role } } FILTER(?n > 1) }",
    "a blank node in the pattern": "SELECT * { SERVICE <REMOTE> { [] skos:broader ?role . "
    "?role a cg:CompetencyDomain } }",
    "a prefixed endpoint": "PREFIX r: <REMOTE> SELECT * { SERVICE r: { ?role a cg:Role } }",
    "a relative endpoint": "BASE <REMOTE> SELECT * { SERVICE <> { ?role a cg:Role } }",
    "no answer, silently": "SELECT * { ?who <urn:wants> ?role SERVICE SILENT <STUB/500> "
    "{ ?role ?p ?o } }",
    "words and comments": "SELECT ?service { # SERVICE <urn:x> {\n service # SILENT\n<REMOTE> "
    "{ ?service a cg:Role # }\n } FILTER(STR(?service) != 'SERVICE <urn:x> {') }",
    "a tagged text and a number": "SELECT * { ?s <urn:says> ?x SERVICE <STUB/texts> { ?a ?b ?x } }",
}


class _Stub(BaseHTTPRequestHandler):
    """Answers as its path says: an endpoint of somebody else, good or bad."""

    asked: list[dict[str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append({"body": body.decode(), **dict(self.headers)})
        name = self.path[1:]
        with contextlib.suppress(ConnectionError):
            getattr(self, "as_" + name, self.as_status)()

    def told(self, text: str, kind: str = "application/sparql-results+json", **more: str) -> None:
        self.send_response(200)
        named = {name.replace("_", "-"): value for name, value in more.items()}
        headers = {"Content-Type": kind, "Content-Length": str(len(text.encode())), **named}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def rows(self, *rows: dict[str, Any], names: tuple[str, ...] = ("x",)) -> None:
        told = {"head": {"vars": names}, "results": {"bindings": rows}}
        self.told(json.dumps(told), "application/sparql-results+json; charset=utf-8")

    def as_status(self) -> None:
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def as_texts(self) -> None:
        integer = "http://www.w3.org/2001/XMLSchema#integer"
        self.rows(
            {"x": {"type": "literal", "value": "x", "xml:lang": "en"}},
            {"x": {"type": "literal", "value": "7", "datatype": integer}},
            {"x": {"type": "literal", "value": 'a"\n\\}'}},
        )

    def as_unbound(self) -> None:
        self.rows({"x": {"type": "literal", "value": "x", "xml:lang": "en"}}, {})

    def as_blank(self) -> None:
        self.rows({"x": {"type": "bnode", "value": "b"}})

    def as_columns(self) -> None:
        self.rows({"y": {"type": "literal", "value": "1"}}, names=("x", "y"))

    def as_injected(self) -> None:
        self.rows({"x": {"type": "uri", "value": "urn:a> } SERVICE <urn:b"}})

    def as_many(self) -> None:
        self.rows(*({"x": {"type": "literal", "value": str(n)}} for n in range(50_001)))

    def as_large(self) -> None:
        self.told(" " * 8_100_000)

    def as_endless(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/sparql-results+json")
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            while True:
                self.wfile.write(b" " * 65536)

    def as_html(self) -> None:
        self.told("<p>Hello</p>", "text/html")

    def as_coded(self) -> None:
        self.told("{}", Content_Encoding="gzip")

    def as_yes(self) -> None:
        self.told('{"head": {}, "boolean": true}')

    def as_broken(self) -> None:
        self.told('{"head": {"vars": ["x"]}, "results": {"bindings": [')

    def as_short(self) -> None:
        self.told("{}", Content_Length="100")

    def as_mute(self) -> None:
        time.sleep(4)

    def as_dripping(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/sparql-results+json")
        self.end_headers()
        for _ in range(40):
            time.sleep(0.1)
            self.wfile.write(b" ")

    def as_dripping_headers(self) -> None:
        for _ in range(40):
            time.sleep(0.1)
            self.wfile.write(b"H")

    def log_message(self, *_: Any) -> None:
        return


@dataclass
class World:
    """An instance that may ask a second one, and the stub; what the stub was asked."""

    service: Service
    remote: str
    stub: str
    asked: list[dict[str, str]]

    def filled(self, text: str) -> str:
        return PREFIXES + text.replace("REMOTE", self.remote).replace("STUB", self.stub)


BAD = {
    "404": "status 404",
    "500": "status 500",
    "204": "status 204",
    "blank": "blank nodes",
    "columns": "other columns",
    "injected": "no result in JSON",
    "html": "another format",
    "coded": "another format",
    "yes": "yes or no",
    "broken": "no result in JSON",
    "short": "broke off",
    "mute": "did not answer within",
    "dripping": "did not answer within",
    "dripping_headers": "did not answer within",
}
TOO_MUCH = {"many": "50,000 rows", "large": "8 MB", "endless": "8 MB"}


@contextlib.contextmanager
def serving() -> Iterator[tuple[int, list[dict[str, str]]]]:
    asked: list[dict[str, str]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Stub", (_Stub,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def world(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serving() as (port, asked):
        stub, remote = f"http://127.0.0.1:{port}", service.url + "/sparql"
        allowed = [
            remote,
            f"private:http://localhost:{port}/texts",
            f"http://127.0.0.1:{port}/texts",
        ]
        allowed += [f"{stub}/{name}" for name in (*BAD, *TOO_MUCH, "unbound")]
        running = start_service(
            tmp_path_factory.mktemp("asking"),
            service_allow=",".join(allowed),
            seed="none",
            validation="off",
            query_timeout="2",
        )
        path = "/graphs?" + urllib.parse.urlencode({"graph": GRAPH})
        token = running.token("maintainer")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/turtle"}
        assert running.send("PUT", path, LOCAL.encode(), 60, headers).status < 300
        yield World(running, remote, stub, asked)
        assert running.stop() == 0


def _sorted(solutions: ox.QuerySolutions) -> list[tuple[str, ...]]:
    names = sorted(variable.value for variable in solutions.variables)
    return sorted(tuple(str(row[name]) for name in names) for row in solutions)


@pytest.mark.parametrize("name", ASKED)
def test_it_means_what_the_engine_with_a_connection_says(world: World, name: str) -> None:
    text = world.filled(ASKED[name])
    reply = world.service.query(text)
    assert reply.status == 200, reply.body
    told = ox.parse_query_results(reply.body, ox.QueryResultsFormat.JSON)
    store = ox.Store()
    store.load(LOCAL, ox.RdfFormat.TURTLE)
    expected = store.query(text)
    assert isinstance(told, ox.QuerySolutions)
    assert isinstance(expected, ox.QuerySolutions)
    assert {v.value for v in told.variables} == {v.value for v in expected.variables}
    assert _sorted(told) == _sorted(expected)


def test_these_are_all_and_most_find_something(world: World) -> None:
    found = [len(world.service.rows(world.filled(text))) for text in ASKED.values()]
    assert (len(found), sum(n > 0 for n in found)) == (24, 23)


def test_ask_and_construct_ask_others_too(world: World) -> None:
    reply = world.service.query(world.filled(f"ASK {{ {ROLES} }}"))
    assert reply.json()["boolean"] is True
    reply = world.service.query(
        world.filled(f"CONSTRUCT {{ ?role a cg:Role }} WHERE {{ {ROLES} }}"),
        Accept="application/n-triples",
    )
    assert reply.body.count(b"\n") == 7


def test_what_others_had_a_part_in_is_kept_by_nobody(world: World) -> None:
    with_others = world.service.query(world.filled(f"ASK {{ {ROLES} }}"))
    alone = world.service.query("ASK {}")
    assert with_others.headers["Cache-Control"] == "no-store"
    assert alone.headers["Cache-Control"] == "no-cache"
    assert with_others.headers["Revision"] == alone.headers["Revision"]


def test_the_endpoint_is_asked_as_the_protocol_says(world: World) -> None:
    world.asked.clear()
    secret = {"Authorization": f"Bearer {world.service.token('editor')}", "Cookie": "a=b"}
    text = "SELECT * { SERVICE <STUB/texts> { ?a ?b ?x } FILTER(?x = 7) }"
    reply = world.service.query(world.filled(text), 60, **secret)
    assert reply.status == 200
    (asked,) = world.asked
    query = urllib.parse.parse_qs(asked["body"])["query"][0]
    assert query.split("\n")[-1] == "SELECT * WHERE { ?a ?b ?x }"
    # What is relative in the clause means the same there as here.
    assert query.startswith(f"BASE <https://w3id.org/competency-graph/>\n{PREFIXES.strip()}")
    assert asked["Accept"] == "application/sparql-results+json"
    assert asked["Host"] == world.stub.removeprefix("http://")
    assert not {"Authorization", "Cookie", "Referer", "Origin"} & set(asked)


def test_a_row_without_a_binding_is_compatible_with_any(world: World) -> None:
    # The engine with a connection loses these rows (SPARQL 1.1 Query, 18.3).
    text = "SELECT ?x { ?s <urn:says> ?x SERVICE <STUB/unbound> { ?a ?b ?x } }"
    found = [row["x"] for row in world.service.rows(world.filled(text))]
    assert sorted(found) == ["7", "x", "x"]


@pytest.mark.parametrize("name", BAD)
def test_an_endpoint_that_fails_is_named_with_why(world: World, name: str) -> None:
    began = time.monotonic()
    reply = world.service.query(
        world.filled(f"SELECT * {{ SERVICE <STUB/{name}> {{ ?a ?b ?x }} }}")
    )
    assert time.monotonic() - began < 2.6
    told = reply.json()
    assert (reply.status, told["code"]) == (502, "service-failed")
    assert BAD[name] in str(told["detail"])
    assert told["endpoint"] == f"{world.stub}/{name}"


@pytest.mark.parametrize("name", ["404", "blank", "broken", "mute"])
def test_silent_is_one_solution_without_bindings(world: World, name: str) -> None:
    text = f"SELECT * {{ SERVICE SILENT <STUB/{name}> {{ ?a ?b ?x }} VALUES ?y {{ 1 2 }} }}"
    assert [sorted(row) for row in world.service.rows(world.filled(text))] == [["y"], ["y"]]


@pytest.mark.parametrize("name", TOO_MUCH)
@pytest.mark.parametrize("silent", ["", "SILENT"])
def test_silent_does_not_hide_that_there_is_more(world: World, name: str, silent: str) -> None:
    text = f"SELECT * {{ SERVICE {silent} <STUB/{name}> {{ ?a ?b ?x }} }}"
    reply = world.service.query(world.filled(text))
    told = reply.json()
    assert (reply.status, told["code"]) == (502, "service-too-large")
    assert f"more than {TOO_MUCH[name]}" in str(told["detail"])


def test_a_name_of_the_own_network_is_asked_where_it_is_marked(world: World) -> None:
    endpoint = world.stub.replace("127.0.0.1", "localhost") + "/texts"
    assert len(world.service.rows(f"SELECT * {{ SERVICE <{endpoint}> {{ ?a ?b ?x }} }}")) == 3


REFUSED = {
    "not allowed": ("SERVICE <urn:x> { ?a ?b ?x }", "and not urn:x"),
    "a variable": ("SERVICE ?a { ?a ?b ?x }", "by the variable ?a"),
    "inside another": (
        "SERVICE <REMOTE> { SERVICE <REMOTE> { ?a ?b ?x } }",
        "inside another",
    ),
    "inside EXISTS": ("FILTER EXISTS { { SERVICE <REMOTE> { ?a ?b ?x } } }", "inside EXISTS"),
    "too many": ("SERVICE <REMOTE> { ?a ?b ?x } " * 9, "may have 8 SERVICE clauses"),
    "no group": ("SERVICE <REMOTE>", "cannot be read after"),
    "in a union without a group": (
        "{} UNION SERVICE <REMOTE> { ?a ?b ?x }",
        "cannot be read after",
    ),
    "a fault elsewhere": ("SERVICE <REMOTE> { ?a ?b ?x } ?s ?p", "cannot be read after"),
    "a shared blank node": (
        "_:a ?b ?c SERVICE <REMOTE> { _:a ?b ?x }",
        "cannot be read",
    ),
    "an end that is not clear": (
        "SERVICE <REMOTE> { FILTER(1<'x>'||true) } . ?s ?p 'y' }",
        "cannot be read",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_done_is_refused_before_anybody_is_asked(world: World, name: str) -> None:
    text, said = REFUSED[name]
    reply = world.service.query(world.filled(f"SELECT * {{ {text} }}"))
    assert reply.status == 400, reply.body
    assert said in str(reply.json()["detail"])


def test_a_slow_endpoint_holds_up_nobody_else(world: World) -> None:
    slow = world.filled("SELECT * { SERVICE <STUB/mute> { ?a ?b ?x } }")
    threads = [threading.Thread(target=world.service.query, args=(slow,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    began = time.monotonic()
    assert world.service.query("ASK {}").status == 200
    assert time.monotonic() - began < 0.5
    for thread in threads:
        thread.join()


def test_the_command_line_says_that_it_asks_nobody(world: World) -> None:
    command = ["query", "-e", world.filled(ASKED["alone"])]
    command += ["--database", f"sqlite:///{world.service.folder}/log.db"]
    told = subprocess.run(
        [sys.executable, "-m", "competency_graph", *command],
        env={**os.environ, "COMPETENCY_GRAPH_SERVICE_ALLOW": world.remote},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 2
    assert "SERVICE asks another endpoint" in told.stderr


def test_the_service_description_names_who_may_be_asked(world: World, service: Service) -> None:
    def described(by: Service) -> Graph:
        return Graph().parse(data=by.get("/sparql", Accept="text/turtle").body, format="turtle")

    told = described(world.service)
    feature = told.value(None, URIRef(RDFS + "label"), Literal("SERVICE_ALLOW"))
    named = {str(value) for value in told.objects(feature, URIRef(RDF + "value"))}
    assert {world.remote, f"{world.stub}/texts"} < named
    assert f"private:{world.remote}" not in named
    federated = URIRef(SD + "BasicFederatedQuery")
    assert (None, None, federated) in told
    assert (None, None, federated) not in described(service)

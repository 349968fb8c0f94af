"""What cannot be understood or done is refused in the one body, with its place; nothing changes."""

import gzip
import http.client
import json
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from conftest import Reply, Service, start_service
from small_framework import GRAPH

_MOST = 11_000_000
_GOING = ("waiting", "running")
HERE = "/graphs?" + urllib.parse.urlencode({"graph": GRAPH})
SUBJECT = "<https://example.org/a> <https://example.org/b>"
RDF_XML = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="urn:e:">'
BOMB = (
    "<!DOCTYPE r ["
    + '<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + f']>{RDF_XML}<rdf:Description rdf:about="urn:e:x"><e:says>&i;</e:says>'
    "</rdf:Description></rdf:RDF>"
)


@dataclass(frozen=True)
class Case:
    """A request, and how it must be refused: status, code, and line and column where told."""

    status: int
    code: str
    body: bytes | str | None = ""
    place: tuple[int, int] | None = None
    method: str = "PUT"
    path: str = HERE
    kind: str | None = "text/turtle"
    headers: dict[str, str] = field(default_factory=dict)
    role: str | None = "editor"


def turtle(text: str | bytes, line: int | None = None, column: int | None = None) -> Case:
    place = None if line is None or column is None else (line, column)
    return Case(400, "unreadable-input", text, place)


def document(kind: str, text: str, *place: int) -> Case:
    told = (place[0], place[1]) if place else None
    return Case(400, "unreadable-input", text, told, kind=f"application/{kind}")


def literal(value: str, column: int | None = 50) -> Case:
    place = None if column is None else (1, column)
    return Case(400, "bad-literal", f"{SUBJECT} {value} .", place)


def update(
    text: str | bytes, code: str = "bad-query", place: tuple[int, int] | None = None
) -> Case:
    kind = "application/sparql-update"
    return Case(400, code, text, place, "POST", "/sparql", kind)


def inserted(value: str) -> str:
    return f"INSERT DATA {{ GRAPH <{GRAPH}> {{ {SUBJECT} {value} }} }}"


INSIDE = inserted("").index("}")
XSD = "<http://www.w3.org/2001/XMLSchema#"
DEEP = 100_000
CASES = {
    # Syntax, with line and column.
    "turtle without a full stop": turtle(f'{SUBJECT} "x"\n{SUBJECT} "y" .', 2, 1),
    "turtle with an unknown prefix": turtle("\n  ex:a ex:b ex:c .", 2, 3),
    "turtle that ends in a text": turtle(f'{SUBJECT} "x', 1, 49),
    "an iri with spaces": turtle(f"{SUBJECT} <https://example.org/no good> .", 1, 49),
    "n-triples with a prefix": document(
        "n-triples", f"{SUBJECT} <urn:c> .\nex:a ex:b ex:c .", 2, 1
    ),
    "rdf/xml that is not closed": document("rdf+xml", f"{RDF_XML}\n<rdf:Description>", 2, 18),
    "rdf/xml with a wrong closing tag": document("rdf+xml", f"{RDF_XML}\n</rdf:Rdf>", 2, 3),
    "json-ld with a comma too many": document("ld+json", '{\n"@id": "urn:a",}', 2, 16),
    "json that is no object": document("ld+json", "12", 1, 1),
    "trig that names another graph": Case(
        400, "bad-request", f'<urn:g> {{ {SUBJECT} "x" }}', kind="application/trig"
    ),
    "n-quads that name another graph": Case(
        400, "bad-request", f'{SUBJECT} "x" <urn:g> .', kind="application/n-quads"
    ),
    "json-ld that names another graph": Case(
        400,
        "bad-request",
        json.dumps({"@id": "urn:g", "@graph": [{"@id": "urn:a", "urn:b": 1}]}),
        kind="application/ld+json",
    ),
    "an update without an end": update("INSERT DATA { ", place=(1, 15)),
    "an update with an unknown prefix": update("\nINSERT DATA { ex:a ex:b ex:c }", place=(2, 20)),
    "a query as an update": update("SELECT * { ?s ?p ?o }", place=(1, 7)),
    # Encoding.
    "turtle in latin-1": turtle(f'{SUBJECT} "'.encode() + b'\xe9" .', 1, 50),
    "turtle in utf-16": turtle(f'{SUBJECT} "x" .'.encode("utf-16"), 1, 1),
    "an update in latin-1": update(inserted('"').encode() + b'\xe9" }'),
    "an update in utf-16": update(inserted('"x"').encode("utf-16")),
    "a byte order mark inside": turtle(f'\ufeff\ufeff{SUBJECT} "x" .', 1, 1),
    # Size and wrapping.
    "a compressed body": Case(
        415,
        "unsupported-media-type",
        gzip.compress(f'{SUBJECT} "x" .'.encode()),
        headers={"Content-Encoding": "gzip"},
    ),
    "a compressed body that does not say so": turtle(gzip.compress(b"x" * 100), 1, 2),
    # Bombs.
    "an entity bomb": document("rdf+xml", BOMB, 1, 1),
    "a document type": document("rdf+xml", f"\n<!DOCTYPE r>{RDF_XML}</rdf:RDF>", 2, 1),
    "deep turtle": turtle(f"{SUBJECT} " + "[ <urn:p> " * DEEP, 1, 10 * DEEP + 49),
    "deep turtle lists": turtle(f"{SUBJECT} " + "( " * DEEP, 1, 2 * DEEP + 49),
    "deep json-ld": document("ld+json", '{"urn:p":' * 3_000 + "1" + "}" * 3_000, 1, 4501),
    "deep json-ld lists": document("ld+json", "[" * DEEP, 1, 501),
    "a deep update": update("DELETE WHERE " + "{ " * DEEP, "too-deep"),
    "deep rdf/xml": Case(
        400, "unreadable-input", RDF_XML + "<e:a>" * DEEP, kind="application/rdf+xml"
    ),
    # Nothing is fetched.
    "a remote context": document(
        "ld+json", '{"@context": "CANARY/context", "@id": "urn:a", "x": "y"}'
    ),
    "an external entity": document(
        "rdf+xml", f'<!DOCTYPE r [<!ENTITY e SYSTEM "CANARY/e">]>{RDF_XML}&e;</rdf:RDF>', 1, 1
    ),
    "LOAD": update(f"LOAD <CANARY/a> INTO GRAPH <{GRAPH}>", "outbound-refused"),
    "SERVICE": update(
        f"INSERT {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }} "
        "WHERE { SERVICE <CANARY/b> { ?s ?p ?o } }",
        "outbound-refused",
    ),
    "SERVICE SILENT": update(
        f"INSERT {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }} "
        "WHERE { SERVICE SILENT <CANARY/c> { ?s ?p ?o } }",
        "outbound-refused",
    ),
    # Media types.
    "no media type": Case(415, "unsupported-media-type", f'{SUBJECT} "x" .', kind=None),
    "a media type of no rdf": Case(415, "unsupported-media-type", "{}", kind="application/json"),
    "turtle as rdf/xml": document("rdf+xml", f'{SUBJECT} "x" .', 1, 9),
    "turtle as json-ld": document("ld+json", f'{SUBJECT} "x" .', 1, 1),
    "a patch in turtle": Case(415, "unsupported-media-type", f'{SUBJECT} "x" .', method="PATCH"),
    "turtle at /sparql": Case(
        415, "unsupported-media-type", f'{SUBJECT} "x" .', None, "POST", "/sparql"
    ),
    # Who asks.
    "no token": Case(401, "unauthorised", f'{SUBJECT} "x" .', role=None),
    "no token and no turtle": Case(401, "unauthorised", "not turtle", role=None),
    "a reader": Case(403, "forbidden", f'{SUBJECT} "x" .', role="reader"),
    "a reader and no turtle": Case(403, "forbidden", "not turtle", role="reader"),
    "another scheme": Case(
        401, "unauthorised", "", role=None, headers={"Authorization": "Basic YTpi"}
    ),
    "a token of no characters": Case(
        401, "unauthorised", "", role=None, headers={"Authorization": "Bearer "}
    ),
    # Which graph.
    "an unknown graph": Case(404, "not-found", None, None, "DELETE", "/graphs?graph=urn:none"),
    "two graphs": Case(400, "bad-request", path="/graphs?graph=urn:a&graph=urn:b"),
    "a graph and the default one": Case(400, "bad-request", path="/graphs?graph=urn:a&default"),
    "no graph": Case(400, "bad-request", path="/graphs"),
    "an empty graph name": Case(400, "bad-request", path="/graphs?graph="),
    "the default graph": Case(400, "bad-request", f'{SUBJECT} "x" .', path="/graphs?default"),
    "a relative graph": Case(400, "bad-request", f'{SUBJECT} "x" .', path="/graphs?graph=mine"),
    "a graph with spaces": Case(
        400, "bad-request", f'{SUBJECT} "x" .', path="/graphs?graph=https://example.org/a%20b"
    ),
    "a graph that closes its bracket": Case(
        400, "bad-request", f'{SUBJECT} "x" .', path="/graphs?graph=urn:a%3E%7B%7D"
    ),
    "a patch of a graph that closes its bracket": Case(
        400,
        "bad-request",
        inserted('"x"'),
        None,
        "PATCH",
        "/graphs?graph=urn:a%3E%7B%7D",
        "application/sparql-update",
    ),
    "a relative using-graph-uri": Case(
        400,
        "bad-request",
        "DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
        None,
        "POST",
        "/sparql?using-graph-uri=mine",
        "application/sparql-update",
    ),
    "a graph with NUL": Case(400, "bad-request", f'{SUBJECT} "x" .', path="/graphs?graph=urn:a%00"),
    "an unknown parameter": Case(400, "unknown-parameter", path=HERE + "&colour=red"),
    "an unknown parameter of an update": Case(
        400,
        "unknown-parameter",
        inserted('"x"'),
        None,
        "POST",
        "/sparql?colour=red",
        "application/sparql-update",
    ),
    "two updates": Case(
        400,
        "bad-request",
        urllib.parse.urlencode([("update", "CLEAR ALL"), ("update", "CLEAR ALL")]),
        None,
        "POST",
        "/sparql",
        "application/x-www-form-urlencoded",
    ),
    "a wrong method": Case(405, "method-not-allowed", f'{SUBJECT} "x" .', path="/healthz"),
    "Min-Revision in words": Case(400, "bad-request", headers={"Min-Revision": "soon"}),
    "an If-Match of another state": Case(
        412, "precondition-failed", f'{SUBJECT} "x" .', headers={"If-Match": '"0"'}
    ),
    # Literals.
    "a byte out of range": literal(f'"300"^^{XSD}byte>', 49),
    "a date of letters": literal(f'"abc"^^{XSD}date>', 49),
    "a day that is none": literal(f'"2026-02-30"^^{XSD}date>', 49),
    "a text with NUL": literal(r'"a\u0000b"', 49),
    "a raw NUL": literal('"a\0b"', 49),
    "a lone surrogate": turtle(rf'{SUBJECT} "\uD800" .', 1, 50),
    "a lone surrogate in bytes": turtle(f'{SUBJECT} "'.encode() + b'\xed\xa0\x80" .', 1, 50),
    "a language of no letters": turtle(f'{SUBJECT} "x"@123 .', 1, 53),
    "a long literal of a number's type": Case(
        400, "bad-literal", f'{SUBJECT} "{"x" * 10_000_000}"^^{XSD}integer> .', (1, 49)
    ),
    "a byte out of range in json-ld": Case(
        400,
        "bad-literal",
        json.dumps({"@id": "urn:a", "urn:b": {"@value": "300", "@type": XSD[1:] + "byte"}}),
        (1, 38),
        kind="application/ld+json",
    ),
    "a byte out of range in rdf/xml": Case(
        400,
        "bad-literal",
        f'{RDF_XML}\n<rdf:Description rdf:about="urn:a"><e:b rdf:datatype="{XSD[1:]}byte">300</e:b>'
        "</rdf:Description></rdf:RDF>",
        (2, 94),
        kind="application/rdf+xml",
    ),
    "a byte out of range in an update": update(
        inserted(f'"300"^^{XSD}byte>'), "bad-literal", (1, INSIDE)
    ),
    "a lone surrogate in an update": update(inserted(r'"\uD800"'), place=(1, INSIDE + 8)),
    "a text with NUL in an update": update(inserted(r'"a\u0000b"'), "bad-literal", (1, INSIDE)),
    "an ill-typed literal that is computed": update(
        f"INSERT {{ GRAPH <{GRAPH}> {{ <urn:a> <urn:b> ?o }} }} "
        f'WHERE {{ BIND (STRDT("abc", {XSD}date>) AS ?o) }}',
        "bad-literal",
    ),
}


def send(service: Service, case: Case, url: str) -> Reply:
    headers = {} if case.kind is None else {"Content-Type": case.kind}
    if case.role is not None:
        headers["Authorization"] = f"Bearer {TOKENS[case.role]}"
    body = case.body.encode("utf-8") if isinstance(case.body, str) else case.body
    if body is not None:
        body = body.replace(b"CANARY", url.encode())
    reply = service.send(case.method, case.path, body, 60, headers | case.headers)
    deadline = time.monotonic() + 60
    while reply.status == 202 or (told := json.loads(reply.body)).get("state") in _GOING:
        assert time.monotonic() < deadline, reply.body
        # A large one is done in the background, and what refuses it is told there.
        case = replace(case, path=reply.headers.get("Location", case.path))
        reply = service.send("GET", case.path, None, 60, headers)
    if "result" not in told:
        return reply
    result = told["result"]
    told_by = {"Content-Type": "application/problem+json"}
    return Reply(result["status"], told_by, json.dumps(result).encode())


TOKENS: dict[str, str] = {}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("bad")
    service = start_service(folder, max_body=str(_MOST), kill_limit="off", seed="framework")
    TOKENS.update({role: service.token(role) for role in ("reader", "editor")})
    yield service
    TOKENS.clear()
    assert service.stop() == 0


def state(service: Service) -> tuple[str, list[bytes]]:
    reply = service.get("/graphs?default", Accept="application/n-triples")
    return reply.headers["Revision"], sorted(reply.body.splitlines())


def test_the_table_is_whole() -> None:
    assert len(CASES) == 80


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_in_the_one_body(
    running: Service, canary: tuple[str, list[str]], name: str
) -> None:
    case = CASES[name]
    url, heard = canary
    before = state(running)
    reply = send(running, case, url)
    told = json.loads(reply.body)
    places = told.get("places") or [told]
    assert (reply.status, told["code"]) == (case.status, case.code), told["detail"]
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert told["status"] == case.status
    assert {"type", "title", "detail"} <= set(told)
    assert len(told["detail"]) < 600
    if case.place is not None:
        assert (places[0]["line"], places[0]["column"]) == case.place, told["detail"]
    assert state(running) == before
    assert not heard


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [("PUT", HERE, "text/turtle"), ("POST", "/sparql", "application/sparql-update")],
)
def test_an_oversized_body_is_refused_before_it_is_sent(
    running: Service, method: str, path: str, kind: str
) -> None:
    before = state(running)
    asked = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=30)
    asked.putrequest(method, path)
    asked.putheader("Authorization", f"Bearer {TOKENS['editor']}")
    asked.putheader("Content-Type", kind)
    asked.putheader("Content-Length", str(_MOST + 1))
    asked.endheaders()
    answer = asked.getresponse()
    told = json.loads(answer.read())
    asked.close()
    assert (answer.status, told["code"]) == (413, "too-large")
    assert str(_MOST) in told["detail"]
    assert state(running) == before


def test_an_update_that_says_nothing_is_no_change(running: Service) -> None:
    reply = send(running, update(""), "")
    assert (reply.status, json.loads(reply.body)["recorded"]) == (200, False)

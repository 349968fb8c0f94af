"""SPARQL and graphs over HTTP: every form of a query, every refusal in the one error body."""

import time
import urllib.parse

import pytest
from conftest import Service

PROBLEMS = [
    ("/nowhere", 404, "not-found"),
    ("/sparql?default-graph-uri=urn:x", 400, "bad-request"),
    ("/sparql?query=ASK%7B%7D&query=ASK%7B%7D", 400, "bad-request"),
    ("/sparql?query=%FF", 400, "bad-request"),
    ("/sparql?update=CLEAR%20ALL", 400, "unknown-parameter"),
    ("/sparql?query=SELECT", 400, "bad-query"),
    ("/sparql?query=ASK%7B%7D&colour=red", 400, "unknown-parameter"),
    ("/sparql?query=ASK%7B%7D&timeout=3000", 400, "bad-request"),
    ("/sparql?query=ASK%7B%7D&format=pdf", 400, "bad-request"),
    ("/sparql?query=ASK%7B%7D&format=csv&format=tsv", 400, "bad-request"),
    ("/sparql?query=ASK%7B%7D&format=csv&output=tsv", 400, "bad-request"),
    ("/sparql?query=ASK%7B%7D&results=pdf", 400, "bad-request"),
    ("/sparql?query=ASK%7B%7D&format=ttl", 406, "not-acceptable"),
    ("/sparql?format=csv", 406, "not-acceptable"),
    ("/graphs/nothing/of/this/name", 404, "not-found"),
    ("/graphs/name?default", 400, "unknown-parameter"),
    ("/metrics?x=1", 400, "unknown-parameter"),
    ("/graphs?default&version=1", 400, "unknown-parameter"),
    ("/id/implementation-support?iri=x:y", 400, "unknown-parameter"),
    ("/ns?labels=yes", 400, "bad-request"),
    ("/healthz?x=1", 400, "unknown-parameter"),
    ("/graphs?graph=https://example.org/none", 404, "not-found"),
    ("/graphs?graph=no%20iri", 400, "bad-request"),
    ("/id?iri=x:%3Cscript%3E", 400, "bad-request"),
    ("/api/v1/roles/http:%2F%2F%3C%3E", 400, "bad-request"),
    ("/api/v1/competencies?type=%3C%3E", 400, "bad-request"),
    ("/api/v1/competencies?cursor=x", 400, "bad-request"),
    ("/sparql?query=SELECT*FROM%3Chttp://127.0.0.1:9/x%3E%7B%7D", 400, "bad-query"),
    ("/sparql?query=ASK%7B%7D&default-graph-uri=no%20iri", 400, "bad-request"),
]


@pytest.mark.parametrize(("path", "status", "code"), PROBLEMS)
def test_a_refusal_has_the_one_error_body(
    service: Service, path: str, status: int, code: str
) -> None:
    reply = service.get(path)
    assert reply.status == status
    assert reply.headers["Content-Type"] == "application/problem+json"
    told = reply.json()
    assert (told["status"], told["code"]) == (status, code)
    assert str(told["detail"]).endswith((".", "?"))
    assert {"type", "title"} <= set(told)


def test_every_form_of_a_query_is_answered_alike(service: Service) -> None:
    ask = "ASK { ?s ?p ?o }"
    get = service.get("/sparql?query=ASK%20%7B%20%3Fs%20%3Fp%20%3Fo%20%7D")
    form = service.query(ask)
    body = service.send("POST", "/sparql", ask.encode(), Content_Type="application/sparql-query")
    assert get.status == form.status == body.status == 200
    assert get.body == form.body == body.body
    assert form.json()["boolean"] is True


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/sparql-results+json", "application/sparql-results+json"),
        ("text/csv", "text/csv"),
        ("application/sparql-results+xml;q=0.3, text/tab-separated-values", "text/tab-separated"),
        ("*/*", "application/sparql-results+json"),
        ("text/*", "text/csv"),
        ("text/*;q=0.2, */*;q=0.1", "text/csv"),
        ("*/*, application/sparql-results+json;q=0", "application/sparql-results+xml"),
        ("text/*;q=0.9, text/csv;q=0.1, application/xml;q=0.5", "text/tab-separated"),
        ("text/csv; charset=utf-8", "text/csv"),
        ("Application/JSON", "application/sparql-results+json"),
    ],
)
def test_the_format_is_negotiated(service: Service, accept: str, media_type: str) -> None:
    reply = service.query("SELECT * { ?s ?p ?o } LIMIT 1", Accept=accept)
    assert reply.headers["Content-Type"].startswith(media_type)


@pytest.mark.parametrize(
    ("wanted", "of_rows", "of_a_graph"),
    [
        ("json", "application/sparql-results+json", "application/ld+json"),
        ("xml", "application/sparql-results+xml", "application/rdf+xml"),
        ("csv", "text/csv", None),
        ("tsv", "text/tab-separated-values", None),
        ("ttl", None, "text/turtle"),
        ("turtle", None, "text/turtle"),
        ("nt", None, "application/n-triples"),
        ("jsonld", None, "application/ld+json"),
        ("rdf", None, "application/rdf+xml"),
        ("trig", None, "application/trig"),
        ("nq", None, "application/n-quads"),
        ("application/sparql-results+xml", "application/sparql-results+xml", None),
        ("application%2Fld%2Bjson", None, "application/ld+json"),
        # What SPARQLWrapper sends.
        ("n3&output=n3&results=n3", None, "text/turtle"),
        ("rdf%2Bxml&format=application/rdf%2Bxml&output=rdf%2Bxml", None, "application/rdf+xml"),
        (
            "json-ld&format=application/ld%2Bjson,application/x-json%2Bld",
            None,
            "application/ld+json",
        ),
    ],
)
def test_format_stands_in_place_of_accept(
    service: Service, wanted: str, of_rows: str | None, of_a_graph: str | None
) -> None:
    for query, due in (("ASK%7B%7D", of_rows), ("DESCRIBE%20%3Curn:x%3E", of_a_graph)):
        reply = service.get(f"/sparql?query={query}&format={wanted}", Accept="image/png")
        kind = reply.headers["Content-Type"].partition(";")[0]
        assert (reply.status, kind) == ((200, due) if due else (406, "application/problem+json"))


def test_the_request_chooses_graphs_in_place_of_the_text(service: Service) -> None:
    ontology, nothing = "https://w3id.org/competency-graph/graph/ontology", "urn:x-nothing"
    ask = "ASK FROM <{}> {{ ?s ?p ?o }}"

    def asked(text: str, graph: str) -> bool:
        body = urllib.parse.urlencode({"query": text, "default-graph-uri": graph}).encode()
        return service.send("POST", "/sparql", body).json()["boolean"] is True

    assert asked(ask.format(ontology), ontology)
    assert not asked(ask.format(ontology), nothing), "a graph that is not there is empty"
    assert asked(ask.format(nothing), ontology)
    beside = f"/sparql?named-graph-uri={ontology}"
    text = b"ASK { GRAPH ?g { ?s ?p ?o } }"
    reply = service.send("POST", beside, text, Content_Type="application/sparql-query")
    assert reply.json()["boolean"] is True


def test_a_relative_name_is_one_of_this_service(service: Service) -> None:
    role = "https://w3id.org/competency-graph/id/implementation-support/role/isp"
    for text in (
        "SELECT DISTINCT ?s { ?s a ?class FILTER(?s = <id/implementation-support/role/isp>) }",
        f"BASE <{role}> SELECT DISTINCT ?s FROM <../../../graph/implementation-support> "
        "{ ?s a ?class FILTER(?s = <>) }",
    ):
        assert service.rows(text) == [{"s": role}], text


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"ASK {}", "application/sparql-query; charset=UTF-8", 200),
        (b"ASK {}", "application/sparql-query; charset=UTF-16", 415),
        ("ASK {}".encode("utf-16"), "application/sparql-query", 400),
        (b"query=ASK%7B%7D", "application/x-www-form-urlencoded; charset=utf-8", 200),
        (b"query=ASK%7B%7D", "application/x-www-form-urlencoded; charset=latin1", 415),
        (b"query=ASK%7B%7D%FF", "application/x-www-form-urlencoded", 400),
        (b"query=ASK%7B%7D", "text/plain", 415),
        ("ASK { ?s ?p '\ufffd' }".encode(), "application/sparql-query", 200),
    ],
)
def test_everything_is_utf_8(service: Service, body: bytes, kind: str, status: int) -> None:
    assert service.send("POST", "/sparql", body, Content_Type=kind).status == status


def test_a_format_that_nobody_offers_is_406_with_the_list(service: Service) -> None:
    reply = service.query("SELECT * { ?s ?p ?o } LIMIT 1", Accept="image/png")
    assert reply.status == 406
    assert "text/csv" in str(reply.json()["offered"])
    assert service.get("/graphs", Accept="text/turtle").json()["offered"] == ["application/json"]


def test_an_update_is_not_taken_as_a_query(service: Service) -> None:
    assert service.query("INSERT DATA { <a:a> <a:b> <a:c> }").status == 400
    reply = service.send("POST", "/sparql", b"CLEAR ALL", Content_Type="application/sparql-update")
    assert reply.status == 401, "changing something needs a token"


def test_validators_hold(service: Service) -> None:
    first = service.query("ASK { ?s ?p ?o }")
    assert first.headers["Revision"] == "1"
    again = service.query("ASK { ?s ?p ?o }", If_None_Match=first.headers["ETag"])
    assert again.status == 200, "a POST is never 304"
    path = "/sparql?query=ASK%7B%7D"
    etag = service.get(path).headers["ETag"]
    assert service.get(path, If_None_Match=etag).status == 304


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/roles",
        "/api/v1/openapi.json",
        "/api/v1/docs",
        "/api/v1/context.jsonld",
        "/graphs",
        "/graphs?default",
        "/graph/ontology",
        "/id/implementation-support",
        "/ns",
        "/shapes",
        "/docs/api",
        "/healthz",
        "/readyz",
        "/static/style.css",
    ],
)
def test_every_answer_has_its_validators(service: Service, path: str) -> None:
    reply = service.get(path)
    assert reply.status == 200
    assert reply.headers["Revision"] == "1"
    assert reply.headers["ETag"].startswith('"')
    assert "Accept-Language" in reply.headers["Vary"]
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    again = service.get(path, If_None_Match=reply.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    head = service.send("HEAD", path, None)
    assert (head.status, head.headers["ETag"], head.body) == (200, reply.headers["ETag"], b"")


@pytest.mark.parametrize("path", ["/api/v1/roles", "/id/implementation-support", "/graphs"])
def test_another_state_than_asked_for_is_412(service: Service, path: str) -> None:
    etag = service.get(path).headers["ETag"]
    assert service.get(path, If_Match=etag).status == 200
    reply = service.get(path, If_Match='"other"')
    assert reply.status == 412
    assert reply.json()["code"] == "precondition-failed"


def test_a_revision_that_is_not_here_yet_is_waited_for(service: Service) -> None:
    path = "/api/v1/roles/isp"
    assert service.get(path).status == 200
    assert service.get(path, Min_Revision="1").status == 200
    began = time.monotonic()
    reply = service.get(path, Min_Revision="2")
    assert (reply.status, reply.json()["code"]) == (503, "unavailable")
    assert int(reply.headers["Retry-After"]) > 0
    assert time.monotonic() - began > 1.5
    assert service.get(path, Min_Revision="soon").status == 400


@pytest.mark.parametrize("path", ["/sparql?query=ASK%7B%7D", "/sparql", "/graphs?default"])
def test_head_says_what_get_would(service: Service, path: str) -> None:
    head, get = service.send("HEAD", path, None), service.get(path)
    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/sparql", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("/graphs", {"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"}),
        ("/graphs/of/this/name", {"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"}),
    ],
)
def test_a_script_of_another_site_may_ask_and_write(
    service: Service, path: str, methods: set[str]
) -> None:
    wish = {"Access-Control-Request-Method": "PUT", "Origin": "https://example.org"}
    asked = "authorization,content-type,if-match"
    reply = service.send(
        "OPTIONS", path, None, headers=wish | {"Access-Control-Request-Headers": asked}
    )
    assert reply.status == 200
    assert set(reply.headers["Access-Control-Allow-Methods"].split(", ")) == methods
    allowed = reply.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert set(asked.split(",")) <= set(allowed)
    assert reply.headers["Access-Control-Allow-Origin"] == "*"


def test_a_wrong_method_names_the_right_ones(service: Service) -> None:
    reply = service.send("DELETE", "/sparql", None)
    assert reply.status == 405
    assert "POST" in reply.headers["Allow"]


@pytest.mark.parametrize("graph", ["https://w3id.org/competency-graph/graph/ontology", "urn:none"])
def test_whoever_looks_at_a_graph_sees_how_to_change_it(service: Service, graph: str) -> None:
    reply = service.get(f"/graphs?graph={graph}")
    assert reply.headers["Accept-Patch"] == "application/sparql-update"
    assert {"PUT", "PATCH"} <= set(reply.headers["Allow"].split(", "))


def test_head_and_options_are_answered(service: Service) -> None:
    head = service.send("HEAD", "/graphs", None)
    assert (head.status, head.body) == (200, b"")
    options = service.send("OPTIONS", "/graphs", None)
    assert options.status == 200
    assert options.headers["Access-Control-Allow-Origin"] == "*"
    assert "Min-Revision" in options.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in options.headers


def test_a_graph_is_given_whole(service: Service) -> None:
    name = "https://w3id.org/competency-graph/graph/ontology"
    whole = service.get(f"/graphs?graph={name}", Accept="application/n-triples")
    counted = service.rows(f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{name}> {{ ?s ?p ?o }} }}")
    assert whole.status == 200
    assert len(whole.body.splitlines()) == int(counted[0]["n"]) > 0


def test_a_large_answer_is_whole_with_its_length(service: Service) -> None:
    reply = service.query("SELECT * { ?a ?b ?c . ?s ?p ?o } LIMIT 20000", Accept="text/csv")
    assert reply.status == 200
    assert int(reply.headers["Content-Length"]) == len(reply.body) > 65_536


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("ASK {\n ?s a skos:Concept }", (2, 19), "“?s a skos:Concept” (line 2, column 19)"),
        ("SELECT * { ?s ?p ?o", (1, 20), "missing bracket"),
        ("ASK { ?s a skos:Concept }", (1, 24), "a prefix that no PREFIX line declares"),
        ("ASK { ?s <http://a:b/> ?o }", (1, 23), "An IRI there is not well formed"),
        ("SELECT ?a (COUNT(?b) AS ?n) { ?a ?p ?b }", (1, 41), "a variable that is unbound."),
        ("SELECT * { ?a ?b ?c } GROUP BY ?a", (1, 34), "not authorized with GROUP BY."),
    ],
)
def test_a_query_that_cannot_be_read_says_where_and_why(
    service: Service, text: str, place: tuple[int, int], said: str
) -> None:
    told = service.query(text).json()
    assert told["code"] == "bad-query"
    assert (told["line"], told["column"]) == place
    assert said in str(told["detail"])
    assert "[" not in str(told["detail"]), "no grammar of the parser"


def test_an_update_is_told_apart_from_a_query_that_cannot_be_read(service: Service) -> None:
    for text in ("CLEAR ALL", "PREFIX x: <urn:x:>\ninsert data { x:a x:b x:c }"):
        assert "This is an update" in str(service.query(text).json()["detail"])


def test_a_query_in_another_encoding_is_refused(service: Service) -> None:
    text = 'ASK { ?s ?p "größer" }'.encode("latin-1")
    reply = service.send("POST", "/sparql", text, Content_Type="application/sparql-query")
    assert (reply.status, reply.json()["code"]) == (400, "bad-request")
    assert "UTF-8" in str(reply.json()["detail"])


@pytest.mark.parametrize(
    "path",
    [
        "/id/implementation-support/role/isp",
        "/id?iri=https%3A%2F%2Fw3id.org%2Fcompetency-graph%2Fid%2Fimplementation-support%2Frole%2Fisp",
        "/graph/example-assessments",
        "/ns",
        "/ontology/role",
        "/shapes",
    ],
)
def test_labels_add_what_all_iris_are_called(service: Service, path: str) -> None:
    mark = "&" if "?" in path else "?"
    plain = service.get(path, Accept="application/n-triples")
    asked = f"{path}{mark}labels=true"
    named = service.get(asked, Accept="application/n-triples")
    before, after = plain.body.splitlines(), named.body.splitlines()
    assert len(set(after)) == len(after), "nothing is said twice"
    assert set(before) <= set(after)
    assert len(after) > len(before) or path == "/ns", "only the ontology names all that it uses"
    calls = (b"/core#prefLabel> ", b"/rdf-schema#label> ", b"/dc/terms/title> ")
    assert all(any(call in line for call in calls) for line in set(after) - set(before))
    assert service.get(f"{path}{mark}labels=false", Accept="application/n-triples").body == (
        plain.body
    )
    assert service.get(asked, Accept="text/html").status == 200


def test_a_graph_that_says_nothing_of_itself_has_a_page_too(service: Service) -> None:
    reply = service.get("/graph/ontology", Accept="text/html")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert service.get("/graph/nothing", Accept="text/html").status == 404

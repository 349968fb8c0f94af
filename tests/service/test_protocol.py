"""SPARQL and graphs over HTTP: every form of a query, every refusal in the one error body."""

import pytest
from conftest import Service

PROBLEMS = [
    ("/nowhere", 404, "not-found"),
    ("/sparql", 400, "bad-request"),
    ("/sparql?query=SELECT", 400, "bad-query"),
    ("/sparql?query=ASK%7B%7D&colour=red", 400, "unknown-parameter"),
    ("/healthz?x=1", 400, "unknown-parameter"),
    ("/graphs?graph=https://example.org/none", 404, "not-found"),
    ("/graphs?graph=no%20iri", 400, "bad-request"),
    ("/id?iri=x:%3Cscript%3E", 400, "bad-request"),
    ("/api/v1/roles/http:%2F%2F%3C%3E", 400, "bad-request"),
    ("/api/v1/competencies?type=%3C%3E", 400, "bad-request"),
    ("/api/v1/competencies?cursor=x", 400, "bad-request"),
    ("/sparql?query=SELECT*FROM%3Chttp://127.0.0.1:9/x%3E%7B%7D", 400, "bad-query"),
    ("/sparql?query=ASK%7B%7D&default-graph-uri=http://127.0.0.1:9/x", 400, "bad-query"),
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
    ],
)
def test_the_format_is_negotiated(service: Service, accept: str, media_type: str) -> None:
    reply = service.query("SELECT * { ?s ?p ?o } LIMIT 1", Accept=accept)
    assert reply.headers["Content-Type"].startswith(media_type)


def test_a_format_that_nobody_offers_is_406_with_the_list(service: Service) -> None:
    reply = service.query("SELECT * { ?s ?p ?o } LIMIT 1", Accept="image/png")
    assert reply.status == 406
    assert "text/csv" in str(reply.json()["offered"])


def test_an_update_is_not_taken_as_a_query(service: Service) -> None:
    assert service.query("INSERT DATA { <a:a> <a:b> <a:c> }").status == 400
    reply = service.send("POST", "/sparql", b"CLEAR ALL", Content_Type="application/sparql-update")
    assert reply.status == 415


def test_validators_hold(service: Service) -> None:
    first = service.query("ASK { ?s ?p ?o }")
    assert first.headers["Revision"] == "1"
    again = service.query("ASK { ?s ?p ?o }", If_None_Match=first.headers["ETag"])
    assert again.status == 200, "a POST is never 304"
    path = "/sparql?query=ASK%7B%7D"
    etag = service.get(path).headers["ETag"]
    assert service.get(path, If_None_Match=etag).status == 304


def test_a_wrong_method_names_the_right_ones(service: Service) -> None:
    reply = service.send("DELETE", "/sparql", None)
    assert reply.status == 405
    assert "POST" in reply.headers["Allow"]


def test_head_and_options_are_answered(service: Service) -> None:
    head = service.send("HEAD", "/graphs", None)
    assert (head.status, head.body) == (200, b"")
    options = service.send("OPTIONS", "/graphs", None)
    assert options.status == 200
    assert options.headers["Access-Control-Allow-Origin"] == "*"


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

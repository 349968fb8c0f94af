"""Graphs over HTTP: by their own address, as files of a form, and new ones."""

from collections.abc import Iterator

import pytest
from conftest import Reply, Service, start_service

TURTLE = b"<#a> <https://example.org/says> _:b . _:b <https://example.org/says> 'Hello'."
BOUNDARY = "x-boundary"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    running = start_service(tmp_path_factory.mktemp("graphs"), seed="none", validation="off")
    yield running, running.token("maintainer")
    assert running.stop() == 0


def send(
    store: tuple[Service, str], method: str, path: str, body: bytes | None, kind: str
) -> Reply:
    service, token = store
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    return service.send(method, path, body, 60, headers)


def lines(service: Service, path: str) -> list[bytes]:
    return service.get(path, Accept="application/n-triples").body.splitlines()


def form(*parts: tuple[str, str, bytes]) -> bytes:
    """Return a form with files: name, type, content."""
    text = b""
    for name, kind, content in parts:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="data"; filename="{name}"'
        text += f"{head}\r\nContent-Type: {kind}\r\n\r\n".encode() + content + b"\r\n"
    return text + f"--{BOUNDARY}--\r\n".encode()


FORM = f"multipart/form-data; boundary={BOUNDARY}"


def test_a_graph_is_named_by_its_address(store: tuple[Service, str]) -> None:
    service, _ = store
    path = "/graphs/people/%31.ttl"
    assert send(store, "PUT", path + "?message=First", TURTLE, "text/turtle").status == 201
    assert send(store, "PUT", path, TURTLE, "text/turtle").status == 200
    assert service.url + path in service.get("/graphs").json()["graphs"]  # type: ignore[operator]
    held = lines(service, path)
    assert sorted(held) == sorted(
        lines(service, "/graphs?graph=" + service.url + "/graphs/people/%2531.ttl")
    )
    assert len(held) == 2
    assert any(line.startswith(f"<{service.url}{path}#a>".encode()) for line in held), (
        "relative names are relative to that of the graph"
    )
    patch = b"DELETE WHERE { ?s ?p 'Hello' }"
    assert send(store, "PATCH", path, patch, "application/sparql-update").status == 200
    assert len(lines(service, path)) == 1
    assert send(store, "DELETE", path, None, "text/turtle").status == 200
    assert service.get(path).status == service.send("HEAD", path, None).status == 404
    assert send(store, "DELETE", path, None, "text/turtle").status == 404


def test_a_post_that_names_no_graph_makes_one(store: tuple[Service, str]) -> None:
    service, _ = store
    first, second = (send(store, "POST", "/graphs", TURTLE, "text/turtle") for _ in range(2))
    assert first.status == second.status == 201
    assert first.headers["Location"] != second.headers["Location"]
    path = first.headers["Location"].removeprefix(service.url)
    assert len(lines(service, path)) == 2
    assert send(store, "PUT", "/graphs", TURTLE, "text/turtle").status == 400, "which?"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("application/n-quads", b""),
        ("application/n-quads", b"<urn:x-quads>"),
        ("application/trig", b""),
    ],
)
def test_a_syntax_that_can_name_graphs_may_name_none_or_the_one(
    store: tuple[Service, str], kind: str, name: bytes
) -> None:
    line = b'<urn:a> <urn:b> "c" '
    assert send(store, "PUT", "/graphs?graph=urn:x-quads", line + name + b" .", kind).status < 300
    assert lines(store[0], "/graphs?graph=urn:x-quads") == [line + b"."]


def test_files_of_a_form_are_added_in_one_change(store: tuple[Service, str]) -> None:
    service, _ = store
    files = form(
        ("one.ttl", "text/turtle; charset=utf-8", TURTLE),
        ("two.nt", "application/octet-stream", b"<urn:a> <urn:b> _:b .\n"),
    )
    reply = send(store, "POST", "/graphs?graph=urn:x-form", files, FORM)
    assert reply.status == 201, reply.body
    held = lines(service, "/graphs?graph=urn:x-form")
    assert len(held) == 3
    nodes = {line.split()[0] for line in held} | {line.split()[2] for line in held}
    assert len([node for node in nodes if node.startswith(b"_:")]) == 2, "each file has its own"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (form(), 400, "Send a form of files"),
        (form(("what", "image/png", b"")), 415, "what"),
        (form(("a.ttl", "text/turtle; charset=latin1", b"")), 415, "UTF-8"),
        (form(("a.nq", "application/n-quads", b'<a:b> <a:c> "1" <a:d> .')), 400, "a:d itself"),
        (form(("a.ttl", "text/turtle", b"<a>")), 400, "a.ttl:1"),
    ],
)
def test_a_form_that_is_none_is_refused(
    store: tuple[Service, str], body: bytes, status: int, said: str
) -> None:
    reply = send(store, "POST", "/graphs?graph=urn:x-none", body, FORM)
    assert (reply.status, said in str(reply.json()["detail"])) == (status, True), reply.body


def test_values_of_the_wrong_type_are_kept_where_nothing_is_judged(
    store: tuple[Service, str],
) -> None:
    kind = b"^^<http://www.w3.org/2001/XMLSchema#date>"
    line = b'<urn:a> <urn:b> "tomorrow"' + kind
    body = b"INSERT DATA { GRAPH <urn:x-dates> { " + line + b" } }"
    assert send(store, "POST", "/sparql", body, "application/sparql-update").status == 200
    assert (
        send(store, "POST", "/graphs?graph=urn:x-dates", line + b" .", "text/turtle").status == 200
    )
    assert lines(store[0], "/graphs?graph=urn:x-dates") == [line + b" ."]

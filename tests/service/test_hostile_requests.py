"""Requests that were cut off, that weigh too much, or that wait for each other harm nobody else."""

import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator

import pytest
from conftest import Service, start_service
from helping import competency, framework, put, revision

GRAPH = "https://example.org/graph/lines"
HERE = "/graphs?" + urllib.parse.urlencode({"graph": GRAPH})
LINES = [f'<urn:s{n}> <urn:p> "{n}" .\n'.encode() for n in range(10)]
FORM = "application/x-www-form-urlencoded"
UPDATE = "application/sparql-update"
LARGE = 10_000_000


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(tmp_path_factory.mktemp("hostile"), workers="2")
    yield service
    assert service.stop() == 0


@pytest.fixture(scope="module")
def token(running: Service) -> str:
    return running.token("editor")


def connected(service: Service, start: str, *headers: str) -> socket.socket:
    host, port = service.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    head = "\r\n".join(
        (f"{start} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", "")
    )
    connection.sendall(head.encode())
    return connection


def whole(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    ("length", "sent"),
    [
        ("Content-Length: 1000", LINES[0]),
        ("Transfer-Encoding: chunked", b"40\r\n" + LINES[0]),
        ("Transfer-Encoding: chunked", b"ZZ\r\n" + LINES[0] + b"\r\n0\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_body_that_was_cut_off_changes_nothing(
    running: Service, token: str, method: str, length: str, sent: bytes
) -> None:
    bearer = {"Authorization": f"Bearer {token}", "Content-Type": "application/n-triples"}
    assert running.send("PUT", HERE, b"".join(LINES), headers=bearer).status in (200, 201)
    before = revision(running)
    told = [f"{name}: {value}" for name, value in bearer.items()]
    with connected(running, f"{method} {HERE}", *told, length) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = whole(connection)
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert b"nothing was done" in answer
    assert revision(running) == before


@pytest.mark.parametrize(
    ("start", "kind", "status"),
    [
        (f"PUT {HERE}", "text/turtle", 401),
        ("POST /graphs", "application/n-quads", 401),
        (f"PATCH {HERE}", UPDATE, 401),
        ("POST /sparql", UPDATE, 401),
        ("POST /sparql", "application/sparql-query", 400),
        ("POST /sparql", FORM, 400),
        ("POST /sign-in", FORM, 413),
        ("POST /changes/1/revert", FORM, 401),
    ],
)
def test_of_strangers_no_large_body_is_waited_for(
    running: Service, start: str, kind: str, status: int
) -> None:
    told = (f"Content-Type: {kind}", f"Content-Length: {LARGE}")
    with connected(running, start, *told) as connection:
        answer = whole(connection)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer


def test_an_unknown_token_has_no_large_body_read(running: Service) -> None:
    told = ("Authorization: Bearer wrong", "Content-Type: text/turtle")
    with connected(running, f"PUT {HERE}", *told, f"Content-Length: {LARGE}") as connection:
        assert whole(connection).startswith(b"HTTP/1.1 401 ")


def test_parameters_that_weigh_too_much_are_told_so(running: Service, token: str) -> None:
    graph = "urn:" + "a" * 2_000_000
    fields = {"update": "CLEAR SILENT GRAPH <urn:a>", "using-graph-uri": graph}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": FORM}
    body = urllib.parse.urlencode(fields).encode()
    reply = running.send("POST", "/sparql", body, headers=headers)
    assert (reply.status, reply.json()["code"]) == (413, "too-large")
    body = urllib.parse.urlencode({"message": "a" * 100_000}).encode()
    reply = running.send("POST", "/changes/1/revert", body, headers=headers)
    assert (reply.status, reply.json()["code"]) == (413, "too-large")


def test_a_graph_that_is_to_be_new_replaces_none(running: Service, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/turtle"}
    path = "/graphs?" + urllib.parse.urlencode({"graph": "https://example.org/graph/only-new"})
    statuses = [
        running.send("PUT", path, LINES[n], headers=headers, If_None_Match="*").status
        for n in range(2)
    ]
    assert statuses == [201, 412]
    # What cannot be kept is refused, never passed over.
    for name in ("If-Match", "If-None-Match"):
        told = headers | {"Content-Type": UPDATE, name: '"x"'}
        assert running.send("POST", "/sparql", b"CLEAR ALL", headers=told).status == 400


def test_changes_that_wait_for_each_other_keep_nobody_else_waiting(
    running: Service, token: str
) -> None:
    text = framework(more="".join(competency(f"c{n}") for n in range(300)))
    statuses: list[int] = []

    def send() -> None:
        statuses.append(put(running, token, text).status)

    writers = [threading.Thread(target=send) for _ in range(30)]
    for writer in writers:
        writer.start()
    time.sleep(0.5)
    began = time.monotonic()
    assert running.get("/changes?limit=1", timeout=20).status == 200
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/turtle"}
    other = "/graphs?" + urllib.parse.urlencode({"graph": "https://example.org/graph/other"})
    assert running.send("PUT", other, LINES[0], 30, headers).status == 201
    waited, waiting = time.monotonic() - began, sum(w.is_alive() for w in writers)
    for writer in writers:
        writer.join()
    assert waiting > 15, "the writers were too quick to show anything"
    assert waited < 10
    assert set(statuses) <= {200, 201}

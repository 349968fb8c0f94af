"""A large change is done in the background: it is told how far it is, and can be stopped."""

import json
import threading
import time
import urllib.parse
from collections.abc import Iterator

import pytest
from competency_graph.web.writing import MOST_WAITED_FOR
from conftest import Reply, Service, start_service

GRAPH = "https://example.org/graph/many"
LOOK_UP = "/api/v1/competencies/bt-interpersonal-trust?framework=implementation-support"
_SKOS = "http://www.w3.org/2004/02/skos/core#"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(tmp_path_factory.mktemp("jobs"), workers="2", kill_limit="off")
    yield service
    assert service.stop() == 0


@pytest.fixture(scope="module")
def maintainer(running: Service) -> str:
    return running.token("maintainer")


@pytest.fixture(scope="module")
def editor(running: Service) -> str:
    return running.token("editor")


def concepts(count: int, *, class_: str = _SKOS + "Concept", graph: str = GRAPH) -> bytes:
    """Return a scheme of concepts in a tree, four statements each, as N-Quads."""
    kind = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
    scheme = "https://example.org/" + graph.rpartition("/")[2]
    lines = [
        f"<{scheme}> <{kind}> <{_SKOS}ConceptScheme> <{graph}> .",
        f'<{scheme}> <{_SKOS}prefLabel> "Many"@en <{graph}> .',
    ]
    for number in range(count):
        thing = f"<{scheme}/{number}>"
        parent = f"<{scheme}/{number // 10}>" if number >= 10 else None
        lines.append(f"{thing} <{kind}> <{class_}> <{graph}> .")
        lines.append(f'{thing} <{_SKOS}prefLabel> "Thing {number}"@en <{graph}> .')
        lines.append(f"{thing} <{_SKOS}inScheme> <{scheme}> <{graph}> .")
        if parent:
            lines.append(f"{thing} <{_SKOS}broader> {parent} <{graph}> .")
    return "\n".join(lines).encode() + b"\n"


def put(service: Service, token: str, body: bytes, query: str = "", **headers: str) -> Reply:
    named = {"Authorization": f"Bearer {token}", "Content-Type": "application/n-quads", **headers}
    return service.send("PUT", f"/graphs{query}", body, 120, headers=named)


def look(service: Service, token: str, path: str, method: str = "GET") -> Reply:
    return service.send(method, path, None, headers={"Authorization": f"Bearer {token}"})


def finished(service: Service, token: str, path: str, seconds: float = 120) -> dict[str, object]:
    """Wait until a job is over; what it says of itself on the way must make sense."""
    deadline = time.monotonic() + seconds
    before = -1
    while time.monotonic() < deadline:
        reply = look(service, token, path)
        assert reply.status == 200, reply.body
        told = reply.json()
        if told["ended"] is not None:
            return told
        percentage = told["percentage"]
        assert isinstance(percentage, int) and before <= percentage < 100
        before = percentage
        time.sleep(0.05)
    raise AssertionError(f"The job did not end: {told}")


def revision(service: Service) -> int:
    return int(service.get("/healthz").headers["Revision"])


LATER = {"Prefer": "respond-async"}


def test_a_large_change_is_answered_before_it_is_done(running: Service, maintainer: str) -> None:
    body = concepts(8_000)
    assert len(body) > MOST_WAITED_FOR
    reply = put(running, maintainer, body, "?validate=false")
    assert reply.status == 202, reply.body
    path = reply.headers["Location"]
    assert path.startswith("/jobs/")
    assert reply.json()["id"] == path
    told = finished(running, maintainer, path)
    assert (told["state"], told["percentage"]) == ("done", 100)
    result = told["result"]
    assert isinstance(result, dict)
    assert result["recorded"] is True
    assert result["added"] == body.count(b"\n")
    assert result["revision"] == revision(running)
    address = "/graphs?graph=" + urllib.parse.quote(GRAPH, safe="")
    held = running.get(address, Accept="application/n-triples").body
    assert held.count(b"\n") == body.count(b"\n")


def test_a_refused_job_tells_what_the_waiting_client_would_be_told(
    running: Service, editor: str
) -> None:
    body = concepts(3).replace(b'"Thing 1"@en', b'""@en').replace(b"Thing 2", b" ")
    before = revision(running)
    at_once = put(running, editor, body)
    assert at_once.status == 422, at_once.body
    reply = put(running, editor, body, **LATER)
    assert reply.status == 202
    told = finished(running, editor, reply.headers["Location"])
    assert told["state"] == "failed"
    assert told["result"] == json.loads(at_once.body)
    assert revision(running) == before


def test_a_job_is_seen_by_who_began_it_and_by_an_admin(running: Service, editor: str) -> None:
    reply = put(running, editor, concepts(2, graph="https://example.org/graph/mine"), **LATER)
    path = reply.headers["Location"]
    assert finished(running, editor, path)["state"] == "done"
    assert look(running, running.token("editor"), path).status == 404
    assert look(running, running.token("admin"), path).status == 200
    assert look(running, editor, "/jobs/0123456789abcdef").status == 404
    assert running.get(path).status == 401
    assert look(running, running.token("editor"), path, "DELETE").status == 404


def test_a_token_that_may_not_write_begins_no_job(running: Service) -> None:
    assert put(running, "cg_9_" + "0" * 64, concepts(2), **LATER).status == 401
    reader = running.token("reader")
    reply = put(running, reader, concepts(2), **LATER)
    assert (reply.status, reply.json()["code"]) == (403, "forbidden")


def test_a_running_job_is_stopped_and_leaves_nothing(running: Service, editor: str) -> None:
    before = revision(running)
    slow = concepts(20_000, class_="https://w3id.org/competency-graph/ns#Competency")
    first = put(running, editor, slow)
    second = put(running, editor, concepts(2, graph="https://example.org/graph/second"), **LATER)
    paths = [reply.headers["Location"] for reply in (first, second)]
    while (told := look(running, editor, paths[0]).json())["state"] == "waiting":
        time.sleep(0.02)
    assert told["state"] == "running"
    assert look(running, editor, paths[1]).json()["state"] == "waiting"
    began = time.monotonic()
    stopped = look(running, editor, paths[0], "DELETE").json()
    assert stopped["state"] == "cancelled"
    assert time.monotonic() - began < 5
    # What waited behind it has its turn at once, and forks are free for others.
    assert finished(running, editor, paths[1], 20)["state"] == "done"
    assert revision(running) == before + 1
    assert look(running, editor, paths[0], "DELETE").json()["state"] == "cancelled"


def test_a_job_that_waits_is_stopped(running: Service, editor: str) -> None:
    slow = concepts(20_000, class_="https://w3id.org/competency-graph/ns#Competency")
    first = put(running, editor, slow).headers["Location"]
    second = put(running, editor, concepts(4), **LATER).headers["Location"]
    assert look(running, editor, second, "DELETE").json()["state"] == "cancelled"
    assert look(running, editor, first, "DELETE").json()["state"] == "cancelled"


def test_what_was_recorded_before_it_was_stopped_stays(running: Service, editor: str) -> None:
    body = concepts(2, graph="https://example.org/graph/stays")
    path = put(running, editor, body, **LATER).headers["Location"]
    assert finished(running, editor, path)["state"] == "done"
    now = revision(running)
    told = look(running, editor, path, "DELETE").json()
    assert told["state"] == "done"
    assert revision(running) == now


def test_look_ups_succeed_while_much_is_imported(running: Service, maintainer: str) -> None:
    statuses: list[int] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            statuses.append(running.get(f"{LOOK_UP}&lang=en").status)

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    try:
        body = concepts(25_000, graph="https://example.org/graph/import")
        assert body.count(b"\n") > 99_000
        reply = put(running, maintainer, body, "?validate=false")
        told = finished(running, maintainer, reply.headers["Location"])
    finally:
        over.set()
        for thread in asking:
            thread.join()
    assert told["state"] == "done", told
    assert len(statuses) > 50
    assert set(statuses) == {200}

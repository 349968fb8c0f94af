"""The log for people over HTTP: who changed what, when and why, and back again."""

import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Reply, Service, start_service
from helping import FRAMEWORK, LISTENING, TALKING, framework, put, revision


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service in which one framework was made (2), and a label changed twice (3, 4)."""
    service = start_service(tmp_path_factory.mktemp("changes"), workers="2")
    token = service.token("editor")
    for label in ("Listening", "Hearing", "Attending"):
        assert put(service, token, framework(label=label)).status in (200, 201)
    yield service
    assert service.stop() == 0


@pytest.fixture(scope="module")
def editor(running: Service) -> str:
    return running.token("editor")


def changes(service: Service, **asked: str) -> dict[str, Any]:
    reply = service.get("/changes?" + urllib.parse.urlencode(asked))
    assert reply.status == 200, reply.body
    return reply.json()


def revert(service: Service, number: int, token: str | None, query: str = "") -> Reply:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return service.send("POST", f"/changes/{number}/revert{query}", b"", headers=headers)


def label(service: Service) -> str:
    told = service.get("/id?iri=" + urllib.parse.quote(LISTENING), Accept="text/turtle")
    found = [
        name for name in ("Listening", "Hearing", "Attending") if f'"{name}"' in str(told.body)
    ]
    assert len(found) == 1
    return found[0]


def test_changes_come_newest_first_with_who_when_why_and_how_much(running: Service) -> None:
    told = changes(running)
    numbers = [item["revision"] for item in told["items"]]
    assert numbers == sorted(numbers, reverse=True) and numbers[-1] == 1
    assert told["total"] == len(numbers) and told["next"] is None
    change = next(item for item in told["items"] if item["revision"] == 3)
    assert (change["author"], change["added"], change["removed"]) == ("a editor", 1, 1)
    assert set(change) == {
        *("revision", "author", "time", "message", "added", "removed", "findings"),
    }


def test_pages_of_changes_follow_one_another(running: Service) -> None:
    seen: list[int] = []
    path: str | None = "/changes?limit=2"
    while path is not None:
        reply = running.get(path)
        told: dict[str, Any] = reply.json()
        seen += [item["revision"] for item in told["items"]]
        path = told["next"]
        assert ("Link" in reply.headers) == (path is not None)
    assert seen == list(range(changes(running)["total"], 0, -1))


def test_a_graph_has_only_its_own_changes(running: Service) -> None:
    told = changes(running, graph=FRAMEWORK)
    assert told["total"] == len(told["items"]) >= 3
    assert 1 not in [item["revision"] for item in told["items"]]


def test_a_thing_tells_what_each_change_did_to_it(running: Service) -> None:
    told = changes(running, thing=LISTENING)
    change = next(item for item in told["items"] if item["revision"] == 3)
    ((thing),) = change["things"]
    assert thing["id"] == LISTENING
    (removed,), (added,) = thing["removed"], thing["added"]
    assert removed["field"]["label"] == added["field"]["label"] == "preferred label"
    assert (removed["value"]["text"], added["value"]["text"]) == ("Listening", "Hearing")
    # The first change touches too much to name it all: this thing is not in it.
    assert 1 not in [item["revision"] for item in told["items"]]
    assert told["total"] == len(told["items"])
    assert changes(running, thing=TALKING)["total"] == 1


def test_what_ships_came_with_the_first_change(running: Service) -> None:
    broker = "https://w3id.org/competency-graph/id/implementation-support/role/knowledge-broker"
    told = changes(running, thing=broker)
    assert [item["revision"] for item in told["items"]] == [1]
    assert told["total"] == 1


def test_one_change_has_its_quads_and_tells_them_by_label(running: Service) -> None:
    told: dict[str, Any] = running.get("/changes/3").json()
    predicate = "<http://www.w3.org/2004/02/skos/core#prefLabel>"
    assert told["removed"] == [f'<{LISTENING}> {predicate} "Listening"@en <{FRAMEWORK}> .']
    assert told["added"] == [f'<{LISTENING}> {predicate} "Hearing"@en <{FRAMEWORK}> .']
    assert told["counts"] == {"added": 1, "removed": 1}
    assert told["findings"] == {"new": [], "fixed": []}
    (thing,) = told["things"]
    assert thing["added"][0]["value"] == {"text": "Hearing", "language": "en"}


def test_a_large_change_comes_in_parts_that_make_it_whole(running: Service) -> None:
    path: str | None = "/changes/1?limit=5000"
    lines: list[str] = []
    while path is not None:
        told: dict[str, Any] = running.get(path).json()
        lines += told["added"]
        path = told["next"]
    assert len(lines) == len(set(lines)) == told["counts"]["added"] > 10_000


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/changes/999", 404),
        (f"/changes/{10**30}", 404),
        ("/changes/0", 404),
        ("/changes/three", 404),
        ("/changes?limit=0", 400),
        ("/changes?limit=1001", 400),
        ("/changes?cursor=x", 400),
        ("/changes?subject=x", 400),
        ("/changes/1?limit=10001", 400),
        ("/changes?thing=no+iri", 200),
    ],
)
def test_what_cannot_be_asked_is_said(running: Service, path: str, status: int) -> None:
    assert running.get(path).status == status


def test_reverting_is_a_new_change_that_names_the_old(running: Service, editor: str) -> None:
    token = running.token("editor")
    assert put(running, token, framework(label="Attending")).status == 200
    assert put(running, token, framework(label="Hearing")).status == 200
    last = revision(running)
    tried = revert(running, last, editor, "?dry-run=true")
    assert (tried.status, tried.json()["recorded"], revision(running)) == (200, False, last)
    reply = revert(running, last, editor)
    told = reply.json()
    assert (reply.status, told["recorded"], told["reverts"]) == (201, True, last)
    assert (told["added"], told["removed"], told["left"]) == (1, 1, 0)
    assert reply.headers["Location"] == f"/changes/{last + 1}"
    assert label(running) == "Attending"
    (newest, *_) = changes(running)["items"]
    assert newest["message"].startswith(f"Revert change {last}: ")
    again = revert(running, last, editor).json()
    assert (again["recorded"], again["left"]) == (False, 2)


def test_the_reason_is_the_clients(running: Service, editor: str) -> None:
    token = running.token("editor")
    put(running, token, framework(label="Hearing"))
    put(running, token, framework(label="Listening"))
    assert revert(running, revision(running), editor, "?message=It+was+right").status == 201
    assert changes(running)["items"][0]["message"] == "It was right"


def test_a_revert_that_would_not_be_valid_is_refused(running: Service, editor: str) -> None:
    for label in ("Listening", "Hearing", "Attending"):
        assert put(running, editor, framework(label=label)).status == 200
    last = revision(running)
    # The label of before it comes back, and that of after it stays: two in one language.
    reply = revert(running, last - 1, editor)
    assert (reply.status, reply.json()["code"]) == (422, "invalid-change")
    assert revision(running) == last


@pytest.mark.parametrize(
    ("role", "number", "status"), [(None, 2, 401), ("reader", 2, 403), ("editor", 1, 403)]
)
def test_who_may_not_change_it_may_not_revert_it(
    running: Service, role: str | None, number: int, status: int
) -> None:
    before = revision(running)
    token = None if role is None else running.token(role)
    assert revert(running, number, token).status == status
    assert revision(running) == before


def test_findings_of_a_change_are_told_with_it(running: Service, editor: str) -> None:
    assert put(running, editor, framework(definition="")).status == 200
    brought: dict[str, Any] = running.get(f"/changes/{revision(running)}").json()
    (finding,) = brought["findings"]["new"]
    assert finding["focus"] == {"id": LISTENING, "label": finding["focus"]["label"]}
    assert finding["field"]["label"] == "Definition"
    # The place was in a document that is not kept.
    assert finding["place"] is None
    assert put(running, editor, framework()).status == 200
    mended: dict[str, Any] = running.get(f"/changes/{revision(running)}").json()
    assert [row["rule"] for row in mended["findings"]["fixed"]] == [finding["rule"]]
    item = changes(running)["items"][0]
    assert item["findings"] == {"added": 0, "removed": 1}

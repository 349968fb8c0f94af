"""Changes over HTTP: what is refused leaves no trace, what is acknowledged is served."""

import json
import urllib.parse
from collections.abc import Iterator

import pytest
from conftest import Reply, Service, start_service
from rdflib import SH
from rdflib import Graph as RdfGraph
from small_framework import FRAMEWORK, GRAPH, PREFIXES, framework


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(tmp_path_factory.mktemp("gate"), workers="4", kill_limit="off")
    yield service
    assert service.stop() == 0


@pytest.fixture(scope="module")
def editor(running: Service) -> str:
    return running.token("editor")


def graph_path(graph: str = GRAPH, **more: str) -> str:
    return "/graphs?" + urllib.parse.urlencode({"graph": graph, **more})


def put(service: Service, token: str, text: str, **headers: str) -> Reply:
    return service.send(
        "PUT",
        graph_path(),
        text.encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "text/turtle", **headers},
    )


def revision(service: Service) -> int:
    return int(service.get("/healthz").headers["Revision"])


def whole(service: Service) -> list[bytes]:
    return sorted(service.get("/graphs?default", Accept="application/n-triples").body.splitlines())


def test_a_competency_without_definition_is_refused_in_words(running: Service, editor: str) -> None:
    before, held = revision(running), whole(running)
    reply = put(running, editor, framework(definition=""))
    assert reply.status == 422
    told = json.loads(reply.body)
    assert told["code"] == "invalid-change"
    (finding,) = told["findings"]["new"]
    assert finding["focus"]["label"] == "Listening"
    assert finding["field"]["label"] == "Definition"
    assert "definition" in finding["message"]
    assert "://" not in finding["message"]
    assert finding["rule"].endswith("#HouseDefined-definition-required")
    assert revision(running) == before
    assert whole(running) == held


def test_the_refusal_in_turtle_is_a_validation_report(running: Service, editor: str) -> None:
    reply = put(running, editor, framework(definition=""), Accept="text/turtle")
    assert reply.status == 422
    assert reply.headers["Content-Type"].startswith("text/turtle")
    graph = RdfGraph().parse(data=reply.body, format="turtle")
    (result,) = graph.objects(None, SH.result)
    assert str(graph.value(result, SH.resultMessage)) == (
        "Write the definition in at least one language."
    )


def test_a_corrected_framework_is_served_at_once(running: Service, editor: str) -> None:
    before = revision(running)
    reply = put(running, editor, framework())
    assert reply.status in (200, 201), reply.body
    assert json.loads(reply.body)["recorded"] is True
    assert int(reply.headers["Revision"]) == before + 1
    listed = running.get("/api/v1/frameworks").json()["items"]
    assert isinstance(listed, list)
    assert FRAMEWORK in {item["id"] for item in listed}


def test_the_same_again_is_no_change(running: Service, editor: str) -> None:
    assert put(running, editor, framework()).status in (200, 201)
    before = revision(running)
    reply = put(running, editor, framework())
    assert (reply.status, json.loads(reply.body)["recorded"]) == (200, False)
    assert revision(running) == before


def test_no_look_up_after_a_write_is_stale(running: Service, editor: str) -> None:
    address = "/id?iri=" + urllib.parse.quote("https://example.org/helping/listening", safe="")
    for number in range(300):
        label = f"Listening {number}"
        reply = put(running, editor, framework(label=label))
        assert reply.status in (200, 201), reply.body
        told = running.get(address, Accept="text/turtle").body.decode()
        assert f'"{label}"' in told, number


def test_an_update_changes_what_it_matches(running: Service, editor: str) -> None:
    assert put(running, editor, framework()).status in (200, 201)
    text = f"""{PREFIXES}
    DELETE {{ GRAPH ?g {{ ?c skos:prefLabel ?old }} }}
    INSERT {{ GRAPH ?g {{ ?c skos:prefLabel "Hearing"@en }} }}
    WHERE {{ GRAPH ?g {{
        ?c skos:prefLabel ?old ; a cg:Competency ; skos:inScheme <{FRAMEWORK}> }} }}
    """
    reply = running.send(
        "POST",
        "/sparql",
        text.encode(),
        headers={
            "Authorization": f"Bearer {editor}",
            "Content-Type": "application/sparql-update",
        },
    )
    assert reply.status == 200, reply.body
    told = json.loads(reply.body)
    assert (told["added"], told["removed"]) == (1, 1)


def test_without_a_token_nothing_changes(running: Service) -> None:
    before = revision(running)
    reply = running.send(
        "PUT", graph_path(), framework().encode(), headers={"Content-Type": "text/turtle"}
    )
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert revision(running) == before


def test_a_stale_if_match_is_412(running: Service, editor: str) -> None:
    assert put(running, editor, framework()).status in (200, 201)
    tag = running.get(graph_path(), Accept="text/turtle").headers["ETag"]
    assert put(running, editor, framework(label="One"), **{"If-Match": tag}).status == 200
    before = revision(running)
    reply = put(running, editor, framework(label="Two"), **{"If-Match": tag})
    assert (reply.status, json.loads(reply.body)["code"]) == (412, "precondition-failed")
    assert revision(running) == before


def test_if_none_match_makes_and_never_replaces(running: Service, editor: str) -> None:
    assert put(running, editor, framework()).status in (200, 201)
    before = revision(running)
    reply = put(running, editor, framework(label="Two"), **{"If-None-Match": "*"})
    assert (reply.status, json.loads(reply.body)["code"]) == (412, "precondition-failed")
    assert revision(running) == before
    assert put(running, editor, framework(), **{"If-None-Match": '"0"'}).status == 400
    deleted = running.send(
        "DELETE",
        graph_path(),
        b"",
        headers={"Authorization": f"Bearer {running.token('maintainer')}"},
    )
    assert deleted.status == 200
    reply = put(running, editor, framework(), **{"If-None-Match": "*"})
    assert reply.status == 201, reply.body


def test_a_graph_is_added_to_and_deleted(running: Service, editor: str) -> None:
    headers = {"Authorization": f"Bearer {editor}", "Content-Type": "text/turtle"}
    assert put(running, editor, framework()).status in (200, 201)
    more = f'{PREFIXES} ex:listening skos:altLabel "Hearing"@en .'
    reply = running.send("POST", graph_path(), more.encode(), headers=headers)
    assert (reply.status, json.loads(reply.body)["added"]) == (200, 1)
    # It says what it is judged by, and goes with that.
    headers["Authorization"] = f"Bearer {running.token('maintainer')}"
    reply = running.send("DELETE", graph_path(), None, headers=headers)
    assert reply.status == 200, reply.body
    assert running.get(graph_path(), Accept="text/turtle").status == 404
    assert running.send("DELETE", graph_path(), None, headers=headers).status == 404


LOOSER = {
    "PUT": framework(definition="").replace("conformsTo", "relation"),
    "DELETE": None,
    "PATCH": f"DELETE WHERE {{ <{GRAPH}> <http://purl.org/dc/terms/conformsTo> ?profile }}",
}


@pytest.mark.parametrize("way", LOOSER)
def test_an_editor_cannot_free_a_graph_of_its_rules(
    running: Service, editor: str, way: str
) -> None:
    assert put(running, editor, framework()).status in (200, 201)
    before, held = revision(running), whole(running)
    kind = "application/sparql-update" if way == "PATCH" else "text/turtle"
    text = LOOSER[way]
    for role, status in (("editor", 403), ("maintainer", 200)):
        reply = running.send(
            way,
            graph_path(),
            None if text is None else text.encode(),
            headers={"Authorization": f"Bearer {running.token(role)}", "Content-Type": kind},
        )
        assert reply.status == status, reply.body
        if role == "editor":
            told = json.loads(reply.body)
            assert (told["code"], told["needs"]) == ("forbidden", "maintainer")
            assert told["detail"].startswith("Taking away what “")
            assert (revision(running), whole(running)) == (before, held)


def test_a_revision_can_be_waited_for(running: Service) -> None:
    now = revision(running)
    levels = "/api/v1/levels"
    assert running.get(levels, Min_Revision=str(now)).status == 200
    reply = running.get(levels, Min_Revision=str(now + 1))
    assert (reply.status, json.loads(reply.body)["code"]) == (503, "unavailable")
    assert "Retry-After" in reply.headers
    assert running.get(levels, Min_Revision="soon").status == 400

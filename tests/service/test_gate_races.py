"""Writers at the same time: never two that are invalid together, nothing lost in a crash."""

import http.client
import itertools
import json
import os
import random
import signal
import threading
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from competency_graph.log import Log
from conftest import Reply, Service, start_service
from rdflib import Graph
from small_framework import FRAMEWORK, framework

_PAIRS = 100
_WRITERS = 4
_KILLS = 10
_STATEMENTS = len(Graph().parse(data=framework(), format="turtle"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(tmp_path_factory.mktemp("races"), kill_limit="off")
    yield service
    assert service.stop() == 0


@pytest.fixture(scope="module")
def editor(running: Service) -> str:
    return running.token("editor")


def send(service: Service, token: str, method: str, graph: str, text: str | None) -> Reply:
    return service.send(
        method,
        "/graphs?" + urllib.parse.urlencode({"graph": graph}),
        None if text is None else text.encode(),
        60,
        {"Authorization": f"Bearer {token}", "Content-Type": "text/turtle"},
    )


def competency(slug: str, code: str) -> str:
    return f"""
    PREFIX cg: <https://w3id.org/competency-graph/ns#>
    PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
    PREFIX ex: <https://example.org/helping/>
    ex:{slug} a cg:Competency ; skos:prefLabel "{slug}"@en ; skos:notation "{code}" ;
        skos:definition "Do {slug}."@en ; skos:broader ex:talking ; skos:inScheme <{FRAMEWORK}> .
    """


def test_two_changes_that_are_invalid_together_are_never_both_recorded(
    running: Service, editor: str
) -> None:
    home = "https://example.org/graph/helping"
    assert send(running, editor, "PUT", home, framework()).status == 201
    refused = 0
    with ThreadPoolExecutor(2) as both:
        for number in range(_PAIRS):
            barrier = threading.Barrier(2)

            def race(side: str, number: int = number, at: threading.Barrier = barrier) -> Reply:
                graph = f"https://example.org/graph/{side}"
                at.wait()
                return send(running, editor, "PUT", graph, competency(side, f"N.{number}"))

            replies = list(both.map(race, ("left", "right")))
            statuses = sorted(reply.status for reply in replies)
            assert statuses[0] in (200, 201), [reply.body for reply in replies]
            assert statuses[1] == 422, (number, [reply.body for reply in replies])
            (lost,) = (reply for reply in replies if reply.status == 422)
            assert "code" in json.loads(lost.body)["findings"]["new"][0]["message"].lower()
            refused += 1
            for side in ("left", "right"):
                graph = f"https://example.org/graph/{side}"
                gone = send(running, editor, "DELETE", graph, None)
                assert gone.status in (200, 404), gone.body
    assert refused == _PAIRS


def test_changes_that_have_nothing_to_do_with_each_other_are_both_recorded(
    running: Service, editor: str
) -> None:
    with ThreadPoolExecutor(4) as writers:

        def write(number: int) -> Reply:
            text = framework().replace("example.org", f"number-{number}.example.org")
            return send(running, editor, "PUT", f"https://number-{number}.example.org/", text)

        replies = list(writers.map(write, range(12)))
    assert [reply.status for reply in replies] == [201] * 12


def _kill_everything(service: Service) -> None:
    """End every process of a service at once, the supervisor first, so that it revives none."""
    os.kill(service.process.pid, signal.SIGKILL)
    while found := service.processes("competency_graph"):
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    service.ended()


class _Writers:
    """Threads that change a framework each.

    ``allowed`` holds, for each graph, the label last acknowledged (none at first) and those tried
    since: recorded each may be, or not.
    """

    def __init__(
        self, service: Service, token: str, name: str, allowed: dict[str, list[str | None]]
    ) -> None:
        self._service, self._token, self._name = service, token, name
        self._allowed = allowed
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=[n]) for n in range(_WRITERS)]
        for thread in self._threads:
            thread.start()

    def _write(self, writer: int) -> None:
        graph = f"https://example.org/graph/writer-{writer}"
        for number in itertools.count():
            if self._stop.is_set():
                return
            label = f"{self._name} number {number}"
            self._allowed.setdefault(graph, [None]).append(label)
            text = framework(label=label).replace("/helping", f"/writer-{writer}")
            try:
                reply = send(self._service, self._token, "PUT", graph, text)
            except (OSError, http.client.HTTPException):
                return
            if reply.status in (200, 201):
                self._allowed[graph] = [label]

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_what_is_acknowledged_outlives_ten_crashes(tmp_path: Path) -> None:
    chance = random.Random(7)
    allowed: dict[str, list[str | None]] = {}
    token = ""
    for crash in range(_KILLS):
        service = start_service(tmp_path, kill_limit="off")
        token = token or service.token("editor")
        for graph, labels in allowed.items():
            address = "/graphs?" + urllib.parse.urlencode({"graph": graph})
            told = service.get(address, Accept="application/n-triples")
            if told.status == 404:
                assert labels[0] is None, (crash, graph)
                continue
            assert any(f'"{label}"' in told.body.decode() for label in labels), (crash, graph)
            # All of a change is there, or none of it.
            assert len(told.body.splitlines()) == _STATEMENTS
        writers = _Writers(service, token, f"crash {crash}", allowed)
        time.sleep(0.3 + chance.random() * 2)
        _kill_everything(service)
        writers.end()
    assert len(allowed) == _WRITERS
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        assert log.verify() is None
        assert log.head() > _KILLS

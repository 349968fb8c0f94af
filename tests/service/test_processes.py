"""Any process may be killed: answers meanwhile are right or 503, and the service comes back."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Reply, Service, start_service

_COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Service]:
    service = start_service(tmp_path, kill_limit="off")
    yield service
    service.stop()


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _keeper(service: Service) -> int:
    (keeper,) = (p for p in service.processes("keeping") if _parent(p) == service.process.pid)
    return keeper


def _same_answers_for(service: Service, seconds: float, expected: bytes) -> list[int]:
    """Ask again and again; every answer must be the right one, or an honest 503."""
    statuses = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reply = _asked(service)
        if reply is not None:
            statuses.append(reply.status)
            if reply.status == 200:
                assert reply.body == expected
            else:
                assert reply.status == 503
                assert "Retry-After" in reply.headers
        time.sleep(0.02)
    return statuses


def _asked(service: Service) -> Reply | None:
    try:
        return service.query(_COUNT)
    except OSError:
        return None  # a web worker that was killed takes its connections with it


def test_a_killed_keeper_is_replaced_while_its_readers_serve(running: Service) -> None:
    expected = running.query(_COUNT).body
    keeper = _keeper(running)
    before = set(running.readers())
    os.kill(keeper, signal.SIGKILL)
    statuses = _same_answers_for(running, 6, expected)
    assert statuses.count(200) > 0.95 * len(statuses)
    after = set(running.readers())
    assert not before & after, "the old readers end when the new ones serve"
    assert len(after) == len(before)


@pytest.mark.parametrize("which", ["reader", "worker", "master"])
def test_any_other_process_is_replaced(running: Service, which: str) -> None:
    expected = running.query(_COUNT).body
    keeper = _keeper(running)
    webs = running.processes("competency_graph.web")
    match which:
        case "reader":
            victims = [p for p in running.processes("keeping") if p != keeper]
        case "worker":
            victims = [p for p in webs if _parent(p) != running.process.pid][:1]
        case _:
            victims = [p for p in webs if _parent(p) == running.process.pid]
    assert victims
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    statuses = _same_answers_for(running, 4, expected)
    assert 200 in statuses[-5:]
    assert running.get("/readyz").status == 200


def test_after_everything_was_killed_it_starts_again_with_the_same_data(tmp_path: Path) -> None:
    first = start_service(tmp_path)
    expected = first.query(_COUNT)
    for pid in [first.process.pid, *first.processes("competency_graph")]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    first.ended()
    again = start_service(tmp_path)
    assert again.query(_COUNT).body == expected.body
    assert again.get("/readyz").json()["revision"] == 1
    assert again.stop() == 0


def test_the_death_of_the_supervisor_ends_all_others(tmp_path: Path) -> None:
    running = start_service(tmp_path)
    running.process.kill()
    running.ended()
    deadline = time.monotonic() + 10
    while running.processes("competency_graph") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not running.processes("competency_graph")


def test_a_clean_stop_leaves_nothing(tmp_path: Path) -> None:
    running = start_service(tmp_path)
    assert running.stop() == 0
    assert not running.processes("competency_graph")


def test_an_address_in_use_is_a_sentence(running: Service) -> None:
    told = subprocess.run(
        [
            *(sys.executable, "-m", "competency_graph", "serve"),
            *("--bind", running.url.removeprefix("http://")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=running.folder,
    )
    assert told.returncode == 2
    assert "Choose another with --bind" in told.stderr
    assert "Traceback" not in told.stderr

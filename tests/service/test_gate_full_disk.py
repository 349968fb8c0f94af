"""No room for the log: writes are refused in words, reads go on, nothing acknowledged is lost."""

import json
import resource
import urllib.parse
from pathlib import Path

from competency_graph.log import Log
from conftest import Service, start_service
from small_framework import framework

_TRIES = 60
_ROOM = 400_000
PLACE = "/graphs?" + urllib.parse.urlencode({"graph": "https://example.org/graph/helping"})


def put(service: Service, token: str, number: int) -> tuple[int, str]:
    """Put a framework with a large new text; return the status and the problem's code."""
    # Without repetition, or it would be packed to nothing.
    text = " ".join(f"{number * 7919 * n * n % 1_000_003:x}" for n in range(1, 8_000))
    turtle = framework(label=f"Listening {number}") + f'ex:listening skos:scopeNote "{text}"@en .'
    reply = service.send(
        "PUT",
        PLACE,
        turtle.encode(),
        60,
        {"Authorization": f"Bearer {token}", "Content-Type": "text/turtle"},
    )
    return reply.status, str(json.loads(reply.body).get("code", ""))


def label(service: Service) -> str:
    reply = service.get(PLACE, Accept="application/n-triples")
    assert reply.status == 200, reply.body
    (told,) = (line for line in reply.body.decode().splitlines() if '"Listening ' in line)
    return told.split('"')[1]


def limit_files(service: Service, most: int) -> None:
    """Let the gate's process write no file past a size; Python ignores SIGXFSZ."""
    (gate,) = service.processes("competency_graph.gating")
    resource.prlimit(gate, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def test_a_full_disk_costs_no_change_and_no_reader(tmp_path: Path) -> None:
    service = start_service(tmp_path, kill_limit="off", seed="framework")
    try:
        token = service.token("editor")
        assert put(service, token, 0) == (201, "")
        files = [tmp_path / name for name in ("log.db", "log.db-wal")]
        limit_files(service, max(file.stat().st_size for file in files) + _ROOM)
        kept, refused = 0, 0
        for number in range(1, _TRIES):
            status, code = put(service, token, number)
            if status == 200:
                kept = number
                # There is room as long as the first refusal has not come.
                assert not refused
                continue
            assert (status, code) in {(507, "storage-full"), (503, "unavailable")}
            refused += 1
            assert label(service) == f"Listening {kept}"
            assert service.get("/api/v1/frameworks").status == 200
            if refused == 3:
                break
        assert kept > 0
        assert refused == 3
        limit_files(service, resource.RLIM_INFINITY)
        assert put(service, token, _TRIES) == (200, "")
        assert label(service) == f"Listening {_TRIES}"
    finally:
        assert service.stop() == 0
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        assert log.verify() is None
        assert log.head() == 1 + 1 + kept + 1

"""The desk, spoken to directly: what the server would never send it, and what it says then."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_RUN = """
from competency_graph.workspace import desk
desk.run(0, desk.Limits(seconds=20, memory=1_000_000_000))
"""


@contextmanager
def _desk() -> Iterator[tuple[socket.socket, Iterator[dict[str, Any]], "subprocess.Popen[bytes]"]]:
    ours, theirs = socket.socketpair()
    process = subprocess.Popen([sys.executable, "-c", _RUN], stdin=theirs.fileno())
    theirs.close()
    with ours:
        ours.settimeout(60)
        with ours.makefile("rb") as came:
            yield ours, map(json.loads, iter(came.readline, b"")), process
    assert process.wait(20) == 0, "It ends when nobody speaks any more."


def _hold(name: str, text: str, **more: Any) -> dict[str, Any]:
    message = {"do": "hold", "name": name, "syntax": "turtle", "text": text, "stamp": 1}
    return message | {"shown": True, "apart": False} | more


def _send(desk: socket.socket, *messages: dict[str, Any]) -> None:
    desk.sendall(b"".join(json.dumps(message).encode() + b"\n" for message in messages))


def test_what_goes_wrong_is_said_and_the_rest_goes_on() -> None:
    with _desk() as (desk, heard, process):
        assert next(heard) == {"told": "begun"}
        _send(desk, _hold("a.ttl", "", syntax="none"))
        told = next(heard)
        assert (told["name"], told["whole"]) == ("a.ttl", True)
        assert "Report it" in told["rows"][0]["message"]
        desk.sendall(b"the end of what was lost\n")
        _send(desk, {"do": "drop", "name": "never.ttl"})
        _send(
            desk,
            _hold(
                "a.ttl", "<https://example.org/a> a <http://www.w3.org/2004/02/skos/core#Concep> ."
            ),
        )
        told = next(heard)
        assert ["Use a word that exists: “skos:Concep” does not."] == [
            row["message"] for row in told["rows"] if row["rule"].endswith("unknown-term")
        ]
        assert process.poll() is None
    assert process.returncode == 0


def test_many_at_once_are_told_of_when_all_are_there() -> None:
    """No text is told to lack what comes with it, however the messages are cut."""
    term = "<https://example.org/{}> a <http://www.w3.org/2004/02/skos/core#Concept> ; {}"
    broader = "<http://www.w3.org/2004/02/skos/core#broader> <https://example.org/{}> ."
    texts = [term.format(n, broader.format(n + 1) + "#" * 20_000) for n in range(60)]
    with _desk() as (desk, heard, _):
        assert next(heard) == {"told": "begun"}
        messages = [
            _hold(f"{n}.ttl", t, shown=n % 2 == 0, more=n < 59) for n, t in enumerate(texts)
        ]
        _send(desk, *messages)
        told: dict[str, set[str]] = {}
        whole = 0
        while whole < 60:
            message = next(heard)
            rules = {row["rule"].rpartition("#")[2] for row in message["rows"]}
            assert told.setdefault(message["name"], rules) == rules, "Nothing was told too early."
            whole += message["whole"]
        assert set(told) == {f"{n}.ttl" for n in range(60)}

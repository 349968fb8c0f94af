"""What many tests need: a real service on a free port, over a real database of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from competency_graph import history
from competency_graph.config import Settings
from competency_graph.index import Graph


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        told = json.loads(self.body)
        assert isinstance(told, dict)
        return told


@dataclass
class Service:
    """A running service: the supervisor's process, where it listens, and how to ask it."""

    process: "subprocess.Popen[str]"
    url: str
    folder: Path
    said: list[str] = field(default_factory=list)

    def get(self, path: str, timeout: float = 30, **headers: str) -> Reply:
        return self.send("GET", path, None, timeout, None, **headers)

    def query(self, text: str, timeout: float = 60, **headers: str) -> Reply:
        body = urllib.parse.urlencode({"query": text}).encode()
        return self.send("POST", "/sparql", body, timeout, None, **headers)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        timeout: float = 30,
        headers: Mapping[str, str] | None = None,
        **more: str,
    ) -> Reply:
        named = {name.replace("_", "-"): value for name, value in more.items()} | dict(
            headers or {}
        )
        request = urllib.request.Request(self.url + path, body, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Reply(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, dict(error.headers), error.read())

    def rows(self, text: str) -> list[dict[str, str]]:
        reply = self.query(text)
        assert reply.status == 200, reply.body
        told = json.loads(reply.body)
        return [
            {name: cell["value"] for name, cell in row.items()}
            for row in told["results"]["bindings"]
        ]

    def processes(self, word: str) -> list[int]:
        """Return the process ids of this service whose command line holds a word."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                environment = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if word in command and str(self.folder) in environment:
                found.append(int(entry.name))
        return sorted(found)

    def memory(self) -> int:
        """Return the sum of the proportional set sizes of all its processes, in bytes."""
        total = 0
        for pid in self.processes(""):
            with suppress(OSError):
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += int(rollup.partition("\nPss:")[2].split(maxsplit=1)[0]) * 1024
        return total

    def readers(self) -> list[int]:
        """Return keeper and readers once all are there: those for changes come after the rest."""
        deadline = time.monotonic() + 15
        found, since = self.processes("keeping"), time.monotonic()
        while time.monotonic() < min(deadline, since + 1.5):
            time.sleep(0.1)
            now = self.processes("keeping")
            if len(now) != len(found):
                since = time.monotonic()
            found = now
        return found

    def token(self, role: str, *graphs: str) -> str:
        """Return a new token, made as an operator makes it."""
        told = ["token", "create", f"a {role}", "--role", role]
        told += [word for graph in graphs for word in ("--graph", graph)]
        told += ["--database", f"sqlite:///{self.folder}/log.db"]
        made = subprocess.run(
            [sys.executable, "-m", "competency_graph", *told],
            capture_output=True,
            text=True,
            check=True,
        )
        return made.stdout.strip()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> int:
        """Wait for the supervisor, let go of its pipe, and return its exit code."""
        code = self.process.wait(20)
        if self.process.stderr is not None:
            self.process.stderr.close()
        return code


def start_service(folder: Path, *, before: Sequence[str] = (), **settings: str) -> Service:
    """Start `competency-graph serve` in a folder and wait until it says that it serves.

    ``before`` are arguments of Python in front of it: a program that runs the rest of them.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COMPETENCY_GRAPH_")}
    # Tests ask faster and more at once than one client may; these limits have tests of their own.
    settings = {"rate_limit": "off", "client_queries": "off"} | settings
    environment |= {f"COMPETENCY_GRAPH_{k.upper()}": v for k, v in settings.items()}
    environment["COMPETENCY_GRAPH_DATABASE"] = f"sqlite:///{folder}/log.db"
    process = subprocess.Popen(
        [sys.executable, *before, "-m", "competency_graph", "serve", "--bind", "127.0.0.1:0"],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert process.stderr is not None
    said: list[str] = []
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        line = process.stderr.readline()
        if not line:
            break
        said.append(line)
        found = re.search(r"at (http://\S+)/ ", line)
        if found:
            return Service(process, found[1], folder, said)
    process.kill()
    raise AssertionError("The service did not start: " + "".join(said))


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The shipped framework, served for the whole session; tests only read from it."""
    running = start_service(tmp_path_factory.mktemp("service"), kill_limit="off")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """The shipped framework in memory, in this process; tests only read from it."""
    path = tmp_path_factory.mktemp("graph") / "log.db"
    return history.load(Settings(database=f"sqlite:///{path}"), now=datetime.now(UTC))


class _Canary(BaseHTTPRequestHandler):
    heard: list[str]

    def do_GET(self) -> None:
        self.heard.append(self.path)
        self.send_response(200)
        self.end_headers()

    do_POST = do_GET  # noqa: N815  the name is the base class's

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """A server that nothing may ask: where it is, and what it was asked for."""
    heard: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Canary", (_Canary,), {"heard": heard}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    server.server_close()
    thread.join()

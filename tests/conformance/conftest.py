"""One service as the standard has it for all suites, and what is said of them at the end."""

import http.client
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

import pytest
from conftest import Reply, start_service

from conformance.w3c import insertion

_IDLE = 5.0
_SUITE, _CONFORMS = "suite", "conforms"


class Endpoint:
    """The service, asked over one connection that is kept; it remembers what is loaded."""

    def __init__(self, url: str, token: str, database: str) -> None:
        self.host = urlsplit(url).netloc
        self.url = url
        self.database = database
        self._connection = http.client.HTTPConnection(self.host, timeout=60)
        self._token = {"Authorization": f"Bearer {token}"}
        self._loaded: bytes | None = None
        self._used = time.monotonic()

    def send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        """Send a request with the right to do everything."""
        # The service lets go of a connection on which nothing comes for a while.
        if time.monotonic() > self._used + _IDLE:
            self.close()
        self._used = time.monotonic()
        self._connection.request(method, path, body, {**self._token, **headers})
        answer = self._connection.getresponse()
        return Reply(answer.status, dict(answer.headers), answer.read())

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def ask(self, text: str, accept: str) -> Reply:
        """Send a query as the body of a POST."""
        kind = {"Content-Type": "application/sparql-query", "Accept": accept}
        return self.send("POST", "/sparql", text.encode(), kind)

    def update(self, text: str, **parameters: str) -> Reply:
        """Send an update, after which what is loaded is no longer known."""
        self.forget()
        query = "&".join(f"{name.replace('_', '-')}={said}" for name, said in parameters.items())
        kind = {"Content-Type": "application/sparql-update"}
        return self.send("POST", f"/sparql?{query}", text.encode(), kind)

    def forget(self) -> None:
        """Say that something was changed otherwise."""
        self._loaded = None

    def load(self, lines: bytes) -> None:
        """Make these N-Quads all that there is."""
        if lines != self._loaded:
            reply = self.update(insertion(lines))
            assert reply.status == 200, reply.body
            self._loaded = lines


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A service that holds nothing, judges nothing, and has a default graph of its own."""
    running = start_service(
        tmp_path_factory.mktemp("conformance"),
        seed="none",
        union_default="false",
        validation="off",
        kill_limit="off",
        workers="1",
        readers="1",
    )
    asked = Endpoint(running.url, running.token("admin"), f"sqlite:///{running.folder}/log.db")
    yield asked
    asked.close()
    assert running.stop() == 0


Judge = Callable[[str, str, bool, Mapping[str, str], object], None]


@pytest.fixture
def judge(record_property: Callable[[str, object], None]) -> Judge:
    """Hold a case to the list of those that the engine fails, which may only become shorter."""

    def judged(
        suite: str, name: str, passed: bool, failing: Mapping[str, str], said: object
    ) -> None:
        record_property(_SUITE, suite)
        record_property(_CONFORMS, passed)
        if name in failing:
            assert not passed, f"{name} passes now. Take it off the list, and the total up."
        else:
            assert passed, f"{name} fails, and is not on the list of {suite}: {said}"

    return judged


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print passed and total of each suite."""
    passed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            said = dict(getattr(report, "user_properties", ()))
            if report.when == "call" and _SUITE in said:
                total[str(said[_SUITE])] += 1
                passed[str(said[_SUITE])] += bool(said[_CONFORMS])
    if total:
        terminalreporter.section("W3C suites, over HTTP")
    for suite, count in sorted(total.items()):
        terminalreporter.write_line(f"{suite}: {passed[suite]}/{count}")

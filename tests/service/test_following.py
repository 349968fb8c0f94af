"""What is acknowledged is served, whoever dies, ages or writes beside the service."""

import os
import re
import signal
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import small_framework
from competency_graph.config import Settings
from competency_graph.errors import StaleHead
from competency_graph.gate import Wish
from competency_graph.keeping import TRIAL_READERS
from competency_graph.local_gate import local_gate
from competency_graph.log import Draft, Log
from competency_graph.model import Identity, Operation
from conftest import Reply, Service, start_service

EX = "https://example.org/follow/"
GRAPH = "https://example.org/graph/follow"
COUNTER = EX + "counter"
_SHIPPED = "https://w3id.org/competency-graph/graph/implementation-support"
_ROWS = 3_000
# What the gate's process does to a change while its keeper is away.
_PATIENCE = 60.0


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Service]:
    service = start_service(
        tmp_path, validation="off", workers="2", kill_limit="off", rate_limit="off"
    )
    yield service
    assert service.stop() == 0


@pytest.fixture
def editor(running: Service) -> str:
    return running.token("maintainer")


def update(service: Service, token: str, text: str) -> Reply:
    return service.send(
        "POST",
        "/sparql",
        text.encode(),
        _PATIENCE,
        {"Authorization": f"Bearer {token}", "Content-Type": "application/sparql-update"},
    )


def count_to(service: Service, token: str, number: int, counter: str = COUNTER) -> Reply:
    """Let a counter have this number and no other."""
    return update(
        service,
        token,
        f"WITH <{GRAPH}> DELETE {{ <{counter}> <{EX}value> ?old }} "
        f"INSERT {{ <{counter}> <{EX}value> {number} }} "
        f"WHERE {{ OPTIONAL {{ <{counter}> <{EX}value> ?old }} }}",
    )


def looked_up(service: Service, counter: str = COUNTER) -> int:
    """Return the number of a counter by a look-up, on a connection of its own."""
    address = "/id?iri=" + urllib.parse.quote(counter, safe="")
    reply = service.get(address, 30, Accept="application/n-triples")
    assert reply.status == 200, reply.body
    (value,) = re.findall(rb'"(\d+)"', reply.body)
    return int(value)


def queried(service: Service) -> int:
    (row,) = service.rows(f"SELECT ?value {{ <{COUNTER}> <{EX}value> ?value }}")
    return int(row["value"])


def revision(service: Service) -> int:
    return int(service.get("/healthz").headers["Revision"])


def head(service: Service) -> int:
    with Log.open(f"sqlite:///{service.folder}/log.db") as log:
        return log.head()


def is_past(service: Service, number: int) -> bool:
    return head(service) > number


def shows(service: Service, number: int) -> bool:
    return looked_up(service) == number


def status(pid: int) -> list[str]:
    """Return the fields of a process after its name; nothing once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def keepers(service: Service) -> list[int]:
    parent = str(service.process.pid)
    return [pid for pid in service.processes("keeping") if status(pid)[1:2] == [parent]]


def trials(service: Service) -> list[int]:
    # Only they have this niceness.
    return [pid for pid in service.processes("keeping") if status(pid)[16:17] == ["5"]]


def memory(service: Service) -> int:
    """Return the sum of the proportional set sizes of a service in kB."""
    found = 0
    for pid in service.processes("competency_graph"):
        try:
            told = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found += int(told.split("\nPss:")[1].split()[0])
    return found


def wait(what: Callable[[], bool], seconds: float = _PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class Load:
    """Threads that ask all the time, and one that writes; each says what was not as it must be."""

    def __init__(self, service: Service, token: str) -> None:
        self._service, self._token = service, token
        self._ended = threading.Event()
        self.faults: list[str] = []
        self.answers = self.writes = 0
        # What was acknowledged last.
        self.least = 0

    @contextmanager
    def running(self) -> Iterator["Load"]:
        assert count_to(self._service, self._token, self.least).status == 200
        work = [self._look_up, self._look_up, self._query, self._query, self._write]
        threads = [threading.Thread(target=self._until_the_end, args=[one]) for one in work]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def _until_the_end(self, work: Callable[[], None]) -> None:
        while not self._ended.is_set():
            try:
                work()
            except Exception as error:
                self.faults.append(f"{work.__name__}: {error!r}")

    def _look_up(self) -> None:
        self._compare(looked_up)

    def _query(self) -> None:
        self._compare(queried)

    def _compare(self, ask: Callable[[Service], int]) -> None:
        least = self.least
        found = ask(self._service)
        self.answers += 1
        if found < least:
            self.faults.append(f"{ask.__name__}: {found} after {least} was acknowledged")

    def _write(self) -> None:
        number = self.least + 1
        reply = count_to(self._service, self._token, number)
        assert reply.status == 200, reply.body
        self.least = number
        found = looked_up(self._service)
        assert found == number, f"{found} after {number} was written"
        self.writes += 1


def age(service: Service, token: str) -> None:
    """Put in and take out statements until a keeper must be replaced, and wait until it was."""
    before = set(service.processes("keeping"))
    (old,) = keepers(service)
    copy = f"{GRAPH}/copy"
    deadline = time.monotonic() + _PATIENCE
    while keepers(service) == [old]:
        assert time.monotonic() < deadline, "No keeper came beside the old one."
        for text in (
            f"INSERT {{ GRAPH <{copy}> {{ ?s ?p ?o }} }} WHERE {{ SELECT * {{ GRAPH <{_SHIPPED}> "
            f"{{ ?s ?p ?o FILTER (!isBlank(?s) && !isBlank(?o)) }} }} LIMIT {_ROWS} }}",
            f"DROP GRAPH <{copy}>",
        ):
            reply = update(service, token, text)
            assert reply.status == 200, reply.body
    wait(lambda: old not in keepers(service) and len(keepers(service)) == 1)
    wait(lambda: not before.intersection(service.processes("keeping")), 20)


def test_a_keeper_is_replaced_under_load_without_a_failed_or_stale_answer(
    running: Service, editor: str
) -> None:
    before = memory(running)
    load = Load(running, editor)
    with load.running():
        for _ in range(3):
            age(running, editor)
    assert load.faults == []
    assert load.answers > 100
    assert load.writes > 20
    assert looked_up(running) == load.least
    assert memory(running) < 1.5 * before
    assert revision(running) == head(running)


def test_readers_that_followed_much_are_forked_anew(running: Service, editor: str) -> None:
    # They share their memory with the keeper only until they follow.
    before = set(running.processes("keeping")) - set(keepers(running))
    for number in range(150):
        assert count_to(running, editor, number).status == 200
    wait(lambda: not before.intersection(running.processes("keeping")))
    assert looked_up(running) == queried(running) == 149


def test_a_keeper_killed_between_append_and_acknowledgement_costs_no_write(
    running: Service, editor: str
) -> None:
    assert count_to(running, editor, 0).status == 200
    for number in range(1, 4):
        wait(lambda: len(keepers(running)) == 1 and len(trials(running)) == TRIAL_READERS)
        (keeper,) = keepers(running)
        recorded = head(running)
        with ThreadPoolExecutor(1) as aside:
            os.kill(keeper, signal.SIGSTOP)
            writing = aside.submit(count_to, running, editor, number)
            wait(partial(is_past, running, recorded))
            assert looked_up(running) == number - 1
            os.kill(keeper, signal.SIGKILL)
            assert writing.result().status == 200
        assert looked_up(running) == queried(running) == number


def test_a_gate_killed_after_it_appended_says_so_and_the_change_is_served(
    running: Service, editor: str
) -> None:
    assert count_to(running, editor, 0).status == 200
    (keeper,) = keepers(running)
    (gate,) = running.processes("gating")
    recorded = head(running)
    with ThreadPoolExecutor(1) as aside:
        os.kill(keeper, signal.SIGSTOP)
        writing = aside.submit(count_to, running, editor, 1)
        wait(partial(is_past, running, recorded))
        os.kill(gate, signal.SIGKILL)
        reply = writing.result()
        os.kill(keeper, signal.SIGCONT)
    assert (reply.status, reply.json()["code"]) == (503, "unavailable")
    assert "/changes" in str(reply.json()["detail"])
    # Nobody told the keeper: the next to write must not be told of others for it.
    assert count_to(running, editor, 2).status == 200
    assert looked_up(running) == 2
    assert head(running) == recorded + 2 == revision(running)


def test_a_killed_trial_leaves_no_trace(running: Service, editor: str) -> None:
    assert count_to(running, editor, 0).status == 200
    recorded = head(running)
    wait(lambda: len(trials(running)) == TRIAL_READERS)
    stopped = trials(running)
    with ThreadPoolExecutor(1) as aside:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        writing = aside.submit(count_to, running, editor, 1)
        time.sleep(0.5)
        for pid in stopped:
            os.kill(pid, signal.SIGKILL)
        reply = writing.result()
    # Whether a fork had taken it already decides which of the two it is.
    assert reply.status in (200, 503), reply.body
    assert head(running) == recorded + (reply.status == 200)
    assert count_to(running, editor, 2).status == 200
    assert looked_up(running) == 2


def test_under_kills_of_everything_that_writes_each_answer_is_honest(
    running: Service, editor: str
) -> None:
    assert count_to(running, editor, 0).status == 200
    ended = threading.Event()

    def kill() -> None:
        for victims in [keepers, lambda s: s.processes("gating"), trials] * 2:
            time.sleep(1)
            for pid in victims(running):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        ended.set()

    statuses: list[int] = []
    number = acknowledged = 0
    with ThreadPoolExecutor(1) as aside:
        killing = aside.submit(kill)
        while not ended.is_set() and not killing.done():
            number += 1
            reply = count_to(running, editor, number)
            statuses.append(reply.status)
            assert reply.status in (200, 503), reply.body
            if reply.status == 200:
                acknowledged = number
            assert acknowledged <= looked_up(running) <= number
        killing.result()
    assert statuses.count(200) > 10
    assert count_to(running, editor, number + 1).status == 200
    assert looked_up(running) == number + 1
    assert revision(running) == head(running)
    with Log.open(f"sqlite:///{running.folder}/log.db") as log:
        assert log.verify() is None


def append(service: Service, value: int) -> None:
    """Let another counter have a number, past the gate of the service."""
    other = f"<{EX}other> <{EX}value> "
    ending = f"^^<http://www.w3.org/2001/XMLSchema#integer> <{GRAPH}> ."
    with Log.open(f"sqlite:///{service.folder}/log.db") as log:
        while True:
            draft = Draft(
                author="Ada",
                time=datetime.now(UTC),
                message="",
                added=[f'{other}"{value}"{ending}'],
                removed=[f'{other}"{value - 1}"{ending}'] if value else [],
                touched={(GRAPH, EX + "other")},
            )
            try:
                log.append(draft, expected_head=log.head())
            except StaleHead:
                continue
            return


def test_what_another_process_changes_is_seen_within_a_second_under_load(
    running: Service, editor: str
) -> None:
    append(running, 0)
    with Load(running, editor).running() as load:
        for value in range(1, 6):
            append(running, value)
            time.sleep(1)
            assert looked_up(running, EX + "other") == value
    assert load.faults == []
    assert load.writes > 5


def test_a_local_gate_and_the_service_write_in_turn(running: Service, editor: str) -> None:
    settings = Settings(database=f"sqlite:///{running.folder}/log.db", validation=False)
    operator = Identity(name="The operator", role="admin")
    with local_gate(settings, now=lambda: datetime.now(UTC)) as (gate, log):
        for number in range(0, 20, 2):
            assert count_to(running, editor, number).status == 200
            text = f"DELETE {{ <{COUNTER}> ?p ?o }} INSERT {{ <{COUNTER}> ?p {number + 1} }} "
            operation = Operation(
                kind="update",
                graph=GRAPH,
                content=f"WITH <{GRAPH}> {text} WHERE {{ <{COUNTER}> ?p ?o }}".encode(),
            )
            outcome = gate.change(Wish(operations=[operation], message=""), operator)
            assert outcome.recorded
            wait(partial(shows, running, number + 1), 1)
        assert log.head() == revision(running)


def test_a_change_too_large_to_follow_is_served_by_fresh_forks(
    running: Service, editor: str
) -> None:
    name = "Large " * 300
    with Load(running, editor).running() as load:
        for number in range(6):
            text = " ".join(f'<{EX}{n}> <{EX}name> "{name}{number}" .' for n in range(1_000))
            reply = update(
                running,
                editor,
                f"DROP SILENT GRAPH <{EX}large> ; INSERT DATA {{ GRAPH <{EX}large> {{ {text} }} }}",
            )
            assert reply.status == 200, reply.body
            address = "/id?iri=" + urllib.parse.quote(EX + "999", safe="")
            told = running.get(address, Accept="application/n-triples").body
            assert told.count(b"Large %d" % number) == told.count(f"<{EX}name>".encode()) == 1
    assert load.faults == []
    assert revision(running) == head(running)


def test_a_fork_judges_by_the_shapes_that_it_followed(tmp_path: Path) -> None:
    service = start_service(tmp_path, kill_limit="off")
    try:
        maintainer = service.token("maintainer")
        wait(lambda: len(trials(service)) == TRIAL_READERS)
        put = partial(
            service.send,
            "PUT",
            "/graphs?" + urllib.parse.urlencode({"graph": small_framework.GRAPH}),
            small_framework.framework(definition="").encode(),
            _PATIENCE,
            {"Authorization": f"Bearer {maintainer}", "Content-Type": "text/turtle"},
        )
        shapes = "https://w3id.org/competency-graph/graph/shapes-house"
        rule = "https://w3id.org/competency-graph/shapes#HouseDefined-definition-required"
        off = f"<{rule}> <http://www.w3.org/ns/shacl#deactivated> true"
        assert put().status == 422
        told = update(service, maintainer, f"INSERT DATA {{ GRAPH <{shapes}> {{ {off} }} }}")
        assert told.status == 200, told.body
        for _ in range(2):
            assert put().status in (200, 201)
        told = update(service, maintainer, f"DELETE DATA {{ GRAPH <{shapes}> {{ {off} }} }}")
        assert told.status in (200, 422), told.body
    finally:
        assert service.stop() == 0

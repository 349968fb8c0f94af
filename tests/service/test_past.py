"""Every revision can be had as it was, byte for byte, and nobody else notices that it is."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from competency_graph import history
from competency_graph.config import Settings
from competency_graph.index import BOARD, MOST_OF_ONE, Board, Client
from competency_graph.log import Draft, Log
from competency_graph.past import IDLE, MOST_KEEPERS, Past
from competency_graph.rdf import SYNTAXES, canonical_quads
from conftest import Reply, Service, start_service
from page_addresses import BROWSER

EX = "https://example.org/past/"
PLAIN, KNOTTED, OTHER = EX + "plain", EX + "knotted", EX + "other"
THING = EX + "thing"
CHANGES = 50
_N_QUADS = next(syntax for syntax in SYNTAXES if syntax.name == "n-quads")
_LONG = 60.0


@dataclass
class Written:
    """A service with a history, and what was exported of it at each revision."""

    service: Service
    token: str
    exported: dict[int, bytes] = field(default_factory=dict)

    def write(
        self, method: str, path: str, body: str = "", media_type: str = "text/turtle"
    ) -> Reply:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": media_type}
        reply = self.service.send(method, path, body.encode(), _LONG, headers)
        assert reply.status in (200, 201), reply.body
        return reply

    def update(self, text: str) -> Reply:
        return self.write("POST", "/sparql", text, "application/sparql-update")

    def patient(self, path: str, **headers: str) -> Reply:
        """Ask until what is asked for has been built."""
        deadline = time.monotonic() + _LONG
        while True:
            asked = headers | {"Authorization": f"Bearer {self.token}"}
            reply = self.service.send("GET", path, None, headers=asked)
            if reply.status != 503:
                return reply
            assert int(reply.headers["Retry-After"]) > 0
            assert time.monotonic() < deadline, reply.body
            time.sleep(0.2)


def graph_path(graph: str, **more: object) -> str:
    return "/graphs?" + urllib.parse.urlencode({"graph": graph, **more})


def export(ask: Callable[..., Reply], revision: int | None = None) -> bytes:
    """Return everything that a service holds, or held, as `export` writes it."""
    then = {} if revision is None else {"revision": revision}
    listed = ask("/graphs?" + urllib.parse.urlencode(then), Accept="application/json")
    assert listed.status == 200, listed.body
    revisions, lines = {listed.headers["Revision"]}, []
    for name in json.loads(listed.body)["graphs"]:
        reply = ask(graph_path(name, **then), Accept="application/n-triples")
        assert reply.status == 200, reply.body
        revisions.add(reply.headers["Revision"])
        ending = f" <{name}> .".encode()
        lines += [line.removesuffix(b" .") + ending for line in reply.body.splitlines()]
    assert revisions == {listed.headers["Revision"] if revision is None else str(revision)}
    return canonical_quads(lines, _N_QUADS)


def script(written: Written, step: int) -> None:
    """Do one of the kinds of changes there are; some undo what others did."""
    knot = " , ".join(f"[ <{EX}in> [ <{EX}is> {n} ] ]" for n in range(step % 4 + 1))
    match step % 10:
        case 0:
            written.write("PUT", graph_path(PLAIN), f'<{THING}> <{EX}name> "{step}" , "kept" .')
        case 1:
            written.write("PUT", graph_path(KNOTTED), f"<{THING}> <{EX}has> {knot} .")
        case 2:
            written.write("POST", graph_path(PLAIN), f"<{THING}> <{EX}has> {knot} .")
        case 3:
            text = f"DELETE {{ ?s <{EX}name> ?n }} INSERT {{ ?s <{EX}was> ?n }}"
            text += f" WHERE {{ ?s <{EX}name> ?n }}"
            written.write("PATCH", graph_path(PLAIN), text, "application/sparql-update")
        case 4:
            written.update(
                f"INSERT {{ GRAPH <{OTHER}> {{ ?s ?p ?o . ?s <{EX}seen> [ <{EX}at> {step} ] }} }}"
                f" WHERE {{ GRAPH ?g {{ ?s ?p ?o }} FILTER (?g != <{OTHER}>) }}"
            )
        case 5:
            written.write("DELETE", graph_path(KNOTTED))
        case 6:
            written.write("POST", f"/changes/{step - 1}/revert")
        case 7:
            written.update(
                f"DELETE DATA {{ GRAPH <{PLAIN}> {{ <{THING}> <{EX}was> 'kept' }} }} ;"
                f"INSERT DATA {{ GRAPH <{OTHER}> {{ <{THING}> <{EX}name> '{step}'@en }} }}"
            )
        case 8:
            written.update(f"COPY <{PLAIN}> TO <{KNOTTED}>")
        case _:
            written.write("DELETE", graph_path(OTHER))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    service = start_service(
        tmp_path_factory.mktemp("past"),
        **{"seed": "none", "validation": "off", "workers": "2", "kill_limit": "off"},
    )
    made = Written(service, service.token("maintainer"))
    for step in range(CHANGES):
        script(made, step)
        revision = int(service.get("/healthz").headers["Revision"])
        made.exported[revision] = export(service.get)
    yield made
    assert service.stop() == 0


def make_older(written: Written) -> int:
    """Have a change that is too large to be undone, so that all before it is older."""
    revision = int(written.service.get("/healthz").headers["Revision"])
    text = "x" * (MOST_OF_ONE // 10)
    many = " . ".join(f'<{EX}{n}> <{EX}text> "{text}{revision}"' for n in range(11))
    written.update(f"INSERT DATA {{ GRAPH <{EX}large> {{ {many} }} }}")
    return revision


def command(written: Written, *arguments: str, **environment: str) -> tuple[int, bytes, str]:
    told = subprocess.run(
        [sys.executable, "-m", "competency_graph", *arguments, "--url", written.service.url],
        capture_output=True,
        timeout=120,
        check=False,
        env=os.environ | environment,
    )
    return told.returncode, told.stdout, told.stderr.decode()


def test_each_of_the_last_revisions_is_what_was_exported_then(written: Written) -> None:
    assert len(written.exported) == CHANGES
    assert len(set(written.exported.values())) > 40
    assert sum(b"_:" in content for content in written.exported.values()) > 30
    wrong = [
        revision
        for revision, content in written.exported.items()
        if export(written.service.get, revision) != content
    ]
    assert wrong == []


def test_the_commands_say_the_same(written: Written) -> None:
    newest = max(written.exported)
    for revision in (newest - 23, newest):
        code, content, said = command(
            written, "export", "--format", "n-quads", "--at", str(revision)
        )
        assert (code, content, said) == (0, written.exported[revision], "")
    count = "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }"
    asked = ("query", "-e", count, "--format", "csv", "--at", str(newest - 23))
    lines = written.exported[newest - 23].count(b"\n")
    code, content, said = command(written, *asked)
    assert (code, content.split(), said) == (0, [b"n", b"%d" % lines], "")
    assert command(written, "query", "-e", count, "--at", "999")[0] == 2


def test_an_answer_names_its_revision_and_may_be_kept(written: Written) -> None:
    path = graph_path(PLAIN, revision=CHANGES - 1)
    reply = written.service.get(path, Accept="text/turtle")
    assert reply.headers["Revision"] == str(CHANGES - 1)
    assert reply.headers["Cache-Control"] == "public, max-age=86400"
    again = written.service.get(path, Accept="text/turtle", If_None_Match=reply.headers["ETag"])
    assert (again.status, again.headers["Cache-Control"]) == (304, "public, max-age=86400")
    head = written.service.send("HEAD", path, None, headers={"Accept": "text/turtle"})
    assert (head.status, head.headers["ETag"]) == (200, reply.headers["ETag"])


@pytest.mark.parametrize(
    ("asked", "status", "sentence"),
    [
        ("revision=0", 400, "the number of a change from 1"),
        ("revision=x", 400, "the number of a change from 1"),
        ("revision=", 400, "the number of a change from 1"),
        ("revision=3&revision=3", 400, "once"),
        ("revision=9999", 404, "There is no revision 9999; the newest is "),
        ("revision=99999999999", 404, "There is no revision 99999999999"),
        ("revision=1_0", 400, "the number of a change from 1"),
    ],
)
@pytest.mark.parametrize("path", ["/graphs?default", "/sparql?query=ASK{}", "/ns?", "/?"])
def test_what_is_no_revision_is_told(
    written: Written, path: str, asked: str, status: int, sentence: str
) -> None:
    reply = written.service.get(f"{path}&{asked}")
    assert reply.status == status, reply.body
    assert sentence in str(reply.json()["detail"])


@pytest.mark.parametrize(
    ("method", "path", "body", "media_type"),
    [
        ("PUT", graph_path(PLAIN, revision=3), "", "text/turtle"),
        ("DELETE", graph_path(PLAIN, revision=3), "", "text/turtle"),
        ("POST", "/sparql?revision=3", "CLEAR ALL", "application/sparql-update"),
        ("GET", "/changes?revision=3", "", ""),
        ("POST", "/validate?revision=3", "", "text/turtle"),
    ],
)
def test_what_is_about_the_present_takes_no_revision(
    written: Written, method: str, path: str, body: str, media_type: str
) -> None:
    headers = {"Authorization": f"Bearer {written.token}", "Content-Type": media_type}
    reply = written.service.send(method, path, body.encode() or None, headers=headers)
    assert (reply.status, reply.json()["code"]) == (400, "unknown-parameter")


def test_every_path_of_data_answers_about_the_past(written: Written) -> None:
    """At the first revision the thing has other names than at the newest."""
    service, thing = written.service, urllib.parse.quote(THING, safe="")
    described = service.get(f"/id?iri={thing}&revision=1", Accept="application/n-triples")
    assert described.body.decode().count("\n") == 2
    query = f"SELECT ?n {{ <{THING}> <{EX}name> ?n }}"
    for form in ("url", "form"):
        fields = {"query": query, "revision": "1"}
        body = urllib.parse.urlencode(fields if form == "form" else {"query": query}).encode()
        path = "/sparql" if form == "form" else "/sparql?revision=1"
        reply = service.send("POST", path, body, Accept="text/csv")
        assert (reply.status, reply.headers["Revision"]) == (200, "1"), reply.body
        assert sorted(reply.body.split()) == [b"0", b"kept", b"n"]
    page = service.get(f"/id?iri={thing}&revision=1&lang=en", Accept=BROWSER)
    assert (page.status, page.headers["Cache-Control"]) == (200, "no-cache")
    day = datetime.now(UTC)
    shown = page.body.decode()
    assert f"This is how it was at revision 1, on {day.day} {day:%B %Y}." in shown
    assert f'href="?iri={thing}&amp;lang=en">See it as it is now' in shown
    assert 'href="/?lang=en&amp;revision=1"' in shown
    assert 'href="/changes?lang=en"' in shown
    german = service.get(f"/id?iri={thing}&revision=1&lang=de", Accept=BROWSER).body.decode()
    assert "So war es in Revision 1, am" in german and "Zum heutigen Stand" in german
    change = service.get("/changes/7", Accept=BROWSER).body.decode()
    assert 'href="/?revision=7"' in change
    for path in ("/", "/ns", "/shapes", "/api/v1/roles", "/api/v1/frameworks"):
        reply = service.get(f"{path}?revision=2", Accept="*/*")
        assert (reply.status, reply.headers["Revision"]) == (200, "2"), (path, reply.body)
    declared = json.loads(service.get("/api/v1/openapi.json").body)
    parameters = declared["paths"]["/api/v1/roles"]["get"]["parameters"]
    assert "revision" in [parameter["name"] for parameter in parameters]


def test_a_query_sees_one_revision_however_much_is_written(written: Written) -> None:
    """Two counters are always changed together; the query reads them far apart."""
    graph, told = EX + "counters", {}
    ended = threading.Event()

    def count() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            reply = written.update(
                f"DROP SILENT GRAPH <{graph}> ; INSERT DATA {{ GRAPH <{graph}> {{"
                f" <{EX}a> <{EX}value> {number} . <{EX}z> <{EX}value> {number} }} }}"
            )
            told[reply.headers["Revision"]] = number

    slow = (
        f"SELECT ?a ?z (COUNT(*) AS ?n) {{ GRAPH <{graph}> {{ <{EX}a> <{EX}value> ?a }}"
        " { SELECT * { ?s ?p ?o . ?s2 ?p2 ?o2 . ?s3 ?p3 ?o3 . ?s4 ?p4 ?o4 } }"
        f" GRAPH <{graph}> {{ <{EX}z> <{EX}value> ?z }} }} GROUP BY ?a ?z"
    )
    with ThreadPoolExecutor(1) as aside:
        writing = aside.submit(count)
        try:
            while len(told) < 3:
                assert not writing.done(), writing.result()
                time.sleep(0.05)
            seen = []
            for _ in range(3):
                before = len(told)
                reply = written.service.query(slow, Accept="text/csv")
                assert reply.status == 200, reply.body
                _, row = reply.body.decode().split()
                a, z, _ = map(int, row.split(","))
                seen.append((reply.headers["Revision"], a, z, len(told) - before))
        finally:
            ended.set()
        writing.result()
    assert [(told[revision], told[revision]) for revision, *_ in seen] == [
        (a, z) for _, a, z, _ in seen
    ]
    print("written during each query:", [meanwhile for *_, meanwhile in seen])
    assert any(meanwhile for *_, meanwhile in seen)


def test_an_older_revision_needs_a_token_and_is_built_aside(written: Written) -> None:
    make_older(written)
    reply = written.service.get(graph_path(PLAIN, revision=11))
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "Revision 11 is older" in str(reply.json()["detail"])
    browser = http.client.HTTPConnection(written.service.url.removeprefix("http://"))
    browser.request("GET", "/?revision=11", headers={"Accept": BROWSER})
    led = browser.getresponse()
    assert (led.status, led.headers["Location"]) == (303, "/sign-in?back=%2F%3Frevision%3D11")
    browser.close()
    for revision in (3, 32):
        assert export(written.patient, revision) == written.exported[revision]
    (gate,) = written.service.processes("gating")
    os.kill(gate, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(map(memory, written.service.processes("historic"))):
        assert time.monotonic() < deadline, "they end with the gate"
        time.sleep(0.05)
    answer = written.patient(graph_path(PLAIN, revision=32))
    assert answer.headers["Cache-Control"] == "private, max-age=86400"
    assert answer.headers["ETag"].startswith('"')
    asked = ("export", "--format", "n-quads", "--at", "32")
    assert command(written, *asked)[0] == 4
    code, content, _ = command(written, *asked, COMPETENCY_GRAPH_TOKEN=written.token)
    assert (code, content) == (0, written.exported[32])


def test_after_a_start_the_last_changes_are_at_hand(tmp_path: Path) -> None:
    settings = {"seed": "none", "validation": "off", "workers": "1"}
    service = start_service(tmp_path, **settings)
    written = Written(service, service.token("maintainer"))
    for step in range(5):
        script(written, step)
    exported = export(service.get)
    script(written, 5)
    assert service.stop() == 0
    service = start_service(tmp_path, **settings)
    try:
        assert export(service.get, 5) == exported
        assert not service.processes("historic")
    finally:
        assert service.stop() == 0


def test_what_was_redacted_cannot_be_had_near_or_far(tmp_path: Path) -> None:
    service = start_service(
        tmp_path, seed="none", validation="off", workers="1", public_history="true"
    )
    written = Written(service, service.token("maintainer"))
    try:
        written.update(f'INSERT DATA {{ GRAPH <{PLAIN}> {{ <{THING}> <{EX}is> "public" }} }}')
        written.update(f'INSERT DATA {{ GRAPH <{PLAIN}> {{ <{THING}> <{EX}is> "secret" }} }}')
        written.update(f'DELETE DATA {{ GRAPH <{PLAIN}> {{ <{THING}> <{EX}is> "secret" }} }}')
        assert b"secret" in service.get(graph_path(PLAIN, revision=2)).body
        with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
            for number in (2, 3):
                history.redact(log, number, "content", now=datetime.now(UTC))
        for kind in ("near", "far"):
            for revision, status in ((1, 200), (2, 410), (3, 200)):
                path = graph_path(PLAIN, revision=revision)
                reply = service.get(path)
                for _ in range(100):
                    if reply.status != 503:
                        break
                    time.sleep(0.2)
                    reply = service.get(path)
                assert reply.status == status, (kind, revision, reply.body)
                assert b"secret" not in reply.body
                if status == 200:
                    # Nobody needs a token here, near or far.
                    assert reply.headers["Cache-Control"] == "public, max-age=86400"
            make_older(written)
    finally:
        assert service.stop() == 0


# Twenty clients at once


def looked_up(service: Service, ended: threading.Event) -> list[float]:
    """Ask ordinary look-ups that no cache knows; return how long each took, in seconds."""
    took = []
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=30)
    number = 0
    while not ended.is_set():
        number += 1
        began = time.monotonic()
        connection.request("GET", f"/api/v1/levels?lang=x-{number}")
        reply = connection.getresponse()
        assert (reply.status, bool(reply.read())) == (200, True)
        took.append(time.monotonic() - began)
        time.sleep(0.005)
    connection.close()
    return took


def p99(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)]


def held(service: Service) -> tuple[int, int]:
    """Return how many historic keepers there are, and how many of them are being built."""
    parents = {pid: parent_of(pid) for pid in service.processes("historic")}
    keepers = [pid for pid, parent in parents.items() if parent and parent not in parents]
    boards = []
    for pid in keepers:
        try:
            folder = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[3].decode()
            boards.append(Board(Path(folder) / BOARD).revision)
        except (OSError, IndexError):
            continue
    return len(keepers), boards.count(0)


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_twenty_clients_that_ask_for_older_revisions_disturb_nobody(tmp_path: Path) -> None:
    service = start_service(tmp_path, validation="off", workers="2", query_timeout="1 s")
    written = Written(service, service.token("maintainer"))
    try:
        for number in range(20):
            written.update(f"INSERT DATA {{ GRAPH <{PLAIN}> {{ <{THING}> <{EX}is> {number} }} }}")
        make_older(written)
        ended = threading.Event()
        statuses: Counter[int] = Counter()

        def ask(revision: int) -> None:
            while not ended.is_set():
                reply = service.get(
                    graph_path(PLAIN, revision=revision),
                    Accept="application/n-triples",
                    Authorization=f"Bearer {written.token}",
                )
                statuses[reply.status] += 1
                if reply.status == 200:
                    assert reply.body.count(b"\n") == revision - 1
                else:
                    assert int(reply.headers["Retry-After"]) > 0
                # More often than they are told to.
                time.sleep(0.1)

        def watch(seconds: float) -> tuple[list[float], int, int]:
            ended.clear()
            took, keepers, building = [], 0, 0
            with ThreadPoolExecutor(2) as aside:
                asking = [aside.submit(looked_up, service, ended) for _ in range(2)]
                until = time.monotonic() + seconds
                while time.monotonic() < until:
                    seen = held(service)
                    keepers, building = max(keepers, seen[0]), max(building, seen[1])
                    time.sleep(0.1)
                ended.set()
                for one in asking:
                    took += one.result()
            return took, keepers, building

        idle, none, _ = watch(3)
        assert none == 0
        with ThreadPoolExecutor(20) as clients:
            asked = [clients.submit(ask, revision) for revision in range(2, 22)]
            busy, keepers, building = watch(8)
            for one in asked:
                one.result()
        print(
            f"look-ups' p99: {p99(idle) * 1000:.1f} ms alone, {p99(busy) * 1000:.1f} ms beside "
            f"20 clients ({len(busy)} asked); they were told {dict(statuses)}"
        )
        assert set(statuses) == {200, 503}
        assert 1 <= keepers <= MOST_KEEPERS
        assert building <= 1
        # Generous, because other tests may run on the same cores; the bench has the figure.
        assert p99(busy) < max(5 * p99(idle), 0.1)
    finally:
        assert service.stop() == 0
    assert not service.processes("historic")


# The historic keepers themselves, with a clock of the test's own


@dataclass
class Held:
    """`Past` over a log whose every change is too large to be undone."""

    past: Past
    client: Callable[[str], Client]
    now: list[float]

    def wait(self, revision: int) -> Client:
        deadline = time.monotonic() + _LONG
        while True:
            try:
                return self.client(self.past.folder(revision))
            except Exception as error:
                assert getattr(error, "code", "") == "unavailable", error
                assert time.monotonic() < deadline
                time.sleep(0.05)


@pytest.fixture
def older(tmp_path: Path) -> Iterator[Held]:
    settings = Settings(database=f"sqlite:///{tmp_path}/log.db", seed="none")
    run = tmp_path / "run"
    run.mkdir()
    board = Board.create(run / BOARD)
    with Log.open(settings.database, base=settings.base) as log:
        for number in range(5):
            line = f'<{THING}> <{EX}is> "{number}" <{PLAIN}> .'
            draft = Draft(author="Ada", time=datetime.now(UTC), message="", added=[line])
            log.append(draft, expected_head=number)
        # Nothing was put on the ring.
        board.serve(revision=5, generation=1, keeper=os.getpid(), sealed=True)
        now = [0.0]
        past = Past(log, board, run, settings, clock=lambda: now[0])
        yield Held(
            past,
            lambda folder: Client(run / folder, query_seconds=10, query_memory=512_000_000),
            now,
        )
        past.close()
        assert not list(run.glob("past-*"))


def count_of(client: Client) -> str:
    asked: dict[str, object] = {
        "rows": "csv",
        "graph": None,
        "default_graphs": [],
        "named_graphs": [],
    }
    return client.query(b"SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", asked).read().decode().split()[1]


def test_a_historic_keeper_is_ended_when_nobody_asks_and_its_memory_is_back(older: Held) -> None:
    client = older.wait(3)
    assert (count_of(client), client.board.revision) == ("3", 3)
    keeper = client.board.keeper
    group = [
        pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if in_group(pid, keeper)
    ]
    assert len(group) == 3, "itself, and a reader of each kind"
    older.now[0] += IDLE - 1
    older.past.sweep()
    assert count_of(older.wait(3)) == "3"
    older.now[0] += IDLE + 1
    older.past.sweep()
    # Those of its group that are not its parent's to bury stay a moment longer, without memory.
    assert not any(map(memory, group))


def memory(pid: int) -> int:
    """Return how many pages a process has; none once it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0


def in_group(pid: int, group: int) -> bool:
    try:
        return os.getpgid(pid) == group
    except ProcessLookupError:
        return False


def test_one_is_built_at_a_time_and_the_least_recently_used_makes_room(older: Held) -> None:
    for revision, said in ((2, "Revision 2 is older and is being built"), (3, "before it")):
        with pytest.raises(Exception, match=said):
            older.past.folder(revision)
    second, _ = older.wait(2), older.wait(3)
    with pytest.raises(Exception, match="2 older revisions are held at a time") as refused:
        older.past.folder(4)
    # A query with a token may take three times QUERY_TIMEOUT, and then 5 s to be sent.
    assert getattr(refused.value, "retry_after", 0) == 35
    older.now[0] += 34
    assert count_of(older.wait(3)) == "3"
    older.now[0] += 2
    fourth = older.wait(4)
    assert count_of(fourth) == "4"
    assert not memory(second.board.keeper)
    assert count_of(older.wait(3)) == "3"


def test_a_killed_historic_keeper_is_built_again(older: Held) -> None:
    keeper = older.wait(1).board.keeper
    os.kill(keeper, signal.SIGKILL)
    assert count_of(older.wait(1)) == "1"

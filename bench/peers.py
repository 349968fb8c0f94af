"""`python -m bench peers`: the service beside four other SPARQL servers, in one run.

Each has the same triples as its default graph, in memory, and ten seconds for a query where it
knows such a limit.
"""

import http.client
import resource
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle
from pathlib import Path
from statistics import median
from typing import Self
from urllib.parse import quote

from competency_graph.vocab import GRAPH

from bench import graphs, peer_tables, processes, servers
from bench.answered import Answered, ask
from bench.load import Rate, Refused, rate
from bench.peer_queries import (
    HEAVY,
    HEAVY_AGGREGATE,
    HOSTILE,
    JOIN,
    PREFIXES,
    QUESTIONS,
    SMALL,
    differing,
    first_questions,
    one,
    small,
)
from bench.rivals import Missing
from bench.servers import VIRTUOSO_GRAPH, Running, say

CLIENTS = (1, 8, 32)
# What the targets are of, and is measured in several rounds.
_JUDGED = 8
_TIMEOUT = 10
# Who has not answered by then goes on, and is started anew so that it does not spoil what follows.
_PATIENCE = 15.0
_MOST_UNANSWERED = 2
_RUNS = 15
# No more runs of a query than fit into so many seconds, and at least one.
_ENOUGH = 1.5
_FRESH_RUNS = 3
_HEAVY_SECONDS = 5.0
_REST = 30.0
# A client that is refused at once tries again after so many seconds.
_AGAIN = 0.1
_UNDER_LOAD_SECONDS = 20.0
_MOST_MEMORY = 8_000_000_000
_RDFLIB_ENDPOINT_TAKES = ("10k", "100k")
# The service as it is, and beside clients that are somebody else each time.
_UNDER_LOAD = {
    "": {"kill_limit": "3"},
    ", KILL_LIMIT off": {"kill_limit": "off"},
}
# Where hostile clients come from: this machine, and nobody's address that is measured.
_ELSEWHERE = "127.0.0.2"


class Peer:
    """A server that runs until the end of a ``with``, and can be started anew.

    Args:
        start: what starts it.
        query: the path that takes queries, to be followed by one.
        update: the path that takes updates; of one that is measured without, nothing.
        graph: into which graph they go, where that is not the default graph.
        token: what allows them.
    """

    def __init__(
        self,
        start: Callable[[], AbstractContextManager[Running]],
        *,
        query: str,
        update: str,
        graph: str = "",
        token: str = "",
    ) -> None:
        self._start = start
        self._running = ExitStack()
        self.query, self.update, self.graph, self.token = query, update, graph, token
        self.unanswered = 0

    def __enter__(self) -> Self:
        self.running = self._running.enter_context(self._start())
        self.name = self.running.name
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def restart(self) -> None:
        """End it, whatever it is at, and start it again."""
        say(f"{self.name} is started anew")
        self._running.close()
        self.running = self._running.enter_context(self._start())


@dataclass(slots=True)
class Told:
    """What the servers told, by what was asked and then by server."""

    answers: dict[str, dict[str, Answered]] = field(default_factory=dict)
    fresh: dict[str, float] = field(default_factory=dict)
    rates: dict[tuple[str, str], dict[str, list[Rate]]] = field(default_factory=dict)
    repeated: dict[tuple[str, str], dict[str, list[Rate]]] = field(default_factory=dict)
    edits: dict[str, Counter[str]] = field(default_factory=dict)
    hostile: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def peers(sizes: list[str], rounds: int, seconds: float) -> None:
    """Measure all servers in turns, and print where the service stands."""
    for size in sizes:
        told = Told()
        with tempfile.TemporaryDirectory(prefix="bench-peers-") as folder, ExitStack() as running:
            database = Path(shutil.copy(graphs.database(size, framework=True), folder))
            others = list(_others(size, running, told))
            _one_by_one(told, size, database, others)
            with _service(database) as ours:
                everybody = [ours, *others]
                _rates(told, size, everybody, rounds, seconds)
                _repeated(told, size, everybody, rounds, seconds)
            peer_tables.answers(size, told)
            peer_tables.rates(size, told, rounds)
            for name, settings in _UNDER_LOAD.items():
                with _service(database, **settings) as ours:
                    told.hostile[f"{ours.name}{name}"] = _under_load(ours, size, seconds)
            for other in others:
                told.hostile[other.name] = _under_load(other, size, seconds)
        peer_tables.hostile(size, told)


def _others(size: str, running: ExitStack, told: Told) -> Iterator[Peer]:
    """Start every other server that is to be had."""
    triples = graphs.triples_file(size)
    # Without --timeout-s: it then keeps a thread of each query until its time is over, and refuses
    # what comes once there are thousands.
    oxigraph = partial(servers.oxigraph, triples)
    rdflib = partial(servers.rdflib_endpoint, triples)
    fuseki = partial(servers.fuseki, triples, f"--timeout={1000 * _TIMEOUT}")
    virtuoso = partial(servers.virtuoso, triples, seconds=_TIMEOUT)
    found = [Peer(oxigraph, query="/query?query=", update="/update")]
    if size in _RDFLIB_ENDPOINT_TAKES:
        found.append(Peer(rdflib, query="/?query=", update=""))
    found.append(Peer(fuseki, query="/ds/query?query=", update="/ds/update"))
    # Its default graph is all that it holds, its own graphs among that.
    only = f"/sparql?default-graph-uri={quote(VIRTUOSO_GRAPH, safe='')}&query="
    found.append(Peer(virtuoso, query=only, update="/sparql", graph=VIRTUOSO_GRAPH))
    for peer in found:
        try:
            yield running.enter_context(peer)
        except (Missing, OSError, RuntimeError) as error:
            told.missing.append(str(error))
            say(f"Left out: {error}")
        else:
            say(f"{peer.name} runs")


def _service(database: Path, **settings: str) -> Peer:
    start = partial(servers.service, database, **{"kill_limit": "off"} | settings)
    token = servers.token(database)
    graph = f"{GRAPH}bench-edits"
    return Peer(start, query="/sparql?query=", update="/sparql", graph=graph, token=token)


def _one_by_one(told: Told, size: str, database: Path, others: list[Peer]) -> None:
    """Ask every query of every server alone: how long, and whether all answer the same.

    Of the service a reader that is never replaced is asked, and one that is after each heavy query.
    """
    iri = next(iri for kind, iri in graphs.objects(size) if kind == "competencies")
    texts = {name: PREFIXES + text.format(iri=iri) for name, text in SMALL.items()}
    texts |= first_questions() | {name: PREFIXES + text for name, text in HEAVY.items()}
    for other in others:
        # Java compiles what it meets often.
        _rate(other, small(size, JOIN, other.query), seconds=2.0)
    with (
        _service(database, readers="1", reader_private="1000 GB") as warm,
        _service(database, readers="1", reader_private="1 kB") as fresh,
    ):
        for name, text in texts.items():
            asked = [p for p in [warm, *others] if p.unanswered < _MOST_UNANSWERED]
            told.answers[name] = {p.name: _alone(p, text) for p in asked}
            if told.answers[name][warm.name].seconds > peer_tables.HEAVY_SECONDS:
                runs = [_once(fresh, text, n).seconds for n in range(_FRESH_RUNS)]
                told.fresh[name] = median(runs)
            say(f"{name}: " + ", ".join(f"{k} {a}" for k, a in told.answers[name].items()))


def _alone(peer: Peer, text: str) -> Answered:
    """Return what a server answered, with the median of its warm runs."""
    answered = _once(peer, text, 0)
    if answered.status == 0:
        peer.unanswered += 1
        peer.restart()
    if answered.status != 200 or answered.seconds > 2 * _ENOUGH:
        return answered
    runs: list[float] = []
    began = time.monotonic()
    while len(runs) < _RUNS and (not runs or time.monotonic() - began < _ENOUGH):
        runs.append(_once(peer, text, len(runs) + 1).seconds)
    return answered.taking(median(runs))


def _once(peer: Peer, text: str, turn: int) -> Answered:
    answered = ask(
        peer.running.address,
        peer.query,
        f"{text}\n#{turn}",
        patience=_PATIENCE,
        compare=turn == 0,
    )
    # A reader that was replaced is forked meanwhile.
    time.sleep(0.05 if answered.seconds > peer_tables.HEAVY_SECONDS else 0)
    return answered


def _rates(told: Told, size: str, everybody: list[Peer], rounds: int, seconds: float) -> None:
    """Measure answers a second of each kind of query, with few and many clients."""
    small_kinds = [*SMALL, f"{QUESTIONS} questions"]
    heavy = [PREFIXES + text for text in HEAVY.values()]
    for peer in everybody:
        for kind in SMALL:
            _rate(peer, small(size, kind, peer.query), seconds=seconds)
    for clients in CLIENTS:
        for kind in small_kinds:
            able = [p for p in everybody if not p.unanswered or kind in SMALL]
            for peer in _in_turns(able, rounds if clients == _JUDGED else 1):
                requests = small(size, kind, peer.query)
                _note(told.rates, (kind, str(clients)), peer, requests, seconds, clients)
        for peer in (p for p in everybody if not p.unanswered):
            requests = differing(heavy, peer.query)
            _note(
                told.rates,
                ("heavy ones in turn", str(clients)),
                peer,
                requests,
                _HEAVY_SECONDS,
                clients,
            )


def _repeated(told: Told, size: str, everybody: list[Peer], rounds: int, seconds: float) -> None:
    """Measure queries that are the same each time, alone and while edits go in."""
    iri = next(iri for kind, iri in graphs.objects(size) if kind == "competencies")
    texts = {
        JOIN: PREFIXES + SMALL[JOIN].format(iri=iri),
        "question 7": first_questions()["question 7"],
        HEAVY_AGGREGATE: PREFIXES + HEAVY[HEAVY_AGGREGATE],
    }
    for name, text in texts.items():
        for meanwhile in ("nothing", "an edit a second"):
            able = [p for p in everybody if not p.unanswered or name == JOIN]
            able = [p for p in able if p.update or meanwhile == "nothing"]
            for peer in _in_turns(able, rounds):
                requests = cycle([one(text, peer.query)])
                with _edits(told, peer) if meanwhile != "nothing" else nullcontext():
                    _note(told.repeated, (name, meanwhile), peer, requests, max(seconds, 2.0), 8)


def _note(
    figures: dict[tuple[str, str], dict[str, list[Rate]]],
    key: tuple[str, str],
    peer: Peer,
    requests: Iterator[bytes],
    seconds: float,
    clients: int,
) -> None:
    found = _rate(peer, requests, seconds=seconds, clients=clients)
    figures.setdefault(key, {}).setdefault(peer.name, []).append(found)
    say(f"{key[0]}, {key[1]}: {peer.name}: {found.answers:.1f}/s, {found.refused} refused")
    if not found.answers:
        peer.restart()
    deadline = time.monotonic() + _REST
    # What a server goes on with after its clients left, the next would pay for.
    while (
        key[0] not in SMALL
        and peer.running.pid
        and time.monotonic() < deadline
        and not processes.at_rest(peer.running.pid)
    ):
        pass


def _rate(peer: Peer, requests: Iterator[bytes], *, seconds: float, clients: int = 8) -> Rate:
    try:
        return rate(
            peer.running.address, requests, seconds=seconds, connections=clients, may_refuse=True
        )
    except (OSError, Refused):
        return Rate(answers=0.0, own_microseconds=0.0, refused=1)


def _in_turns(everybody: Sequence[Peer], rounds: int) -> Iterator[Peer]:
    for _ in range(rounds):
        yield from everybody


@contextmanager
def _edits(told: Told, peer: Peer) -> Iterator[None]:
    """Insert a statement each second."""
    ended = threading.Event()
    statuses = told.edits.setdefault(peer.name, Counter())
    numbers = count(sum(statuses.values()))

    def edit() -> None:
        while not ended.wait(1.0 if statuses else 0.2):
            statement = f"<urn:bench:edit> <urn:bench:number> {next(numbers)}"
            if peer.graph:
                statement = f"GRAPH <{peer.graph}> {{ {statement} }}"
            headers = {"Content-Type": "application/sparql-update"}
            if peer.token:
                headers["Authorization"] = f"Bearer {peer.token}"
            connection = http.client.HTTPConnection(*peer.running.address, timeout=20)
            try:
                connection.request("POST", peer.update, f"INSERT DATA {{ {statement} }}", headers)
                answer = connection.getresponse()
                answer.read()
                statuses[str(answer.status)] += 1
            except (OSError, http.client.HTTPException) as error:
                statuses[type(error).__name__] += 1
            finally:
                connection.close()

    editing = threading.Thread(target=edit)
    editing.start()
    try:
        yield
    finally:
        ended.set()
        editing.join()


def _under_load(peer: Peer, size: str, seconds: float) -> tuple[float, float, str]:
    """Return answers a second alone and under load, and how hostile queries were answered.

    The server is of no use after that: some go on for long.
    """
    if peer.running.pid and "Fuseki" not in peer.name:
        # The machine has other work; Java bounds itself.
        resource.prlimit(peer.running.pid, resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    requests = small(size, JOIN, peer.query)
    runs = [_rate(peer, requests, seconds=max(seconds, 1.0)).answers for _ in range(4)]
    alone = median(runs[1:])
    endings: Counter[str] = Counter()
    ended = threading.Event()
    sending = [
        threading.Thread(target=_send, args=(peer, text, endings, ended), daemon=True)
        for text in HOSTILE
    ]
    for thread in sending:
        thread.start()
    time.sleep(0.5)
    under = _rate(peer, requests, seconds=_UNDER_LOAD_SECONDS).answers
    ended.set()
    told = ", ".join(f"{kind} × {number}" for kind, number in endings.most_common())
    if (
        ask(peer.running.address, peer.query, "ASK {}", patience=1).ending
        == "ConnectionRefusedError"
    ):
        told += "; it ended at 8 GB"
    say(f"under load: {peer.name}: {alone:.0f}/s, then {under:.0f}/s; {told}")
    return alone, under, told


def _send(peer: Peer, text: str, endings: Counter[str], ended: threading.Event) -> None:
    """Send one hostile query again and again."""
    while not ended.is_set():
        answered = ask(
            peer.running.address, peer.query, text, patience=_UNDER_LOAD_SECONDS, source=_ELSEWHERE
        )
        endings[answered.ending] += 1
        if answered.seconds < _AGAIN:
            ended.wait(_AGAIN)

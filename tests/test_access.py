"""Tokens are recognised, limited and never shown again; who may change which graph."""

import logging
import os
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from competency_graph.access import (
    RANDOM_BYTES,
    authenticate,
    authorise,
    create_token,
    graph_named,
    note_forbidden,
    require,
)
from competency_graph.errors import (
    BadRequest,
    CompetencyGraphError,
    Forbidden,
    NotFound,
    TooManyRequests,
    Unauthorised,
)
from competency_graph.log import Draft, Log
from competency_graph.log.tokens import MOST_ATTEMPTS, MOST_FAILURES
from competency_graph.model import Difference, Identity, Role
from competency_graph.vocab import BASE, GRAPH
from competency_graph.web.app import problem
from flask import Flask

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
HERE = "192.0.2.1"
A, B, FOREIGN = GRAPH + "a", GRAPH + "b", "http://example.org/framework"
WRONG = f"cg_1_{'0' * 64}"


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(path: Path) -> Iterator[Log]:
    with Log.open(f"sqlite:///{path}", base=BASE) as opened:
        yield opened


def token(log: Log, **given: object) -> str:
    usual = {"name": "Ada", "role": "editor", "expires": None, "now": NOON, "base": BASE}
    random = os.urandom(RANDOM_BYTES)
    return create_token(log, **(usual | {"random": random} | given))[0]  # type: ignore[arg-type]


def refused(log: Log, secret: str | None, now: datetime = NOON, address: str = HERE) -> str:
    """Return the sentence of a 401."""
    with pytest.raises(Unauthorised) as error:
        authenticate(log, secret, now=now, address=address)
    return error.value.detail


# Roles x targets

TARGETS: dict[str, tuple[set[str], set[str]]] = {
    "a framework": ({A}, set()),
    "another": ({B}, set()),
    "two": ({A, B}, set()),
    "a foreign one": ({FOREIGN}, set()),
    "nothing": (set(), set()),
    "foreign from a file": ({FOREIGN}, {FOREIGN}),
    "ours from a file": ({A}, {A}),
    "ours beside one from a file": ({A, FOREIGN}, {FOREIGN}),
    "ontology": ({GRAPH + "ontology"}, set()),
    "mappings": ({GRAPH + "term-mappings"}, set()),
    "core": ({GRAPH + "shapes-core"}, set()),
    "house": ({GRAPH + "shapes-house"}, set()),
    "a new profile": ({GRAPH + "shapes-mine"}, set()),
    "exemptions": ({GRAPH + "exemptions"}, set()),
    "exemptions and a framework": ({A, GRAPH + "exemptions"}, set()),
    "default graph": ({""}, set()),
}
EVERYTHING = set(TARGETS)
FRAMEWORKS = set(list(TARGETS)[:6]) | {"ours beside one from a file"}
ASKERS: dict[str, tuple[Role, set[str], set[str]]] = {
    "reader": ("reader", set(), set()),
    "editor": ("editor", set(), FRAMEWORKS),
    "editor of a": ("editor", {A}, {"a framework", "nothing"}),
    "editor of both": ("editor", {A, B}, {"a framework", "another", "two", "nothing"}),
    "editor of ontology": ("editor", {GRAPH + "ontology"}, {"nothing"}),
    "reviewer": ("reviewer", set(), FRAMEWORKS),
    "reviewer of a": ("reviewer", {A}, {"a framework", "nothing"}),
    "maintainer": ("maintainer", set(), EVERYTHING),
    "maintainer of a": ("maintainer", {A}, {"a framework", "ours from a file", "nothing"}),
    "maintainer of exemptions": (
        "maintainer",
        {GRAPH + "exemptions"},
        {"exemptions", "nothing"},
    ),
    "admin": ("admin", set(), EVERYTHING),
}
CASES = [(asker, target) for asker in ASKERS for target in TARGETS]


def changing(graphs: set[str]) -> Difference:
    touched = frozenset((graph, "http://example.org/s") for graph in graphs)
    return Difference(added=(), removed=(), touched=touched, graphs_read=frozenset())


def test_the_matrix_is_whole() -> None:
    assert len(CASES) == 11 * 16
    assert sum(len(allowed) for _, _, allowed in ASKERS.values()) == 60


@pytest.mark.parametrize(("asker", "target"), CASES)
def test_who_may_change_what(asker: str, target: str) -> None:
    role, graphs, allowed = ASKERS[asker]
    identity = Identity(name="Ada", role=role, graphs=frozenset(graphs), token=1)
    touched, from_files = TARGETS[target]
    if target in allowed:
        authorise(identity, changing(touched), base=BASE, from_files=from_files)
        return
    with pytest.raises(Forbidden) as error:
        authorise(identity, changing(touched), base=BASE, from_files=from_files)
    assert "competency-graph token create NAME --role " in error.value.detail
    assert "https://" not in error.value.detail
    assert (error.value.status, error.value.exit_code) == (403, 4)


def test_reserved_names_hold_under_a_base_of_ones_own_too() -> None:
    own = "https://framework.example/"
    editor = Identity(name="Ada", role="editor")
    authorise(editor, changing({own + "graph/a", own + "graph/ontologies"}), base=own)
    for graph in (own + "graph/shapes-core", GRAPH + "shapes-core", own + "graph/ontology"):
        with pytest.raises(Forbidden):
            authorise(editor, changing({graph}), base=own)
    for graph in (own + "graph/a", A):
        with pytest.raises(Forbidden):
            authorise(editor, changing({graph}), base=own, from_files=[graph])


def test_a_refusal_says_which_graph_which_role_and_how_to_get_it() -> None:
    def sentence(identity: Identity, *graphs: str, from_files: tuple[str, ...] = ()) -> Forbidden:
        with pytest.raises(Forbidden) as error:
            authorise(
                identity,
                changing(set(graphs)),
                base=BASE,
                from_files=from_files,
                titles={A: "Alpha", B: "Beta"},
            )
        return error.value

    editor = Identity(name="Ada", role="editor")
    told = sentence(editor, A, GRAPH + "shapes-core", GRAPH + "ontology")
    assert told.detail == (
        "Changing the ontology and the shapes “core” needs the role maintainer; your token has "
        "the role editor. Whoever runs this service makes one that may: "
        "competency-graph token create NAME --role maintainer"
    )
    assert told.facts == {
        "needs": "maintainer",
        "role": "editor",
        "graphs": [
            {"id": GRAPH + "ontology", "label": "ontology"},
            {"id": GRAPH + "shapes-core", "label": "shapes-core"},
        ],
    }
    only_a = Identity(name="Ada", role="editor", graphs=frozenset({A}))
    assert sentence(only_a, A, B).detail == (
        "Your token is for “Alpha”, and the change touches “Beta”. Whoever runs this service "
        "makes one that may: competency-graph token create NAME --role editor --graph b"
    )
    assert "file that itself names a graph of this service, “Beta”, needs" in (
        sentence(editor, B, from_files=(B,)).detail
    )
    assert "“1”, “2”, “3” and 2 more" in (
        sentence(only_a, *(f"{GRAPH}{n}" for n in range(1, 6))).detail
    )
    # What a client names must not become a command of whoever copies the sentence.
    assert sentence(only_a, GRAPH + "$(reboot)").detail.endswith("--role editor --graph NAME")


def profile_line(graph: str, value: str = GRAPH + "shapes-house", within: str = "") -> bytes:
    return (
        f"<{graph}> <http://purl.org/dc/terms/conformsTo> <{value}> <{within or graph}> .".encode()
    )


def profiled(*, added: tuple[bytes, ...] = (), removed: tuple[bytes, ...] = ()) -> Difference:
    return Difference(
        added=added, removed=removed, touched=frozenset({(A, A)}), graphs_read=frozenset()
    )


@pytest.mark.parametrize(
    "added", [(), (profile_line(A, GRAPH + "shapes-skos"),)], ids=["taken away", "changed"]
)
@pytest.mark.parametrize("role", ["editor", "reviewer"])
def test_less_rules_for_a_graph_need_a_maintainer(role: Role, added: tuple[bytes, ...]) -> None:
    loosened = profiled(added=added, removed=(profile_line(A),))
    for graphs in (frozenset[str](), frozenset({A})):
        with pytest.raises(Forbidden) as error:
            authorise(
                Identity(name="Ada", role=role, graphs=graphs),
                loosened,
                base=BASE,
                titles={A: "Alpha"},
            )
        assert error.value.detail.startswith(
            "Taking away what “Alpha” is judged by (dcterms:conformsTo) needs the role maintainer;"
        )
        assert error.value.facts["graphs"] == [{"id": A, "label": "Alpha"}]
        authorise(Identity(name="Ada", role="maintainer", graphs=graphs), loosened, base=BASE)


def test_more_rules_for_a_graph_are_an_editors_to_state() -> None:
    authorise(Identity(name="Ada", role="editor"), profiled(added=(profile_line(A),)), base=BASE)


@pytest.mark.parametrize(
    "line",
    [
        profile_line(B, within=A),
        f"<{A}> <http://purl.org/dc/terms/conformsTo> <{A}> .".encode(),
        f'<{A}> <http://purl.org/dc/terms/title> "conformsTo <{A}> <{A}> ." <{A}> .'.encode(),
        f"_:a <http://purl.org/dc/terms/conformsTo> <{A}> <{A}> .".encode(),
    ],
    ids=["of another graph", "in the default graph", "in a text", "of a blank node"],
)
def test_what_is_no_profile_of_the_graph_is_an_editors_to_take_away(line: bytes) -> None:
    authorise(Identity(name="Ada", role="editor"), profiled(removed=(line,)), base=BASE)


def test_an_admin_alone_may_what_is_no_graph() -> None:
    require(Identity(name="Ada", role="admin"), "admin", "Redacting a change")
    with pytest.raises(Forbidden, match=r"^Redacting a change needs the role admin; your token"):
        require(Identity(name="Ada", role="maintainer"), "admin", "Redacting a change")


# Tokens


def test_a_token_says_who_sends_it(log: Log) -> None:
    secret = token(log, graphs=[A], expires=after(60))
    assert authenticate(log, secret, now=NOON, address=HERE) == Identity(
        name="Ada", role="editor", graphs=frozenset({A}), token=1, expires=after(60)
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": " "}, "Name whom the token is for"),
        ({"name": "Ada\nadmin"}, "on one line"),
        ({"name": "A" * 201}, "at most 200"),
        ({"expires": NOON}, "expired already"),
        ({"role": "reader", "graphs": [A]}, "A reader reads every graph"),
        ({"role": "admin", "graphs": [A]}, "An admin's token cannot be for some"),
        ({"graphs": ["http://example.org/a b"]}, "is not the name of a graph"),
        ({"graphs": [A, GRAPH + "exemptions"]}, "Changing the exemptions needs a maintainer"),
        ({"role": "reviewer", "graphs": [GRAPH + "shapes-x"]}, "the shapes “x” needs a main"),
    ],
)
def test_a_token_that_makes_no_sense_is_not_made(
    log: Log, given: dict[str, object], said: str
) -> None:
    with pytest.raises(BadRequest, match=said):
        token(log, **given)
    assert log.tokens.all() == []


def test_a_graph_is_named_as_people_name_it(log: Log) -> None:
    own = "https://framework.example/"
    line = b"<http://example.org/s> <http://example.org/p> <http://example.org/o> <%s> ."
    log.append(
        Draft(
            author="Ada",
            time=NOON,
            message="",
            added=[line % A.encode()],
            touched={(A, "http://example.org/s")},
        ),
        expected_head=0,
    )
    assert graph_named(log, "a", BASE) == (A, True)
    assert graph_named(log, "a", own) == (A, True)
    assert graph_named(log, "b", own) == (own + "graph/b", False)
    assert graph_named(log, A, own) == (A, True)


def test_nothing_unknown_expired_or_revoked_is_told_apart(log: Log) -> None:
    good, expiring, revoked = token(log), token(log, expires=after(60)), token(log)
    log.tokens.revoke(3, now=NOON)
    wrong = [revoked, WRONG, good[:-1], good + "0", good.replace("cg_1", "cg_2"), "x", "cg_1_é"]
    wrong += ["cg_9_" + good[5:], f"cg_{'9' * 99}_{'0' * 64}", "\ud800", "\0", "cg_１_" + good[5:]]
    sentences = {refused(log, secret) for secret in wrong}
    sentences.add(refused(log, expiring, after(60)))
    assert len(sentences) == 1
    assert authenticate(log, expiring, now=after(59), address=HERE).token == 2
    assert authenticate(log, good, now=NOON, address=HERE).token == 1
    outcomes = [(attempt.token, attempt.outcome) for attempt in log.tokens.attempts()]
    assert outcomes == [(2, "expired"), *[(None, "unknown")] * 11, (3, "revoked")]


def test_nothing_sent_is_no_failure(log: Log) -> None:
    for secret in (None, "", *[None] * MOST_FAILURES):
        assert refused(log, secret).startswith("This needs a token. Send it in the header")
    assert log.tokens.attempts() == []


def test_a_401_names_the_scheme(log: Log) -> None:
    with pytest.raises(Unauthorised) as error:
        authenticate(log, WRONG, now=NOON, address=HERE)
    with Flask(__name__).test_request_context():
        response = problem(error.value)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert response.get_json()["code"] == "unauthorised"
    assert error.value.exit_code == 4


def test_a_revoked_token_is_refused_at_once_by_every_open_log(log: Log, path: Path) -> None:
    secret = token(log)
    with Log.open(f"sqlite:///{path}") as other:
        assert authenticate(other, secret, now=NOON, address=HERE).name == "Ada"
        assert log.tokens.revoke(1, now=after(1)).revoked == after(1)
        refused(other, secret, after(1))
        assert other.tokens.revoke(1, now=after(9)).revoked == after(1), "The first time stays."
    with pytest.raises(NotFound, match="There is no token 2"):
        log.tokens.revoke(2, now=NOON)


def test_the_last_use_is_written_at_most_once_a_minute(log: Log) -> None:
    secret = token(log)
    seen = []
    for seconds in (0, 1, 59, 60, 61, 130):
        authenticate(log, secret, now=after(seconds), address=HERE)
        seen.append(log.tokens.all()[0].last_used)
    assert seen == [after(n) for n in (0, 0, 0, 60, 60, 130)]
    # Two processes that both saw it due: the one that comes second writes nothing.
    log.tokens.use(1, now=after(131))
    assert log.tokens.all()[0].last_used == after(130)


# Limits


def test_an_address_that_fails_too_often_waits(log: Log) -> None:
    secret = token(log)
    for second in range(MOST_FAILURES):
        refused(log, WRONG, after(second))
    for tried in (WRONG, secret):
        with pytest.raises(TooManyRequests, match=r"Try again in 41 s") as error:
            authenticate(log, tried, now=after(MOST_FAILURES - 1), address=HERE)
        assert error.value.retry_after == 41
    assert authenticate(log, secret, now=after(30), address="192.0.2.2").token == 1
    assert authenticate(log, secret, now=after(60), address=HERE).token == 1
    refused(log, WRONG, after(60))
    with pytest.raises(TooManyRequests) as error:
        authenticate(log, secret, now=after(60), address=HERE)
    assert error.value.retry_after == 1
    assert len(log.tokens.attempts()) == MOST_FAILURES + 1, "What waits is not recorded again."
    assert authenticate(log, secret, now=after(-3600), address=HERE).token == 1


def test_a_network_of_ipv6_counts_as_one_address(log: Log) -> None:
    for n in range(MOST_FAILURES):
        refused(log, WRONG, address=f"2001:db8:1:2:{n:x}::1")
    with pytest.raises(TooManyRequests):
        authenticate(log, WRONG, now=NOON, address="2001:db8:1:2:ffff:ffff:ffff:ffff")
    refused(log, WRONG, address="2001:db8:1:3::1")
    refused(log, WRONG, address="::ffff:192.0.2.1")
    assert [a.address for a in log.tokens.attempts(3)] == [
        HERE,
        "2001:db8:1:3::/64",
        "2001:db8:1:2::/64",
    ]


def test_what_is_forbidden_is_recorded_but_keeps_nobody_out(log: Log) -> None:
    secret = token(log)
    identity = authenticate(log, secret, now=NOON, address=HERE)
    for _ in range(MOST_FAILURES + 5):
        note_forbidden(log, identity, now=NOON, address=HERE, what="PUT /graphs")
    attempts = log.tokens.attempts()
    assert [(a.token, a.outcome, a.what) for a in attempts] == [
        (1, "forbidden", "PUT /graphs")
    ] * MOST_FAILURES
    assert authenticate(log, secret, now=NOON, address=HERE) == identity


def test_attempts_do_not_grow_for_ever(log: Log, path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.executemany(
            "INSERT INTO attempt (time, what, address, outcome) VALUES (?, ?, 'x', 'unknown')",
            [("2000-01-01", str(n)) for n in range(1, MOST_ATTEMPTS + 51)],
        )
    refused(log, WRONG)
    attempts = log.tokens.attempts(MOST_ATTEMPTS * 2)
    assert len(attempts) == MOST_ATTEMPTS
    assert (attempts[0].what, attempts[-1].what) == ("sign in", "52")


def test_what_was_tried_is_one_short_line(log: Log) -> None:
    what = f"GET /?token={WRONG}&x=\ud800\0\n" + "y" * 500
    for address in (HERE, "a\0b\ud800" + "c" * 500):
        with suppress(Unauthorised):
            authenticate(log, WRONG, now=NOON, address=address, what=what)
    odd, usual = log.tokens.attempts()
    assert usual.what == ("GET /?token=…&x=   " + "y" * 500)[:200]
    assert odd.address == ("a b " + "c" * 500)[:64]


# Secrets


def test_a_secret_is_nowhere_afterwards(
    log: Log, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy").setLevel(logging.DEBUG)
    told: list[str] = []
    try:
        with Log.open(f"sqlite:///{tmp_path / 'log.db'}") as loud:
            secrets = [token(loud), token(loud), token(loud, expires=after(1))]
            authenticate(loud, secrets[0], now=NOON, address=HERE)
            loud.tokens.revoke(2, now=NOON)
            tried = [WRONG, *secrets[1:]] + [WRONG] * MOST_FAILURES
            for secret in tried:
                try:
                    authenticate(loud, secret, now=after(2), address=HERE, what=f"GET /?t={secret}")
                except CompetencyGraphError as error:
                    told += [error.detail, repr(error.facts), *traceback.format_exception(error)]
            told += [repr(loud.tokens.all()), repr(loud.tokens.attempts())]
    finally:
        logging.getLogger("sqlalchemy").setLevel(logging.NOTSET)
    assert "INSERT INTO token" in caplog.text
    assert len(told) > 3 * MOST_FAILURES
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"Ada" in kept
    for secret in [*secrets, WRONG]:
        random = secret.split("_")[2]
        assert random not in caplog.text
        assert random not in "\n".join(told)
        assert random.encode() not in kept
        assert bytes.fromhex(random) not in kept or secret == WRONG


# Many at once, and a database that is busy


def _children(count: int, work: Callable[[int], int]) -> list[int]:
    """Run work in processes of its own, all at once; return what each came to."""
    pids = []
    for n in range(count):
        if (pid := os.fork()) == 0:
            code = 255
            try:
                code = work(n)
            finally:
                os._exit(code)
        pids.append(pid)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def test_many_processes_together_fail_no_oftener_than_one(path: Path) -> None:
    url = f"sqlite:///{path}"
    Log.open(url, base=BASE).close()

    def guess(_: int) -> int:
        failed = 0
        with Log.open(url) as log:
            for _ in range(MOST_FAILURES):
                try:
                    authenticate(log, WRONG, now=NOON, address=HERE)
                except Unauthorised:
                    failed += 1
                except TooManyRequests:
                    pass
        return failed

    assert sum(_children(4, guess)) == MOST_FAILURES


def test_tokens_made_at_once_are_all_made(path: Path) -> None:
    url = f"sqlite:///{path}"
    Log.open(url, base=BASE).close()

    def make(n: int) -> int:
        with Log.open(url) as log:
            made = [token(log, name=f"{n}") for _ in range(5)]
            return sum(
                authenticate(log, secret, now=NOON, address=HERE).name == f"{n}" for secret in made
            )

    assert _children(4, make) == [5] * 4
    with Log.open(url) as log:
        assert sorted(t.number for t in log.tokens.all()) == list(range(1, 21))


def test_nobody_waits_long_for_a_change_that_is_being_written(log: Log, path: Path) -> None:
    secret = token(log)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        start = time.monotonic()
        assert authenticate(log, secret, now=NOON, address=HERE).token == 1
        assert time.monotonic() - start < 1
        refused(log, WRONG)
        assert time.monotonic() - start < 5
        writer.execute("ROLLBACK")
    # The patience of everything else is what it was.
    assert log.tokens.all()[0].last_used is None
    with log._database.driver() as raw:
        assert raw.execute("PRAGMA busy_timeout").fetchone() == (30_000,)


def test_a_database_that_can_only_be_read_still_says_who_asks(log: Log, path: Path) -> None:
    secret = token(log)
    with Log.open(f"sqlite:///file:{path}?mode=ro&uri=true", base=BASE) as reading:
        assert authenticate(reading, secret, now=NOON, address=HERE).token == 1
        refused(reading, WRONG)

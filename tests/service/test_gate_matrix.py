"""Who may change what, by every way in: roles x ways x targets, each asked of a running service.

What shapes say of a change is not asked here, so judging is off; `test_gate` has it on.
"""

import itertools
import json
import os
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from competency_graph.access import RANDOM_BYTES, create_token
from competency_graph.log import Log
from competency_graph.model import Role
from competency_graph.vocab import BASE
from conftest import Reply, Service, start_service

SHIPPED = "https://w3id.org/competency-graph/graph/"
OWN, OTHER = "https://example.org/graph/own", "https://example.org/graph/other"
DEFAULT = ""
TARGETS = {
    "own framework": OWN,
    "another framework": OTHER,
    "a new graph": "https://example.org/graph/new",
    "ontology": SHIPPED + "ontology",
    "shapes": SHIPPED + "shapes-core",
    "exemptions": SHIPPED + "exemptions",
    "default graph": DEFAULT,
}
FRAMEWORKS = {"own framework", "another framework", "a new graph"}
NAMED = FRAMEWORKS | {"ontology", "shapes", "exemptions"}

STATEMENT = '<https://example.org/thing> <https://example.org/says> "something new"'
PLAIN = f'<https://example.org/thing> a <https://example.org/Thing> . {STATEMENT[:-5]}old" .'
# `sh:deactivated true` would switch a rule off, and with it the gate.
SWITCHED_OFF = (
    "<https://w3id.org/competency-graph/shapes#HouseDefined-definition-required> "
    "<http://www.w3.org/ns/shacl#deactivated> true"
)


@dataclass(frozen=True)
class Asker:
    """A role, the graphs that its token is for, and how it answers instead of doing anything."""

    role: Role | None
    may: frozenset[str] = frozenset()
    graphs: tuple[str, ...] = ()
    refused: int = 403


ASKERS = {
    "no token": Asker(None, refused=401),
    "unknown token": Asker(None, refused=401),
    "expired": Asker("admin", refused=401),
    "revoked": Asker("admin", refused=401),
    "reader": Asker("reader"),
    "editor of all": Asker("editor", frozenset(FRAMEWORKS)),
    "editor of one": Asker("editor", frozenset({"own framework"}), (OWN,)),
    "reviewer": Asker("reviewer", frozenset(FRAMEWORKS)),
    "maintainer": Asker("maintainer", frozenset(NAMED)),
    "admin": Asker("admin", frozenset(NAMED)),
}
WAYS = (
    "PUT",
    "POST",
    "DELETE",
    "PATCH",
    "INSERT DATA",
    "a pattern",
    "a variable graph",
    "CLEAR and fill",
    "DROP",
    "COPY",
    "MOVE",
)
CASES = list(itertools.product(ASKERS, WAYS, TARGETS))
# There is nothing to take away of a graph that is not there.
MISSING = {"DELETE": 404, "DROP": 400}


def expected(asker: str, way: str, target: str) -> set[int]:
    """Return what the answer may be; of two, one makes something new."""
    who = ASKERS[asker]
    if who.role in (None, "reader") or who.refused == 401:
        return {who.refused}
    if target == "default graph":
        # It is the union of all others: nobody can write it.
        return {400}
    if target == "a new graph" and way in MISSING:
        return {MISSING[way]}
    if target not in who.may or (way == "MOVE" and who.graphs):
        # Moving takes from another graph as well.
        return {who.refused}
    return {201} if target == "a new graph" and way in ("PUT", "POST") else {200}


def source(target: str) -> str:
    return OTHER if target == "own framework" else OWN


def update_of(way: str, target: str) -> str:
    graph = TARGETS[target]
    named = f"GRAPH <{graph}>" if graph else "DEFAULT"
    template = f"GRAPH <{graph}> {{ {STATEMENT} }}" if graph else STATEMENT
    match way:
        case "INSERT DATA":
            return f"INSERT DATA {{ {template} }}"
        case "a pattern":
            taken = template.replace('"something new"', "?o")
            found = f"GRAPH <{source(target)}> {{ ?s <https://example.org/says> ?o }}"
            return f"DELETE {{ {taken} }} INSERT {{ {template} }} WHERE {{ {found} }}"
        case "a variable graph":
            held = template.replace(f"<{graph}>", "?g") if graph else template
            return f'INSERT {{ {held} }} WHERE {{ BIND (IRI("{graph or OWN}") AS ?g) }}'
        case "CLEAR and fill":
            return f"CLEAR {named} ; INSERT DATA {{ {template} }}"
        case "DROP":
            return f"DROP {named}"
        case _:
            return f"{way} GRAPH <{source(target)}> TO {named}"


class Matrix:
    """A running service, its tokens, and what it holds to begin with."""

    def __init__(self, service: Service, tokens: Mapping[str, str | None]) -> None:
        self._service = service
        self._tokens = tokens
        self._addresses = itertools.count()
        for target in ("own framework", "another framework", "exemptions"):
            text = PLAIN + f' <{TARGETS[target]}> <http://purl.org/dc/terms/title> "{target}"@en .'
            assert self.send("admin", "PUT", TARGETS[target], text).status == 201
        self.begun = {target: self.held(graph) for target, graph in TARGETS.items() if graph}

    def send(self, asker: str, method: str, graph: str, text: str | None, **more: str) -> Reply:
        named = {"graph": graph} if graph else {"default": ""}
        return self._ask(asker, method, "/graphs?" + urllib.parse.urlencode(named), text, **more)

    def _ask(self, asker: str, method: str, path: str, text: str | None, **more: str) -> Reply:
        # Each from an address of its own: what is tried too often from one is refused for that.
        number = next(self._addresses)
        headers = {"X-Forwarded-For": f"10.{number >> 8}.{number & 255}.1"}
        token = self._tokens[asker]
        headers |= {} if token is None else {"Authorization": f"Bearer {token}"}
        headers |= {"Content-Type": "text/turtle"} | more
        body = None if text is None else text.encode()
        return self._service.send(method, path, body, headers=headers)

    def change(self, asker: str, way: str, target: str) -> Reply:
        """Try to change a target in one way."""
        graph, update = TARGETS[target], {"Content-Type": "application/sparql-update"}
        match way:
            case "PUT" | "POST":
                return self.send(asker, way, graph, f"{STATEMENT} .")
            case "DELETE":
                return self.send(asker, way, graph, None)
            case "PATCH":
                return self.send(asker, way, graph, f"INSERT DATA {{ {STATEMENT} }}", **update)
            case _:
                return self._ask(asker, "POST", "/sparql", update_of(way, target), **update)

    def switch_off(self, asker: str, way: str, target: str) -> Reply:
        """Try to switch a rule off, in the graph of the shapes or beside it."""
        graph, update = TARGETS[target], {"Content-Type": "application/sparql-update"}
        if way == "POST":
            return self.send(asker, way, graph, f"{SWITCHED_OFF} .")
        if way == "PATCH":
            return self.send(asker, way, graph, f"INSERT DATA {{ {SWITCHED_OFF} }}", **update)
        text = f"INSERT DATA {{ GRAPH <{graph}> {{ {SWITCHED_OFF} }} }}"
        return self._ask(asker, "POST", "/sparql", text, **update)

    def held(self, graph: str) -> bytes:
        """Return what a graph holds, all of them for the default graph."""
        named = {"graph": graph} if graph else {"default": ""}
        path = "/graphs?" + urllib.parse.urlencode(named)
        reply = self._service.get(path, Accept="application/n-triples")
        assert reply.status in (200, 404), (reply.status, reply.body)
        return b"" if reply.status == 404 else b"\n".join(sorted(reply.body.splitlines()))

    def everything(self) -> tuple[int, bytes]:
        """Return the revision and all quads, which also tell in which graph something is."""
        reply = self._service.get("/healthz")
        listed = self._service.get("/graphs", Accept="application/json").json()["graphs"]
        assert isinstance(listed, list)
        held = b"\n".join(f"{name}\n".encode() + self.held(str(name)) for name in listed)
        return int(reply.headers["Revision"]), held

    def restore(self, target: str) -> None:
        """Put back what a target held to begin with."""
        graph, held = TARGETS[target], self.begun[target]
        if not held:
            assert self.send("admin", "DELETE", graph, None).status in (200, 404)
            return
        more = {"Content-Type": "application/n-triples"}
        reply = self.send("admin", "PUT", graph, held.decode(), **more)
        assert reply.status in (200, 201), reply.body
        # Where blank nodes had to be made anew, they have other labels.
        self.begun[target] = self.held(graph)


def tokens_of(database: Path) -> dict[str, str | None]:
    now = datetime.now(UTC)
    made: dict[str, str | None] = {"no token": None, "unknown token": f"cg_1_{'0' * 64}"}
    with Log.open(f"sqlite:///{database}") as log:
        for name, asker in ASKERS.items():
            if asker.role is None:
                continue
            made[name], token = create_token(
                log,
                name=name,
                role=asker.role,
                graphs=asker.graphs,
                expires=now - timedelta(hours=1) if name == "expired" else None,
                now=now - timedelta(hours=2),
                random=os.urandom(RANDOM_BYTES),
                base=BASE,
            )
            if name == "revoked":
                log.tokens.revoke(token.number, now=now)
    return made


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    folder = tmp_path_factory.mktemp("matrix")
    service = start_service(folder, validation="off", trusted_proxies="127.0.0.1", seed="framework")
    yield Matrix(service, tokens_of(folder / "log.db"))
    assert service.stop() == 0
    with Log.open(f"sqlite:///{folder}/log.db") as log:
        assert log.verify() is None


def test_the_matrix_is_whole() -> None:
    assert len(CASES) == 10 * 11 * 7 == 770
    statuses = [expected(*case) for case in CASES]
    # Of three targets of eleven ways each, two ways find nothing to take away; of one, MOVE
    # takes from another graph.
    assert sum(statuses.count({status}) for status in (200, 201)) == 2 * 31 + 10 + 2 * 64
    assert statuses.count({401}) == 4 * 77
    assert statuses.count({403}) == 77 + 2 * 33 + 54
    assert statuses.count({400}) + statuses.count({404}) == 5 * (11 + 2)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("asker", ASKERS)
def test_what_is_refused_changes_nothing(matrix: Matrix, asker: str, target: str) -> None:
    refusals = [way for way in WAYS if not expected(asker, way, target) & {200, 201}]
    before = matrix.everything()
    for way in refusals:
        reply = matrix.change(asker, way, target)
        assert {reply.status} == expected(asker, way, target), (way, reply.body)
        told = json.loads(reply.body)
        assert told["status"] == reply.status
        assert told["code"] in {
            400: ("bad-request",),
            401: ("unauthorised",),
            403: ("forbidden",),
            404: ("not-found",),
        }.get(reply.status, ()), way
        assert told["detail"]
    assert matrix.everything() == before


@pytest.mark.parametrize("target", sorted(NAMED))
@pytest.mark.parametrize("asker", [name for name, asker in ASKERS.items() if asker.may])
def test_what_is_allowed_changes_the_target_alone(matrix: Matrix, asker: str, target: str) -> None:
    for way in WAYS:
        if not expected(asker, way, target) & {200, 201}:
            continue
        reply = matrix.change(asker, way, target)
        assert {reply.status} == expected(asker, way, target), (way, reply.body)
        assert json.loads(reply.body)["recorded"] is True, way
        changed = {
            name for name in matrix.begun if matrix.held(TARGETS[name]) != matrix.begun[name]
        }
        moved = {name for name in NAMED if TARGETS[name] == source(target)}
        assert changed == ({target} | moved if way == "MOVE" else {target}), way
        for name in changed:
            matrix.restore(name)


@pytest.mark.parametrize("way", ["POST", "PATCH", "update"])
@pytest.mark.parametrize("target", ["shapes", "own framework"])
@pytest.mark.parametrize("asker", ["editor of all", "editor of one", "reviewer"])
def test_an_editor_cannot_switch_a_rule_off(
    matrix: Matrix, asker: str, target: str, way: str
) -> None:
    before = matrix.everything()
    reply = matrix.switch_off(asker, way, target)
    assert (reply.status, json.loads(reply.body)["code"]) == (403, "forbidden")
    assert matrix.everything() == before

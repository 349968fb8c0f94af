"""Changes that are overtaken while they are tried out: as if they had come one after the other.

In this process, over a real log and real forks: each time that a fork has judged a change, another
change is recorded before that one can be.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from competency_graph import history, trial
from competency_graph.config import Settings
from competency_graph.errors import InvalidChange, NotFound
from competency_graph.gate import Gate, Outcome, Wish
from competency_graph.index import Graph, LocalTrial, Whole
from competency_graph.log import Log
from competency_graph.model import Identity, Operation
from competency_graph.shacl.data import Run
from competency_graph.trial.evaluating import evaluate
from competency_graph.trial.planning import data_of, members
from competency_graph.trial.profiles import Profiles
from competency_graph.vocab import EXEMPTIONS
from small_framework import FRAMEWORK, GRAPH, PREFIXES, framework

WHO = Identity(name="Ada", role="maintainer")
LEFT, RIGHT = "https://example.org/graph/left", "https://example.org/graph/right"
SHAPES = "https://w3id.org/competency-graph/graph/shapes-strict"


@dataclass
class Overtaken:
    """A gate on a database; each of ``waiting`` happens when the change under way was judged."""

    log: Log
    graph: Graph
    waiting: list[Callable[[], object]] = field(default_factory=list)
    kept: Profiles = field(default_factory=Profiles)

    def change(self, *operations: Operation, **wish: Any) -> Outcome:
        gate = Gate(
            self.log,
            begin=self.begin,
            tell=lambda number, lines: True,
            now=lambda: datetime.now(UTC),
            base="https://w3id.org/competency-graph/",
        )
        return gate.change(Wish(operations=operations, message="Say it.", **wish), WHO)

    @contextmanager
    def begin(self) -> Iterator["Overtaking"]:
        self.catch_up()
        for _ in trial.prepare(self.graph):
            pass
        with LocalTrial(self.graph, trial.ANSWERS, seconds=60, memory=1 << 30) as fork:
            yield Overtaking(fork, self)

    def catch_up(self) -> None:
        for number in range(self.graph.revision + 1, self.log.head() + 1):
            added, removed = self.log.read(number)
            self.graph.apply(list(added), list(removed))
            self.graph.revision = number

    def stands(self) -> list[tuple[object, ...]]:
        return sorted(_key(dict(row.finding)) for row in self.log.standing())

    def judged_anew(self) -> list[tuple[object, ...]]:
        """Return what judging all of the graph finds, which is what must stand."""
        self.catch_up()
        for _ in self.kept.prepare(self.graph):
            pass
        profiles, run = self.kept.after(self.graph, ()), Run(data_of(self.graph))
        nodes = {
            node: None
            for name in self.graph.graph_names()
            if "/shapes-" not in name
            for node in members(self.graph, name, profiles, run)
        }
        rows = evaluate(self.graph, profiles, run, list(nodes))
        return sorted(_key(dict(row)) for some in rows.values() for row in some)


@dataclass
class Overtaking:
    """A conversation with a fork, after each judging of which something else happens."""

    fork: LocalTrial
    gate: Overtaken

    def ask(self, name: str, parameters: Mapping[str, Any], body: bytes = b"") -> Whole:
        answer = self.fork.ask(name, parameters, body)
        if name == "judge" and self.gate.waiting:
            # What happens meanwhile is not overtaken itself.
            happen, *later = self.gate.waiting
            self.gate.waiting = []
            happen()
            self.gate.waiting = later
        return answer


def _key(row: dict[str, Any]) -> tuple[object, ...]:
    names = ("graph", "node", "rule", "focus", "field", "value", "message")
    return tuple(str(row.get(name)) for name in names)


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Overtaken]:
    settings = Settings(database=f"sqlite:///{tmp_path}/log.db", seed="framework")
    graph = history.load(settings, now=datetime.now(UTC))
    with Log.open(settings.database, base=settings.base) as log:
        gate = Overtaken(log, graph)
        gate.change(put(GRAPH, framework()))
        yield gate


def _new(refusal: InvalidChange) -> list[dict[str, Any]]:
    findings = refusal.facts["findings"]
    assert isinstance(findings, dict)
    return list(findings["new"])


def put(graph: str, turtle: str) -> Operation:
    return Operation(kind="replace", graph=graph, content=turtle.encode())


def add(graph: str, turtle: str) -> Operation:
    return Operation(kind="add", graph=graph, content=(PREFIXES + turtle).encode())


def update(text: str) -> Operation:
    return Operation(kind="update", content=(PREFIXES + text).encode())


def competency(slug: str, code: str, more: str = "") -> str:
    return f"""{PREFIXES} ex:{slug} a cg:Competency ; skos:prefLabel "{slug}"@en ;
        skos:notation "{code}" ; skos:definition "Do {slug}."@en ; skos:broader ex:talking ;
        skos:inScheme <{FRAMEWORK}> {more} ."""


def test_what_has_nothing_to_do_with_each_other_is_recorded(both: Overtaken) -> None:
    both.waiting = [lambda: both.change(put(LEFT, competency("left", "N.1")))]
    outcome = both.change(put(RIGHT, competency("right", "N.2")))
    assert (outcome.recorded, outcome.revision) == (True, both.log.head())
    assert both.stands() == both.judged_anew()


def test_what_is_invalid_only_together_is_refused(both: Overtaken) -> None:
    both.waiting = [lambda: both.change(put(LEFT, competency("left", "N.1")))]
    with pytest.raises(InvalidChange) as refusal:
        both.change(put(RIGHT, competency("right", "N.1")))
    new = _new(refusal.value)
    assert new and all("code" in finding["message"].lower() for finding in new)
    assert both.log.head() == 3


def test_what_an_update_matches_is_what_is_there_by_then(both: Overtaken) -> None:
    def rename(old: str, new: str) -> Operation:
        return update(
            f'DELETE {{ GRAPH ?g {{ ?c skos:prefLabel "{old}"@en }} }} '
            f'INSERT {{ GRAPH ?g {{ ?c skos:prefLabel "{new}"@en }} }} '
            f'WHERE {{ GRAPH ?g {{ ?c skos:prefLabel "{old}"@en }} }}'
        )

    both.waiting = [lambda: both.change(rename("Listening", "Hearing"))]
    assert not both.change(rename("Listening", "Noticing")).recorded
    assert both.stands() == both.judged_anew()


def test_a_replaced_graph_has_nothing_of_what_came_between(both: Overtaken) -> None:
    both.waiting = [lambda: both.change(add(GRAPH, 'ex:listening skos:altLabel "Hearing"@en .'))]
    outcome = both.change(put(GRAPH, framework(label="Attention")))
    assert any(b'"Hearing"' in line for line in outcome.difference.removed)
    assert both.stands() == both.judged_anew()


def test_blank_nodes_of_two_changes_stay_apart(both: Overtaken) -> None:
    text = 'ex:listening dcterms:relation [ skos:note "{}"@en ] .'
    for graphs in ((LEFT, RIGHT), (LEFT, LEFT)):
        before = both.log.head()
        both.waiting = [partial(both.change, add(graphs[0], text.format("One")))]
        both.change(add(graphs[1], text.format("Two")))
        for number in (before + 1, before + 2):
            added, _ = both.log.read(number)
            assert {line for line in added if b"_:" in line}
            assert all(b"_:c%dx" % number in line for line in added if b"_:" in line)
        assert both.stands() == both.judged_anew()
        both.change(update("DELETE WHERE { GRAPH ?g { ?a dcterms:relation ?b . ?b ?p ?o } }"))


def test_rules_that_came_between_are_kept(both: Overtaken) -> None:
    strict = f"""{PREFIXES} PREFIX sh: <http://www.w3.org/ns/shacl#>
    <{SHAPES}#Competency> a sh:NodeShape ; sh:targetClass cg:Competency ;
        sh:property <{SHAPES}#note> .
    <{SHAPES}#note> a sh:PropertyShape ; sh:path skos:note ; sh:minCount 1 ;
        sh:severity sh:Violation ; sh:message "Write a note."@en ."""
    both.change(put(LEFT, f"{PREFIXES} <{LEFT}> dcterms:conformsTo <{SHAPES}> ."))
    both.waiting = [lambda: both.change(put(SHAPES, strict))]
    with pytest.raises(InvalidChange) as refusal:
        both.change(add(LEFT, competency("left", "N.1").removeprefix(PREFIXES)))
    new = _new(refusal.value)
    assert "Write a note." in [finding["message"] for finding in new]


def test_what_is_gone_by_then_cannot_be_deleted(both: Overtaken) -> None:
    both.change(put(LEFT, competency("left", "N.1")))
    delete = Operation(kind="delete", graph=LEFT)
    both.waiting = [lambda: both.change(delete)]
    with pytest.raises(NotFound):
        both.change(delete)


def test_who_is_overtaken_at_every_turn_is_recorded_all_the_same(both: Overtaken) -> None:
    def name(number: int) -> Callable[[], object]:
        text = f'ex:listening skos:altLabel "Name {number}"@en .'
        return lambda: both.change(add(GRAPH, text))

    text = (
        f"INSERT {{ GRAPH <{GRAPH}> {{ ?c skos:note ?l }} }} "
        f"WHERE {{ GRAPH <{GRAPH}> {{ ?c skos:altLabel ?l }} }}"
    )
    both.change(add(GRAPH, 'ex:talking skos:altLabel "Speech"@en .'))
    both.waiting = [name(number) for number in range(6)]
    assert len(both.change(update(text)).difference.added) == 7


LABELS: Sequence[str] = ("One", "Two", "Listening")


def _some_change(chance: random.Random) -> Operation:
    """Return a change of few things, so that changes concern each other."""
    graph = chance.choice((LEFT, RIGHT, GRAPH))
    thing = chance.choice(("ex:listening", "ex:one", "ex:two", "ex:talking"))
    kinds = [
        f'INSERT DATA {{ GRAPH <{graph}> {{ {thing} skos:notation "N.{chance.randrange(2)}" }} }}',
        f"INSERT DATA {{ GRAPH <{graph}> {{ {thing} a cg:Competency ; "
        f'skos:prefLabel "{chance.choice(LABELS)}"@en ; skos:inScheme <{FRAMEWORK}> }} }}',
        f"INSERT DATA {{ GRAPH <{graph}> {{ {thing} skos:broader ex:one }} }}",
        f"DELETE WHERE {{ GRAPH <{graph}> {{ {thing} a ?kind }} }}",
        f"DELETE WHERE {{ GRAPH ?g {{ {thing} skos:inScheme ?scheme }} }}",
        f"DELETE WHERE {{ GRAPH <{graph}> {{ {thing} ?p ?o }} }}",
        "DELETE { GRAPH ?g { ?c skos:broader ?o } } "
        "INSERT { GRAPH ?g { ?c skos:related ?o } } "
        "WHERE { GRAPH ?g { ?c skos:broader ?o } }",
        f"INSERT DATA {{ GRAPH <{graph}> {{ <{graph}> dcterms:conformsTo "
        "<https://w3id.org/competency-graph/graph/shapes-house> } }",
        f"DELETE WHERE {{ GRAPH <{graph}> {{ <{graph}> dcterms:conformsTo ?shapes }} }}",
        f"INSERT DATA {{ GRAPH <{graph}> {{ {thing} skos:prefferedLabel 'x' }} }}",
        f"INSERT DATA {{ GRAPH <{graph}> {{ [] a cg:Competency ; skos:broader {thing} }} }}",
    ]
    return update(chance.choice(kinds))


def exemptions(graph: Graph) -> str:
    """Return exemptions of all that changes touch from all rules, so that much may stand."""
    rules = {
        str(row.subject).strip("<>")
        for name in ("core", "house")
        for row in graph.quads(f"https://w3id.org/competency-graph/graph/shapes-{name}")
        if row.predicate.value.endswith("#severity")
    }
    return PREFIXES + "\n".join(
        f"[] a cg:Exemption ; cg:exemptsGraph <{name}> ; cg:exemptsFromRule <{rule}> ; "
        'dcterms:description "For tests."@en ; '
        'dcterms:issued "2026-11-25"^^<http://www.w3.org/2001/XMLSchema#date> .'
        for name in (LEFT, RIGHT, GRAPH)
        for rule in sorted(rules)
    )


@pytest.mark.parametrize("seed", range(4))
def test_what_stands_is_what_judging_all_anew_finds(both: Overtaken, seed: int) -> None:
    chance = random.Random(seed)
    both.change(put(EXEMPTIONS, exemptions(both.graph)))
    done = 0

    def change() -> None:
        nonlocal done
        try:
            done += both.change(_some_change(chance)).recorded
        except InvalidChange:
            return

    for number in range(24):
        both.waiting = [change for _ in range(chance.randrange(3))]
        change()
        if number % 4 == 3:
            assert both.stands() == both.judged_anew()
    assert done > 15 and len(both.stands()) > 1

"""A change is planned for what it can affect: no read is superfluous, and no filter."""

import random
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from competency_graph.shacl import plan as planning
from competency_graph.shacl.compile import Targeted, compiled
from competency_graph.shacl.data import Parsed, Run, Union
from competency_graph.shacl.degrees import Degrees
from competency_graph.shacl.paths import ALWAYS, Read
from competency_graph.shacl.plan import Plan, Planner
from shacl_oracle import Followed
from shacl_worlds import triples, turtle

# What each asks, and how many reads that is; a shape with "sh:targetNode" has no read for it.
READS = {
    "a step": ("sh:targetNode ex:a ; sh:path ex:p ; sh:minCount 1", 1),
    "a step back": ("sh:targetNode ex:a ; sh:path [ sh:inversePath ex:p ] ; sh:minCount 1", 1),
    "one after the other": ("sh:targetNode ex:a ; sh:path ( ex:p ex:q ex:r ) ; sh:minCount 1", 3),
    "a sequence back": (
        "sh:targetNode ex:a ; sh:path [ sh:inversePath ( ex:p ex:q ) ] ; sh:minCount 1",
        2,
    ),
    "one or the other": (
        "sh:targetNode ex:a ; sh:path [ sh:alternativePath ( ex:p ex:q ) ] ; sh:maxCount 1",
        2,
    ),
    "any number": (
        "sh:targetNode ex:a ; sh:path [ sh:zeroOrMorePath ex:p ] ; sh:maxCount 2",
        1,
    ),
    "once or more": ("sh:targetNode ex:a ; sh:path [ sh:oneOrMorePath ex:p ] ; sh:minCount 2", 1),
    "perhaps": ("sh:targetNode ex:a ; sh:path [ sh:zeroOrOnePath ex:p ] ; sh:minCount 2", 1),
    "a star of a sequence": (
        "sh:targetNode ex:a ; sh:path [ sh:zeroOrMorePath ( ex:p ex:q ) ] ; sh:maxCount 2",
        2,
    ),
    "after any number": (
        "sh:targetNode ex:a ; sh:path ( [ sh:zeroOrMorePath ex:p ] ex:q ) ; sh:maxCount 1",
        2,
    ),
    "a class": ("sh:targetNode ex:a , ex:b ; sh:class ex:C", 2),
    "a class of values": ("sh:targetNode ex:a ; sh:path ex:p ; sh:class ex:C", 3),
    "the values of another": ("sh:targetNode ex:a ; sh:path ex:p ; sh:equals ex:q", 2),
    "no value of another": ("sh:targetNode ex:a ; sh:path ex:p ; sh:disjoint ex:q", 2),
    "less than another": ("sh:targetNode ex:a ; sh:path ex:least ; sh:lessThan ex:most", 2),
    "at most another": ("sh:targetNode ex:a ; sh:path ex:least ; sh:lessThanOrEquals ex:most", 2),
    "nothing else": ("sh:targetNode ex:a ; sh:closed true ; sh:property [ sh:path ex:p ]", 1),
    "a value": ("sh:targetNode ex:a ; sh:path ex:p ; sh:hasValue ex:b", 1),
    "a value at the end": ("sh:targetNode ex:a ; sh:path ( ex:p ex:q ) ; sh:hasValue ex:b", 2),
    "a shape of values": ("sh:targetNode ex:a ; sh:path ex:p ; sh:node [ sh:class ex:C ]", 3),
    "properties of values": (
        "sh:targetNode ex:a ; sh:path ex:p ; sh:property [ sh:path ex:q ; sh:maxCount 0 ]",
        2,
    ),
    "not a shape": (
        "sh:targetNode ex:a ; sh:path ex:p ; sh:not [ sh:path ex:q ; sh:maxCount 0 ]",
        2,
    ),
    "all shapes": (
        "sh:targetNode ex:a ; sh:and ( [ sh:path ex:p ; sh:minCount 1 ] "
        "[ sh:path ex:q ; sh:minCount 1 ] )",
        2,
    ),
    "some shape": (
        "sh:targetNode ex:a ; sh:or ( [ sh:path ex:p ; sh:minCount 1 ] "
        "[ sh:path ex:q ; sh:minCount 1 ] )",
        2,
    ),
    "exactly one shape": (
        "sh:targetNode ex:a ; sh:xone ( [ sh:path ex:p ; sh:minCount 1 ] "
        "[ sh:path ex:q ; sh:minCount 1 ] )",
        2,
    ),
    "some values of a shape": (
        "sh:targetNode ex:a ; sh:path ex:p ; sh:qualifiedMinCount 1 ; "
        "sh:qualifiedValueShape [ sh:path ex:q ; sh:minCount 1 ]",
        2,
    ),
    "values of a shape and not of its sibling": (
        "sh:targetNode ex:a ; sh:property [ sh:path ex:p ; sh:qualifiedMinCount 1 ; "
        "sh:qualifiedValueShapesDisjoint true ; sh:qualifiedValueShape [ sh:nodeKind sh:IRI ] ] , "
        "[ sh:path ex:r ; sh:qualifiedMaxCount 0 ; "
        "sh:qualifiedValueShape [ sh:path ex:q ; sh:minCount 1 ] ]",
        4,
    ),
    "instances as targets": ("sh:targetClass ex:C ; sh:nodeKind sh:BlankNode", 2),
    "a shape that is a class": ("a rdfs:Class ; sh:nodeKind sh:BlankNode", 2),
    "subjects as targets": ("sh:targetSubjectsOf ex:p ; sh:nodeKind sh:BlankNode", 1),
    "objects as targets": ("sh:targetObjectsOf ex:p ; sh:nodeKind sh:BlankNode", 1),
}
NEEDED = [(name, number) for name, (_, count) in READS.items() for number in range(count)]


def shape(said: str) -> str:
    kind = "sh:PropertyShape" if "sh:path" in said.split("[")[0] else "sh:NodeShape"
    return f"ex:C a {kind} ; {said} ."


def reads_of(said: str) -> list[Read]:
    (targeted,) = compiled(turtle(shape(said)), stored=True).targeted
    return sorted(targeted.reads, key=lambda read: (read.end, str(read.predicate), str(read)))


def goes_astray(said: str, edits: int = 3000) -> bool:
    """Say whether, within some random changes, what stands is not what judging anew finds."""
    chance = random.Random(said)
    made = compiled(turtle(shape(said)), stored=True)
    words = sorted(set(re.findall(r"ex:(?:p|q|r|least|most)\b", said)))
    if "ex:C" in said or "rdfs:Class" in said:
        words += ["rdf:type", "rdfs:subClassOf"]
    words += ["ex:other"] * ("sh:closed" in said)
    graph = Followed(made)
    for _ in range(edits):
        there = sorted(graph.store, key=str)
        removed = [q.triple for q in chance.sample(there, min(len(there), chance.randint(0, 2)))]
        number = chance.randint(0, 2 if len(there) < 12 else 0)
        added = [statement(chance, chance.choice(words)) for _ in range(number)]
        graph.change(triples("\n".join(added)), removed)
        if graph.standing_rows() != graph.rows_anew():
            return True
    return False


def statement(chance: random.Random, word: str) -> str:
    values = {
        "rdf:type": ("ex:C", "ex:D", "ex:E"),
        "rdfs:subClassOf": ("ex:C", "ex:D"),
        "ex:least": ("1", "2"),
        "ex:most": ("1", "2"),
    }
    subjects = ("ex:D", "ex:E") if word == "rdfs:subClassOf" else ("ex:a", "ex:a", "ex:b", "ex:c")
    value = chance.choice(values.get(word, ("ex:a", "ex:b", "ex:c")))
    return f"{chance.choice(subjects)} {word} {value} ."


@pytest.mark.parametrize("name", READS)
def test_what_is_asked_is_followed_by_so_many_reads(name: str) -> None:
    said, count = READS[name]
    assert len(reads_of(said)) == count
    assert not goes_astray(said, edits=200)


def changed_reads(change: Callable[[frozenset[Read]], frozenset[Read]]) -> property:
    original = vars(Targeted)["reads"].fget
    return property(lambda targeted: change(original(targeted)))


@pytest.mark.parametrize(("name", "number"), NEEDED)
def test_without_any_of_its_reads_changes_are_missed(
    monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    said, _ = READS[name]
    read = reads_of(said)[number]
    monkeypatch.setattr(Targeted, "reads", changed_reads(lambda reads: reads - {read}))
    assert goes_astray(said)


def test_without_what_was_changes_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    # What had a class that was below another, where both statements go at once.
    said, _ = READS["a class"]
    monkeypatch.setattr(planning, "Union", lambda data, removed: Union(data, Parsed(())))
    assert goes_astray(said)


def test_what_is_a_focus_node_no_longer_has_nothing_standing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said, _ = READS["instances as targets"]
    original = planning.Planner.plan

    def forgetful(*arguments: object, **named: object) -> Plan:
        found = original(*arguments, **named)  # type: ignore[arg-type]
        found.gone.clear()
        return found

    monkeypatch.setattr(planning.Planner, "plan", forgetful)
    assert goes_astray(said)


BEFORE = "ex:a a ex:C ; ex:p ex:b . ex:D rdfs:subClassOf ex:C . ex:b ex:q ex:c ."
# A change that a filter keeps from being looked into, what it would be without, and one that is.
FILTERS: dict[str, tuple[str, str, Callable[[Read], Read], str]] = {
    "a class that is not below the one asked for": (
        "sh:targetNode ex:a ; sh:class ex:C",
        "ex:a a ex:E .",
        lambda read: replace(read, below=None),
        "ex:a a ex:D .",
    ),
    "a branch of classes that is not below the one asked for": (
        "sh:targetNode ex:a ; sh:class ex:C",
        "ex:C rdfs:subClassOf ex:E .",
        lambda read: replace(read, below=None),
        "ex:C rdfs:subClassOf ex:D .",
    ),
    "a class that is not below the target": (
        "sh:targetClass ex:C ; sh:nodeKind sh:IRI",
        "ex:a a ex:E .",
        lambda read: replace(read, below=None),
        "ex:a a ex:D .",
    ),
    "a value that is not the one asked for": (
        "sh:targetNode ex:a ; sh:path ex:p ; sh:hasValue ex:b",
        "ex:a ex:p ex:c .",
        lambda read: replace(read, among=None),
        "",
    ),
    "a property that a closed shape allows": (
        "sh:targetNode ex:a ; sh:closed true ; sh:property [ sh:path ex:p ]",
        "ex:a ex:p ex:c .",
        lambda read: replace(read, apart=frozenset()),
        "ex:a ex:q ex:c .",
    ),
    "a thing that lacks what a query asks for beside": (
        'sh:targetNode ex:a ; sh:sparql [ sh:select "SELECT $this { '
        '?other <https://example.org/p> $this ; <https://example.org/r> ?value }" ]',
        "ex:c ex:p ex:a .",
        lambda read: replace(read, beside=frozenset()),
        "ex:c ex:p ex:a ; ex:r 2 .",
    ),
}


def planned(said: str, change: str) -> Plan:
    graph = Followed(compiled(turtle(shape(said)), stored=True), triples(BEFORE))
    graph.change(triples(change), [])
    assert graph.standing_rows() == graph.rows_anew()
    return graph.plan


@pytest.mark.parametrize("name", FILTERS)
def test_a_change_that_cannot_matter_is_not_judged(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    said, change, unfiltered, other = FILTERS[name]
    assert planned(said, change).size == 0
    if other:
        assert planned(said, other).size == 1
    filtered = changed_reads(lambda reads: frozenset(map(unfiltered, reads)))
    monkeypatch.setattr(Targeted, "reads", filtered)
    assert planned(said, change).size == 1


def test_only_focus_nodes_are_judged() -> None:
    said = "sh:targetSubjectsOf ex:q ; sh:property [ sh:path ex:p ; sh:maxCount 1 ]"
    plan = planned(said, "ex:a ex:p ex:c .")
    assert plan.size == 0
    assert [list(map(str, nodes)) for nodes in plan.gone.values()] == [["<https://example.org/a>"]]


def test_a_wide_change_is_said_to_be_one() -> None:
    many = "\n".join(f"ex:n{n} a ex:C ; ex:p ex:hub ." for n in range(50))
    quads = turtle(
        "ex:S a sh:NodeShape ; sh:targetClass ex:C ; "
        "sh:property [ sh:path ( ex:p ex:q ) ; sh:maxCount 0 ] ."
    )
    graph = Followed(compiled(quads, stored=True), triples(many + " ex:hub ex:q 1 ."))
    change = triples("ex:hub ex:q 1 .")
    run = Run(graph.data)
    narrow = graph.planner.plan(change, [], run, most=50)
    wide = graph.planner.plan(change, [], run, most=49)
    assert (narrow.wide, narrow.size) == (False, 50)
    assert wide.wide


def test_a_shape_that_every_change_concerns_is_judged_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Targeted, "reads", property(lambda _: frozenset({ALWAYS})))
    said, _ = READS["instances as targets"]
    assert not goes_astray(said, edits=100)
    plan = planned(said, "ex:other ex:other 1 .")
    assert (plan.size, len(plan.whole)) == (1, 1)


def test_a_predicate_that_concerns_all_focus_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "sh:targetClass ex:C ; sh:nodeKind sh:IRI"
    (word,) = {t.predicate for t in triples("ex:a ex:p 1 .")}
    read = Read(None, word, "s")
    monkeypatch.setattr(Targeted, "reads", property(lambda _: frozenset({read})))
    assert planned(said, "ex:other ex:p 1 .").size == 1
    assert planned(said, "ex:other ex:q 1 .").size == 0


def test_of_two_ways_the_one_is_taken_that_fewer_things_share() -> None:
    same = "<https://example.org/p> ?one ; <https://example.org/q> ?two"
    query = f"SELECT $this {{ $this {same} . ?other {same} ; a ?kind }}"
    shapes = turtle(
        f'ex:S a sh:NodeShape ; sh:targetClass ex:C ; sh:sparql [ sh:select "{query}" ] .'
    )
    things = "\n".join(f"ex:n{n} a ex:C ; ex:p ex:hub ; ex:q ex:own{n} ." for n in range(30))
    for shared in ("ex:p", "ex:q"):
        text = things if shared == "ex:p" else things.translate(str.maketrans("pq", "qp"))
        graph = Followed(compiled(shapes, stored=True), triples(text))
        counted = compiled(shapes, stored=True, degrees=Degrees.of(graph.store))
        plan = Planner(counted).plan(triples("ex:n3 a ex:C ."), [], graph.run())
        assert plan.size == 1


def test_only_a_node_named_as_target_may_be_in_no_statement() -> None:
    query = "SELECT $this WHERE { $this <https://example.org/p>* ?value }"
    asks = f'sh:sparql [ sh:select "{query}" ]'
    assert planned(f"sh:targetClass ex:C ; {asks}", "ex:b ex:r ex:a .").size == 0
    assert planned(f"sh:targetNode ex:a ; {asks}", "ex:b ex:r ex:a .").size == 1

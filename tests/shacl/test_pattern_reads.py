"""What a query reads is enough: whatever changes an answer is found by a read.

The soundness property is on random graphs, queries and changes; a witness for each rule of the
analysis is below, and a test that each rule, taken out, loses one of them.
"""

import random
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import pyoxigraph as ox
import pytest
from competency_graph import resources
from competency_graph.shacl import paths, pattern_reads
from competency_graph.shacl.compile import compiled
from competency_graph.shacl.data import Parsed, Run, Term
from competency_graph.shacl.paths import ALWAYS, IDENTITY, Read, inverted, values
from competency_graph.shacl.plan import matters
from competency_graph.shacl.prebound import Query, read_query
from competency_graph.shacl.sparql import SparqlCheck
from competency_graph.vocab import SKOS
from hypothesis import given, settings
from hypothesis import strategies as st
from shacl_queries import NODES, WORDS, queries, turtle

EX = "https://example.org/"
FOCI: list[Term] = [ox.NamedNode(EX + name.removeprefix("ex:")) for name in NODES]

ReadsOf = Callable[[Query], frozenset[Read]]


def query(text: str) -> Query:
    return read_query(
        text,
        prefixes={"ex": EX, "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#"},
        path=None,
        ask=False,
        given={},
        unselected=frozenset(),
    )


def reads_of(asked: Query, module: ModuleType = pattern_reads) -> frozenset[Read]:
    found: frozenset[Read] = module.reads_of(asked, {"this": IDENTITY}).reads
    return found


def answers(asked: Query, data: Parsed) -> dict[Term, set[frozenset[tuple[str, Term]]]]:
    found: dict[Term, set[frozenset[tuple[str, Term]]]] = {focus: set() for focus in FOCI}
    for (focus,), solution in asked.solutions(data.store, [(focus,) for focus in FOCI]):
        found[focus].add(frozenset(solution.items()))
    return found


def concerned(read: Iterable[Read], before: Parsed, after: Parsed) -> set[Term]:
    """Return the focus nodes that reads lead back to from what differs, in both states together."""
    old, new = set(before.store), set(after.store)
    both = Parsed(old | new)
    union = Run(both)
    found: set[Term] = set()
    for statement in old ^ new:
        for one in read:
            if one.predicate not in (None, statement.predicate):
                continue
            if not matters(statement.triple, one, union):
                continue
            if one.prefix is None:
                return set(FOCI)
            end = statement.subject if one.end == "s" else statement.object
            found.update(values(inverted(one.prefix), both, end))
    return found


def missed(asked: Query, read: Iterable[Read], before: Parsed, after: Parsed) -> set[Term]:
    """Return the focus nodes whose answers differ and that no read leads to."""
    old, new = answers(asked, before), answers(asked, after)
    return {focus for focus in FOCI if old[focus] != new[focus]} - concerned(read, before, after)


def graph(lines: Iterable[str]) -> Parsed:
    return Parsed(turtle("\n".join(lines)))


def random_lines(chance: random.Random, most: int) -> list[str]:
    def line() -> str:
        value = chance.choice((*NODES, *NODES, "1", '"one"'))
        return f"{chance.choice(NODES)} {chance.choice(WORDS)} {value} ."

    return [line() for _ in range(chance.randint(0, most))]


@settings(max_examples=120, deadline=None)
@given(text=queries(wild=True), seed=st.integers(0, 2**32))
def test_an_answer_changes_only_where_a_read_leads(text: str, seed: int) -> None:
    asked, chance = query(text), random.Random(seed)
    read = reads_of(asked)
    for _ in range(16):
        before = random_lines(chance, 8)
        kept = [line for line in before if chance.random() > 0.15]
        after = kept + random_lines(chance, 2)
        assert not missed(asked, read, graph(before), graph(after)), (before, after)


@dataclass(frozen=True, slots=True)
class Witness:
    """A query whose answer at some node differs between two states; without states, ever."""

    text: str
    before: str = ""
    after: str = ""


WITNESSES = {
    "a pattern": Witness("$this ex:p ?x .", "", "ex:a ex:p ex:b ."),
    "two steps": Witness(
        "$this ex:p ?x . ?x ex:q ?y .", "ex:a ex:p ex:b .", "ex:a ex:p ex:b . ex:b ex:q ex:c ."
    ),
    "from the object": Witness(
        "?x ex:p $this . ?x ex:q ?y .", "ex:b ex:p ex:a .", "ex:b ex:p ex:a ; ex:q ex:c ."
    ),
    "a path from its end": Witness(
        "?x ex:p/ex:q $this .", "ex:b ex:q ex:a .", "ex:b ex:q ex:a . ex:c ex:p ex:b ."
    ),
    "an object that is named": Witness("$this ex:p ex:b .", "", "ex:a ex:p ex:b ."),
    "a literal": Witness("$this ex:p 1.0 .", "", "ex:a ex:p 1.00 ."),
    "a list": Witness(
        "$this ex:p (1) .",
        "ex:a ex:p [ rdf:rest rdf:nil ] .",
        "ex:a ex:p [ rdf:first 1 ; rdf:rest rdf:nil ] .",
    ),
    "any predicate": Witness("$this ?p ?x .", "", "ex:a ex:r ex:b ."),
    "any predicate, walked back": Witness("?x ?p $this .", "", "ex:b ex:r ex:a ."),
    "all predicates but one": Witness("$this !ex:p ?x .", "", "ex:a ex:q ex:b ."),
    "all but one, walked back": Witness("$this !(^ex:p) ?x .", "", "ex:b ex:q ex:a ."),
    "no step, of what may be in no statement": Witness(
        "BIND ($this AS ?x) ?x ex:p* ?y .", "ex:b ex:q ex:c .", "ex:b ex:q ex:c . ex:a ex:q 1 ."
    ),
    "what nothing leads to": Witness("?x ex:p ?y .", "", "ex:b ex:p ex:c ."),
    "no step, and nothing leads to it": Witness(
        "{ SELECT $this (COUNT(?x) AS ?n) WHERE { ?x ex:p* ?y } GROUP BY $this }",
        "",
        "ex:b ex:q ex:c .",
    ),
    "any predicate, and nothing leads to it": Witness("?x ?p ?y .", "", "ex:b ex:q ex:c ."),
    "a filter": Witness("FILTER NOT EXISTS { $this ex:p ?x }", "", "ex:a ex:p ex:b ."),
    "a filter beside an OPTIONAL": Witness(
        "OPTIONAL { $this ex:p ?x . FILTER EXISTS { ?x ex:q ?y } }",
        "ex:a ex:p ex:b .",
        "ex:a ex:p ex:b . ex:b ex:q ex:c .",
    ),
    "EXISTS inside BIND": Witness("BIND (EXISTS { $this ex:p ?y } AS ?x)", "", "ex:a ex:p ex:b ."),
    "an OPTIONAL": Witness("OPTIONAL { $this ex:p ?x }", "", "ex:a ex:p ex:b ."),
    "an OPTIONAL query": Witness(
        "OPTIONAL { SELECT $this ?x WHERE { $this ex:p ?x } }", "", "ex:a ex:p ex:b ."
    ),
    "an OPTIONAL may bind nothing": Witness(
        "OPTIONAL { $this ex:q ?y } ?y ex:r ?x .", "", "ex:b ex:r ex:c ."
    ),
    "an OPTIONAL sees its left side only": Witness(
        "$this ex:p ?x . { $this ex:q ?y . OPTIONAL { ?y ex:r ?z . ?z ex:p ?x } }",
        "ex:a ex:p ex:b ; ex:q ex:c . ex:c ex:r ex:d .",
        "ex:a ex:p ex:b ; ex:q ex:c . ex:c ex:r ex:d . ex:d ex:p ex:e .",
    ),
    "a filter sees its group only": Witness(
        "$this ex:p ?x . { $this ex:q ?y . FILTER NOT EXISTS { ?x ex:r ?z } }",
        "ex:a ex:p ex:b ; ex:q ex:c .",
        "ex:a ex:p ex:b ; ex:q ex:c . ex:d ex:r ex:e .",
    ),
    "a UNION": Witness("{ $this ex:p ?x } UNION { $this ex:q ?x }", "", "ex:a ex:q ex:b ."),
    "a UNION, two ways": Witness(
        "{ $this ex:p ?x } UNION { $this ex:q ?x } ?x ex:r ?y .",
        "ex:a ex:q ex:b .",
        "ex:a ex:q ex:b . ex:b ex:r ex:c .",
    ),
    "a UNION may bind nothing": Witness(
        "{ $this ex:p ?x } UNION { $this ex:q ?y } ?x ex:r ?z .",
        "ex:a ex:q ex:b .",
        "ex:a ex:q ex:b . ex:c ex:r ex:d .",
    ),
    "a query inside has names of its own": Witness(
        "$this ex:p ?y . { SELECT $this ?x WHERE { ?y ex:q ?x } }",
        "ex:a ex:p ex:b .",
        "ex:a ex:p ex:b . ex:c ex:q ex:a .",
    ),
    "a query inside keeps its names": Witness(
        "{ SELECT $this ?x WHERE { $this ex:p ?y . ?y ex:q ?x } } ?y ex:r ?z .",
        "ex:a ex:p ex:b . ex:b ex:q ex:c .",
        "ex:a ex:p ex:b . ex:b ex:q ex:c . ex:d ex:r ex:e .",
    ),
    "what a query inside selects": Witness(
        "{ SELECT $this (EXISTS { $this ex:p ?y } AS ?x) WHERE { } }", "", "ex:a ex:p ex:b ."
    ),
    "some answers only": Witness("{ SELECT $this ?x WHERE { $this ex:p ?x } LIMIT 1 }"),
    "one of several": Witness(
        "{ SELECT $this (SAMPLE(?y) AS ?x) WHERE { $this ex:p ?y } GROUP BY $this }"
    ),
    "all in any order": Witness(
        "{ SELECT $this (GROUP_CONCAT(?y) AS ?x) WHERE { $this ex:p ?y } GROUP BY $this }"
    ),
    "EXISTS beside GROUP BY": Witness(
        "{ SELECT $this (COUNT(?y) AS ?x) WHERE { $this ex:p ?y } GROUP BY $this "
        "HAVING (EXISTS { $this ex:q ?z }) }"
    ),
    "one graph": Witness("GRAPH ?g { $this ex:p ?x }"),
    "exceptions in a path": Witness("$this ex:p/!ex:q ?x ."),
}


def keeps(module: ModuleType, witness: Witness) -> bool:
    """Say whether an analysis finds what changes a witness's answer."""
    asked = query(f"SELECT $this (?x AS ?value) WHERE {{ {witness.text} }}")
    read = reads_of(asked, module)
    if not witness.after:
        return ALWAYS in read
    return not missed(asked, read, graph([witness.before]), graph([witness.after]))


@pytest.mark.parametrize("name", WITNESSES)
def test_each_rule_holds_for_its_witness(name: str) -> None:
    witness = WITNESSES[name]
    assert keeps(pattern_reads, witness)
    if witness.after:
        asked = query(f"SELECT $this (?x AS ?value) WHERE {{ {witness.text} }}")
        before, after = graph([witness.before]), graph([witness.after])
        assert answers(asked, before) != answers(asked, after), "Nothing changes here."


_AS_SPELT = (
    "frozenset({ox.Literal(value, datatype=ox.NamedNode(value.datatype))}) "
    "if getattr(value, 'datatype', None)"
)

# Each rule, and the same without it.
MUTANTS = [
    ("read = set(paths.reads(path, way))", "read = set()"),
    ("beyond = paths.joined(way, path)", "beyond = way"),
    ("triple.path if forward else paths.inverted(triple.path)", "triple.path"),
    ('end: Literal["s", "o"] = "s" if forward else "o"', 'end = "o"'),
    (
        "read = {Read(way, triple.path.iri, end, among",
        "read = set() and {Read(way, None, end, among",
    ),
    ("        and other.subject == triple.subject\n", ""),
    ("frozenset({ox.NamedNode(value)}) if isinstance(value, URIRef)", _AS_SPELT),
    ('read = {Read(way, None, "s" if forward else "o")}', "read = set()"),
    ('read = {Read(way, None, "s" if forward else "o")}', 'read = {Read(way, None, "s")}'),
    ("            if triple.around:", "            if False:"),
    ("if _may_stay(path) and _may_stay(way):", "if False:"),
    ('self.reads.add(Read(None, read.predicate, "s", among=among))', "pass"),
    ("triple.path is None or _may_stay(triple.path)", "triple.path is None"),
    ("self.reads.add(ALWAYS)", "pass"),
    ("        self._filters(group, found)", "        pass"),
    ("self._filters(part.graph, {**found, **surely})", "pass"),
    ("            self._expression(part.expr, surely)", "            pass"),
    ("            self._expression(beside, found)", "            pass"),
    ("found = self._joined(_patterns(part.graph), surely)", "found = {}"),
    ("            self.query(part.graph, surely)\n", "            pass\n"),
    ("        return surely\n", "        return {**surely, **found}\n"),
    (
        "self._joined(_patterns(part.graph), surely)",
        "self._joined(_patterns(part.graph), {**environment, **surely})",
    ),
    ("self._filters(group, found)", "self._filters(group, {**environment, **found})"),
    ("if all(name in branch for branch in branches)", "if True"),
    ("branches = [self.group(group, environment) for group in part.graph]", "branches = [{}]"),
    ("len(different) == 1", "True"),
    (
        "for n, way in environment.items() if seen is None or n in seen",
        "for n, way in environment.items()",
    ),
    ("for n, way in found.items() if seen is None or n in seen", "for n, way in found.items()"),
    ('self._always("asks for some of the answers only', 'str("'),
    ('self._always("asks EXISTS beside GROUP BY")', "pass"),
    ('self._always("takes any of several', 'str("'),
    ('self._always("looks into one graph (GRAPH)")', "pass"),
    ('self._always("excepts predicates', 'str("'),
    ('("Aggregate_Sample", "Aggregate_GroupConcat")', '("Aggregate_Sample",)'),
    ('("Aggregate_Sample", "Aggregate_GroupConcat")', '("Aggregate_GroupConcat",)'),
]


@pytest.mark.parametrize("number", range(len(MUTANTS)))
def test_without_a_rule_a_witness_is_missed(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rule, without = MUTANTS[number]
    source = Path(pattern_reads.__file__).read_text(encoding="utf-8")
    assert source.count(rule) == 1, "The rule is written differently now: change it here as well."
    mutant = ModuleType("mutant")
    # Dataclasses look for their module.
    monkeypatch.setitem(sys.modules, "mutant", mutant)
    exec(compile(source.replace(rule, without), "mutant", "exec"), mutant.__dict__)
    assert not all(_keeps(mutant, witness) for witness in WITNESSES.values())


def _keeps(mutant: ModuleType, witness: Witness) -> bool:
    try:
        return keeps(mutant, witness)
    except (KeyError, UnboundLocalError):
        return False


@cache
def our_checks() -> list[SparqlCheck]:
    files = (*resources.shape_files("core"), *resources.shape_files("house"))
    statements = [q for f in files for q in ox.parse(Path(f).read_bytes(), ox.RdfFormat.TURTLE)]
    shapes = compiled(statements, stored=True).shapes.values()
    return [c for shape in shapes for c in shape.checks if isinstance(c, SparqlCheck)]


def test_no_rule_of_ours_is_asked_again_at_every_change() -> None:
    assert len(our_checks()) >= 25
    slow = [(str(check.head.node), check.slow) for check in our_checks() if check.slow]
    assert not slow
    assert all(read.prefix is not None for check in our_checks() for read in check.reads)


def test_a_change_leads_back_by_what_few_things_share() -> None:
    text = (
        "$this ex:notation ?code ; skos:inScheme ?scheme . "
        "?other skos:inScheme ?scheme ; ex:notation ?code ."
    )
    asked = query(f"PREFIX skos: <{SKOS}> SELECT $this WHERE {{ {text} }}")
    notation, scheme = ox.NamedNode(EX + "notation"), ox.NamedNode(SKOS + "inScheme")
    code = paths.Predicate(notation)
    other = paths.Sequence((code, paths.Inverse(code)))
    assert reads_of(asked) == {
        Read(IDENTITY, notation, "s", beside=frozenset({scheme})),
        Read(IDENTITY, scheme, "s", beside=frozenset({notation})),
        Read(code, notation, "o", beside=frozenset({scheme})),
        Read(other, scheme, "s", beside=frozenset({notation})),
    }

"""What SHACL engines are compared on: shapes by rule, edits, faulty data. Measures nothing.

A rule is a property shape that some shape with a target lists (shapes/README.md). Each has a pair
of examples in tests/shapes, of which one breaks it and no other.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pyoxigraph as ox
from competency_graph.index import Graph
from competency_graph.index.staging import stage
from competency_graph.model import Operation
from competency_graph.resources import ontology_files, shape_files
from competency_graph.shacl.compile import compiled
from competency_graph.shacl.data import Run, Stored, Term
from competency_graph.shacl.degrees import Degrees
from competency_graph.shacl.evaluate import Row, judge, judge_pairs
from competency_graph.shacl.plan import Planner
from competency_graph.vocab import GRAPH, SH, SHAPES

from bench import graphs
from bench.editing import COMPETENCIES, SMALL
from bench.forks import in_fork

Pairs = set[tuple[str, str]]
"""Source shape and focus node of results."""

_EXAMPLES: Final = Path(__file__).parents[1] / "tests" / "shapes"
_PROPERTY: Final = ox.NamedNode(SH + "property")
_TARGETS: Final = tuple(ox.NamedNode(SH + "target" + of) for of in ("Class", "SubjectsOf"))
_CORE: Final = ox.NamedNode(GRAPH + "shapes-core")
_NAMED: Final = 4
# One statement of so many is made faulty.
_FAULTY: Final = 50


class Rules:
    """The core shapes, to be had for some rules only. ``all`` are their IRIs."""

    def __init__(self) -> None:
        self._about: defaultdict[Term, list[ox.Triple]] = defaultdict(list)
        for file in shape_files("core"):
            # Blank nodes of one file are none of another.
            for quad in ox.parse(file.read_bytes(), ox.RdfFormat.TURTLE, rename_blank_nodes=True):
                self._about[quad.subject].append(quad.triple)
        self._targeted = {
            shape: [t.object for t in said if t.predicate == _PROPERTY]
            for shape, said in self._about.items()
            if any(t.predicate in _TARGETS for t in said)
        }
        listed = {_plain(rule) for rules in self._targeted.values() for rule in rules}
        self.all = sorted(listed)

    def shapes(self, rules: Collection[str]) -> list[ox.Triple]:
        """Return the shapes with targets that list some of these rules, without any other rule."""
        found: dict[ox.Triple, None] = {}
        for shape, listed in self._targeted.items():
            wanted = [rule for rule in listed if _plain(rule) in rules]
            if wanted:
                said = self._about[shape]
                found |= {t: None for t in said if t.predicate != _PROPERTY or t.object in wanted}
                for rule in wanted:
                    found |= dict.fromkeys(self._whole(rule, set()))
        return list(found)

    def _whole(self, node: Term, seen: set[Term]) -> Iterator[ox.Triple]:
        """Yield what is said of a node, and of what stands in that."""
        seen.add(node)
        for triple in self._about.get(node, ()):
            yield triple
            if triple.object not in seen:
                yield from self._whole(triple.object, seen)

    def asked(self, rule: str) -> list[str]:
        """Return the parameters of a rule and of what stands in it, by their local names."""
        said = self._whole(ox.NamedNode(rule), set())
        words = {t.predicate.value for t in said}
        found = {word.removeprefix(SH) for word in words if word.startswith(SH)}
        return sorted(found.difference(("severity", "name", "message", "description", "path")))


def short(rule: str) -> str:
    """Return a rule's local name."""
    return rule.removeprefix(SHAPES)


def difference(expected: Counter[tuple[str, str]], found: Counter[tuple[str, str]]) -> str:
    """Say of which source shapes results are missed or invented; nothing if all are there."""
    parts = []
    for verb, pairs in (("misses", {*expected} - {*found}), ("invents", {*found} - {*expected})):
        rules = Counter(short(rule) for rule, _ in pairs)
        if rules:
            some = [f"{rule} × {number}" for rule, number in rules.most_common(_NAMED)]
            more = ["…"] if len(rules) > _NAMED else []
            parts.append(f"{verb} {rules.total()} ({', '.join(some + more)})")
    return " and ".join(parts)


def repeated(expected: Counter[tuple[str, str]], found: Counter[tuple[str, str]]) -> str:
    """Say how many results there are more or fewer of what both find: no other verdict."""
    both = {*expected} & {*found}
    more = sum(max(0, found[pair] - expected[pair]) for pair in both)
    fewer = sum(max(0, expected[pair] - found[pair]) for pair in both)
    parts = [
        f"{n} {word} for what both find" for n, word in ((more, "more"), (fewer, "fewer")) if n
    ]
    return ", ".join(parts)


def example(rule: str) -> tuple[list[ox.Triple], list[ox.Triple], list[ox.Triple]]:
    """Return the base of a rule's examples with the ontology, the right and the wrong one."""
    (place,) = _EXAMPLES.glob(f"*/{short(rule)}")
    base = [*ontology_files(), place.parent / "base.ttl"]
    files = ([place / "valid.ttl"], [place / "invalid.ttl"])
    return _parsed(base), _parsed(files[0]), _parsed(files[1])


def _parsed(files: Iterable[Path]) -> list[ox.Triple]:
    return [q.triple for f in files for q in ox.parse(f.read_bytes(), ox.RdfFormat.TURTLE)]


def found_in(shapes: Iterable[ox.Triple], data: Iterable[ox.Triple]) -> Pairs:
    """Return what our evaluator finds in statements."""
    store = ox.Store()
    store.bulk_extend(ox.Quad(t.subject, t.predicate, t.object) for t in data)
    return _pairs(judge(compiled(shapes, stored=True), Run(Stored(store))))


def _pairs(rows: Iterable[Row]) -> Pairs:
    return {(_plain(row.result.shape), _plain(row.result.focus)) for row in rows}


def _plain(node: Term) -> str:
    if isinstance(node, ox.BlankNode):
        return "_:"
    return " ".join((node.value if isinstance(node, ox.NamedNode) else str(node)).split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A small edit: its kind, the same as statements and as an update, and what is new after it."""

    kind: str
    added: Path | None
    removed: Path | None
    update: Path
    new: frozenset[tuple[str, str]]


class Edits:
    """Small edits of a size, with what our evaluator says of them. Files go into a folder."""

    def __init__(self, size: str, rules: Rules, place: Path) -> None:
        self._graph = Graph()
        self._graph.load([("added", graphs.data_file(size).read_bytes())])
        shapes = rules.shapes(rules.all)
        ready = compiled(shapes, stored=True, degrees=Degrees.of(self._graph.store))
        self._planner = Planner(ready)
        self._place = place
        self.standing = _pairs(judge(ready, Run(Stored(self._graph.store))))
        self._made: dict[tuple[str, int], Edit] = {}

    def some(self, number: int) -> Iterator[Edit]:
        """Yield so many of each kind, kind by kind, of competencies at random."""
        chance = random.Random(3)
        for kind in SMALL:
            for _ in range(number):
                yield self._edit(kind, chance.randrange(COMPETENCIES))

    def _edit(self, kind: str, competency: int) -> Edit:
        key = kind, competency
        if key not in self._made:
            text = SMALL[kind](competency)
            added, removed, new = in_fork(partial(self._tried, text))
            name = f"edit-{len(self._made)}"
            update = self._place / f"{name}.ru"
            update.write_text(text, encoding="utf-8")
            self._made[key] = Edit(
                kind=kind,
                added=self._written(f"{name}-added.nt", added),
                removed=self._written(f"{name}-removed.nt", removed),
                update=update,
                new=frozenset((shape, focus) for shape, focus in new),
            )
        return self._made[key]

    def _tried(self, text: str) -> tuple[list[str], list[str], list[tuple[str, str]]]:
        operations = [Operation(kind="update", content=text.encode())]
        difference = stage(self._graph, operations, labels="c1x")
        added, removed = (
            [quad.triple for quad in ox.parse(b"\n".join(lines), ox.RdfFormat.N_QUADS)]
            for lines in (difference.added, difference.removed)
        )
        if not added and not removed:
            raise RuntimeError(f"The edit changes nothing: {text}")
        run = Run(Stored(self._graph.store))
        new = _pairs(judge_pairs(self._planner.plan(added, removed, run).pairs, run))
        return [f"{t} ." for t in added], [f"{t} ." for t in removed], sorted(new - self.standing)

    def _written(self, name: str, lines: Sequence[str]) -> Path | None:
        file = self._place / name
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return file if lines else None


def triples_file(quads: Iterable[bytes], file: Path) -> Path:
    """Write the union of lines of N-Quads as N-Triples."""
    lines = {line.rstrip(b" .\n").rpartition(b" ")[0] + b" .\n" for line in quads}
    file.write_bytes(b"".join(sorted(lines)))
    return file


def written(triples: Iterable[ox.Triple], file: Path) -> Path:
    """Write N-Triples."""
    file.write_bytes(ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b"")
    return file


def as_core(triples: Iterable[ox.Triple], file: Path) -> Path:
    """Write shapes as the graph that the gate has the core shapes in."""
    quads = (ox.Quad(t.subject, t.predicate, t.object, _CORE) for t in triples)
    file.write_bytes(ox.serialize(quads, format=ox.RdfFormat.N_QUADS) or b"")
    return file


def without_core(lines: Iterable[bytes]) -> list[bytes]:
    """Return lines of N-Quads without the core shapes."""
    end = f" {_CORE} .\n".encode()
    return [line for line in lines if not line.endswith(end)]


def faulty(size: str) -> list[bytes]:
    """Return the data of a size as lines of N-Quads, with faults that are the same each time.

    Of the statements of the frameworks some are left out, have the value of another one with the
    same property, have that as well, or have a value that another property has.
    """
    chance = random.Random(5)
    generated = graphs.generated_file(size).read_bytes().splitlines(keepends=True)
    own = set(generated)
    with open(graphs.data_file(size), "rb") as file:
        lines = {line for line in file if line not in own}
    values: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for line in generated:
        values[_parts(line)[1]].append(_parts(line)[2])
    properties = sorted(values)
    for line in generated:
        if chance.randrange(_FAULTY):
            lines.add(line)
            continue
        subject, property_, _, graph = _parts(line)
        others = values[chance.choice(properties)]
        same, other = (
            b" ".join((subject, property_, chance.choice(of), graph))
            for of in (values[property_], others)
        )
        lines.update(chance.choice(([], [same], [line, same], [other])))
    return sorted(lines)


def _parts(line: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Return subject, property, value, and the rest with the graph."""
    subject, property_, rest = line.split(b" ", 2)
    value, graph, end = rest.rsplit(b" ", 2)
    return subject, property_, value, graph + b" " + end

"""What a query of a shape reads, seen from the node that it is asked of. Asks no query.

The query is walked with an *environment*: variables, and the path that leads to each from
``$this``. Every statement of a solution is found from a variable that is bound by then, so a
solution that comes or goes does so by a statement that a read finds, in the old state or the new.
What holds this up:

* SPARQL joins groups from the inside out, so a variable is in the environment only where every
  solution binds it: an OPTIONAL sees what its left side surely binds, EXISTS what its group surely
  binds, a query inside what it selects.
* What nothing leads to is read from anywhere, and what is not understood makes a shape that every
  change concerns. Both are told in ``slow``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal

import pyoxigraph as ox
from rdflib import BNode, URIRef
from rdflib.paths import AlternativePath, InvPath, MulPath, NegatedPath, SequencePath
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.term import Variable

from competency_graph.shacl import paths
from competency_graph.shacl.data import Term
from competency_graph.shacl.degrees import ANY_PREDICATE, GUESSED, Degrees
from competency_graph.shacl.paths import ALWAYS, Path, Predicate, Read
from competency_graph.shacl.prebound import GROUPS, Query, projected, variables_of

_EXISTS: Final = ("Builtin_EXISTS", "Builtin_NOTEXISTS")
# Their answer hangs on the order in which solutions come.
_BY_ORDER: Final = ("Aggregate_Sample", "Aggregate_GroupConcat")
_REPEATED: Final[Mapping[str, Callable[[Path], Path]]] = {
    "*": paths.ZeroOrMore,
    "+": paths.OneOrMore,
    "?": paths.ZeroOrOne,
}

Environment = Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class QueryReads:
    """What a query reads, and what of it is slow: ends of sentences about a shape."""

    reads: frozenset[Read]
    slow: tuple[str, ...]


def reads_of(query: Query, ways: Environment, degrees: Degrees = GUESSED) -> QueryReads:
    """Return what a query reads.

    Args:
        query: as it was read.
        ways: how its variables with values (``this``, ``value``) are reached from the focus node.
    """
    walk = _Walk(ways, degrees)
    walk.query(query.tree, ways)
    return QueryReads(frozenset(walk.reads), tuple(dict.fromkeys(walk.slow)))


@dataclass(frozen=True, slots=True)
class _Triple:
    """A pattern: its ends, ``None`` where they are no variables, and the path between.

    A path of ``None`` is any predicate, ``around``: in both directions. ``beside`` are what else
    its subject must have in every solution.
    """

    subject: str | None
    path: Path | None
    object: str | None
    among: frozenset[Term] | None
    around: bool
    text: str
    beside: frozenset[ox.NamedNode] = frozenset()


_Part = tuple[frozenset[str], Callable[[Environment], dict[str, Path]]]


class _Walk:
    def __init__(self, ways: Environment, degrees: Degrees) -> None:
        self._width = degrees.width
        self.reads: set[Read] = set()
        self.slow: list[str] = []
        self._ways = ways

    def query(self, select: CompValue, environment: Environment) -> dict[str, Path]:
        """Walk a query, or one inside another; return the ways to what it surely selects."""
        listed, everything = ({}, True) if select.name == "AskQuery" else projected(select)
        seen = None if everything else {name for name, made in listed.items() if made is None}
        beside = (select.projection, select.groupby, select.having, select.orderby)
        aggregates = [p for p in _within(beside) if p.name.startswith("Aggregate_")]
        grouped = bool(select.groupby or aggregates)
        if select.limitoffset:
            self._always("asks for some of the answers only (LIMIT, OFFSET)")
        if grouped:
            if any(part.name in _EXISTS for part in _within(beside)):
                self._always("asks EXISTS beside GROUP BY")
            if any(part.name in _BY_ORDER for part in aggregates):
                self._always("takes any of several values (SAMPLE), or all in any order")
        inner = {n: way for n, way in environment.items() if seen is None or n in seen}
        found = self.group(select.where, inner)
        if not grouped:
            self._expression(beside, found)
        return {n: way for n, way in found.items() if seen is None or n in seen}

    def group(self, group: CompValue, environment: Environment) -> dict[str, Path]:
        """Walk a group; return the ways to the variables that all its solutions bind."""
        if group.name == "SubSelect":
            return self.query(group, environment)
        found = self._joined(_patterns(group), environment)
        self._filters(group, found)
        return found

    def _filters(self, group: CompValue, environment: Environment) -> None:
        for part in group.part or ():
            if part.name == "Filter":
                self._expression(part.expr, environment)

    def _expression(self, expression: object, environment: Environment) -> None:
        for part in _within(expression):
            if part.name in _EXISTS:
                self.group(part.graph, environment)

    def _joined(self, parts: Sequence[CompValue], environment: Environment) -> dict[str, Path]:
        """Walk parts that are joined; the last OPTIONAL or BIND applies to all before it."""
        rest: list[_Part] = []
        triples: list[_Triple] = []
        splits = [n for n, p in enumerate(parts) if p.name in ("OptionalGraphPattern", "Bind")]
        if splits:
            left, parts = parts[: splits[-1] + 1], parts[splits[-1] + 1 :]
            rest.append((_names(left), partial(self._applied, left)))
        for part in parts:
            if part.name == "TriplesBlock":
                triples.extend(self._triples(part))
            else:
                rest.append((_names(part), partial(self._part, part)))
        return self._ordered(triples, rest, environment)

    def _applied(self, parts: Sequence[CompValue], environment: Environment) -> dict[str, Path]:
        *left, part = parts
        surely = self._joined(left, environment)
        if part.name == "Bind":
            self._expression(part.expr, surely)
            source = _only_variable(part.expr)
            return {**surely, str(part.var): surely[source]} if source in surely else surely
        if part.graph.name == "SubSelect":
            self.query(part.graph, surely)
        else:
            found = self._joined(_patterns(part.graph), surely)
            # The filters of an OPTIONAL see both sides (SPARQL 1.1, 18.2.2.6).
            self._filters(part.graph, {**found, **surely})
        return surely

    def _ordered(
        self, triples: list[_Triple], rest: list[_Part], environment: Environment
    ) -> dict[str, Path]:
        """Walk what is joined, each time the cheapest that something leads to."""
        triples = [replace(triple, beside=_beside(triple, triples)) for triple in triples]
        known = {**environment, **self._ways}
        bound: dict[str, Path] = dict(self._ways)
        while triples or rest:
            connected = [t for t in triples if t.subject in known or t.object in known]
            if connected:
                triple = min(connected, key=lambda t: self._read(t, known)[0])
                triples.remove(triple)
                _, new, read = self._read(triple, known)
                self.reads.update(read)
            elif rest:
                part = next((p for p in rest if p[0] & known.keys()), rest[0])
                rest.remove(part)
                new = part[1](known)
            else:
                self._read_from_anywhere(triples.pop(0))
                new = {}
            for name, way in new.items():
                bound.setdefault(name, known.setdefault(name, way))
        return bound

    def _part(self, part: CompValue, environment: Environment) -> dict[str, Path]:
        if part.name == "GroupOrUnionGraphPattern":
            branches = [self.group(group, environment) for group in part.graph]
            return {
                name: _either(branch[name] for branch in branches)
                for name in branches[0]
                if all(name in branch for branch in branches)
            }
        if part.name == "GraphGraphPattern":
            self._always("looks into one graph (GRAPH)")
        else:
            self._always(f"has a part that is not understood ({part.name})")
        return {}

    def _triples(self, block: CompValue) -> Iterator[_Triple]:
        for terms in block.triples:
            for n in range(0, len(terms), 3):
                subject, predicate, value = terms[n : n + 3]
                path = _path(predicate)
                if path is None and not isinstance(predicate, Variable | NegatedPath):
                    self._always("excepts predicates (!) inside a longer path")
                yield _Triple(
                    subject=_variable(subject),
                    path=path,
                    object=_variable(value),
                    # Literals are kept by value, so only of an IRI is it sure that it is the same.
                    among=frozenset({ox.NamedNode(value)}) if isinstance(value, URIRef) else None,
                    around=not isinstance(predicate, Variable),
                    text=" ".join(map(_written, (subject, predicate, value))),
                )

    def _read(
        self, triple: _Triple, known: Environment
    ) -> tuple[float, dict[str, Path], set[Read]]:
        """Return the width, the ways to what is bound, and the reads of a pattern."""
        ends = [end for end in (triple.subject, triple.object) if end is not None and end in known]
        known_end = min(ends, key=lambda name: self._width(known[name]))
        way, forward = known[known_end], known_end == triple.subject
        other = triple.object if forward else triple.subject
        bound = {name: known[name] for name in ends}
        if triple.path is None:
            read = {Read(way, None, "s" if forward else "o")}
            if triple.around:
                read = {Read(way, None, "s"), Read(way, None, "o")}
            return self._width(way) * ANY_PREDICATE, bound, read
        path = triple.path if forward else paths.inverted(triple.path)
        end: Literal["s", "o"] = "s" if forward else "o"
        if isinstance(triple.path, Predicate):
            read = {Read(way, triple.path.iri, end, among=triple.among, beside=triple.beside)}
        else:
            read = set(paths.reads(path, way))
        if _may_stay(path) and _may_stay(way):
            # Whether a node reaches itself in no step hangs on whether it is in the graph at all.
            read |= {Read(way, None, "s", presence=True), Read(way, None, "o", presence=True)}
        if other is None or other in known:
            return self._width(way), bound, read
        beyond = paths.joined(way, path)
        return self._width(beyond), {**bound, other: beyond}, read

    def _read_from_anywhere(self, triple: _Triple) -> None:
        if triple.path is None or _may_stay(triple.path):
            self._always(f"has the pattern “{triple.text}”, to which nothing leads from “$this”")
            return
        among = triple.among if isinstance(triple.path, Predicate) else None
        for read in paths.reads(triple.path):
            self.reads.add(Read(None, read.predicate, "s", among=among))
        self.slow.append(f"has the pattern “{triple.text}”, to which nothing leads from “$this”")

    def _always(self, why: str) -> None:
        self.reads.add(ALWAYS)
        self.slow.append(why)


def _variable(term: object) -> str | None:
    if isinstance(term, BNode):
        return f"_:{term}"
    return str(term) if isinstance(term, Variable) else None


def _beside(triple: _Triple, triples: Iterable[_Triple]) -> frozenset[ox.NamedNode]:
    """Return the predicates that a pattern's subject has in the others that are joined with it."""
    return frozenset(
        other.path.iri
        for other in triples
        if other is not triple
        and triple.subject is not None
        and other.subject == triple.subject
        and isinstance(other.path, Predicate)
    )


def _patterns(group: CompValue) -> list[CompValue]:
    return [part for part in group.part or () if part.name != "Filter"]


def _names(parts: object) -> frozenset[str]:
    return frozenset(map(str, variables_of(parts)))


def _within(expression: object) -> Iterator[CompValue]:
    """Yield the parts of an expression, without what stands in groups inside it."""
    if isinstance(expression, CompValue):
        if expression.name in GROUPS:
            return
        yield expression
        expression = list(expression.values())
    if isinstance(expression, list | tuple):
        for part in expression:
            yield from _within(part)


_WRAPPERS: Final = ("ConditionalOr", "ConditionalAnd", "Relational", "Additive", "Multiplicative")


def _only_variable(expression: object) -> str | None:
    while isinstance(expression, CompValue) and set(expression) == {"expr"}:
        if expression.name.removesuffix("Expression") not in _WRAPPERS:
            return None
        expression = expression.expr
    return str(expression) if isinstance(expression, Variable) else None


def _path(path: object) -> Path | None:
    """Return a path of rdflib as one of SHACL, which has all but exceptions (``!``)."""
    if isinstance(path, URIRef):
        return Predicate(ox.NamedNode(path))
    if isinstance(path, InvPath):
        inner = _path(path.arg)
        return None if inner is None else paths.settled(paths.Inverse(inner))
    if isinstance(path, MulPath):
        inner = _path(path.path)
        return None if inner is None else _REPEATED[str(path.mod)](inner)
    if isinstance(path, SequencePath | AlternativePath):
        parts = [_path(part) for part in path.args]
        whole = tuple(part for part in parts if part is not None)
        if len(whole) < len(parts):
            return None
        return paths.joined(*whole) if isinstance(path, SequencePath) else paths.Alternative(whole)
    return None


def _either(ways: Iterable[Path]) -> Path:
    different = tuple(dict.fromkeys(ways))
    return different[0] if len(different) == 1 else paths.Alternative(different)


def _may_stay(path: Path) -> bool:
    """Say whether a path may lead to where it begins in no step."""
    match path:
        case Predicate():
            return False
        case paths.ZeroOrMore() | paths.ZeroOrOne():
            return True
        case paths.Inverse(inner) | paths.OneOrMore(inner):
            return _may_stay(inner)
        case paths.Sequence(parts):
            return all(map(_may_stay, parts))
        case paths.Alternative(parts):
            return any(map(_may_stay, parts))


def _written(term: object) -> str:
    """Return a term of a pattern as people know it: without the address of its vocabulary."""
    if isinstance(term, Variable):
        return f"?{term}"
    if isinstance(term, BNode):
        return "[]"
    return str(term).replace("#", "/").rstrip("/").rpartition("/")[2]

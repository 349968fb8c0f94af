"""From a change to the pairs of shape and focus node that it can affect. Judges none of them.

Judging a pair is a series of look-ups that depends on nothing but their answers. Where the
verdicts of the old and the new state differ, take the first look-up whose answers differ: it starts
at a node that was reached through answers that are the same in both states, so the way from the
focus node to it is in the union of the two, and the statement that differs was added or removed. So
each changed statement is looked up among the reads of the shapes, and the way of the read is walked
back from its end, in the union. What is found too much costs time only. Targets are reads like the
others.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyoxigraph as ox

from competency_graph.shacl.compile import Compiled, Targeted
from competency_graph.shacl.data import Parsed, Run, Term, Union
from competency_graph.shacl.paths import (
    Alternative,
    Inverse,
    OneOrMore,
    Path,
    Predicate,
    Read,
    ZeroOrMore,
    ZeroOrOne,
    inverted,
    values,
)
from competency_graph.shacl.paths import (
    Sequence as Steps,
)


@dataclass(slots=True, kw_only=True)
class Plan:
    """What a change makes necessary to judge again.

    Attributes:
        pairs: the focus nodes to judge, as the change leaves them, by shape.
        gone: nodes that were focus nodes and may be none now: nothing stands at them any longer.
        whole: shapes of which every focus node is among the pairs, and nothing else stands.
        wide: there were more pairs than asked for; those named are not all.
    """

    pairs: dict[Targeted, list[Term]] = field(default_factory=dict)
    gone: dict[Targeted, list[Term]] = field(default_factory=dict)
    whole: set[Targeted] = field(default_factory=set)
    wide: bool = False

    @property
    def size(self) -> int:
        """How many pairs there are to judge."""
        return sum(map(len, self.pairs.values()))


class Planner:
    """What the shapes of a compiled shapes graph read, by predicate; made once, used any number."""

    def __init__(self, compiled: Compiled) -> None:
        reading: defaultdict[Read, list[Targeted]] = defaultdict(list)
        for targeted in compiled.targeted:
            for read in targeted.reads:
                reading[read].append(targeted)
        self._by_predicate: dict[ox.NamedNode | None, list[_Reading]] = {}
        for read, shapes in reading.items():
            back = None if read.prefix is None else inverted(read.prefix)
            self._by_predicate.setdefault(read.predicate, []).append(_Reading(read, back, shapes))

    def plan(
        self,
        added: Sequence[ox.Triple],
        removed: Sequence[ox.Triple],
        run: Run,
        *,
        most: int | None = None,
    ) -> Plan:
        """Return the pairs that a change can affect.

        Args:
            added: statements that are in the graph now and were not.
            removed: statements that were in the graph and are not.
            run: the graph as the change leaves it.
            most: stop where there are more pairs than this, and say so.
        """
        return _Planning(run, removed, most).planned(
            (statement, reading)
            for statement in (*added, *removed)
            for predicate in (statement.predicate, None)
            for reading in self._by_predicate.get(predicate, ())
        )


@dataclass(frozen=True, slots=True)
class _Reading:
    read: Read
    back: Path | None
    shapes: Sequence[Targeted]


def matters(statement: ox.Triple, read: Read, union: Run) -> bool:
    """Say whether a statement with the predicate of a read can change what is found.

    ``union`` is what was and what is, together.
    """
    if read.below is not None and read.below not in union.classes_above(statement.object):
        return False
    if read.among is not None and statement.object not in read.among:
        return False
    if statement.predicate in read.apart:
        return False
    return all(union.objects(statement.subject, word) for word in read.beside)


class _Planning:
    """One change being planned."""

    def __init__(self, run: Run, removed: Sequence[ox.Triple], most: int | None) -> None:
        self._run = run
        self._union = Run(Union(run, Parsed(removed))) if removed else run
        self._reached: dict[tuple[Path, Term], Sequence[Term]] = {}
        self._most = most
        self._seen: defaultdict[Targeted, set[Term]] = defaultdict(set)
        self._plan = Plan()
        self._size = 0

    def planned(self, matches: Iterable[tuple[ox.Triple, _Reading]]) -> Plan:
        """Return the plan that follows from what was read of a changed statement."""
        for statement, reading in matches:
            if matters(statement, reading.read, self._union):
                self._follow(statement, reading)
            if self._plan.wide:
                break
        return self._plan

    def _follow(self, statement: ox.Triple, reading: _Reading) -> None:
        if reading.back is None:
            for targeted in reading.shapes:
                self._take_whole(targeted)
            return
        end = statement.subject if reading.read.end == "s" else statement.object
        for node in self._reach(reading.back, end):
            for targeted in reading.shapes:
                self._take(targeted, node)
            if self._plan.wide:
                return

    def _take(self, targeted: Targeted, node: Term) -> None:
        seen = self._seen[targeted]
        if node in seen:
            return
        seen.add(node)
        if not targeted.targets.have(self._run, node):
            self._plan.gone.setdefault(targeted, []).append(node)
            return
        self._plan.pairs.setdefault(targeted, []).append(node)
        self._size += 1
        if self._most is not None and self._size > self._most:
            self._plan.wide = True

    def _take_whole(self, targeted: Targeted) -> None:
        if targeted in self._plan.whole:
            return
        self._plan.whole.add(targeted)
        for node in targeted.targets.all(self._run):
            self._take(targeted, node)
            if self._plan.wide:
                return

    def _reach(self, path: Path, node: Term) -> Sequence[Term]:
        """Return what a path reaches in the union; each part of it is walked once from a node."""
        if isinstance(path, Predicate | Inverse):
            return values(path, self._union, node)
        found = self._reached.get((path, node))
        if found is None:
            found = self._reached[path, node] = list(dict.fromkeys(self._walk(path, node)))
        return found

    def _walk(self, path: Path, node: Term) -> Iterator[Term]:
        match path:
            case Steps(()):
                yield node
            case Steps(parts):
                for middle in self._reach(parts[0], node):
                    yield from self._reach(_rest(parts), middle)
            case Alternative(parts):
                for part in parts:
                    yield from self._reach(part, node)
            case ZeroOrMore(inner):
                yield from self._closure(inner, [node])
            case OneOrMore(inner):
                yield from self._closure(inner, self._reach(inner, node))
            case ZeroOrOne(inner):
                yield node
                yield from self._reach(inner, node)

    def _closure(self, path: Path, nodes: Sequence[Term]) -> Iterable[Term]:
        found = dict.fromkeys(nodes)
        waiting = list(found)
        while waiting:
            for node in self._reach(path, waiting.pop()):
                if node not in found:
                    found[node] = None
                    waiting.append(node)
        return found


def _rest(parts: tuple[Path, ...]) -> Path:
    return parts[1] if len(parts) == 2 else Steps(parts[1:])

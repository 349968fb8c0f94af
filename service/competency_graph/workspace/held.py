"""The documents of a workspace as one graph, judged as they change. Reads no file, tells no place.

It holds what strangers may have written: in a sealed fork only.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pyoxigraph as ox
from rdflib import Graph

from competency_graph.documents import Document
from competency_graph.misspellings import ill_typed_values, misspelt_terms
from competency_graph.model import Finding
from competency_graph.shacl.compile import Compiled
from competency_graph.shacl.data import Followed, Run, Term
from competency_graph.shacl.evaluate import judge, judge_pairs
from competency_graph.shacl.findings import findings_of
from competency_graph.shacl.plan import Planner
from competency_graph.shacl.standing import Standing
from competency_graph.vocab import RDFS
from competency_graph.workspace.written import Written

# To judge all takes less for each statement than to find what a changed one affects.
_WIDE = 4
_DEFINED_BY = ox.NamedNode(RDFS + "isDefinedBy")


@dataclass(kw_only=True)
class Rules:
    """Shapes made ready to judge by, once: those for all, or with those of the house.

    The house has rules of its own, and does without some that are for all.
    """

    compiled: Compiled
    planner: Planner
    graph: Graph


@dataclass(kw_only=True)
class Kept:
    """A document with what it says, as far as it was read; ``statements`` are those of its text.

    ``label`` is what the labels of its blank nodes begin with, ``stamp`` what its text came with.
    ``faults`` are what is wrong with it as a text. While there are any, its statements stay those
    that it had without. ``words`` has for its things what is wrong with words said of them.
    """

    document: Document
    label: str
    stamp: int = 0
    statements: frozenset[ox.Triple] = frozenset()
    subjects: frozenset[Term] = frozenset()
    faults: tuple[Finding, ...] = ()
    words: dict[Term, list[Finding]] = field(default_factory=dict)

    @cached_property
    def written(self) -> Written:
        """Its text, token by token."""
        return Written(text=self.document.content.decode("utf-8-sig", "replace"))

    def rewrite(self, document: Document) -> None:
        """Take another text for the document; what it says stays as it was until it is read."""
        self.document = document
        self.__dict__.pop("written", None)


class Held:
    """What ships, and over it the documents: what these describe anew counts as they have it.

    Args:
        shipped: the statements of the graphs that ship.
        core: what is judged by where the house has no say.
        house: what is judged by where it has.

    Attributes:
        documents: those that are held, by their names.
        data: all statements.
        standing: what is found of all things, those that only ship as well, by either rules.
        undone: how many statements of documents were taken from the data.
    """

    def __init__(self, shipped: Iterable[ox.Quad], core: Rules, house: Rules) -> None:
        self.core, self.house = core, house
        self.documents: dict[str, Kept] = {}
        self._shipped: defaultdict[Term, set[ox.Triple]] = defaultdict(set)
        for quad in shipped:
            self._shipped[quad.subject].add(quad.triple)
        self.data = Followed(t for about in self._shipped.values() for t in about)
        self.undone = 0
        self._kept = 0
        self._size = sum(map(len, self._shipped.values()))
        # What was changed and not judged yet: whether a statement came or went, and of what.
        self._changes: dict[ox.Triple, bool] = {}
        self._fresh: dict[str, set[Term]] = {}
        self._said: Counter[ox.Triple] = Counter()
        self._about: Counter[Term] = Counter()
        self.standing = [(r, Standing(judge(r.compiled, Run(self.data)))) for r in (core, house)]

    def keep(self, document: Document, *, stamp: int) -> Kept:
        """Take another text for a document, or one more; return it, for what it says is as before.

        Args:
            document: as it is written now.
            stamp: what to tell of its findings to which text they belong.
        """
        kept = self.documents.get(document.name)
        if kept is None:
            self._kept += 1
            kept = Kept(document=document, label=f"d{self._kept}x")
            self.documents[document.name] = kept
        kept.rewrite(document)
        kept.stamp = stamp
        return kept

    def take(self, kept: Kept, statements: Iterable[ox.Triple]) -> None:
        """Take over what a document says now, instead of what it said before. Judges nothing."""
        new = frozenset(statements)
        added, removed = new - kept.statements, kept.statements - new
        self._exchange(kept, new, added, removed)
        changed = {t.subject for t in (*added, *removed)}
        self._fresh.setdefault(kept.document.name, set()).update(changed)

    def drop(self, name: str) -> None:
        """Forget a document, if it is there. Judges nothing."""
        kept = self.documents.pop(name, None)
        if kept is not None:
            self._fresh.pop(name, None)
            self._exchange(kept, frozenset(), frozenset(), kept.statements)

    def judge(self) -> frozenset[Term]:
        """Judge what was changed since; return the things of which what is found may be another."""
        came = [triple for triple, there in self._changes.items() if there]
        went = [triple for triple, there in self._changes.items() if not there]
        self._changes.clear()
        if any(triple.predicate == _DEFINED_BY for triple in (*came, *went)):
            # The vocabulary has other words now, so every word is looked at.
            self._fresh = {name: set(kept.subjects) for name, kept in self.documents.items()}
        things: set[Term] = set()
        for name, fresh in self._fresh.items():
            self._look_at(self.documents[name], fresh)
            things |= fresh
        self._fresh = {}
        return frozenset(things | self._judge(came, went))

    def _exchange(
        self,
        kept: Kept,
        new: frozenset[ox.Triple],
        added: frozenset[ox.Triple],
        removed: frozenset[ox.Triple],
    ) -> None:
        """Exchange statements, and note which are really new in the graph, or gone from it."""
        kept.statements = new
        subjects = frozenset(t.subject for t in new)
        arrived, left = subjects - kept.subjects, kept.subjects - subjects
        kept.subjects = subjects
        self._said.update(added)
        self._said.subtract(removed)
        self._about.update(arrived)
        self._about.subtract(left)
        touched = {*added, *removed}
        for subject in arrived | left:
            touched |= self._shipped.get(subject, set())
        for triple in touched:
            there = self.data.holds(triple.subject, triple.predicate, triple.object)
            ships = triple in self._shipped.get(triple.subject, ())
            wanted = self._said[triple] > 0 or (ships and not self._about[triple.subject])
            if wanted == there:
                continue
            if wanted:
                self.data.add(triple.subject, triple.predicate, triple.object)
            else:
                self.data.remove(triple.subject, triple.predicate, triple.object)
                # What ships was there when the store was filled, and goes no second time.
                self.undone += not ships
            self._size += 1 if wanted else -1
            if self._changes.pop(triple, wanted) == wanted:
                self._changes[triple] = wanted

    def _look_at(self, kept: Kept, things: set[Term]) -> None:
        for thing in things:
            kept.words.pop(thing, None)
        said = [(t.subject, t.predicate, t.object) for t in kept.statements if t.subject in things]
        by_name = {_spelt(thing): thing for thing in things}
        for finding in misspelt_terms(said, self.data) + ill_typed_values(said, self.data):
            kept.words.setdefault(by_name[finding.focus], []).append(finding)

    def _judge(self, came: Sequence[ox.Triple], went: Sequence[ox.Triple]) -> set[Term]:
        things: set[Term] = set()
        if not came and not went:
            return things
        run = Run(self.data)
        wide = (len(came) + len(went)) * _WIDE > self._size
        for number, (rules, standing) in enumerate(self.standing):
            if wide:
                whole = Standing(judge(rules.compiled, run))
                self.standing[number] = rules, whole
                things.update(result.focus for result in (*standing, *whole))
                continue
            plan = rules.planner.plan(came, went, run)
            changed = standing.update(plan, judge_pairs(plan.pairs, run))
            things.update(result.focus for result in (*changed.new, *changed.fixed))
        return things

    def found(self, kept: Kept, *, house: bool) -> list[Finding]:
        """Return what is found of the things that a document describes, text apart."""
        rules, standing = self.standing[house]
        results = (result for result in standing if result.focus in kept.subjects)
        found = findings_of(results, rules.compiled.shapes, self.data)
        return found + [f for words in kept.words.values() for f in words]


def _spelt(thing: Term) -> str:
    return thing.value if isinstance(thing, ox.NamedNode) else str(thing)

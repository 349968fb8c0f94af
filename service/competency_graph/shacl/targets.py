"""What nodes a shape is for (SHACL 2.1.3), and what is read to tell. Judges nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyoxigraph as ox

from competency_graph.shacl.data import SUB_CLASS_OF, TYPE, Data, Node, Run, Term
from competency_graph.shacl.paths import IDENTITY, Read
from competency_graph.shacl.value_constraints import class_reads
from competency_graph.vocab import OWL, RDFS, SH


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The target declarations of a shape; ``classes`` has the shape itself where it is a class."""

    nodes: frozenset[Term]
    classes: frozenset[Term]
    subjects_of: frozenset[ox.NamedNode]
    objects_of: frozenset[ox.NamedNode]

    def __bool__(self) -> bool:
        return bool(self.nodes or self.classes or self.subjects_of or self.objects_of)

    @property
    def reads(self) -> frozenset[Read]:
        """What is read to tell whether a node is a focus node, seen from it."""
        return frozenset(
            {
                *(read for class_ in self.classes for read in class_reads(class_)),
                *(Read(IDENTITY, predicate, "s") for predicate in self.subjects_of),
                *(Read(IDENTITY, predicate, "o") for predicate in self.objects_of),
            }
        )

    def have(self, run: Run, node: Term) -> bool:
        """Say whether a node is a focus node."""
        return (
            node in self.nodes
            or any(run.is_instance(node, class_) for class_ in self.classes)
            or any(run.objects(node, predicate) for predicate in self.subjects_of)
            or any(run.subjects(predicate, node) for predicate in self.objects_of)
        )

    def all(self, data: Data) -> Iterator[Term]:
        """Return each focus node once."""
        seen: set[Term] = set()
        for node in self._all(data):
            if node not in seen:
                seen.add(node)
                yield node

    def _all(self, data: Data) -> Iterator[Term]:
        yield from self.nodes
        for class_ in self.classes:
            for kind in below(data, class_):
                yield from data.subjects(TYPE, kind)
        for predicate in self.subjects_of:
            for subject, _ in data.pairs(predicate):
                yield subject
        for predicate in self.objects_of:
            for _, value in data.pairs(predicate):
                yield value


def below(data: Data, class_: Term) -> list[Term]:
    """Return a class and all that are below it, by ``rdfs:subClassOf``."""
    found = {class_: None}
    waiting = [class_]
    while waiting:
        for kind in data.subjects(SUB_CLASS_OF, waiting.pop()):
            if kind not in found:
                found[kind] = None
                waiting.append(kind)
    return list(found)


def targets_of(shapes: Run, node: Node) -> Targets:
    """Return the targets that a shape declares; a shape that is a class is for its instances."""

    def said(word: str) -> Iterable[Term]:
        return shapes.objects(node, ox.NamedNode(SH + word))

    def predicates(word: str) -> frozenset[ox.NamedNode]:
        return frozenset(p for p in said(word) if isinstance(p, ox.NamedNode))

    classes = set(said("targetClass"))
    # What is a class of OWL is one of RDFS too (OWL 2 RDF-based semantics, table 5.2).
    if any(shapes.is_instance(node, ox.NamedNode(name + "Class")) for name in (RDFS, OWL)):
        classes.add(node)
    return Targets(
        nodes=frozenset(said("targetNode")),
        classes=frozenset(classes),
        subjects_of=predicates("targetSubjectsOf"),
        objects_of=predicates("targetObjectsOf"),
    )

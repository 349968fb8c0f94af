"""From nodes to the shapes that they are focus nodes of, and what is found there. Plans nothing."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import pyoxigraph as ox

from competency_graph.errors import InvalidShapes
from competency_graph.model import Finding
from competency_graph.shacl.checks import Result
from competency_graph.shacl.compile import Compiled, Targeted
from competency_graph.shacl.data import TYPE, Data, Run, Term
from competency_graph.shacl.evaluate import judge_pairs
from competency_graph.shacl.findings import findings_of
from competency_graph.shacl.refusals import TOO_DEEP


class Judge:
    """Judges nodes by all shapes of a shapes graph that have them as focus nodes.

    Made once for a shapes graph and used any number of times.
    """

    def __init__(self, compiled: Compiled) -> None:
        self._shapes = compiled.shapes
        self._by_node: defaultdict[Term, list[Targeted]] = defaultdict(list)
        self._by_class: defaultdict[Term, list[Targeted]] = defaultdict(list)
        self._by_subject: defaultdict[ox.NamedNode, list[Targeted]] = defaultdict(list)
        self._by_object: defaultdict[ox.NamedNode, list[Targeted]] = defaultdict(list)
        for targeted in compiled.targeted:
            targets = targeted.targets
            for node in targets.nodes:
                self._by_node[node].append(targeted)
            for class_ in targets.classes:
                self._by_class[class_].append(targeted)
            for predicate in targets.subjects_of:
                self._by_subject[predicate].append(targeted)
            for predicate in targets.objects_of:
                self._by_object[predicate].append(targeted)

    def findings(
        self, run: Run, nodes: Sequence[Term], *, every: bool = False
    ) -> Iterator[tuple[Term, list[Finding]]]:
        """Return what is wrong at nodes, in words: each of them at which something is.

        A finding may be about another node, where a shape asks for properties of values. With
        ``every`` there is one for each result, though others may say the same.

        Raises:
            InvalidShapes: the shapes nest too deeply.
        """
        pairs: defaultdict[Targeted, list[Term]] = defaultdict(list)
        for node in nodes:
            for targeted in dict.fromkeys(self._of(run, node)):
                pairs[targeted].append(node)
        results: defaultdict[Term, list[Result]] = defaultdict(list)
        try:
            for row in judge_pairs(pairs, run):
                results[row.focus].append(row.result)
        except RecursionError:
            raise InvalidShapes(TOO_DEEP) from None
        for node, found in results.items():
            yield node, findings_of(found, self._shapes, run, every=every)

    def _of(self, run: Run, node: Term) -> Iterator[Targeted]:
        yield from self._by_node.get(node, ())
        kinds = {above for kind in run.objects(node, TYPE) for above in run.classes_above(kind)}
        for kind in kinds:
            yield from self._by_class.get(kind, ())
        for predicate, shapes in self._by_subject.items():
            if run.objects(node, predicate):
                yield from shapes
        for predicate, shapes in self._by_object.items():
            if run.subjects(predicate, node):
                yield from shapes

    def undescribed(self, data: Data) -> Iterator[Term]:
        """Return the focus nodes that may be the subject of no statement."""
        yield from self._by_node
        for predicate in self._by_object:
            for _, value in data.pairs(predicate):
                yield value


def together(judges: Iterable[Judge], run: Run, nodes: Sequence[Term]) -> dict[Term, list[Finding]]:
    """Return what several shapes graphs find at nodes."""
    found: dict[Term, list[Finding]] = {node: [] for node in nodes}
    for judge in judges:
        for node, findings in judge.findings(run, nodes):
            found[node] += findings
    return found

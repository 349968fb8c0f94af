"""The constraint components of SHACL Core, each made once into what it finds and what it reads.

Which components there are is the table at the end, with that of ``value_constraints``. Reads no
shapes graph by itself: it is told what is asked, and asks for the shapes inside a shape.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import pyoxigraph as ox

from competency_graph.shacl.asked import Asked, Fault, component_of, of_all, of_values
from competency_graph.shacl.checks import Constraint, Result, Shape
from competency_graph.shacl.data import Run, Term
from competency_graph.shacl.paths import IDENTITY, Predicate, Read
from competency_graph.shacl.value_constraints import VALUE_CONSTRAINTS, Make
from competency_graph.shacl.values import is_less


def constraints(asked: Asked) -> Iterator[Constraint]:
    """Return what a shape asks by SHACL Core, ``sh:property`` apart.

    Raises:
        Fault: a parameter cannot be used.
    """
    for word, make in _COMPONENTS.items():
        if asked.values(word):
            yield from make(asked)


def _min_count(asked: Asked) -> Iterator[Constraint]:
    _property_only(asked, "minCount")
    least = asked.count("minCount")
    yield of_all(asked, "MinCount", lambda nodes: len(nodes) >= least, asked.path_reads)


def _max_count(asked: Asked) -> Iterator[Constraint]:
    _property_only(asked, "maxCount")
    most = asked.count("maxCount")
    yield of_all(asked, "MaxCount", lambda nodes: len(nodes) <= most, asked.path_reads)


def _property_only(asked: Asked, word: str) -> None:
    if asked.head.path is None:
        raise Fault(f"says “sh:{word}” without saying of what: give it a path")


def _unique_lang(asked: Asked) -> Iterator[Constraint]:
    _property_only(asked, "uniqueLang")
    # Only this spelling asks for it, as the W3C's tests have it; a store knows no other.
    if not asked.switch("uniqueLang") or asked.text("uniqueLang", asked.one("uniqueLang")) == "1":
        return
    component, result = component_of("UniqueLang"), asked.result

    def find(run: Run, focus: Term, nodes: Sequence[Term]) -> list[Result]:
        if len(nodes) < 2:
            return []
        tags = Counter(
            node.language.lower()
            for node in nodes
            if isinstance(node, ox.Literal) and node.language
        )
        return [result(component, focus, None) for count in tags.values() if count > 1]

    yield Constraint(asked.path_reads, find)


def _has_value(asked: Asked) -> Iterator[Constraint]:
    for value in asked.values("hasValue"):
        read = asked.path_reads
        if isinstance(asked.head.path, Predicate):
            # Of what is said of the focus node, only this is asked for.
            read = frozenset({Read(IDENTITY, asked.head.path.iri, "s", among=frozenset({value}))})

        def holds(nodes: Sequence[Term], value: Term = value) -> bool:
            return value in nodes

        yield of_all(asked, "HasValue", holds, read)


def _beside(asked: Asked, other: ox.NamedNode) -> frozenset[Read]:
    return asked.path_reads | {Read(IDENTITY, other, "s")}


def _equals(asked: Asked) -> Iterator[Constraint]:
    component, result = component_of("Equals"), asked.result
    for other in asked.iris("equals"):

        def find(
            run: Run, focus: Term, nodes: Sequence[Term], other: ox.NamedNode = other
        ) -> list[Result]:
            apart = set(nodes).symmetric_difference(run.objects(focus, other))
            return [result(component, focus, node) for node in apart]

        yield Constraint(_beside(asked, other), find, of_none=True)


def _disjoint(asked: Asked) -> Iterator[Constraint]:
    component, result = component_of("Disjoint"), asked.result
    for other in asked.iris("disjoint"):

        def find(
            run: Run, focus: Term, nodes: Sequence[Term], other: ox.NamedNode = other
        ) -> list[Result]:
            both = set(nodes).intersection(run.objects(focus, other))
            return [result(component, focus, node) for node in both]

        yield Constraint(_beside(asked, other), find)


def _less_than(name: str, *, or_equal: bool) -> Make:
    word = name[0].lower() + name[1:]
    component = component_of(name)

    def make(asked: Asked) -> Iterator[Constraint]:
        _property_only(asked, word)
        for other in asked.iris(word):

            def find(
                run: Run, focus: Term, nodes: Sequence[Term], other: ox.NamedNode = other
            ) -> list[Result]:
                # One result for each pair that is not in order (SHACL 4.5.3).
                return [
                    asked.result(component, focus, node)
                    for node in nodes
                    for said in run.objects(focus, other)
                    if not is_less(node, said, or_equal=or_equal)
                ]

            yield Constraint(_beside(asked, other), find)

    return make


def _closed(asked: Asked) -> Iterator[Constraint]:
    if not asked.switch("closed"):
        return
    allowed: set[Term] = set()
    for shape in asked.nested(asked.values("property")):
        if isinstance(shape.head.path, Predicate):
            allowed.add(shape.head.path.iri)
    for value in asked.values("ignoredProperties"):
        allowed.update(asked.iris("ignoredProperties", asked.listed("ignoredProperties", value)))
    component, result = component_of("Closed"), asked.result

    def find(run: Run, focus: Term, nodes: Sequence[Term]) -> list[Result]:
        return [
            result(component, focus, value, Predicate(predicate))
            for node in nodes
            for predicate, value in run.about(node)
            if predicate not in allowed
        ]

    read = Read(asked.path, None, "s", apart=frozenset(allowed))
    yield Constraint(asked.path_reads | {read}, find)


def _node(asked: Asked) -> Iterator[Constraint]:
    for shape in asked.nested(asked.values("node")):
        if shape.head.path is not None:
            raise Fault("asks by “sh:node” for a shape that has a path: say “sh:property” instead")
        yield of_values(asked, "Node", shape.conforms, asked.through([shape]))


def _not(asked: Asked) -> Iterator[Constraint]:
    for shape in asked.nested(asked.values("not")):

        def keeps(run: Run, node: Term, shape: Shape = shape) -> bool:
            return not shape.conforms(run, node)

        yield of_values(asked, "Not", keeps, asked.through([shape]))


def _of_listed(name: str, least: int, most: int) -> Make:
    """Return what makes a constraint on how many members of a list a value node conforms to.

    A number below 0 counts from the length of the list.
    """
    word = name.lower()

    def make(asked: Asked) -> Iterator[Constraint]:
        for value in asked.values(word):
            shapes = asked.nested(asked.listed(word, value))
            if not shapes:
                raise Fault(f"has a “sh:{word}” of nothing")
            low, high = (n + len(shapes) + 1 if n < 0 else n for n in (least, most))

            def keeps(
                run: Run,
                node: Term,
                shapes: Sequence[Shape] = shapes,
                bounds: tuple[int, int] = (low, high),
            ) -> bool:
                count = sum(shape.conforms(run, node) for shape in shapes)
                return bounds[0] <= count <= bounds[1]

            yield of_values(asked, name, keeps, asked.through(shapes))

    return make


def _qualified(asked: Asked) -> Iterator[Constraint]:
    _property_only(asked, "qualifiedValueShape")
    bounds = {
        name: asked.count(word)
        for name, word in (
            ("QualifiedMinCount", "qualifiedMinCount"),
            ("QualifiedMaxCount", "qualifiedMaxCount"),
        )
        if asked.values(word)
    }
    if not bounds:
        raise Fault("says “sh:qualifiedValueShape” and not how many: add “sh:qualifiedMinCount”")
    asks = asked.values("qualifiedValueShape")
    disjoint = bool(asked.values("qualifiedValueShapesDisjoint")) and asked.switch(
        "qualifiedValueShapesDisjoint"
    )
    for value in asks:
        shape = asked.shape(value)
        siblings = asked.nested(n for n in asked.siblings() if n != value) if disjoint else []

        def find(
            run: Run,
            focus: Term,
            nodes: Sequence[Term],
            shape: Shape = shape,
            siblings: Sequence[Shape] = siblings,
        ) -> Iterator[Result]:
            count = sum(
                shape.conforms(run, node) and not any(s.conforms(run, node) for s in siblings)
                for node in nodes
            )
            for name, bound in bounds.items():
                if count < bound if name == "QualifiedMinCount" else count > bound:
                    yield asked.result(component_of(name), focus, None)

        yield Constraint(asked.through([shape, *siblings]), find, of_none=True)


_COMPONENTS: Final[Mapping[str, Make]] = {
    **VALUE_CONSTRAINTS,
    "minCount": _min_count,
    "maxCount": _max_count,
    "uniqueLang": _unique_lang,
    "hasValue": _has_value,
    "equals": _equals,
    "disjoint": _disjoint,
    "lessThan": _less_than("LessThan", or_equal=False),
    "lessThanOrEquals": _less_than("LessThanOrEquals", or_equal=True),
    "closed": _closed,
    "node": _node,
    "not": _not,
    "and": _of_listed("And", -1, -1),
    "or": _of_listed("Or", 1, -1),
    "xone": _of_listed("Xone", 1, 1),
    "qualifiedValueShape": _qualified,
}

"""Judging by pySHACL, the reference. Fetches nothing, follows no import, edits no graph.

pySHACL's own options for partial runs (``focus_nodes=``, ``use_shapes=``) filter nested nodes and
shapes too and then say "conforms" of graphs that do not, so each shape is asked for itself here.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pyshacl.constraints import CONSTRAINT_PARAMETERS_MAP
from pyshacl.constraints.sparql.sparql_based_constraints import SPARQLBasedConstraint
from pyshacl.entrypoints import meta_validate
from pyshacl.errors import ReportableRuntimeError
from pyshacl.pytypes import SHACLExecutor
from pyshacl.shape import Shape
from pyshacl.shapes_graph import ShapesGraph
from rdflib import OWL, RDF, RDFS, SH, XSD, BNode, Graph, Literal, URIRef
from rdflib.collection import Collection
from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.plugins.sparql.sparql import Query
from rdflib.query import Result
from rdflib.store import Store
from rdflib.term import Identifier, Node

from competency_graph.errors import InvalidShapes
from competency_graph.graphs import triple
from competency_graph.model import Finding
from competency_graph.shacl.data import Parsed
from competency_graph.shacl.findings import findings, spelt
from competency_graph.shacl.prebound import FORBIDDEN
from competency_graph.shacl.refusals import refuse

# Nested shapes of honest profiles are some five deep; pySHACL counts shapes and constraints.
_DEPTH: Final = 30
_NESTING: Final = (SH.node, SH.property, SH["not"], SH.qualifiedValueShape)
_LISTS_OF_SHAPES: Final = (SH["and"], SH["or"], SH.xone)
_TARGETS: Final = (SH.targetClass, SH.targetNode, SH.targetSubjectsOf, SH.targetObjectsOf)
_CIRCLE: Final = " Take one of the steps out of the circle."


@dataclass(frozen=True, slots=True)
class Shapes:
    """Shapes that have been checked and may be judged by, any number of times."""

    graph: Graph
    compiled: ShapesGraph


class Data(Graph):
    """A graph to judge, strings written as ``"x"``: rdflib takes ``"x"^^xsd:string`` for another.

    It reads each query once: pySHACL sends the same text for every focus node.
    """

    def __init__(self, store: Store | str = "default") -> None:
        super().__init__(store, bind_namespaces="none")

    def query(self, query_object: str | Query, *args: Any, **kwargs: Any) -> Result:
        """Answer a query, parsed before where the same text was asked."""
        if isinstance(query_object, str):
            query_object = _prepared(query_object)
        return super().query(query_object, *args, **kwargs)


def compile_shapes(graph: Graph) -> Shapes:
    """Check shapes and make them ready to judge by.

    The W3C's shapes of shapes are not among the checks, because they take seconds: call
    ``check_well_formed`` as well for shapes that did not ship.

    Args:
        graph: the shapes; not kept and not changed.

    Raises:
        InvalidShapes: a word that SHACL does not know, a severity that is none, a part of SHACL
            that would be ignored, shapes that nest in a circle, a query that does not parse or
            reaches outside the data; facts hold the shape.
    """
    shapes = _normalised(graph, Graph(bind_namespaces="none"))
    refuse(Parsed(map(triple, shapes)))
    _refuse_circles(shapes)
    _refuse_patterns(shapes)
    try:
        compiled = ShapesGraph(shapes)
        loaded = list(compiled.shapes)
    except ReportableRuntimeError as error:
        raise InvalidShapes(f"The shapes cannot be read: {_first_line(error)}") from None
    for shape in loaded:
        _refuse_unreadable(shape)
    return Shapes(graph=shapes, compiled=compiled)


def check_well_formed(graph: Graph) -> None:
    """Judge shapes by the W3C's shapes of shapes; takes seconds for a hundred.

    Paths are not: who compiles shapes reads them, and the shapes of shapes refuse some that the
    W3C's tests have (core/path/path-strange-002).

    Raises:
        InvalidShapes: they do not conform; facts hold the first shape that does not.
    """
    shapes = _normalised(graph, Graph(bind_namespaces="none"))
    for shape, path in list(shapes.subject_objects(SH.path)):
        if isinstance(path, BNode):
            shapes.set((shape, SH.path, RDF.value))
    conforms, report, _ = meta_validate(shapes, inference="none")
    if conforms:
        return
    # The first by name, so that the same file is always told the same.
    nodes = ((report.value(r, SH.resultPath), n) for r, n in report.subject_objects(SH.focusNode))
    place, node = min(nodes, key=lambda found: (not found[0], str(found[0]), str(found[1])))
    word = f": look at its “{_short(place)}”" if isinstance(place, URIRef) else ""
    raise _invalid(shapes, node, f"is not written as SHACL asks{word}")


def check_targets(graph: Graph) -> None:
    """Check that some shape says what it is for: others judge nothing, and that looks like praise.

    Raises:
        InvalidShapes: there is no shape, or none with a target.
    """
    kinds = (SH.NodeShape, SH.PropertyShape)
    shapes = {s for kind in kinds for s in graph.subjects(RDF.type, kind)}
    if any((None, word, None) in graph for word in _TARGETS) or any(
        (shape, RDF.type, kind) in graph for shape in shapes for kind in (RDFS.Class, OWL.Class)
    ):
        return
    if not shapes:
        raise InvalidShapes("There is no shape in it, so nothing could be judged.")
    raise InvalidShapes(
        "None of its shapes says what it is for, so nothing would be judged. "
        "Give one a target, for example “sh:targetClass”."
    )


def judge_graph(data: Graph, shapes: Shapes, *, focus: set[Node] | None) -> list[Finding]:
    """Judge a graph by every shape that has targets in it.

    Args:
        data: what to judge, with all that it refers to; not changed, copied unless it is ``Data``.
        shapes: what ``compile_shapes`` gave.
        focus: the nodes that matter; targets outside are not judged. ``None`` is all.

    Returns:
        What was found, worst first. An empty list means that nothing was found.

    Raises:
        InvalidShapes: a shape cannot be evaluated on this data.
    """
    graph = data if isinstance(data, Data) else _normalised(data, Data())
    executor = SHACLExecutor(max_validation_depth=_DEPTH)
    results: list[Any] = []
    for shape in shapes.compiled.shapes:
        nodes = shape.focus_nodes(graph)
        if focus is not None:
            nodes &= focus
        if not nodes or shape.deactivated:
            continue
        try:
            _, found = shape.validate(executor, graph, focus=list(nodes))
        except (ReportableRuntimeError, NotImplementedError) as error:
            raise _invalid(
                shapes.graph, shape.node, f"cannot be evaluated: {_first_line(error)}"
            ) from None
        results.extend(found)
    return findings(results, data=graph, shapes=shapes.graph)


@lru_cache(maxsize=1024)
def _prepared(text: str) -> Query:
    return prepareQuery(text)


def _normalised(source: Graph, target: Graph) -> Graph:
    """Copy a graph, writing ``"x"^^xsd:string`` as ``"x"``: rdflib takes them for two terms."""
    for subject, predicate, value in source:
        if isinstance(value, Literal) and value.datatype == XSD.string:
            value = Literal(str(value))
        target.add((subject, predicate, value))
    return target


def _refuse_patterns(shapes: Graph) -> None:
    for shape, pattern in shapes.subject_objects(SH.pattern):
        try:
            re.compile(str(pattern))
        except re.error:
            raise _invalid(
                shapes, shape, f"has a pattern that cannot be read: “{pattern}”"
            ) from None


def _refuse_circles(shapes: Graph) -> None:
    """Refuse shapes that ask for themselves: the standard leaves open what they mean."""
    done: set[Node] = set()

    def visit(shape: Node, above: tuple[Node, ...]) -> None:
        if shape in above:
            raise _invalid(shapes, shape, "asks for itself, directly or through others", _CIRCLE)
        if shape in done or len(above) > _DEPTH:
            return
        for inner in _inner_shapes(shapes, shape):
            visit(inner, (*above, shape))
        done.add(shape)

    for word in (*_NESTING, *_LISTS_OF_SHAPES):
        for shape in sorted(set(shapes.subjects(word, None)), key=str):
            visit(shape, ())


def _inner_shapes(shapes: Graph, shape: Node) -> Iterator[Node]:
    for word in _NESTING:
        yield from shapes.objects(shape, word)
    for word in _LISTS_OF_SHAPES:
        for members in shapes.objects(shape, word):
            yield from Collection(shapes, members)


def _refuse_unreadable(shape: Shape) -> None:
    graph = shape.sg.graph
    try:
        kinds = {CONSTRAINT_PARAMETERS_MAP.get(p) for p, _ in graph.predicate_objects(shape.node)}
        constraints = [kind(shape) for kind in kinds if kind is not None]
        for constraint in constraints:
            if isinstance(constraint, SPARQLBasedConstraint):
                for query in constraint.sparql_constraints:
                    _, text = query.pre_bind_variables(URIRef("urn:any"))
                    _refuse_query(graph, shape.node, query.apply_prefixes(text))
    except (ReportableRuntimeError, NotImplementedError) as error:
        raise _invalid(graph, shape.node, f"cannot be used: {_first_line(error)}") from None


def _refuse_query(shapes: Graph, shape: Node, text: str) -> None:
    """Decide on the parsed query: SPARQL may spell SERVICE as ``S\\u0045RVICE``."""
    try:
        parsed = parseQuery(text)
        _prepared(text)
    except Exception as error:  # rdflib raises bare Exception for an undeclared prefix
        undeclared = re.search(r"Unknown namespace prefix : (\S*)", str(error))
        if undeclared:
            fault = f"has a query whose prefix “{undeclared[1]}:” is not declared (sh:prefixes)"
            raise _invalid(shapes, shape, fault) from None
        near = re.search(r"found '([^']*)'", str(error))
        where = f" near “{near[1]}”" if near else ""
        raise _invalid(shapes, shape, f"has a query that is not SPARQL{where}") from None
    for name in _names(parsed):
        if name in FORBIDDEN:
            raise _invalid(shapes, shape, f"has a query that {FORBIDDEN[name]}")


def _names(parsed: object) -> Iterator[str]:
    if isinstance(parsed, CompValue):
        yield parsed.name
        parsed = list(parsed.values())
    if isinstance(parsed, Iterable) and not isinstance(parsed, str | Identifier):
        for part in parsed:
            yield from _names(part)


def _invalid(shapes: Graph, node: Node | None, fault: str, hint: str = "") -> InvalidShapes:
    """Return the error that names the nearest shape above a node that has an IRI."""
    seen: set[Node] = set()
    while isinstance(node, BNode) and node not in seen:
        seen.add(node)
        node = next((s for s in shapes.subjects(None, node) if s not in seen), node)
    shape = "unnamed" if node is None else spelt(node)
    name = shape.rpartition("#")[2].rpartition("/")[2]
    return InvalidShapes(f"The shape “{name}” {fault.rstrip('.')}.{hint}", shape=shape)


def _short(word: object) -> str:
    return str(word).replace(str(SH), "sh:")


def _first_line(error: Exception) -> str:
    return re.split(r"[\r\n]", str(error).strip() or type(error).__name__)[0]

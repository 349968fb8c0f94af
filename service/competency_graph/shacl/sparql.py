"""What shapes ask in SPARQL, constraints and constraint components, as checks of many nodes.

SHACL, sections 5 and 6, read once when shapes are compiled. Judges by SPARQL alone; where SHACL and
pySHACL part, SHACL is followed: a SELECT validator is asked once of a focus node, not once for each
value; a component with one parameter is asked for each value that the shape has for it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from competency_graph.shacl.asked import Fault, component_of
from competency_graph.shacl.checks import Head, Result
from competency_graph.shacl.data import SUB_CLASS_OF, TYPE, Data, Node, Parsed, Term, reached
from competency_graph.shacl.degrees import GUESSED, Degrees
from competency_graph.shacl.paths import IDENTITY, Predicate, Read, reads, values, written
from competency_graph.shacl.pattern_reads import reads_of
from competency_graph.shacl.prebound import Query, read_query
from competency_graph.shacl.refusals import invalid
from competency_graph.vocab import DCTERMS, OWL, RDF, RDFS, SH, SKOS

_CONSTRAINT: Final = component_of("SPARQL")
_SHAPES_GRAPH: Final = ox.NamedNode("urn:x-competency-graph:shapes-graph")
# As pySHACL has them, whatever is declared.
_PREFIXES: Final = {"rdf": RDF, "rdfs": RDFS, "owl": OWL}
_TAKEN: Final = frozenset({"this", "shapesGraph", "currentShape", "path", "PATH", "value"})
_NOT_SELECTED: Final = frozenset({"shapesGraph", "currentShape"})
_PLACE: Final = re.compile(r"\{[?$](\w+)\}")
_LABELS: Final = tuple(
    ox.NamedNode(iri) for iri in (SKOS + "prefLabel", DCTERMS + "title", RDFS + "label")
)


def _word(name: str) -> ox.NamedNode:
    return ox.NamedNode(SH + name)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparqlCheck:
    """One query that a shape asks of its focus nodes, or of their values where it is an ASK.

    ``messages`` are as they are written. ``slow`` says, as ends of sentences about the shape, what
    makes every change, or many, concern it.
    """

    head: Head
    component: ox.NamedNode
    constraint: Node | None
    query: Query
    messages: tuple[ox.Literal, ...]
    reads: frozenset[Read]
    slow: tuple[str, ...]
    shapes: Data

    def results(self, data: Data, focus_nodes: Sequence[Term]) -> Iterator[Result]:
        """Return what is wrong at focus nodes."""
        store = data.store
        if "shapesGraph" in self.query.given:
            self._hold_shapes(store)
        given = self.query.given
        if self.query.names == ("this",):
            rows = ((focus,) for focus in dict.fromkeys(focus_nodes))
            for (focus,), found in self.query.solutions(store, rows):
                value = found.get("value", None if self.head.path else focus)
                yield self._result(data, focus, value, {**given, "this": focus, **found})
            return
        path = self.head.path or IDENTITY
        asked = [
            (focus, value)
            for focus in dict.fromkeys(focus_nodes)
            for value in values(path, data, focus)
        ]
        holds = {row for row, _ in self.query.solutions(store, asked)}
        for focus, value in asked:
            if (focus, value) not in holds:
                found = {**given, "this": focus, "value": value}
                yield self._result(data, focus, value, found)

    def _result(
        self, data: Data, focus: Term, value: Term | None, found: dict[str, Term]
    ) -> Result:
        path, message = found.get("path"), found.get("message")
        own = (message,) if isinstance(message, ox.Literal) else self.messages
        return Result(
            focus=focus,
            shape=self.head.node,
            component=self.component,
            severity=self.head.severity,
            path=Predicate(path) if isinstance(path, ox.NamedNode) else self.head.path,
            value=value,
            messages=tuple(_filled(text, found, data) for text in own),
            constraint=self.constraint,
        )

    def _hold_shapes(self, store: ox.Store) -> None:
        if not store.contains_named_graph(_SHAPES_GRAPH):
            store.bulk_extend(
                ox.Quad(q.subject, q.predicate, q.object, _SHAPES_GRAPH)
                for q in self.shapes.store
                if q.graph_name == ox.DefaultGraph()
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parameter:
    name: str
    path: ox.NamedNode
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Component:
    node: ox.NamedNode
    parameters: tuple[_Parameter, ...]


class Sparql:
    """What the shapes of a shapes graph ask in SPARQL.

    ``stored``: the data is that of a store in which graphs lie that are no data. ``degrees`` are
    those of the data.

    Raises:
        InvalidShapes: a constraint component is not well-formed.
    """

    def __init__(self, shapes: Parsed, *, stored: bool, degrees: Degrees = GUESSED) -> None:
        self._shapes = shapes
        self._stored = stored
        self._degrees = degrees
        self._components = [self._component(node) for node in _component_nodes(shapes)]

    def checks(self, head: Head) -> list[SparqlCheck]:
        """Return the checks of a shape, those that are switched off left out.

        Raises:
            Fault: a constraint or component is not well-formed, or asks what may not be asked.
            Unsupported: a query is evaluated by pySHACL only.
        """
        found = [
            self._check(head, node=node, component=_CONSTRAINT, constraint=node, given={})
            for node in self._nodes(head.node, "sparql")
            if not self._is_true(node, "deactivated")
        ]
        for component in self._components:
            for given in self._given(head, component):
                found.append(
                    self._check(
                        head,
                        node=self._validator(head, component),
                        component=component.node,
                        constraint=None,
                        given=given,
                    )
                )
        return found

    def _check(
        self,
        head: Head,
        *,
        node: Node,
        component: ox.NamedNode,
        constraint: Node | None,
        given: dict[str, Term],
    ) -> SparqlCheck:
        ask = not self._shapes.objects(node, _word("select"))
        if ask and constraint is not None:
            raise Fault("has a “sh:sparql” without a query (sh:select)")
        path = None if head.path is None else written(head.path)
        query = read_query(
            self._text(node, "ask" if ask else "select"),
            prefixes=self._prefixes(node),
            path=path if path is None or isinstance(head.path, Predicate) else f"({path})",
            ask=ask,
            given={**given, "currentShape": head.node, "shapesGraph": _SHAPES_GRAPH},
            unselected=_NOT_SELECTED,
        )
        if "shapesGraph" in query.given and self._stored:
            raise Fault("asks its own shapes graph (“$shapesGraph”), which is no data here")
        way = head.path or IDENTITY
        read = reads_of(query, {"this": IDENTITY, **({"value": way} if ask else {})}, self._degrees)
        messages = (
            self._texts(node, "message")
            or (self._texts(component, "message") if constraint is None else ())
            or head.messages
            or (self._texts(component, "labelTemplate") if constraint is None else ())
        )
        return SparqlCheck(
            head=head,
            component=component,
            constraint=constraint,
            query=query,
            messages=messages,
            reads=read.reads.union(reads(way) if ask else ()),
            slow=read.slow,
            shapes=self._shapes,
        )

    def _component(self, node: ox.NamedNode) -> _Component:
        try:
            return _Component(node=node, parameters=self._parameters(node))
        except Fault as fault:
            raise invalid(self._shapes, node, str(fault)) from None

    def _parameters(self, node: ox.NamedNode) -> tuple[_Parameter, ...]:
        parameters = []
        for parameter in self._nodes(node, "parameter"):
            (path,) = self._shapes.objects(parameter, _word("path")) or (None,)
            if not isinstance(path, ox.NamedNode):
                raise Fault("has a parameter whose path is not one property")
            name = re.split(r"[/#]", path.value)[-1]
            if name in _TAKEN or not re.fullmatch(r"\w+", name):
                raise Fault(f"has a parameter “{name}”, a name that no parameter may have")
            optional = self._is_true(parameter, "optional")
            parameters.append(_Parameter(name=name, path=path, optional=optional))
        if len({p.name for p in parameters}) < len(parameters):
            raise Fault("has two parameters of one name")
        return tuple(parameters)

    def _given(self, head: Head, component: _Component) -> Iterator[dict[str, Term]]:
        """Yield the values of a component's parameters, for each time that a shape asks for it."""
        given: dict[str, Sequence[Term]] = {}
        for parameter in component.parameters:
            found = self._shapes.objects(head.node, parameter.path)
            if found:
                given[parameter.name] = found
            elif not parameter.optional:
                return
        if len(component.parameters) == 1:
            for name, several in given.items():
                yield from ({name: value} for value in several)
            return
        for name, several in given.items():
            if len(several) > 1:
                raise Fault(f"says “{name}” more than once, beside other parameters")
        if given:
            yield {name: several[0] for name, several in given.items()}

    def _validator(self, head: Head, component: _Component) -> Node:
        kind = "nodeValidator" if head.path is None else "propertyValidator"
        for word in (kind, "validator"):
            found = self._nodes(component.node, word)
            if found:
                return found[0]
        raise Fault(f"asks for what has no way to be judged: neither sh:{kind} nor sh:validator")

    def _prefixes(self, node: Node) -> dict[str, str]:
        """Return the prefixes for a query: those named, then any that is declared (SHACL 5.2.1)."""
        named: dict[str, str] = {}
        declaring = list(self._shapes.objects(node, _word("prefixes")))
        for ontology in declaring:
            for source in reached(self._shapes, ontology, ox.NamedNode(OWL + "imports")):
                for prefix, namespace in self._declared(source):
                    if named.setdefault(prefix, namespace) != namespace:
                        raise Fault(f"has a query whose prefix “{prefix}:” is declared twice")
        others: dict[str, str] = {}
        if declaring:
            for source, _ in self._shapes.pairs(_word("declare")):
                others.update(self._declared(source))
        return {**_PREFIXES, **others, **named}

    def _declared(self, source: Term) -> Iterator[tuple[str, str]]:
        for declaration in self._shapes.objects(source, _word("declare")):
            prefix, namespace = (
                self._text(declaration, "prefix"),
                self._text(declaration, "namespace"),
            )
            yield prefix, namespace

    def _nodes(self, node: Term, word: str) -> list[Node]:
        found = self._shapes.objects(node, _word(word))
        return sorted((n for n in found if not isinstance(n, ox.Literal | ox.Triple)), key=str)

    def _text(self, node: Term, word: str) -> str:
        found = self._shapes.objects(node, _word(word))
        if len(found) != 1 or not isinstance(found[0], ox.Literal):
            raise Fault(f"needs one text as “sh:{word}”")
        return found[0].value

    def _texts(self, node: Term, word: str) -> tuple[ox.Literal, ...]:
        found = self._shapes.objects(node, _word(word))
        return tuple(sorted((t for t in found if isinstance(t, ox.Literal)), key=str))

    def _is_true(self, node: Term, word: str) -> bool:
        found = self._shapes.objects(node, _word(word))
        return any(isinstance(t, ox.Literal) and t.value in ("true", "1") for t in found)


def _component_nodes(shapes: Data) -> list[ox.NamedNode]:
    """Return what is a constraint component by its class, or because it has a validator."""
    found: set[Term] = set()
    kinds = {_word("ConstraintComponent")}
    waiting: list[Term] = list(kinds)
    while waiting:
        kind = waiting.pop()
        found.update(shapes.subjects(TYPE, kind))
        waiting += [k for k in shapes.subjects(SUB_CLASS_OF, kind) if k not in kinds]
        kinds.update(k for k in waiting if isinstance(k, ox.NamedNode))
    for word in ("validator", "nodeValidator", "propertyValidator"):
        found.update(node for node, _ in shapes.pairs(_word(word)))
    return sorted((n for n in found if isinstance(n, ox.NamedNode)), key=str)


def _filled(message: ox.Literal, found: dict[str, Term], data: Data) -> ox.Literal:
    """Return a message with the values that it names in ``{?name}`` or ``{$name}``, by label."""

    def said(place: re.Match[str]) -> str:
        term = found.get(place[1])
        return place[0] if term is None else _said(term, data, message.language)

    return ox.Literal(_PLACE.sub(said, message.value), language=message.language)


def _said(term: Term, data: Data, language: str | None) -> str:
    if isinstance(term, ox.Literal):
        return term.value
    for word in _LABELS:
        labels = [t for t in data.objects(term, word) if isinstance(t, ox.Literal)]
        if labels:
            return min(labels, key=lambda t: _distance(t, language)).value
    name = str(term) if not isinstance(term, ox.NamedNode) else term.value.rstrip("/#")
    return re.split(r"[/#]", name)[-1]


def _distance(label: ox.Literal, language: str | None) -> tuple[bool, bool, str, str]:
    tag = (label.language or "").split("-")[0]
    wanted = (language or "en").split("-")[0]
    return tag != wanted, tag != "en", tag, label.value

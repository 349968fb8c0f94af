"""From what a client asks to the difference it makes. Runs in a fork that is thrown away.

Knows no roles, no shapes and no log. An update is never run as it stands: each of its operations
fills scratch graphs with what it would add and remove, at the cost of what it matches.
"""

from collections.abc import Iterable, Sequence

import pyoxigraph as ox

from competency_graph.errors import BadQuery, BadRequest, NotFound
from competency_graph.index.border import refuse_computed, refuse_in_document
from competency_graph.index.graph import Graph
from competency_graph.index.matching import changed
from competency_graph.index.rewriting import (
    ADDED,
    ALL,
    DEFAULT,
    NAMED,
    REMOVED,
    Step,
    stands_for,
    steps,
)
from competency_graph.model import Difference, Operation
from competency_graph.rdf import SYNTAXES, parse

_LINES = next(syntax for syntax in SYNTAXES if syntax.name == "n-quads")
_Name = ox.NamedNode | ox.DefaultGraph


def stage(graph: Graph, operations: Sequence[Operation], *, labels: str) -> Difference:
    """Apply operations to a graph, one after the other, and return what that changed.

    Each operation sees its predecessors. The lines are without line feeds, in the spelling of the
    index, sorted by their bytes. What is so already is no change. After an error the graph is in
    no certain state: this is for a fork that ends.

    Args:
        graph: the graph, which is changed.
        operations: what to do.
        labels: what the labels of new blank nodes begin with; a number follows.

    Raises:
        BadQuery, UnreadableInput, BadLiteral: the content cannot be read; facts hold the place.
        BadRequest: it would write the default graph, which is the union, or names a graph that
            is not there.
        NotFound: the graph to be taken away is not there.
    """
    staging = _Staging(graph, labels)
    for operation in operations:
        staging.run(operation)
    return staging.difference()


def _node(name: str) -> _Name:
    if name == DEFAULT:
        return ox.DefaultGraph()
    try:
        return ox.NamedNode(name)
    except ValueError:
        raise BadRequest(
            f"“{name}” is not an IRI, and graphs are named by IRIs. "
            "Percent-encode what it may not hold."
        ) from None


class _Staging:
    """One run of operations: the graph as it is by now, and the difference so far."""

    def __init__(self, graph: Graph, labels: str) -> None:
        self._graph = graph
        self._store = graph.store
        self._labels = labels
        self._minted = 0
        self._added: dict[bytes, ox.Quad] = {}
        self._removed: dict[bytes, ox.Quad] = {}
        self._reads: set[str] | None = set()
        # Graphs that this request made or emptied: to name them again is no mistake.
        self._mentioned: set[str] = set()

    def run(self, operation: Operation) -> None:
        """Apply one operation."""
        if operation.kind == "update":
            self._update(operation)
        elif operation.kind == "delete":
            self._delete(operation)
        elif operation.kind == "lines":
            self._exactly(operation)
        else:
            self._document(operation)

    def difference(self) -> Difference:
        """Return what was changed in all."""
        touched = set()
        for quad in (*self._added.values(), *self._removed.values()):
            subject = quad.subject
            spelt = subject.value if isinstance(subject, ox.NamedNode) else str(subject)
            touched.add((_name(quad), spelt))
        return Difference(
            added=tuple(sorted(self._added)),
            removed=tuple(sorted(self._removed)),
            touched=frozenset(touched),
            graphs_read=None if self._reads is None else frozenset(self._reads),
        )

    def _update(self, operation: Operation) -> None:
        try:
            text = operation.content.decode()
        except UnicodeDecodeError:
            raise BadQuery("The update is not UTF-8 text. Send it as UTF-8.") from None
        if operation.graph is not None:
            _node(operation.graph)
        for step in steps(
            text,
            graph=operation.graph,
            using=operation.using,
            using_named=operation.using_named,
        ):
            self._read(step.reads)
            if step.verb == "pattern":
                self._match(step)
            elif step.verb != "load":
                self._manage(step)

    def _match(self, step: Step) -> None:
        if step.writes_default:
            self._writable(DEFAULT)
        try:
            self._store.update(step.text)
        except (RuntimeError, ValueError) as error:
            raise BadQuery(f"The update cannot be evaluated: {error}.") from None
        moved: dict[str, list[ox.Quad]] = {ADDED: [], REMOVED: []}
        filled = self._graph.graph_names() if step.scratch is None else step.scratch
        for iri in filled:
            stood = stands_for(iri)
            if stood is None:
                continue
            (kind, graph), name = stood, ox.NamedNode(iri)
            self._read({graph})
            if graph != DEFAULT and stands_for(graph) is not None:
                raise BadRequest(
                    f"The service keeps graph names that begin with “{kind}” for itself. "
                    "Choose another name."
                )
            target = _node(graph)
            moved[kind] += [
                ox.Quad(quad.subject, quad.predicate, quad.object, target)
                for quad in self._store.quads_for_pattern(None, None, None, name)
            ]
            self._store.remove_graph(name)
        refuse_computed(moved[ADDED])
        self._settle(moved[REMOVED], self._labelled(moved[ADDED]))

    def _manage(self, step: Step) -> None:
        if step.verb == "create":
            if not step.silent and self._there(step.target):
                raise BadRequest(
                    f"There is a graph {step.target} already. Write CREATE SILENT if that is fine."
                )
            self._mentioned.add(step.target)
            return
        if step.verb == "clear":
            for name in self._names(step):
                self._writable(name)
                self._settle(self._quads(name), [])
            return
        self._writable(step.target)
        if not self._known(step.source, silent=step.silent) or step.source == step.target:
            return
        if step.verb == "move":
            self._writable(step.source)
        source, target = self._triples(step.source), self._triples(step.target)
        removed = set() if step.verb == "add" else target - source
        gone = _in_graph(removed, step.target)
        if step.verb == "move":
            gone += self._quads(step.source)
        self._settle(gone, _in_graph(source - target, step.target))

    def _names(self, step: Step) -> list[str]:
        named = self._graph.graph_names()
        if step.source == NAMED:
            return named
        if step.source == ALL:
            return named if self._graph.union else [DEFAULT, *named]
        return [step.source] if self._known(step.source, silent=step.silent) else []

    def _document(self, operation: Operation) -> None:
        syntax = next(s for s in SYNTAXES if s.name == operation.syntax)
        quads = parse(operation.content, syntax, name=operation.name)
        refuse_in_document(quads, operation.content, syntax=syntax, name=operation.name)
        named = {_name(quad) for quad in quads}
        if operation.graph is not None:
            other = named - {DEFAULT, operation.graph}
            if other:
                raise BadRequest(
                    f"{operation.name} names the graph {min(other)} itself, and the request names "
                    f"{operation.graph}. Name the graph in one place."
                )
            named = {operation.graph}
            target = _node(operation.graph)
            quads = [ox.Quad(q.subject, q.predicate, q.object, target) for q in quads]
        elif not syntax.graphs:
            named = {DEFAULT}
        for name in named:
            self._writable(name)
        self._read(named)
        new = _as_kept(self._renamed(quads))
        if operation.kind == "add":
            self._settle([], new)
            return
        old = [quad for name in named for quad in self._quads(name)]
        self._settle(*changed(old, new))

    def _delete(self, operation: Operation) -> None:
        name = operation.graph or DEFAULT
        self._writable(name)
        if name != DEFAULT and not self._there(name):
            raise NotFound(f"There is no graph {name}. GET /graphs lists those there are.")
        self._read({name})
        self._settle(self._quads(name), [])

    def _exactly(self, operation: Operation) -> None:
        removed_lines, _, added_lines = operation.content.partition(b"\n\n")
        if operation.content.startswith(b"\n"):
            removed_lines, added_lines = b"", operation.content[1:]
        removed = parse(removed_lines, _LINES, name=operation.name)
        added = parse(added_lines, _LINES, name=operation.name)
        refuse_in_document(added, added_lines, syntax=_LINES, name=operation.name)
        named = {_name(quad) for quad in (*removed, *added)}
        for name in named:
            self._writable(name)
        self._read(named)
        self._settle(_as_kept(removed), _as_kept(added))

    def _settle(self, removed: Iterable[ox.Quad], added: Iterable[ox.Quad]) -> None:
        """Apply what of this is not so already: removals first, so what is in both stays."""
        staying = set(added)
        gone = [q for q in removed if q not in staying and q in self._store]
        new = [q for q in staying if q not in self._store]
        self._mentioned |= {_name(quad) for quad in gone}
        _count(self._removed, self._added, gone)
        _count(self._added, self._removed, new)
        self._graph.change(added=new, removed=gone)

    def _labelled(self, quads: list[ox.Quad]) -> list[ox.Quad]:
        """Return statements with the blank nodes that the engine made under labels of ours."""
        fresh: dict[ox.BlankNode, bool] = {}
        for quad in quads:
            for end in (quad.subject, quad.object):
                if isinstance(end, ox.BlankNode) and end not in fresh:
                    fresh[end] = not self._holds(end)
        if not any(fresh.values()):
            return quads
        return self._renamed(quads, {node for node, new in fresh.items() if new})

    def _holds(self, node: ox.BlankNode) -> bool:
        as_subject = self._store.quads_for_pattern(node, None, None, None)
        as_object = self._store.quads_for_pattern(None, None, node, None)
        return next(as_subject, None) is not None or next(as_object, None) is not None

    def _renamed(
        self, quads: list[ox.Quad], only: set[ox.BlankNode] | None = None
    ) -> list[ox.Quad]:
        labels: dict[object, ox.BlankNode] = {}

        def renamed(end: object) -> object:
            if not isinstance(end, ox.BlankNode) or (only is not None and end not in only):
                return end
            if end not in labels:
                labels[end] = ox.BlankNode(f"{self._labels}{self._minted}")
                self._minted += 1
            return labels[end]

        return [
            ox.Quad(renamed(q.subject), q.predicate, renamed(q.object), q.graph_name)  # type: ignore[arg-type]
            for q in quads
        ]

    def _quads(self, name: str) -> list[ox.Quad]:
        return list(self._store.quads_for_pattern(None, None, None, _node(name)))

    def _triples(self, name: str) -> set[bytes]:
        text = self._store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=_node(name)) or b""
        return set(text.split(b"\n")) - {b""}

    def _there(self, name: str) -> bool:
        node = _node(name)
        return isinstance(node, ox.DefaultGraph) or self._store.contains_named_graph(node)

    def _known(self, name: str, *, silent: bool) -> bool:
        if self._there(name) or name in self._mentioned:
            return True
        if silent:
            return False
        raise BadRequest(
            f"There is no graph {name}. {self._listed()} Write SILENT if that is fine.", graph=name
        )

    def _writable(self, name: str) -> None:
        if name == DEFAULT and self._graph.union:
            raise BadRequest(
                "This would write the default graph, which here is the union of all named graphs. "
                f"Name the graph that you mean. {self._listed()}",
                graphs=self._graph.graph_names(),
            )

    def _listed(self) -> str:
        names = self._graph.graph_names()
        return f"The graphs are: {', '.join(names)}." if names else "There are no graphs yet."

    def _read(self, names: Iterable[str] | None) -> None:
        if names is None or (self._graph.union and DEFAULT in names):
            self._reads = None
        elif self._reads is not None:
            self._reads.update(names)


def _name(quad: ox.Quad) -> str:
    return quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else DEFAULT


def _in_graph(triples: Iterable[bytes], name: str) -> list[ox.Quad]:
    target = _node(name)
    parsed = ox.parse(b"\n".join(triples), ox.RdfFormat.N_TRIPLES)
    return [ox.Quad(quad.subject, quad.predicate, quad.object, target) for quad in parsed]


def _as_kept(quads: Iterable[ox.Quad]) -> list[ox.Quad]:
    """Return statements in the spelling of the index: it keeps numbers and times by value."""
    store = ox.Store()
    store.extend(quads)
    return list(store)


def _count(there: dict[bytes, ox.Quad], undone: dict[bytes, ox.Quad], quads: list[ox.Quad]) -> None:
    """Note a change of statements, which may undo an earlier one of the same request."""
    text = ox.serialize(quads, format=_LINES.format) or b""
    for line, quad in zip(text.split(b"\n"), quads, strict=False):
        if undone.pop(line, None) is None:
            there[line] = quad

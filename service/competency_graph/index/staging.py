"""From what a client asks to the difference it makes. Runs in a fork that is thrown away.

Knows no roles, no shapes and no log. An update is never run as it stands: each of its operations
fills scratch graphs with what it would add and remove, at the cost of what it matches.
"""

import gc
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import compress

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
from competency_graph.rdf import SYNTAXES, Syntax, parse, subjects_of_lines

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
    # Hundreds of thousands of lines hold no cycles; to look for some took a sixth of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        for operation in operations:
            staging.run(operation)
        return staging.difference()
    finally:
        if collecting:
            gc.enable()


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
        self._added: set[bytes] = set()
        self._removed: set[bytes] = set()
        self._reads: set[str] | None = set()
        # Graphs that were there when this request named them: to name them again is no mistake.
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
        return Difference(
            added=tuple(sorted(self._added)),
            removed=tuple(sorted(self._removed)),
            touched=frozenset(subjects_of_lines(self._added | self._removed)),
            graphs_read=None if self._reads is None else frozenset(self._reads),
        )

    def _update(self, operation: Operation) -> None:
        try:
            text = operation.content.decode()
        except UnicodeDecodeError:
            raise BadQuery("The update is not UTF-8 text. Send it as UTF-8.") from None
        # They become part of the text that is run: nothing but an IRI may.
        chosen = (*operation.using, *operation.using_named)
        for name in chosen if operation.graph is None else (operation.graph, *chosen):
            if isinstance(_node(name), ox.DefaultGraph):
                raise BadRequest("A graph has an empty name. Name it by an IRI.")
        for step in steps(
            text,
            graph=operation.graph,
            using=operation.using,
            using_named=operation.using_named,
            base=self._graph.base,
            strict=self._graph.strict,
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
        moved: dict[str, list[bytes]] = {ADDED: [], REMOVED: []}
        filled = self._graph.graph_names() if step.scratch is None else step.scratch
        for iri in filled:
            stood = stands_for(iri)
            if stood is None:
                continue
            kind, graph = stood
            self._read({graph})
            if graph != DEFAULT and stands_for(graph) is not None:
                raise BadRequest(
                    f"The service keeps graph names that begin with “{kind}” for itself. "
                    "Choose another name."
                )
            moved[kind] += _in_graph(self._triples(iri), graph)
            self._store.remove_graph(ox.NamedNode(iri))
        added = self._labelled(moved[ADDED])
        if step.computes and self._graph.strict:
            refuse_computed(_parsed(added))
        self._settle(moved[REMOVED], added)

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
                self._read({name})
                self._settle(_in_graph(self._triples(name), name), [])
            return
        self._writable(step.target)
        if not self._known(step.source, silent=step.silent) or step.source == step.target:
            return
        if step.verb == "move":
            self._writable(step.source)
        source, target = set(self._triples(step.source)), set(self._triples(step.target))
        gone = [] if step.verb == "add" else _in_graph(target - source, step.target)
        if step.verb == "move":
            gone += _in_graph(source, step.source)
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
        for name in filter(None, (operation.graph, operation.base)):
            _node(name)
        quads = parse(operation.content, syntax, name=operation.name, base=operation.base)
        self._refuse(quads, operation, syntax)
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
            self._settle([], _lines(new))
            return
        old = [line for name in named for line in _in_graph(self._triples(name), name)]
        removed, added = changed(_parsed(old), new)
        self._settle(_lines(removed), _lines(added))

    def _delete(self, operation: Operation) -> None:
        name = operation.graph or DEFAULT
        self._writable(name)
        if name != DEFAULT and not self._there(name):
            raise NotFound(f"There is no graph {name}. GET /graphs lists those there are.")
        self._read({name})
        self._settle(_in_graph(self._triples(name), name), [])

    def _exactly(self, operation: Operation) -> None:
        removed_lines, _, added_lines = operation.content.partition(b"\n\n")
        if operation.content.startswith(b"\n"):
            removed_lines, added_lines = b"", operation.content[1:]
        removed = parse(removed_lines, _LINES, name=operation.name)
        added = parse(added_lines, _LINES, name=operation.name)
        self._refuse(added, replace(operation, content=added_lines), _LINES)
        named = {_name(quad) for quad in (*removed, *added)}
        for name in named:
            self._writable(name)
        self._read(named)
        self._settle(_lines(_as_kept(removed)), _lines(_as_kept(added)))

    def _refuse(self, quads: list[ox.Quad], operation: Operation, syntax: Syntax) -> None:
        refuse_in_document(
            quads,
            operation.content,
            syntax=syntax,
            name=operation.name,
            literals=self._graph.strict,
        )

    def _settle(self, removed: list[bytes], added: list[bytes]) -> None:
        """Apply what of this is not so already: removals first, so what is in both stays."""
        staying = set(added)
        leaving = [line for line in removed if line not in staying] if staying else removed
        gone, new = _parsed(leaving), _parsed(added)
        going = [quad in self._store for quad in gone]
        coming = [quad not in self._store for quad in new]
        gone_lines, new_lines = list(compress(leaving, going)), list(compress(added, coming))
        _count(self._removed, self._added, gone_lines)
        _count(self._added, self._removed, new_lines)
        parsed = list(compress(new, coming)), list(compress(gone, going))
        self._graph.apply(new_lines, gone_lines, quads=parsed)

    def _labelled(self, lines: list[bytes]) -> list[bytes]:
        """Return lines with the blank nodes that the engine made under labels of ours."""
        blank = [line for line in lines if line.startswith(b"_:") or b" _:" in line]
        if not blank:
            return lines
        quads = _parsed(blank)
        ends = (end for quad in quads for end in (quad.subject, quad.object))
        nodes = dict.fromkeys(end for end in ends if isinstance(end, ox.BlankNode))
        fresh = {node for node in nodes if not self._holds(node)}
        others = set(blank)
        ground = [line for line in lines if line not in others]
        return ground + _lines(self._renamed(quads, fresh))

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

    def _triples(self, name: str) -> list[bytes]:
        """Return the lines of a graph, without its name."""
        text = self._store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=_node(name)) or b""
        return text.split(b"\n")[:-1]

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
        """Note what the difference depends on, and that these graphs were there."""
        self._mentioned.update(name for name in names or () if self._there(name))
        if names is None or (self._graph.union and DEFAULT in names):
            self._reads = None
        elif self._reads is not None:
            self._reads.update(names)


def _name(quad: ox.Quad) -> str:
    return quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else DEFAULT


def _in_graph(triples: Iterable[bytes], name: str) -> list[bytes]:
    """Return lines of triples as lines of a graph."""
    if name == DEFAULT:
        return list(triples)
    end = f"{_node(name)} .".encode()
    return [line[:-1] + end for line in triples]


def _lines(quads: Iterable[ox.Quad]) -> list[bytes]:
    text = ox.serialize(quads, format=_LINES.format) or b""
    return text.split(b"\n")[:-1]


def _parsed(lines: Iterable[bytes]) -> list[ox.Quad]:
    return list(ox.parse(b"\n".join(lines), _LINES.format))


def _as_kept(quads: Iterable[ox.Quad]) -> list[ox.Quad]:
    """Return statements in the spelling of the index: it keeps numbers and times by value."""
    store = ox.Store()
    store.extend(quads)
    return list(store)


def _count(there: set[bytes], undone: set[bytes], lines: list[bytes]) -> None:
    """Note a change of lines, which may undo an earlier one of the same request."""
    there.update(lines if undone.isdisjoint(lines) else [x for x in lines if x not in undone])
    undone.difference_update(lines)

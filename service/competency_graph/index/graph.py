"""The graph in memory, in this process: filling it, asking it. Forks nothing, follows nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import IO, Final, cast

import pyoxigraph as ox

from competency_graph import queries
from competency_graph.errors import BadQuery, NotAcceptable
from competency_graph.index.federation import read_query
from competency_graph.index.rows import Rows
from competency_graph.index.terms import Called, Term, graph_of, named, parsed, spelt, term
from competency_graph.rdf import RESULTS, SYNTAXES
from competency_graph.sparql_text import QueryText, unreadable_query
from competency_graph.vocab import DCTERMS, OWL, PREFIXES, RDF, RDFS, SKOS

_UNION: Final = "INSERT { ?s ?p ?o } WHERE { GRAPH ?g { ?s ?p ?o } }"
_DEFAULT: Final = ox.DefaultGraph()
_NOTHING: Final = ox.Store()
_CLASS: Final = ox.NamedNode(RDF + "type")
NAMES: Final = [ox.NamedNode(i) for i in (SKOS + "prefLabel", RDFS + "label", DCTERMS + "title")]
_DEPRECATED: Final = ox.NamedNode(OWL + "deprecated")
_REPLACED: Final = ox.NamedNode(DCTERMS + "isReplacedBy")
# How many names of things a reader remembers, some 2 kB each at most.
_REMEMBERED: Final = 5_000

Writer = IO[bytes]
"""What answers are written to; only ``write`` and ``flush`` are used."""


def _without_graph(lines: Iterable[bytes]) -> Iterator[bytes]:
    return (line[: line.rindex(b" <")] + b" ." for line in lines)


class Graph:
    """All named graphs at one revision, and the default graph that stands for them.

    With ``union`` the default graph holds every triple of every named graph once (a set, so a
    triple in three graphs counts once); without, it is a graph as the standard has it.

    Relative IRIs in queries and updates are resolved against ``base``, where there is one.
    ``strict`` says whether changes are refused that hold literals which are not of their type.
    """

    def __init__(
        self, *, union: bool = True, revision: int = 0, base: str | None = None, strict: bool = True
    ) -> None:
        self._store = ox.Store()
        self._union = union
        self.base = base
        self.strict = strict
        self.revision = revision
        self.removed = 0
        """How many quads were taken out since it was made: the engine never frees them."""
        self.added = 0
        """How many quads were put in since then, apart from loading."""
        self._changed: set[str] = set()
        self._called: dict[str, Called] | None = None

    def remember(self) -> None:
        """Remember names until a change is applied; for who changes it by :meth:`apply` alone."""
        self._called = {}

    def load(self, blocks: Iterable[tuple[str, bytes]]) -> None:
        """Apply blocks of N-Quads, each ``("added" | "removed", lines)``, then fill the union.

        Blank nodes keep their labels: ``parse`` does not rename them, ``bulk_load`` would.
        """
        emptied = set()
        for kind, lines in blocks:
            if kind == "added" and b"_:" not in lines:
                # Faster by a third; there is no blank node to rename.
                self._store.bulk_load(lines, ox.RdfFormat.N_QUADS, lenient=True)
            elif kind == "added":
                self._store.bulk_extend(ox.parse(lines, ox.RdfFormat.N_QUADS))
            else:
                for quad in ox.parse(lines, ox.RdfFormat.N_QUADS):
                    self._store.remove(quad)
                    emptied.add(quad.graph_name)
        self._forget_empty(emptied)
        if self._union:
            self._store.update(_UNION)

    @property
    def store(self) -> ox.Store:
        """The store itself, for the modules of this package."""
        return self._store

    @property
    def union(self) -> bool:
        """Whether the default graph is the union of the named ones."""
        return self._union

    def apply(
        self,
        added: Sequence[bytes],
        removed: Sequence[bytes],
        *,
        quads: tuple[list[ox.Quad], list[ox.Quad]] | None = None,
    ) -> None:
        """Remove lines of N-Quads, then add lines, and keep the default graph right.

        With the union on, a triple leaves the default graph when no named graph holds it any more.
        A graph that has lost its last statement is gone, as for one that is built from the log.

        Args:
            added: whole lines, with or without their line feeds; with the union on, each names its
                graph.
            removed: likewise.
            quads: the same two as statements, where the caller has them.
        """
        new, gone = quads or (parsed(added), parsed(removed))
        store = self._store
        for quad in gone:
            store.remove(quad)
        store.extend(new)
        self._forget_empty({quad.graph_name for quad in gone})
        if self._union:
            for triple in parsed(_without_graph(removed)):
                store.remove(triple)
                held = store.quads_for_pattern(triple.subject, triple.predicate, triple.object)
                if next(held, None) is not None:
                    store.add(triple)
            store.extend(parsed(_without_graph(added)))
        if self._called:
            self._called.clear()
        self.removed += len(gone)
        self.added += len(new)
        self._changed |= {graph_of(quad) for quads in (new, gone) for quad in quads}

    def _forget_empty(self, names: Iterable[ox.NamedNode | ox.BlankNode | ox.DefaultGraph]) -> None:
        """Take away those of these graphs that hold nothing: a graph is there while it does."""
        for name in names:
            if next(self._store.quads_for_pattern(None, None, None, name), None) is None:
                self._store.remove_graph(name)

    def forget_changed(self) -> frozenset[str]:
        """Return the graphs that changes were applied to since this was asked last."""
        changed, self._changed = frozenset(self._changed), set()
        return changed

    def size(self) -> int:
        """Return how many quads are held, the union counted; costs nothing."""
        return len(self._store)

    def __len__(self) -> int:
        """Return how many statements the named graphs hold, the union not counted."""
        held = len(self._store)
        if not self._union:
            return held
        return sum(1 for _ in self._store.quads_for_pattern(None, None, None, None)) - sum(
            1 for _ in self._store.quads_for_pattern(None, None, None, _DEFAULT)
        )

    def rows(self, name: str, bindings: Mapping[str, str] | None = None) -> list[tuple[Term, ...]]:
        """Answer the query file ``name``; ``bindings`` gives IRIs to variables that it selects.

        An unbound cell is a literal of no characters and no datatype.
        """
        bound: dict[ox.Variable, ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple] = {
            ox.Variable(v): named(iri) for v, iri in (bindings or {}).items()
        }
        found = self._store.query(queries.text(name), substitutions=bound)
        assert isinstance(found, ox.QuerySolutions)
        empty = Term("literal", "")
        return [tuple(empty if cell is None else term(cell) for cell in row) for row in found]

    def properties(self, iri: str) -> dict[str, list[Term]]:
        """Return what is said of a thing: predicate IRI to values, sorted; empty if nothing is."""
        found: dict[str, list[Term]] = {}
        for quad in self._store.quads_for_pattern(named(iri), None, None, self.view):
            found.setdefault(quad.predicate.value, []).append(term(quad.object))
        for values in found.values():
            values.sort()
        return found

    def values(self, iri: str, predicate: str) -> list[Term]:
        """Return the values of one predicate of a thing, sorted."""
        return self._values(named(iri), named(predicate))

    def called(self, iri: str) -> Called:
        """Return what a thing is called: its preferred labels, else its labels, else its titles."""
        if self._called is not None and (known := self._called.get(iri)) is not None:
            return known
        node = named(iri)
        names = next((found for name in NAMES if (found := self._values(node, name))), [])
        deprecated = any(t.value == "true" for t in self._values(node, _DEPRECATED))
        replaced = self._values(node, _REPLACED) if deprecated else []
        told = Called(names, deprecated, [t.value for t in replaced if t.kind == "iri"])
        if self._called is not None:
            if len(self._called) >= _REMEMBERED:
                self._called.clear()
            self._called[iri] = told
        return told

    def _values(self, subject: ox.NamedNode, predicate: ox.NamedNode) -> list[Term]:
        quads = self._store.quads_for_pattern(subject, predicate, None, self.view)
        return sorted([term(quad.object) for quad in quads])

    def lines_about(self, iri: str) -> list[bytes]:
        """Return what is said of a thing, and of the blank nodes that hang on it, by graph.

        As sorted N-Quads lines in the spelling of the log, without line feeds.
        """
        found: set[ox.Quad] = set()
        for subject in {triple.subject for triple in self.described(iri)}:
            assert isinstance(subject, ox.NamedNode | ox.BlankNode)
            found.update(self._store.quads_for_pattern(subject, None, None, None))
        if self._union:
            found = {quad for quad in found if quad.graph_name != _DEFAULT}
        text = ox.serialize(found, format=ox.RdfFormat.N_QUADS) or b""
        return sorted(text.split(b"\n")[:-1])

    def subjects(self, predicate: str, value: str) -> list[str]:
        """Return the IRIs of which the predicate has this IRI as value, sorted."""
        quads = self._store.quads_for_pattern(None, named(predicate), named(value), self.view)
        return sorted({q.subject.value for q in quads if isinstance(q.subject, ox.NamedNode)})

    def quads(self, name: str) -> Iterator[ox.Quad]:
        """Return the statements of a named graph."""
        return self._store.quads_for_pattern(None, None, None, named(name))

    def values_in(self, name: str, thing: str, predicate: str) -> list[str]:
        """Return the IRIs that a named graph says are values of a thing's predicate, sorted."""
        quads = self._store.quads_for_pattern(named(thing), named(predicate), None, named(name))
        return sorted({q.object.value for q in quads if isinstance(q.object, ox.NamedNode)})

    def subjects_in(self, name: str) -> set[str]:
        """Return what a named graph says something about: IRIs, and blank nodes as ``_:label``."""
        return {spelt(quad.subject) for quad in self.quads(name)}

    def linked(self, things: Iterable[str], *, apart_from: Set[str]) -> set[tuple[str, str]]:
        """Return (graph, subject) of other graphs that things are linked with by one statement.

        Args:
            things: IRIs; blank nodes are of one graph, and left out.
            apart_from: the graphs that the things are in.
        """
        found: set[tuple[str, str]] = set()
        near: set[ox.NamedNode] = set()
        for thing in things:
            if thing.startswith("_:"):
                continue
            node = ox.NamedNode(thing)
            near.add(node)
            for quad in self._store.quads_for_pattern(None, None, node, None):
                if (graph := graph_of(quad)) and graph not in apart_from:
                    found.add((graph, spelt(quad.subject)))
            for quad in self._store.quads_for_pattern(node, None, None, None):
                if isinstance(quad.object, ox.NamedNode):
                    near.add(quad.object)
        for node in near:
            for quad in self._store.quads_for_pattern(node, None, None, None):
                if (graph := graph_of(quad)) and graph not in apart_from:
                    found.add((graph, node.value))
        return found

    def graphs_of(self, iri: str) -> list[str]:
        """Return the names of the named graphs that say what class a thing is of, sorted."""
        quads = self._store.quads_for_pattern(named(iri), _CLASS, None, None)
        return sorted({q.graph_name.value for q in quads if isinstance(q.graph_name, ox.NamedNode)})

    def graph_names(self) -> list[str]:
        """Return the names of the named graphs, sorted."""
        return sorted(g.value for g in self._store.named_graphs() if isinstance(g, ox.NamedNode))

    @property
    def view(self) -> ox.DefaultGraph | None:
        """The graph that has everything, or none where only all together do."""
        return _DEFAULT if self._union else None

    def described(self, iri: str) -> Iterator[ox.Triple]:
        """Yield what is said of a thing, and of the blank nodes that hang on it."""
        waiting: list[ox.NamedNode | ox.BlankNode] = [named(iri)]
        seen: set[ox.NamedNode | ox.BlankNode] = set(waiting)
        while waiting:
            node = waiting.pop()
            for quad in self._store.quads_for_pattern(node, None, None, self.view):
                yield quad.triple
                if isinstance(quad.object, ox.BlankNode) and quad.object not in seen:
                    seen.add(quad.object)
                    waiting.append(quad.object)

    def write_answer(
        self,
        text: str,
        output: Writer,
        *,
        rows: str | None = "json",
        graph: str | None = "turtle",
        default_graphs: Iterable[str] = (),
        named_graphs: Iterable[str] = (),
        count: Callable[[int], None] = lambda rows: None,
    ) -> str:
        """Write the answer of a SPARQL 1.1 query of somebody's and return its media type.

        A graph is there while it holds something, so one that the request names and that is not
        there is an empty one. What a text is ``FROM`` must be there, or a misspelt name would look
        like an answer; without ``union`` it may be empty too, as the standard has it.

        Args:
            output: where the answer goes.
            rows: name in ``RESULTS`` for SELECT and ASK; none if the client takes none of them.
            graph: name in ``SYNTAXES`` for CONSTRUCT and DESCRIBE; none likewise.
            default_graphs: graphs that the protocol request names as the default graph.
            named_graphs: graphs that it names as the named graphs. Where it names any, they stand
                in place of what ``FROM`` says (SPARQL 1.1 Protocol, 2.1.4).
            count: is told how many rows of a SELECT are written, each time that some were.

        Raises:
            BadQuery: it does not parse, cannot be evaluated, or is ``FROM`` an unknown graph.
            BadRequest: the request names a graph by something that is no IRI.
            OutboundRefused, TooDeep: see :func:`read_query`.
            NotAcceptable: the kind of answer has no format that the client takes.
        """
        scanned = read_query(text, base=self.base)
        defaults = [named(name) for name in default_graphs]
        others = [named(name) for name in named_graphs]
        chosen: dict[str, list[ox.NamedNode]] = {}
        if defaults or others:
            chosen = {"default_graph": defaults, "named_graphs": others}
        elif self._union:
            self._require_graphs(scanned)
        try:
            found = self._store.query(scanned.text, base_iri=self.base, **chosen)  # type: ignore[arg-type]
            return _write(found, output, rows, graph, count)
        except SyntaxError as error:
            raise unreadable_query(text, error.msg) from None
        except (RuntimeError, ValueError) as error:
            raise BadQuery(f"The query cannot be evaluated: {error}.") from None

    def _require_graphs(self, query: QueryText) -> None:
        """Refuse a query that is ``FROM`` a graph which is not here."""
        if not query.sources:
            return
        asked = " ".join(f"(STR({source}) AS ?_{n})" for n, source in enumerate(query.sources))
        try:
            found = _NOTHING.query(f"{query.prologue} SELECT {asked} {{}}", base_iri=self.base)
        except SyntaxError:
            # The engine tells it of the whole query, with the place.
            return
        assert isinstance(found, ox.QuerySolutions)
        for name in (cell.value for row in found for cell in row if isinstance(cell, ox.Literal)):
            if not self._store.contains_named_graph(named(name)):
                raise BadQuery(
                    f"There is no graph {name} here, and nothing is fetched from elsewhere. "
                    "GET /graphs lists the graphs there are.",
                    graph=name,
                )


def _write(
    found: ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples,
    output: Writer,
    rows: str | None,
    graph: str | None,
    count: Callable[[int], None],
) -> str:
    """Write what a query found and return its media type; see :meth:`Graph.write_answer`."""
    if isinstance(found, ox.QueryTriples):
        syntax = next((s for s in SYNTAXES if s.name == graph), None)
        if syntax is None:
            raise NotAcceptable([s.media_type for s in SYNTAXES])
        ox.serialize(found, output, syntax.format, prefixes=PREFIXES)
        return syntax.media_type
    if rows is None:
        raise NotAcceptable([media_type for media_type, _ in RESULTS.values()])
    media_type, format_ = RESULTS[rows]
    if isinstance(found, ox.QuerySolutions):
        found.serialize(cast(Writer, Rows(output, rows, count)), format_)
    else:
        found.serialize(output, format_)
    return media_type

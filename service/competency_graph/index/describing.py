"""A whole graph, or all that is said of a thing, in an RDF syntax. Answers no query."""

from collections.abc import Callable, Iterable, Iterator

import pyoxigraph as ox

from competency_graph.errors import NotFound
from competency_graph.index.graph import NAMES, Graph, Writer
from competency_graph.index.terms import named
from competency_graph.rdf import Syntax
from competency_graph.vocab import PREFIXES


def write_graph(
    graph: Graph, name: str | None, syntax: Syntax, output: Writer, *, labels: bool = False
) -> None:
    """Write one named graph, or with no name the default graph.

    With ``labels`` come the names of all IRIs in it, whichever graph says them.

    Raises:
        BadRequest: the name is no IRI.
        NotFound: there is no such graph.
    """
    wanted: ox.NamedNode | ox.DefaultGraph = ox.DefaultGraph() if name is None else named(name)
    store = graph.store
    if isinstance(wanted, ox.NamedNode) and not store.contains_named_graph(wanted):
        raise NotFound(f"There is no graph {name}. GET /graphs lists those there are.")
    quads = store.quads_for_pattern(None, None, None, wanted)
    triples: Iterator[ox.Triple] = (quad.triple for quad in quads)
    if labels:
        triples = _labelled(
            graph,
            triples,
            lambda t: ox.Quad(t.subject, t.predicate, t.object, wanted) in store,
        )
    ox.serialize(triples, output, syntax.format, prefixes=PREFIXES)


def write_description(
    graph: Graph, iri: str, syntax: Syntax, output: Writer, *, labels: bool = False
) -> None:
    """Write all that is said of a thing, with the blank nodes that hang on it.

    With ``labels`` come the names of all IRIs in it.

    Raises:
        BadRequest: it is no IRI.
        NotFound: nothing is said of it.
    """
    triples = list(graph.described(iri))
    if not triples:
        raise NotFound(f"Nothing is known about {iri}.")
    told = _labelled(graph, triples, set(triples).__contains__) if labels else triples
    ox.serialize(told, output, syntax.format, prefixes=PREFIXES)


def _labelled(
    graph: Graph, triples: Iterable[ox.Triple], held: Callable[[ox.Triple], bool]
) -> Iterator[ox.Triple]:
    """Yield triples, then what each IRI in them is called, where they do not say it."""
    mentioned: set[str] = set()
    for triple in triples:
        yield triple
        for node in (triple.subject, triple.predicate, triple.object):
            if isinstance(node, ox.NamedNode):
                mentioned.add(node.value)
    for iri in sorted(mentioned):
        for predicate in NAMES:
            found = graph.store.quads_for_pattern(ox.NamedNode(iri), predicate, None, graph.view)
            for quad in found:
                if not held(quad.triple):
                    yield quad.triple

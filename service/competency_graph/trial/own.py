"""A candidate judged by shapes of somebody's own: as it is written, among all that is there."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from competency_graph import rdf
from competency_graph.documents import Document
from competency_graph.index import Graph, Writer
from competency_graph.judging import counted, imports_not_read, missing, own_shapes
from competency_graph.mending import Surroundings, Texts, in_order, located, mended
from competency_graph.model import Operation, Verdict, unpack_operations
from competency_graph.reports import MEDIA_TYPES, render
from competency_graph.shacl.data import TYPE, Parsed, Run, Term
from competency_graph.shacl.laid import Laid
from competency_graph.shacl.refusals import spelt
from competency_graph.vocab import OWL

_IMPORTS: Final = ox.NamedNode(OWL + "imports")


def checked_by_own(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Judge documents by shapes of one's own; write a verdict, and count nothing as standing.

    Parameters: ``operations``, which add documents to graphs or replace graphs by them, and
    ``shapes``, documents with ``name``, ``syntax`` and ``size``, both with their contents in the
    body; ``format``, as reports have it. Literals need not be of their types: shapes may ask that.
    JSON also tells what would be added and removed.

    Raises:
        InvalidShapes, UnreadableInput: the shapes cannot be judged by, or something not read.
    """
    began = time.monotonic()
    told, body = parameters["operations"], parameters["body"]
    size = sum(one["size"] for one in told)
    operations = unpack_operations(told, body[:size])
    shapes = own_shapes(_documents(parameters["shapes"], body[size:]))
    laid = _laid(graph, operations)
    edited, data = Parsed(laid.written), laid.data
    run = Run(data)
    about = dict.fromkeys(quad.subject for quad in laid.written)
    nodes = [*about, *laid.others, *missing(shapes, edited, data)]
    found = [
        finding
        for _, findings in shapes.judge.findings(run, list(dict.fromkeys(nodes)), every=True)
        for finding in findings
    ]
    documents = _documents(told, body)
    texts = Texts(documents if found else ())
    named = {spelt(subject) for subject in about}
    proposed = mended(found, Surroundings(run, [shapes.graph] if found else [], texts.order))
    verdict = Verdict(
        findings=tuple(
            in_order([located([f], texts, edited)[0] if f.focus in named else f for f in proposed])
        ),
        files=len(documents),
        checked=tuple(counted((kind for _, kind in edited.pairs(TYPE)), data)),
        notes=tuple(imports_not_read((iri for _, iri in edited.pairs(_IMPORTS)), data)),
        seconds=time.monotonic() - began,
    )
    text = render(verdict, parameters["format"])
    if parameters["format"] == "json":
        counts = {"added": laid.added, "removed": laid.removed}
        text = json.dumps(json.loads(text) | counts, ensure_ascii=False)
    output.write(text.encode() + b"\n")
    return MEDIA_TYPES[parameters["format"]]


def _documents(told: Sequence[Mapping[str, Any]], contents: bytes) -> list[Document]:
    found = []
    for one in told:
        content, contents = contents[: one["size"]], contents[one["size"] :]
        syntax = _syntax(one["syntax"])
        found.append(Document(name=one["name"], content=content, syntax=syntax))
    return found


def _syntax(name: str) -> rdf.Syntax:
    return next(syntax for syntax in rdf.SYNTAXES if syntax.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """What was written, among the rest; ``others`` is what else its graphs say something about."""

    written: Sequence[ox.Quad]
    data: Laid
    others: Sequence[Term]
    added: int
    removed: int


def _laid(graph: Graph, operations: Sequence[Operation]) -> _Candidate:
    """Put documents into this fork's graph, in the place of what they replace."""
    written: list[ox.Quad] = []
    replaced: set[ox.Quad] = set()
    for operation in operations:
        quads = _written(operation)
        written += quads
        if operation.kind == "replace":
            for name in {quad.graph_name for quad in quads}:
                replaced.update(_held(graph, name))
    store = ox.Store()
    store.bulk_extend(written)
    kept = set(store)
    gone, new = replaced - kept, [quad for quad in kept if quad not in graph.store]
    loose = [quad for quad in new if isinstance(quad.graph_name, ox.DefaultGraph)]
    graph.apply(_lines(quad for quad in new if quad not in loose), _lines(gone))
    graph.store.extend(loose)
    names = {quad.graph_name for quad in written}
    others: dict[Term, None] = {quad.subject: None for name in names for quad in _held(graph, name)}
    return _Candidate(
        written=written,
        data=Laid(written, graph.store),
        others=list(others),
        added=len(new),
        removed=len(gone),
    )


def _written(operation: Operation) -> list[ox.Quad]:
    """Return the statements of a document in its graph, its blank nodes apart from all others."""
    syntax = _syntax(operation.syntax)
    fresh: dict[str, ox.BlankNode] = {}

    def own(term: Any) -> Any:
        if not isinstance(term, ox.BlankNode):
            return term
        return fresh.setdefault(term.value, ox.BlankNode())

    target = None if operation.graph is None else ox.NamedNode(operation.graph)
    return [
        ox.Quad(own(q.subject), q.predicate, own(q.object), target or q.graph_name)
        for q in rdf.parse(
            operation.content, syntax, name=operation.name, base=operation.base or rdf.NO_BASE
        )
    ]


def _held(graph: Graph, name: Any) -> list[ox.Quad]:
    """Return what a named graph holds; of the default graph, which has all, nothing."""
    return list(graph.quads(name.value)) if isinstance(name, ox.NamedNode) else []


def _lines(quads: Iterable[ox.Quad]) -> list[bytes]:
    text = ox.serialize(quads, format=ox.RdfFormat.N_QUADS) or b""
    return text.split(b"\n")[:-1]

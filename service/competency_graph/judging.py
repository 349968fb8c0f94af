"""An editor's files judged: read, set in their context, judged by shapes, found again in the text.

Runs in a sealed fork; fetches nothing, follows no import, changes no file.
"""

import json
import logging
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rdflib import DCTERMS as DCT
from rdflib import OWL, RDF, RDFS, SH, Graph, URIRef
from rdflib import SKOS as SKOS_
from rdflib.term import Node

from competency_graph import graphs, rdf, resources
from competency_graph.documents import Document, raise_together
from competency_graph.errors import (
    CompetencyGraphError,
    InvalidShapes,
    LimitReached,
    UnreadableInput,
)
from competency_graph.index import sealed
from competency_graph.mending import Surroundings, Texts, in_order, located, mended
from competency_graph.misspellings import ill_typed_values, misspelt_terms
from competency_graph.model import Finding, Place, Verdict, finding_of
from competency_graph.shacl.findings import label_of
from competency_graph.shacl.reference import (
    Shapes,
    check_targets,
    check_well_formed,
    compile_shapes,
    judge_graph,
)
from competency_graph.vocab import CG, GRAPH

_LIMITS: Final = {
    "time": "Judging took longer than {seconds:g} s. Give fewer files or simpler shapes at a time, "
    "or raise the setting VALIDATION_TIMEOUT.",
    "memory": "Judging needed more than {memory:g} MB. Give fewer files at a time, or raise the "
    "setting QUERY_MEMORY.",
    "nesting": "{files}: Brackets stand inside brackets too deeply to be read. Flatten the file.",
}


def judge(
    documents: Sequence[Document],
    *,
    shapes: Sequence[Document] = (),
    context: bytes | None = None,
    seconds: float,
    memory: int,
) -> Verdict:
    """Judge documents together, in a sealed fork.

    Args:
        documents: what is judged; only things that they describe are.
        shapes: judge by these instead of the shipped shapes.
        context: N-Triples of the data that the documents belong to, instead of what ships; what a
            document describes anew counts as the document has it.
        seconds: time limit.
        memory: memory limit in bytes.

    Raises:
        UnreadableInput: a document does not parse; facts hold file, line and column.
        InvalidShapes: the shapes cannot be judged by.
        LimitReached: it took too long or too much.
    """
    began = time.monotonic()
    try:
        told = json.loads(
            sealed(lambda: _judged(documents, shapes, context), seconds=seconds, memory=memory)
        )
    except LimitReached as reached:
        raise LimitReached(
            reached.limit,
            detail=_LIMITS.get(reached.limit, reached.detail).format(
                seconds=seconds, memory=memory / 1e6, files=", ".join(d.name for d in documents)
            ),
        ) from None
    groups = {name: tuple(map(finding_of, told[name])) for name in ("new", "fixed", "standing")}
    return Verdict(
        findings=groups["new"],
        fixed=groups["fixed"],
        standing=groups["standing"],
        files=len(documents),
        checked=tuple((label, count) for label, count in told["checked"]),
        notes=tuple(told["notes"]),
        seconds=time.monotonic() - began,
    )


def _judged(
    documents: Sequence[Document], shapes: Sequence[Document], context: bytes | None
) -> bytes:
    # A fork of its own: what rdflib logs about ill-typed values is told as findings instead.
    logging.disable(logging.CRITICAL)
    edited = _merged(documents)
    about = set(edited.subjects())
    data = Graph(bind_namespaces="none")
    before = Graph(bind_namespaces="none")
    for triple in _context(context):
        (before if triple[0] in about else data).add(triple)
    base = data + before if context is not None and before else None
    data += edited
    judged_by = _judged_by(shapes, data, about)
    rows = [asdict(f) for f in _found(edited, data, judged_by)]
    stood = [asdict(f) for f in _found(before, base, judged_by)] if base is not None else []
    groups = {name: list(map(finding_of, found)) for name, found in compare(rows, stood).items()}
    texts = Texts(documents if rows else ())
    around = Surroundings(data, [judged_by.graph], texts.order)
    for name in ("new", "standing"):
        groups[name] = in_order(located(mended(groups[name], around), texts, edited))
    told = {name: [asdict(f) for f in in_order(found)] for name, found in groups.items()}
    notes = _notes(edited, data, texts, own_shapes=bool(shapes))
    return json.dumps({**told, "checked": counted(edited, data), "notes": notes}).encode()


def _found(edited: Graph, data: Graph, shapes: Shapes) -> list[Finding]:
    """Return what is found of what an editor wrote, among all that belongs to it."""
    found = judge_graph(data, shapes, focus=set(edited.subjects()))
    return found + misspelt_terms(edited, data) + ill_typed_values(edited, data)


def compare(
    found: Collection[Mapping[str, Any]], standing: Collection[Mapping[str, Any]]
) -> dict[str, list[Mapping[str, Any]]]:
    """Return findings in their three groups: new, fixed, standing.

    A finding is the same whatever things are called at the time.
    """
    before = {_identity(row): row for row in standing}
    now = {_identity(row): row for row in found}
    return {
        "new": [row for key, row in now.items() if key not in before],
        "fixed": [row for key, row in before.items() if key not in now],
        "standing": [row for key, row in before.items() if key in now],
    }


def _identity(row: Mapping[str, Any]) -> tuple[object, ...]:
    names = ("graph", "rule", "focus", "field", "value", "message")
    return tuple(row.get(name) for name in names)


def _merged(documents: Sequence[Document]) -> Graph:
    """Return the statements of all documents, or tell of all that cannot be read at once."""
    merged = Graph(bind_namespaces="none")
    faults: list[CompetencyGraphError] = []
    for document in documents:
        try:
            quads = _parsed(document)
        except UnreadableInput as error:
            faults.append(error)
            continue
        if not quads:
            hint = " In JSON-LD only names that the @context explains count."
            faults.append(
                rdf.unreadable(
                    document.name,
                    "The file says nothing: it holds no statement."
                    + (hint if document.syntax.name == "json-ld" else ""),
                )
            )
        merged += graphs.to_rdflib(quads)
    raise_together(faults)
    return merged


def _judged_by(own: Sequence[Document], data: Graph, about: set[Node]) -> Shapes:
    """Return the shapes to judge by.

    Raises:
        InvalidShapes: those given cannot be judged by; the sentence says where.
    """
    if not own:
        return compile_shapes(_merged(_shipped_shapes(data, about)))
    return own_shapes(own)


def own_shapes(own: Sequence[Document]) -> Shapes:
    """Return an editor's own shapes, ready to judge by.

    Raises:
        InvalidShapes: they cannot be judged by; the sentence says where.
        UnreadableInput: a document does not parse.
    """
    graph = _merged(own)
    try:
        check_well_formed(graph)
        compiled = compile_shapes(graph)
        check_targets(graph)
    except InvalidShapes as error:
        shape = str(error.facts.get("shape", ""))
        place = Texts(own).of_thing(shape) or Place(file=", ".join(d.name for d in own))
        raise InvalidShapes(f"{place}: {error.detail}", **error.facts) from None
    return compiled


def _parsed(document: Document) -> list[Any]:
    return rdf.parse(document.content, document.syntax, name=document.name, base=rdf.NO_BASE)


def _document(path: Path) -> Document:
    return Document(name=path.name, content=path.read_bytes(), syntax=rdf.SYNTAXES[0])


def _context(given: bytes | None) -> Iterable[tuple[Node, Node, Node]]:
    if given is not None:
        syntax = rdf.syntax_of_file("context.nt")
        assert syntax is not None
        return graphs.to_rdflib(rdf.parse(given, syntax, name="the data it belongs to"))
    shipped = Graph(bind_namespaces="none")
    for graph in resources.shipped_graphs("shipped"):
        for file in graph.files:
            shipped += graphs.to_rdflib(_parsed(_document(file)))
    return shipped


def _shipped_shapes(data: Graph, about: set[Node]) -> list[Document]:
    """Return the core shapes, and those of the house where a file belongs to it.

    A framework belongs to the house when the graph that holds it says so (``dcterms:conformsTo``);
    the vocabulary itself always does.
    """
    files = list(resources.shape_files("core"))
    if belongs_to_house(data, about):
        files += resources.shape_files("house")
    return [_document(file) for file in files]


def belongs_to_house(data: Graph, about: Collection[Node]) -> bool:
    """Say whether the rules of the house are for what some documents are about.

    Args:
        data: all that belongs together.
        about: the things that the documents describe.
    """
    house = URIRef(GRAPH + "shapes-house")
    homes = {
        topic
        for graph in data.subjects(DCT.conformsTo, house)
        for topic in data.objects(graph, URIRef("http://xmlns.com/foaf/0.1/primaryTopic"))
    }
    return any(str(thing).startswith(CG) for thing in about) or any(
        home in homes
        for thing in about
        for home in (
            thing,
            *data.objects(thing, SKOS_.inScheme),
            *data.objects(thing, DCT.isPartOf),
        )
    )


def placed(findings: Sequence[Finding], documents: Sequence[Document]) -> list[Finding]:
    """Return findings with their places in documents that parse, in the order to be read in.

    It parses: call it in a sealed fork.
    """
    edited = Graph(bind_namespaces="none")
    for document in documents:
        edited += graphs.to_rdflib(_parsed(document))
    return in_order(located(findings, Texts(documents), edited))


def _notes(edited: Graph, data: Graph, texts: Texts, *, own_shapes: bool) -> list[str]:
    """Return what an editor should know besides findings."""
    notes = imports_not_read(edited, data)
    if not own_shapes and next(edited.subjects(RDF.type, SH.NodeShape), None) is not None:
        notes.append("These files hold shapes. To judge others by them, name them with --shapes.")
    relative = sorted(
        str(term).removeprefix(rdf.NO_BASE)
        for term in {*edited.subjects(), *edited.objects()}
        if isinstance(term, URIRef) and term.startswith(rdf.NO_BASE) and term != rdf.NO_BASE
    )
    if relative:
        notes.append(
            f"“{relative[0]}” is not a whole address and means something else in another place: "
            "write it out, or declare a BASE at the top of the file."
        )
    for subject, files in list(texts.in_several().items())[:10]:
        label = label_of(URIRef(subject), data) or subject
        notes.append(
            f"“{label}” is described in {' and '.join(files)}; what they say counts together."
        )
    if not own_shapes and not counted(edited, data):
        notes.append(
            "Nothing in these files is of a type that is known here, so hardly any rule is about "
            "it. Look at the types."
        )
    return notes


def imports_not_read(edited: Graph, data: Graph) -> list[str]:
    """Return a sentence for each import of something that is not here."""
    return [
        f"Not read: {target} (what a file imports is never fetched)."
        for target in sorted(map(str, edited.objects(None, OWL.imports)))
        if (URIRef(target), RDF.type, OWL.Ontology) not in data
    ]


def counted(edited: Graph, data: Graph) -> list[tuple[str, int]]:
    """Return how many things of each known class were judged, most first."""
    counts = Counter(
        t
        for t in edited.objects(None, RDF.type)
        if t in (SKOS_.Concept, SKOS_.ConceptScheme, OWL.Ontology)
        or (str(t).startswith(CG) and (t, RDFS.isDefinedBy, None) in data)
    )
    names: dict[Node, str] = {
        SKOS_.Concept: "concept",
        SKOS_.ConceptScheme: "concept scheme",
        OWL.Ontology: "ontology",
    }
    named = [
        ((names.get(t) or label_of(t, data) or str(t).removeprefix(CG)).lower(), n)
        for t, n in counts.items()
    ]
    return sorted(named, key=lambda pair: (-pair[1], pair[0]))[:6]

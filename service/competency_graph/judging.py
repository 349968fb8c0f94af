"""An editor's files judged: read, set in their context, judged by shapes, found again in the text.

Runs in a sealed fork; fetches nothing, follows no import, changes no file.
"""

import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from rdflib import DCTERMS as DCT
from rdflib import OWL, RDF, RDFS, SH, BNode, Graph, URIRef
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
from competency_graph.misspellings import References, ill_typed_values, misspelt_terms
from competency_graph.model import Finding, Place, Verdict
from competency_graph.places import Spots, key, spots_of
from competency_graph.shacl.findings import label_of, spelt
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
    findings = tuple(
        Finding(**{**f, "place": Place(**f["place"]) if f["place"] else None})
        for f in told["findings"]
    )
    return Verdict(
        findings=findings,
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
    for triple in _context(context):
        if triple[0] not in about:
            data.add(triple)
    data += edited
    references = References(set(data.subjects()))
    judged_by = _judged_by(shapes, data, about)
    findings = judge_graph(data, judged_by, focus=about)
    findings += misspelt_terms(edited, data) + ill_typed_values(edited, data)
    spots = [(d.name, spots_of(d.content, d.syntax)) for d in documents] if findings else []
    findings = [
        replace(
            f,
            place=_place(f, edited, spots),
            value_label=_value_label(f, data),
            repair=f.repair or references.hint(f),
        )
        for f in findings
    ]
    told = {
        "findings": [asdict(f) for f in in_reading_order(findings)],
        "checked": counted(edited, data),
        "notes": _notes(edited, data, spots, own_shapes=bool(shapes)),
    }
    return json.dumps(told).encode()


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
        place = _spot(shape, [(d.name, spots_of(d.content, d.syntax)) for d in own]) or Place(
            file=", ".join(d.name for d in own)
        )
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
    house = URIRef(GRAPH + "shapes-house")
    homes = {
        topic
        for graph in data.subjects(DCT.conformsTo, house)
        for topic in data.objects(graph, URIRef("http://xmlns.com/foaf/0.1/primaryTopic"))
    }
    ours = any(
        home in homes
        for thing in about
        for home in (
            thing,
            *data.objects(thing, SKOS_.inScheme),
            *data.objects(thing, DCT.isPartOf),
        )
    )
    terms = any(str(thing).startswith(CG) for thing in about)
    if ours or terms:
        files += resources.shape_files("house")
    return [_document(file) for file in files]


def placed(findings: Sequence[Finding], documents: Sequence[Document]) -> list[Finding]:
    """Return findings with their places in documents that parse, in the order to be read in.

    It parses: call it in a sealed fork.
    """
    edited = Graph(bind_namespaces="none")
    for document in documents:
        edited += graphs.to_rdflib(_parsed(document))
    return in_reading_order(located(findings, documents, edited))


def located(
    findings: Sequence[Finding], documents: Sequence[Document], edited: Graph
) -> list[Finding]:
    """Return findings with where in the documents an editor should look.

    ``edited`` is what the documents say, with blank nodes as the findings name them.
    """
    if not findings or not documents:
        return list(findings)
    spots = [(d.name, spots_of(d.content, d.syntax)) for d in documents]
    return [replace(f, place=_place(f, edited, spots)) for f in findings]


def _place(finding: Finding, edited: Graph, spots: Sequence[tuple[str, Spots]]) -> Place | None:
    """Return where an editor should look: at the statement, else the field, else the thing."""
    focus = finding.focus
    about = BNode(focus[2:]) if focus.startswith("_:") else URIRef(focus)
    statements = sorted(
        edited.predicate_objects(about), key=lambda pair: (_rank(finding, *pair), *map(str, pair))
    )
    for predicate, value in statements:
        if isinstance(about, URIRef) and _rank(finding, predicate, value) == 2:
            break
        for name, found in spots:
            subject = "" if isinstance(about, BNode) else focus
            spot = found.statements.get((subject, str(predicate), key(value)))
            if spot is not None:
                return Place(file=name, line=spot.line, column=spot.column)
    return _spot(focus, spots) or (Place(file=spots[0][0]) if len(spots) == 1 else None)


def _rank(finding: Finding, predicate: Node, value: Node) -> int:
    """Say how much of a finding a statement has: 0 its value, 1 its field, 2 neither."""
    if finding.value is not None and finding.value == (
        f"<{value}>" if isinstance(value, URIRef) else spelt(value)
    ):
        return 0 if finding.field in (None, str(predicate)) else 2
    return 1 if finding.field == str(predicate) else 2


def _spot(iri: str, spots: Sequence[tuple[str, Spots]]) -> Place | None:
    """Return where a thing is first described, else first mentioned."""
    for name, found in spots:
        if (spot := found.subjects.get(iri)) is not None:
            return Place(file=name, line=spot.line, column=spot.column)
    for name, found in spots:
        if not found.subjects and (spot := found.mention(iri)) is not None:
            return Place(file=name, line=spot.line, column=spot.column)
    return None


def _value_label(finding: Finding, data: Graph) -> str | None:
    value = finding.value
    return label_of(URIRef(value[1:-1]), data) if value and value.startswith("<") else None


def _notes(
    edited: Graph, data: Graph, spots: Sequence[tuple[str, Spots]], *, own_shapes: bool
) -> list[str]:
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
    described = Counter(subject for _, found in spots for subject in found.subjects)
    for subject in sorted(s for s, count in described.items() if count > 1)[:10]:
        files = " and ".join(name for name, found in spots if subject in found.subjects)
        label = label_of(URIRef(subject), data) or subject
        notes.append(f"“{label}” is described in {files}; what they say counts together.")
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


def in_reading_order(findings: list[Finding]) -> list[Finding]:
    """Return findings worst first, then as they stand in the files, so that one reads down."""
    order = {"violation": 0, "warning": 1, "info": 2}

    def rank(f: Finding) -> tuple[object, ...]:
        place = f.place or Place(file="")
        line, column = place.line or 0, place.column or 0
        return (order[f.severity], place.file, line, column, f.focus, f.rule, f.value or "")

    return sorted(findings, key=rank)

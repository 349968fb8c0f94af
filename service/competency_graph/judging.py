"""An editor's files judged: read, set in their context, judged by shapes, found again in the text.

Runs in a sealed fork; fetches nothing, follows no import, changes no file.
"""

import json
import logging
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox
from rdflib import Graph

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
from competency_graph.shacl.compile import compiled
from competency_graph.shacl.data import TYPE, Data, Parsed, Run, Term
from competency_graph.shacl.findings import label
from competency_graph.shacl.focus import Judge
from competency_graph.shacl.reference import check_targets, check_well_formed
from competency_graph.shacl.refusals import TOO_DEEP, refuse, refuse_endless_lists
from competency_graph.vocab import CG, DCTERMS, GRAPH, OWL, PREFIXES, RDFS, SH, SKOS

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """Shapes to judge by: as statements, and ready to."""

    quads: Sequence[ox.Quad]
    judge: Judge

    @property
    def graph(self) -> Graph:
        """The statements, for who proposes how to mend what is found."""
        return graphs.to_rdflib(self.quads)


def _judged(
    documents: Sequence[Document], shapes: Sequence[Document], context: bytes | None
) -> bytes:
    # A fork of its own: what rdflib logs about ill-typed values is told as findings instead.
    logging.disable(logging.CRITICAL)
    quads = _merged(documents)
    edited, about = Parsed(quads), {quad.subject for quad in quads}
    around = _context(context)
    others = [quad for quad in around if quad.subject not in about]
    data = Parsed([*others, *quads])
    judged_by = own_shapes(shapes) if shapes else _shipped_shapes(data, about)
    focus = [*about, *missing(judged_by, edited, data)]
    rows = [asdict(f) for f in _found(focus, quads, data, judged_by)]
    stood: list[dict[str, Any]] = []
    if context is not None and len(others) < len(around):
        before = [quad for quad in around if quad.subject in about]
        things = list(dict.fromkeys(quad.subject for quad in before))
        stood = [asdict(f) for f in _found(things, before, Parsed(around), judged_by)]
    groups = {name: list(map(finding_of, found)) for name, found in compare(rows, stood).items()}
    texts = Texts(documents if rows else ())
    surroundings = Surroundings(data, [judged_by.graph] if rows else [], texts.order)
    for name in ("new", "standing"):
        groups[name] = in_order(located(mended(groups[name], surroundings), texts, edited))
    told = {name: [asdict(f) for f in in_order(found)] for name, found in groups.items()}
    notes = _notes(edited, data, texts, own_shapes=bool(shapes))
    checked = counted((kind for _, kind in edited.pairs(TYPE)), data)
    return json.dumps({**told, "checked": checked, "notes": notes}).encode()


def missing(shapes: Shapes, edited: Parsed, data: Data) -> Iterable[Term]:
    """Return what shapes are for, and the documents name or the shapes do, and nothing describes.

    Such is a thing that is missing; there is no other document that it could belong to.
    """
    named = dict.fromkeys(shapes.judge.undescribed(edited))
    return [node for node in named if not data.about(node)]


def _found(
    focus: Sequence[Term], edited: Iterable[ox.Quad], data: Data, shapes: Shapes
) -> list[Finding]:
    """Return what is found of what an editor wrote, among all that belongs to it."""
    said = [(quad.subject, quad.predicate, quad.object) for quad in edited]
    found = [f for _, some in shapes.judge.findings(Run(data), focus) for f in some]
    # One fault of one thing, from whichever thing it was come to.
    return list(dict.fromkeys((*found, *misspelt_terms(said, data), *ill_typed_values(said, data))))


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
    names = ("graph", "node", "rule", "focus", "field", "value", "message")
    return tuple(row.get(name) for name in names)


def _merged(documents: Sequence[Document]) -> list[ox.Quad]:
    """Return the statements of all documents, or tell of all that cannot be read at once."""
    merged: list[ox.Quad] = []
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
        merged += quads
    raise_together(faults)
    return merged


def own_shapes(own: Sequence[Document]) -> Shapes:
    """Return an editor's own shapes, ready to judge by what is judged as it is written.

    Raises:
        InvalidShapes: they cannot be judged by; the sentence says where.
        UnreadableInput: a document does not parse.
    """
    quads = _merged(own)
    graph = graphs.to_rdflib(quads)
    try:
        refuse_endless_lists(Parsed(quads))
        check_well_formed(graph)
        refuse(Parsed(quads), any_severity=True)
        ready = compiled(quads, stored=False)
        check_targets(graph)
    except RecursionError:
        raise InvalidShapes(TOO_DEEP) from None
    except InvalidShapes as error:
        shape = str(error.facts.get("shape", ""))
        place = Texts(own).of_thing(shape) or Place(file=", ".join(d.name for d in own))
        raise InvalidShapes(f"{place}: {error.detail}", **error.facts) from None
    return Shapes(quads=quads, judge=Judge(ready))


def _parsed(document: Document) -> list[ox.Quad]:
    quads = rdf.parse(document.content, document.syntax, name=document.name, base=rdf.NO_BASE)
    if any(isinstance(quad.graph_name, ox.BlankNode) for quad in quads):
        raise rdf.unreadable(
            document.name,
            "A graph in it has no address, only a name such as _:graph. "
            "Write an address in < > there.",
        )
    return quads


def _document(path: Path) -> Document:
    return Document(name=path.name, content=path.read_bytes(), syntax=rdf.SYNTAXES[0])


def _context(given: bytes | None) -> list[ox.Quad]:
    if given is not None:
        syntax = rdf.syntax_of_file("context.nt")
        assert syntax is not None
        return rdf.parse(given, syntax, name="the data it belongs to")
    files = (file for one in resources.shipped_graphs("shipped") for file in one.files)
    return [quad for file in files for quad in _parsed(_document(file))]


def _shipped_shapes(data: Data, about: Collection[Term]) -> Shapes:
    """Return the core shapes, and with them those of the house where a file belongs to it.

    A framework belongs to the house when the graph that holds it says so (``dcterms:conformsTo``);
    the vocabulary itself always does.
    """
    files = list(resources.shape_files("core"))
    if belongs_to_house(data, about):
        files += resources.shape_files("house")
    quads = [quad for file in files for quad in _parsed(_document(file))]
    return Shapes(quads=quads, judge=Judge(compiled(quads, stored=False)))


def belongs_to_house(data: Data, about: Collection[Term]) -> bool:
    """Say whether the rules of the house are for what some documents are about.

    Args:
        data: all that belongs together.
        about: the things that the documents describe.
    """
    homes = {
        topic
        for graph in data.subjects(_word(DCTERMS, "conformsTo"), _word(GRAPH, "shapes-house"))
        for topic in data.objects(graph, _word(PREFIXES["foaf"], "primaryTopic"))
    }
    terms = any(isinstance(t, ox.NamedNode) and t.value.startswith(CG) for t in about)
    return terms or any(
        home in homes
        for thing in about
        for home in (
            thing,
            *data.objects(thing, _word(SKOS, "inScheme")),
            *data.objects(thing, _word(DCTERMS, "isPartOf")),
        )
    )


def _word(namespace: str, name: str) -> ox.NamedNode:
    return ox.NamedNode(namespace + name)


def placed(findings: Sequence[Finding], documents: Sequence[Document]) -> list[Finding]:
    """Return findings with their places in documents that parse, in the order to be read in.

    It parses: call it in a sealed fork.
    """
    edited = Parsed(quad for document in documents for quad in _parsed(document))
    return in_order(located(findings, Texts(documents), edited))


def _notes(edited: Parsed, data: Data, texts: Texts, *, own_shapes: bool) -> list[str]:
    """Return what an editor should know besides findings."""
    notes = imports_not_read((iri for _, iri in edited.pairs(_word(OWL, "imports"))), data)
    if not own_shapes and edited.subjects(TYPE, _word(SH, "NodeShape")):
        notes.append("These files hold shapes. To judge others by them, name them with --shapes.")
    relative = sorted(
        term.value.removeprefix(rdf.NO_BASE)
        for term in edited.ends()
        if isinstance(term, ox.NamedNode)
        and term.value.startswith(rdf.NO_BASE)
        and term.value != rdf.NO_BASE
    )
    if relative:
        notes.append(
            f"“{relative[0]}” is not a whole address and means something else in another place: "
            "write it out, or declare a BASE at the top of the file."
        )
    for subject, files in list(texts.in_several().items())[:10]:
        called = label(ox.NamedNode(subject), data) or subject
        notes.append(
            f"“{called}” is described in {' and '.join(files)}; what they say counts together."
        )
    if not own_shapes and not counted((kind for _, kind in edited.pairs(TYPE)), data):
        notes.append(
            "Nothing in these files is of a type that is known here, so hardly any rule is about "
            "it. Look at the types."
        )
    return notes


def imports_not_read(imported: Iterable[Term], data: Data) -> list[str]:
    """Return a sentence for each import of something that is not here."""
    return [
        f"Not read: {target.value} (what a file imports is never fetched)."
        for target in sorted(imported, key=str)
        if isinstance(target, ox.NamedNode) and not data.holds(target, TYPE, _ONTOLOGY)
    ]


def counted(kinds: Iterable[Term], data: Data) -> list[tuple[str, int]]:
    """Return how many things of each known class there are, most first.

    ``kinds`` has the class of each of them.
    """
    counts = Counter(kinds)
    named = [
        ((_KINDS.get(kind) or label(kind, data) or kind.value.removeprefix(CG)).lower(), number)
        for kind, number in counts.items()
        if isinstance(kind, ox.NamedNode) and _is_known(kind, data)
    ]
    return sorted(named, key=lambda pair: (-pair[1], pair[0]))[:6]


def _is_known(kind: ox.NamedNode, data: Data) -> bool:
    if kind in _KINDS:
        return True
    return kind.value.startswith(CG) and bool(data.objects(kind, _word(RDFS, "isDefinedBy")))


_ONTOLOGY: Final = _word(OWL, "Ontology")
_KINDS: Final = {
    _word(SKOS, "Concept"): "concept",
    _word(SKOS, "ConceptScheme"): "concept scheme",
    _ONTOLOGY: "ontology",
}

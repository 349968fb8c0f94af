"""An editor's files judged: read, set in their context, judged by shapes, found again in the text.

Runs in a sealed fork; fetches nothing, follows no import, changes no file.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from rdflib import DCTERMS as DCT
from rdflib import OWL, PROV, RDF, RDFS, SH, Graph, URIRef
from rdflib import SKOS as SKOS_
from rdflib.term import Node

from competency_graph import rdf, resources
from competency_graph.errors import TooLarge, UnreadableInput
from competency_graph.index import sealed
from competency_graph.model import Finding, Place, Verdict
from competency_graph.shacl.reference import check_well_formed, compile_shapes, judge_graph
from competency_graph.vocab import CG, GRAPH, SHAPES, SKOS

UNKNOWN_TERM: Final = SHAPES + "unknown-term"
_CLOSED: Final = (SKOS_, DCT, OWL, RDFS, PROV, SH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file as it was read: its name as the editor gave it, its bytes, its syntax."""

    name: str
    content: bytes
    syntax: rdf.Syntax


def read_documents(names: Sequence[str], *, most: int) -> list[Document]:
    """Return the files to judge.

    Args:
        names: paths as they were given.
        most: how many bytes one may have.

    Raises:
        UnreadableInput: one is missing, a folder, empty, or of no RDF syntax; the sentence says.
        TooLarge: one has more bytes than that.
    """
    return [_read(name, most) for name in names]


def _read(name: str, most: int) -> Document:
    path = Path(name)
    if path.is_dir():
        raise UnreadableInput(f"{name} is a folder. Name the files in it.", file=name)
    syntax = rdf.syntax_of_file(name)
    if syntax is None:
        endings = ", ".join(ending for s in rdf.SYNTAXES for ending in s.endings)
        raise UnreadableInput(
            f"{name} has no ending that tells an RDF syntax. Known are {endings}.", file=name
        )
    try:
        size = path.stat().st_size
        if size > most:
            raise TooLarge(
                f"{name} has {size} bytes; {most} are read at most (MAX_BODY). Split it.", file=name
            )
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableInput(f"{name} cannot be read: {error.strerror}.", file=name) from None
    if b"\0" in content[:4096]:
        raise UnreadableInput(f"{name} is not a text file. Is it the right one?", file=name)
    if not content.strip():
        raise UnreadableInput(f"{name} is empty: there is nothing to check.", file=name)
    return Document(name=name, content=content, syntax=syntax)


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
    told = json.loads(
        sealed(lambda: _judged(documents, shapes, context), seconds=seconds, memory=memory)
    )
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
    quads = [_parsed(document) for document in documents]
    edited = Graph(bind_namespaces="none")
    for found in quads:
        edited += rdf.to_rdflib(found)
    about = set(edited.subjects())
    data = Graph(bind_namespaces="none")
    for triple in _context(context):
        if triple[0] not in about:
            data.add(triple)
    declared = {str(s) for s in data.subjects(RDFS.isDefinedBy)} | {
        str(s) for s in edited.subjects(RDFS.isDefinedBy)
    }
    data += edited
    judged_by = Graph(bind_namespaces="none")
    for document in shapes or _shipped_shapes(data, about):
        judged_by += rdf.to_rdflib(_parsed(document))
    if shapes:
        check_well_formed(judged_by)
    findings = judge_graph(data, compile_shapes(judged_by), focus=about)
    findings += unknown_terms(edited, declared, data)
    lines = [(d.name, rdf.lines_of(d.content, d.syntax)) for d in documents] if findings else []
    told = {
        "findings": [asdict(f) | {"place": _place(f, lines)} for f in _sorted(findings)],
        "checked": _counted(edited, data),
        "notes": sorted(
            f"Not read: {target} (owl:imports is never followed)."
            for target in edited.objects(None, OWL.imports)
            if (URIRef(str(target)), RDF.type, OWL.Ontology) not in data
        ),
    }
    return json.dumps(told).encode()


def _parsed(document: Document) -> list[Any]:
    base = "https://document.invalid/"
    return rdf.parse(document.content, document.syntax, name=document.name, base=base)


def _document(path: Path) -> Document:
    return Document(name=path.name, content=path.read_bytes(), syntax=rdf.SYNTAXES[0])


def _context(given: bytes | None) -> Iterable[tuple[Node, Node, Node]]:
    if given is not None:
        syntax = rdf.syntax_of_file("context.nt")
        assert syntax is not None
        return rdf.to_rdflib(rdf.parse(given, syntax, name="the data it belongs to"))
    shipped = Graph(bind_namespaces="none")
    for graph in resources.shipped_graphs("shipped"):
        if not graph.iri.startswith(GRAPH + "shapes-"):
            for file in graph.files:
                shipped += rdf.to_rdflib(_parsed(_document(file)))
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


def unknown_terms(edited: Graph, declared: set[str], data: Graph) -> list[Finding]:
    """Return a finding for each word of our vocabulary, or of a closed one, that does not exist.

    Args:
        edited: what is looked through.
        declared: IRIs of the terms that there are.
        data: where labels are looked up.
    """
    known = sorted(iri for iri in declared if iri.startswith(CG))
    findings = []
    for subject, predicate, value in edited:
        for term in (predicate, value):
            if not isinstance(term, URIRef) or not _is_unknown(term, declared):
                continue
            local = str(term).rpartition("#")[2].rpartition("/")[2]
            close = get_close_matches(str(term), known, n=1, cutoff=0.8)
            repair = f"Did you mean cg:{close[0].removeprefix(CG)}?" if close else None
            findings.append(
                Finding(
                    severity="violation",
                    message=f"Use a term that exists: “{local}” is not in its vocabulary.",
                    rule=UNKNOWN_TERM,
                    focus=str(subject),
                    focus_label=str(data.value(subject, URIRef(SKOS + "prefLabel")) or "") or None,
                    field=str(predicate),
                    field_label="Term",
                    value=term.n3(),
                    repair=repair,
                )
            )
    return findings


def _is_unknown(term: URIRef, declared: set[str]) -> bool:
    if term.startswith(CG):
        return str(term) not in declared and str(term) != CG
    for namespace in _CLOSED:
        if term.startswith(str(namespace)) and term != URIRef(str(namespace)):
            return term not in namespace
    return False


def _place(finding: Finding, lines: list[tuple[str, rdf.Lines]]) -> dict[str, Any] | None:
    """Return where an editor should look: at the statement, else the field, else the thing."""
    value = _plain_value(finding.value)
    for name, known in lines:
        exact = known.statements.get((finding.focus, finding.field or "", value or ""))
        if exact is not None:
            return {"file": name, "line": exact, "column": None}
    for name, known in lines:
        if finding.focus in known.subjects:
            of_field = [
                line
                for (subject, predicate, _), line in known.statements.items()
                if subject == finding.focus and predicate == finding.field
            ]
            line = min(of_field, default=known.subjects[finding.focus])
            return {"file": name, "line": line, "column": None}
    return {"file": lines[0][0], "line": None, "column": None} if len(lines) == 1 else None


def _plain_value(value: str | None) -> str | None:
    """Return the text of a term in N-Triples form, as the parser of positions has it."""
    if value is None:
        return None
    if value.startswith("<"):
        return value[1:-1]
    return json.loads(value[: value.rindex('"') + 1]) if value.startswith('"') else value


def _counted(edited: Graph, data: Graph) -> list[tuple[str, int]]:
    """Return how many things of each class of ours were judged, most first."""
    counts = Counter(t for t in edited.objects(None, RDF.type) if str(t).startswith(CG))
    label = URIRef(SKOS + "prefLabel")
    return [
        (str(data.value(t, label) or str(t).removeprefix(CG)).lower(), n)
        for t, n in counts.most_common(6)
    ]


def _sorted(findings: list[Finding]) -> list[Finding]:
    order = {"violation": 0, "warning": 1, "info": 2}
    return sorted(findings, key=lambda f: (order[f.severity], f.focus, f.rule, f.value or ""))

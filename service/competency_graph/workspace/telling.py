"""What is found in documents that are being written, with places and repairs. Keeps nothing.

It parses what strangers may have written: in a sealed fork only.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final

import pyoxigraph as ox

from competency_graph import rdf
from competency_graph.documents import Document
from competency_graph.errors import CompetencyGraphError
from competency_graph.judging import belongs_to_house
from competency_graph.mending import Surroundings, Texts, in_order, located, mended
from competency_graph.model import Finding, Place
from competency_graph.shacl.data import Parsed, Term
from competency_graph.vocab import SHAPES
from competency_graph.workspace.held import Held, Kept
from competency_graph.workspace.written import Block, Written

SYNTAX: Final = SHAPES + "syntax"
"""The rule of findings that tell what is wrong with a document as a text."""
_MOST_FAULTS: Final = 10
_BY_TOKENS: Final = ("turtle", "trig", "n-triples", "n-quads")


def by_tokens(syntax: rdf.Syntax) -> bool:
    """Say whether a syntax is read token by token: Turtle, and what is like it."""
    return syntax.name in _BY_TOKENS


def read(document: Document, *, label: str) -> tuple[list[ox.Triple], tuple[Finding, ...]]:
    """Return what a document says, and what is wrong with it as a text.

    Each statement that is broken is told of, up to a number, for what stands around it is read
    without it.

    Args:
        document: as it was written.
        label: what the labels of its blank nodes begin with; they are numbered as they appear.
    """
    content = document.content
    faults: list[Finding] = []
    text = content.decode("utf-8-sig", "replace")
    while len(faults) < _MOST_FAULTS:
        try:
            quads = rdf.parse(content, document.syntax, name=document.name, base=rdf.NO_BASE)
            return list(_apart(quads, label)), tuple(faults)
        except CompetencyGraphError as error:
            faults.append(_fault(error, document.name, text))
        left = _without(faults, text) if by_tokens(document.syntax) else text
        if left.encode() == content:
            break
        content = left.encode()
    return [], tuple(faults)


def of_text(name: str, sentence: str) -> Finding:
    """Return what is to be said of a document as a whole."""
    place = Place(file=name, line=1, column=1, end_line=1, end_column=1)
    return Finding(severity="violation", message=sentence, rule=SYNTAX, focus="", place=place)


def _apart(quads: Sequence[ox.Quad], label: str) -> Iterator[ox.Triple]:
    renamed: dict[Term, ox.BlankNode] = {}

    def own(term: Term) -> Term:
        if not isinstance(term, ox.BlankNode):
            return term
        return renamed.setdefault(term, ox.BlankNode(f"{label}{len(renamed)}"))

    for quad in quads:
        subject = own(quad.subject)
        assert isinstance(subject, ox.NamedNode | ox.BlankNode)
        yield ox.Triple(subject, quad.predicate, own(quad.object))


def _fault(error: CompetencyGraphError, name: str, text: str) -> Finding:
    line, column = error.facts.get("line") or 1, error.facts.get("column") or 1
    assert isinstance(line, int) and isinstance(column, int)
    row = [*text.split("\n"), ""][line - 1] if line <= text.count("\n") + 1 else ""
    rest = row[column - 1 :]
    end = column + (len(rest.split(maxsplit=1)[0]) if rest.strip() and not rest[0].isspace() else 1)
    where = ":".join(map(str, (name, line, column)))
    said = error.detail.removeprefix(f"{where}: ").removeprefix(f"{name}: ")
    place = Place(file=name, line=line, column=column, end_line=line, end_column=end)
    return Finding(severity="violation", message=said, rule=SYNTAX, focus="", place=place)


def broken(faults: Sequence[Finding], written: Written) -> set[Block]:
    """Return the statements of a document in which faults stand."""
    starts = [0]
    for row in written.text.split("\n"):
        starts.append(starts[-1] + len(row) + 1)
    found = set()
    for fault in faults:
        assert fault.place is not None and fault.place.line and fault.place.column
        line = min(fault.place.line, len(starts) - 1)
        block = written.block_at(starts[line - 1] + fault.place.column - 1)
        if block is not None:
            found.add(block)
    return found


def _without(faults: Sequence[Finding], text: str) -> str:
    written = Written(text=text)
    gone = broken(faults, written)
    return written.only(lambda block: block not in gone)


Told = dict[str, list[Finding]]
"""Findings by the names of documents."""


def told(held: Held, names: Collection[str], *, whole: bool) -> Told:
    """Return what is found in some documents; what stands in a statement that is broken is not.

    Args:
        held: all documents, judged.
        names: of which to tell.
        whole: with how to mend what is found, which takes longer.
    """
    documents = {name: held.documents[name] for name in names}
    found: dict[Finding, None] = {}
    for kept in documents.values():
        house = belongs_to_house(held.data, kept.subjects)
        found.update(dict.fromkeys(held.found(kept, house=house)))
    telling = _Telling(held, list(found))
    findings = list(found)
    if whole:
        around = Surroundings(held.data, [held.house.graph], telling.texts.order)
        findings = mended(findings, around)
    return _by_document(telling.placed(findings), documents)


def _by_document(findings: Sequence[Finding], documents: dict[str, Kept]) -> Told:
    sorted_out: Told = {name: list(kept.faults) for name, kept in documents.items()}
    for finding in findings:
        if finding.place is None or finding.place.file not in sorted_out:
            continue
        if finding.place.line is None and documents[finding.place.file].faults:
            continue
        sorted_out[finding.place.file].append(finding)
    return {name: in_order(found) for name, found in sorted_out.items()}


class _Telling:
    """The parts of documents in which the things stand that findings are about."""

    def __init__(self, held: Held, findings: Sequence[Finding]) -> None:
        self._about = {name for finding in findings for name in _named(finding)}
        things = frozenset(map(_thing, self._about))
        self._edited = Parsed(ox.Triple(t, p, o) for t in things for p, o in held.data.about(t))
        documents = held.documents.values()
        # Of the smaller of the two, so that a large workspace costs nothing.
        self.texts = Texts([self._part(kept) for kept in documents if kept.subjects & things])

    def _part(self, kept: Kept) -> Document:
        """Return a document without what nothing is found in: reading places takes long."""
        document = kept.document
        if not by_tokens(document.syntax):
            return document
        gone = broken(kept.faults, kept.written) if kept.faults else set()
        unnamed = any(name.startswith("_:") for name in self._about)

        def keep(block: Block) -> bool:
            about = block.subject
            return block not in gone and (unnamed if about is None else about in self._about)

        return replace(document, content=kept.written.only(keep).encode())

    def placed(self, findings: Sequence[Finding]) -> list[Finding]:
        """Return findings with their places and edits."""
        return located(findings, self.texts, self._edited)


def _named(finding: Finding) -> Iterator[str]:
    yield finding.focus
    if finding.repair is not None and finding.repair.about:
        yield finding.repair.about
    if finding.value is not None and finding.value.startswith("<"):
        # Some rules find the fault in what points at their focus.
        yield finding.value[1:-1]


def _thing(name: str) -> ox.NamedNode | ox.BlankNode:
    return ox.BlankNode(name[2:]) if name.startswith("_:") else ox.NamedNode(name)

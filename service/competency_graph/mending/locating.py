"""Where in an editor's documents findings are mended, and by which edits. Judges nothing.

It parses what strangers may have written: in a sealed fork only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from rdflib import SH, BNode, URIRef
from rdflib.term import Node

from competency_graph import graphs, statements
from competency_graph.documents import Document
from competency_graph.mending.edits import Text
from competency_graph.model import SEVERITIES, Edit, Finding, Place, Repair
from competency_graph.places import Stated, key, spots_of
from competency_graph.shacl.data import Data
from competency_graph.shacl.findings import spelt
from competency_graph.statements import node_of

_SURPLUS: Final = (str(SH.MaxCountConstraintComponent), str(SH.UniqueLangConstraintComponent))


class Texts:
    """Documents, to find things and statements in. Each is parsed once more."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._texts = [
            Text(name=d.name, syntax=d.syntax, spots=spots_of(d.content, d.syntax))
            for d in documents
        ]

    def of_thing(self, iri: str) -> Place | None:
        """Return where a thing is first described, else first mentioned."""
        for text in self._texts:
            if (span := text.spots.subjects.get(iri)) is not None:
                return text.place(span)
        for text in self._texts:
            if not text.spots.subjects and (span := text.spots.mention(iri)) is not None:
                return text.place(span)
        return None

    def in_several(self) -> dict[str, list[str]]:
        """Return the things that several documents describe, with the names of these."""
        named: dict[str, list[str]] = {}
        for text in self._texts:
            for subject in text.spots.subjects:
                named.setdefault(subject, []).append(text.name)
        return {subject: names for subject, names in sorted(named.items()) if len(names) > 1}

    def of_statement(
        self, subject: Node, predicate: Node, value: Node
    ) -> tuple[Text, Stated] | None:
        """Return where a statement stands first."""
        about = "" if isinstance(subject, BNode) else str(subject)
        for text in self._texts:
            stated = text.spots.statements.get((about, str(predicate), key(value)))
            if stated is not None:
                return text, stated
        return None

    def describes(self, iri: str) -> Text | None:
        """Return the document in which more can be said of a thing."""
        return next((text for text in self._texts if iri in text.spots.ends), None)

    def whole(self) -> Place | None:
        """Return the only document, where there is one."""
        return Place(file=self._texts[0].name) if len(self._texts) == 1 else None

    def order(self, statement: tuple[Node, Node, Node]) -> tuple[int, int]:
        """Return what statements are sorted by: their document, and where in it they stand."""
        found = self.of_statement(*statement)
        return (-1, -1) if found is None else (self._texts.index(found[0]), found[1].value.start)


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings worst first, then as they stand in the files, so that one reads down."""

    def rank(f: Finding) -> tuple[object, ...]:
        place = f.place or Place(file="")
        line, column = place.line or 0, place.column or 0
        severity = SEVERITIES.index(f.severity)
        return (severity, place.file, line, column, f.focus, f.rule, f.value or "")

    return sorted(findings, key=rank)


def located(findings: Sequence[Finding], texts: Texts, edited: Data) -> list[Finding]:
    """Return findings with where in the documents an editor should look, and what to change there.

    ``edited`` has what the documents say, blank nodes as the findings name them.
    """
    found = []
    for finding in findings:
        place = _place(finding, edited, texts)
        repair = finding.repair and _with_edits(finding, finding.repair, texts)
        found.append(replace(finding, place=place, repair=repair))
    return found


def _place(finding: Finding, edited: Data, texts: Texts) -> Place | None:
    """Return where to look: at the statement, else the field, else the thing."""
    if (mending := _to_mend(finding, texts)) is not None:
        return mending
    for statements_ in _candidates(finding, edited):
        ordered = sorted(statements_, key=texts.order)
        found = [f for s in ordered if (f := texts.of_statement(*s)) is not None]
        if found:
            # Of values that are too many, the first may stay.
            text, stated = found[-1] if finding.component in _SURPLUS else found[0]
            return text.place(stated.value)
    return texts.of_thing(finding.focus) or texts.whole()


def _to_mend(finding: Finding, texts: Texts) -> Place | None:
    """Return where the statement stands that the repair takes away."""
    repair = finding.repair
    if repair is None or repair.remove is None:
        return None
    predicate, value = statements.read(repair.remove)
    subject = node_of(repair.about or finding.focus)
    found = texts.of_statement(subject, predicate, value)
    if found is None:
        return None
    text, stated = found
    new = None if repair.insert is None else statements.read(repair.insert)
    if (
        new is not None
        and new[0] != predicate
        and new[1] == value
        and stated.predicates
        and stated.alone
    ):
        return text.place(stated.predicates[0])
    return text.place(stated.value)


_Statement = tuple[Node, Node, Node]


def _candidates(finding: Finding, edited: Data) -> Iterator[list[_Statement]]:
    """Yield statements to look for: of the value, of the field, of what points at the focus."""
    focus = node_of(finding.focus)
    if finding.focus.startswith('"'):
        return
    about = _about(focus, edited)
    if finding.value is not None:
        same = [s for s in about if _spelt(s[2]) == finding.value]
        yield [s for s in same if finding.field in (None, str(s[1]))]
    if finding.field is not None:
        yield _surplus(finding, [s for s in about if finding.field == str(s[1])])
    if finding.value is not None and finding.value.startswith("<"):
        user = URIRef(finding.value[1:-1])
        yield [s for s in _about(user, edited) if s[2] == focus]
    if isinstance(focus, BNode):
        yield about


def _about(thing: Node, edited: Data) -> list[_Statement]:
    said = edited.about(graphs.term(thing))
    return [(thing, graphs.node(predicate), graphs.node(value)) for predicate, value in said]


def _surplus(finding: Finding, said: list[_Statement]) -> list[_Statement]:
    """Return, of the values of a field of one language each, those that share theirs."""
    if finding.component != str(SH.UniqueLangConstraintComponent):
        return said
    languages = [getattr(value, "language", None) for _, _, value in said]
    return [s for s, language in zip(said, languages, strict=True) if languages.count(language) > 1]


def _spelt(value: Node) -> str:
    return f"<{value}>" if isinstance(value, URIRef) else spelt(value)


def _with_edits(finding: Finding, repair: Repair, texts: Texts) -> Repair:
    """Return a repair with the edits that do to the text what it does to the statements."""
    subject = node_of(repair.about or finding.focus)
    if isinstance(subject, BNode):
        return repair
    new = None if repair.insert is None else statements.read(repair.insert)
    edits: tuple[Edit, ...] = ()
    if repair.remove is not None:
        old = statements.read(repair.remove)
        if (found := texts.of_statement(subject, *old)) is not None:
            text, stated = found
            edits = text.replacing(subject, stated, old, new) if new else text.removing(stated)
    elif new is not None and (described := texts.describes(str(subject))) is not None:
        edits = described.adding(subject, *new)
    return replace(repair, edits=edits)

"""Shapes looked at before they judge: what is slow, silent, out of reach or misspelt in them.

Runs in a sealed fork. Judges no data, and changes no file.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Final

import rdflib
from rdflib import RDF, RDFS, SH, BNode, Graph, URIRef
from rdflib.collection import Collection
from rdflib.term import Node

from competency_graph import graphs, rdf, resources
from competency_graph.documents import Document
from competency_graph.errors import InvalidShapes, LimitReached
from competency_graph.index import sealed
from competency_graph.mending import Texts, in_order, located
from competency_graph.misspellings import UNKNOWN_TERM, misspelt_terms, unknown_word
from competency_graph.model import Finding, Repair, Severity, Verdict, finding_of
from competency_graph.shacl.compile import Compiled, compiled
from competency_graph.shacl.data import Data, Parsed
from competency_graph.shacl.findings import label_of, spelt
from competency_graph.shacl.reference import check_well_formed
from competency_graph.shacl.sparql import SparqlCheck
from competency_graph.statements import node_of
from competency_graph.vocab import SHAPES

_REFUSED: Final = SHAPES + "lint-refused"
_SLOW: Final = SHAPES + "lint-slow"
_OUT_OF_REACH: Final = SHAPES + "lint-out-of-reach"
_SILENT: Final = SHAPES + "lint-message"
_ONE_LANGUAGE: Final = SHAPES + "lint-languages"
_UNFILLED: Final = SHAPES + "lint-placeholder"
_PLACE: Final = re.compile(r"\{[?$](\w+)\}")
_NESTED: Final = (SH.node, SH.property, SH["not"], SH.qualifiedValueShape)
_LISTS: Final = (SH["and"], SH["or"], SH.xone)
_TARGETS: Final = (SH.targetClass, SH.targetNode, SH.targetSubjectsOf, SH.targetObjectsOf)
# What a shape asks itself; the properties that it lists report for themselves.
_ASKING: Final = tuple(
    SH[word]
    for word in (
        "class datatype nodeKind minCount maxCount minExclusive minInclusive maxExclusive "
        "maxInclusive minLength maxLength pattern languageIn uniqueLang equals disjoint lessThan "
        "lessThanOrEquals not and or xone node qualifiedValueShape closed hasValue in sparql"
    ).split()
)


def lint(documents: Sequence[Document], *, seconds: float, memory: int) -> Verdict:
    """Look at shapes, in a sealed fork; the documents are one shapes graph.

    Args:
        documents: the shapes.
        seconds: time limit.
        memory: memory limit in bytes.

    Raises:
        UnreadableInput: a document does not parse.
        LimitReached: it took too long or too much.
    """
    began = time.monotonic()
    try:
        told = json.loads(sealed(lambda: _linted(documents), seconds=seconds, memory=memory))
    except LimitReached as reached:
        raise LimitReached(
            reached.limit,
            detail=f"Looking at the shapes reached its limit of {reached.limit}. Give fewer files.",
        ) from None
    return Verdict(
        findings=tuple(map(finding_of, told["findings"])),
        files=len(documents),
        checked=(("shape", told["shapes"]),),
        seconds=time.monotonic() - began,
    )


def slow(documents: Sequence[Document], *, seconds: float, memory: int) -> list[Finding]:
    """Return which shapes pySHACL evaluates, or more changes concern than need be, and why.

    Args:
        documents: the shapes; if there are none, those that ship.
        seconds: time limit.
        memory: memory limit in bytes.

    Raises:
        UnreadableInput, LimitReached: as :func:`lint`.
    """
    files = () if documents else (*resources.shape_files("core"), *resources.shape_files("house"))
    shipped = [
        Document(name=file.name, content=file.read_bytes(), syntax=rdf.SYNTAXES[0])
        for file in files
    ]
    looked = lint(documents or shipped, seconds=seconds, memory=memory)
    return [finding for finding in looked.findings if finding.rule == _SLOW]


def _linted(documents: Sequence[Document]) -> bytes:
    quads = [
        quad
        for document in documents
        for quad in rdf.parse(
            document.content, document.syntax, name=document.name, base=rdf.NO_BASE
        )
    ]
    edited = graphs.to_rdflib(quads)
    vocabulary = _vocabulary()
    said = [(quad.subject, quad.predicate, quad.object) for quad in quads]
    misspelt = misspelt_terms(said, vocabulary)
    findings: list[tuple[Finding, Node | None]] = [(finding, None) for finding in misspelt]
    try:
        made = compiled(quads, stored=True)
        check_well_formed(edited)
    except InvalidShapes as error:
        shape = str(error.facts.get("shape", "unnamed"))
        # A word that does not exist is told as such already.
        if not findings:
            refused = _finding("violation", error.detail, _REFUSED, shape, edited)
            findings.append((refused, None))
    else:
        findings += _Shapes(edited, made, vocabulary).findings()
    placed = in_order(list(_placed(findings, Texts(documents), edited, Parsed(quads))))
    told = {
        "findings": [asdict(finding) for finding in placed],
        "shapes": len(_shape_nodes(edited)),
    }
    return json.dumps(told).encode()


def _placed(
    findings: Iterable[tuple[Finding, Node | None]], texts: Texts, edited: Graph, parsed: Parsed
) -> Iterator[Finding]:
    """Yield findings with their places; what is found of a constraint stands where its query is."""
    for finding, constraint in findings:
        (placed,) = located([finding], texts, parsed)
        if constraint is not None:
            query = edited.value(constraint, SH.select)
            assert query is not None, "A constraint that compiles has its query."
            if (stated := texts.of_statement(constraint, SH.select, query)) is not None:
                placed = replace(placed, place=stated[0].place(stated[1].value))
        yield placed


def _vocabulary() -> Data:
    turtle = rdf.SYNTAXES[0]
    return Parsed(
        quad
        for file in resources.ontology_files()
        for quad in rdf.parse(file.read_bytes(), turtle, name=file.name)
    )


def _finding(
    severity: Severity,
    message: str,
    rule: str,
    shape: str,
    edited: Graph,
    *,
    field: URIRef | None = None,
    repair: str | None = None,
) -> Finding:
    node = node_of(shape)
    return Finding(
        severity=severity,
        message=message,
        rule=rule,
        focus=shape,
        focus_label=label_of(node, edited) or _named_by(node, edited),
        field=None if field is None else str(field),
        repair=None if repair is None else Repair(text=repair),
    )


def _named_by(node: Node, edited: Graph) -> str | None:
    """Return what a shape without an IRI is called by: the property that it is about."""
    path = edited.value(node, SH.path)
    if not isinstance(node, BNode) or not isinstance(path, URIRef):
        return None
    return "the shape of " + re.split("[/#]", path)[-1]


def _shape_nodes(edited: Graph) -> set[Node]:
    kinds = (SH.NodeShape, SH.PropertyShape)
    found = {node for kind in kinds for node in edited.subjects(RDF.type, kind)}
    found.update(node for word in _TARGETS for node in edited.subjects(word))
    return found.union(edited.objects(None, SH.property))


class _Shapes:
    """A shapes graph that compiles."""

    def __init__(self, edited: Graph, made: Compiled, vocabulary: Data) -> None:
        self._edited = edited
        self._made = made
        self._vocabulary = vocabulary
        self._nodes = _shape_nodes(edited)
        self._targeted = {n for n in self._nodes if self._has_target(n)}
        # A shape inside another is reported itself only where it is listed as a property.
        self._reported = self._reached((SH.property,))

    def findings(self) -> list[tuple[Finding, Node | None]]:
        """Return what is found, with the constraint whose query it is about."""
        others = [(finding, None) for finding in (*self._out_of_reach(), *self._messages())]
        return list(dict.fromkeys([*self._queries(), *others]))

    def _has_target(self, node: Node) -> bool:
        if any((node, word, None) in self._edited for word in _TARGETS):
            return True
        return (node, RDF.type, RDFS.Class) in self._edited

    def _reached(self, words: Iterable[URIRef], lists: Iterable[URIRef] = ()) -> set[Node]:
        found = set(self._targeted)
        waiting = list(found)
        while waiting:
            node = waiting.pop()
            inner = [n for word in words for n in self._edited.objects(node, word)]
            for word in lists:
                for head in self._edited.objects(node, word):
                    inner += Collection(self._edited, head)
            waiting += [n for n in inner if n not in found]
            found.update(inner)
        return found

    def _queries(self) -> Iterator[tuple[Finding, Node | None]]:
        for shape in self._made.shapes.values():
            name = graphs.node(shape.head.node)
            for check in shape.checks:
                asked = check.constraint if isinstance(check, SparqlCheck) else None
                constraint = None if asked is None else graphs.node(asked)
                for reason in check.slow:
                    yield self._of(name, "warning", f"This shape {reason}.", _SLOW), constraint
                if isinstance(check, SparqlCheck):
                    for finding in self._of_query(name, check):
                        yield finding, constraint

    def _of_query(self, shape: Node, check: SparqlCheck) -> Iterator[Finding]:
        known = {*check.query.selected, *check.query.given, "this", "value", "path"}
        for message in check.messages:
            for unknown in sorted(set(_PLACE.findall(message.value)) - known):
                said = f"The message names “{{?{unknown}}}”, which the query does not select."
                yield self._of(shape, "warning", said, _UNFILLED)
        for term in sorted(check.query.terms()):
            if (fault := unknown_word(term, self._vocabulary)) is not None:
                said = f"{fault[0][:-1]}, and the query asks for it."
                yield self._of(shape, "violation", said, UNKNOWN_TERM, repair=fault[1])

    def _out_of_reach(self) -> Iterator[Finding]:
        asked = self._reached(_NESTED, _LISTS)
        for node in self._nodes - asked:
            message = "This shape judges nothing: it has no target, and no other asks for it."
            yield self._of(node, "warning", message, _OUT_OF_REACH)

    def _messages(self) -> Iterator[Finding]:
        spoken = {node: self._languages(node) for node in self._reported if self._asks(node)}
        counts = Counter(language for languages in spoken.values() for language in languages)
        usual = {language for language, n in counts.items() if language and 2 * n >= len(spoken)}
        for node, languages in spoken.items():
            if not languages:
                said = "Write a message (sh:message): one sentence that says what to do."
                yield self._of(node, "warning", said, _SILENT)
            elif missing := sorted(usual - languages):
                said = f"The message is missing in a language of the others: {missing[0]}."
                yield self._of(node, "info", said, _ONE_LANGUAGE, SH.message)

    def _asks(self, node: Node) -> bool:
        if (node, SH.deactivated, rdflib.Literal(True)) in self._edited:
            return False
        return any((node, word, None) in self._edited for word in _ASKING)

    def _languages(self, node: Node) -> set[str]:
        speaking = [node, *self._edited.objects(node, SH.sparql)]
        return {
            (text.language or "").lower()
            for one in speaking
            for text in self._edited.objects(one, SH.message)
            if isinstance(text, rdflib.Literal)
        }

    def _of(
        self,
        node: Node,
        severity: Severity,
        message: str,
        rule: str,
        field: URIRef | None = None,
        repair: str | None = None,
    ) -> Finding:
        shape = spelt(node)
        return _finding(severity, message, rule, shape, self._edited, field=field, repair=repair)

"""Findings as ``sh:ValidationReport`` (SHACL, section 3.6), in Turtle and JSON-LD.

What SHACL has no word for is said in the words of others: places by W3C's Pointers in RDF, repairs
by DASH. Names and pages are said of the things and shapes themselves.
"""

from collections.abc import Sequence
from typing import Final

from rdflib import RDF, RDFS, SH, XSD, BNode, Graph, Literal, Namespace, URIRef
from rdflib.extras.shacl import build_shacl_path
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.term import Node

from competency_graph.graphs import to_turtle
from competency_graph.model import Finding, Place, Repair
from competency_graph.statements import node_of, read, term_of
from competency_graph.vocab import PREFIXES

_EARL: Final = Namespace("http://www.w3.org/ns/earl#")
_PTR: Final = Namespace("http://www.w3.org/2009/pointers#")
_DASH: Final = Namespace("http://datashapes.org/dash#")
_CONTEXT: Final = {**PREFIXES, "earl": str(_EARL), "ptr": str(_PTR), "dash": str(_DASH)}


def turtle(findings: Sequence[Finding]) -> str:
    """Return findings as a report in Turtle."""
    return to_turtle(_graph(findings))


def json_ld(findings: Sequence[Finding]) -> str:
    """Return findings as a report in JSON-LD."""
    return _graph(findings).serialize(format="json-ld", context=_CONTEXT, auto_compact=True)


def _graph(findings: Sequence[Finding]) -> Graph:
    graph = Graph(bind_namespaces="none")
    for prefix, iri in _CONTEXT.items():
        graph.bind(prefix, iri)
    # Labels that count up, so that the same verdict is written the same.
    whole = BNode("report")
    graph.add((whole, RDF.type, SH.ValidationReport))
    graph.add((whole, SH.conforms, Literal(not findings)))
    for number, finding in enumerate(findings):
        result = BNode(f"result{number:06}")
        graph.add((whole, SH.result, result))
        _add(graph, result, finding)
    return graph


def _add(graph: Graph, result: BNode, finding: Finding) -> None:
    rule, focus = node_of(finding.rule), node_of(finding.focus)
    said: dict[Node, Node | None] = {
        RDF.type: SH.ValidationResult,
        SH.resultMessage: Literal(finding.message, lang=finding.language or None),
        SH.resultSeverity: (
            URIRef(finding.own_severity)
            if finding.own_severity
            else SH[finding.severity.capitalize()]
        ),
        SH.sourceShape: rule,
        # A finding that no shape made has no component but its rule.
        SH.sourceConstraintComponent: URIRef(finding.component) if finding.component else rule,
        SH.focusNode: focus,
        SH.value: None if finding.value is None else term_of(finding.value),
        SH.resultPath: _path(finding, graph),
    }
    if finding.place is not None:
        said[_EARL.pointer] = _pointer(graph, BNode(f"{result}p"), finding.place)
    if finding.repair is not None:
        node = BNode(f"{result}r")
        said[_DASH.suggestion] = _suggestion(graph, node, focus, finding.repair)
    for predicate, value in said.items():
        if value is not None:
            graph.add((result, predicate, value))
    page = finding.page and URIRef(finding.page)
    names = ((focus, finding.focus_label), (said[SH.value], finding.value_label))
    for thing, label in names:
        if label is not None and isinstance(thing, URIRef):
            graph.add((thing, RDFS.label, Literal(label)))
    if finding.field_label is not None:
        graph.add((rule, SH.name, Literal(finding.field_label)))
    if page:
        graph.add((rule, RDFS.seeAlso, page))


def _path(finding: Finding, graph: Graph) -> Node | None:
    if finding.field is not None:
        return URIRef(finding.field)
    if finding.path is None:
        return None
    query = translateQuery(parseQuery(f"SELECT * {{ ?s {finding.path} ?o }}")).algebra
    while "triples" not in query:
        query = query.p
    return build_shacl_path(query.triples[0][1], target_graph=graph)[0]


def _pointer(graph: Graph, node: BNode, place: Place) -> Node:
    graph.add((node, RDF.type, _PTR.LineCharPointer))
    graph.add((node, _PTR.reference, Literal(place.file)))
    numbers = ((_PTR.lineNumber, place.line), (_PTR.charNumber, place.column))
    for predicate, number in numbers:
        if number is not None:
            graph.add((node, predicate, Literal(number, datatype=XSD.integer)))
    return node


def _suggestion(graph: Graph, node: BNode, focus: Node, repair: Repair) -> Node:
    graph.add((node, RDF.type, _DASH.GraphUpdate))
    graph.add((node, RDFS.label, Literal(repair.text, lang="en")))
    subject = URIRef(repair.about) if repair.about else focus
    sides = ((_DASH.deletedTriple, repair.remove), (_DASH.addedTriple, repair.insert))
    for side, said in sides:
        if said is None:
            continue
        statement = BNode(f"{node}{str(side)[len(_DASH)]}")
        predicate, value = read(said)
        graph.add((node, side, statement))
        graph.add((statement, RDF.type, RDF.Statement))
        graph.add((statement, RDF.subject, subject))
        graph.add((statement, RDF.predicate, predicate))
        graph.add((statement, RDF.object, value))
    return node

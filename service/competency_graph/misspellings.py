"""Words that do not exist, references that miss, values that are none. Judges by no shape."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Final

from rdflib import DCTERMS, OWL, PROV, RDF, RDFS, SH, SKOS, XSD, BNode, Graph, Literal, URIRef
from rdflib.term import Node

from competency_graph.literals import fault
from competency_graph.model import Finding, Repair
from competency_graph.shacl.findings import label_of, spelt
from competency_graph.statements import turtle
from competency_graph.vocab import BASE, CG, DOCS, SHAPES

UNKNOWN_TERM: Final = SHAPES + "unknown-term"
ILL_TYPED: Final = SHAPES + "ill-typed-value"
_PAGE: Final = DOCS + "rules#"
# Vocabularies that say of themselves what belongs to them; others may grow.
_CLOSED: Final = {
    "skos": SKOS,
    "dcterms": DCTERMS,
    "owl": OWL,
    "rdfs": RDFS,
    "prov": PROV,
    "sh": SH,
}
_SECTIONS: Final = ("ns#", "shapes#", "id/", "graph/", "ontology/", "docs/", "api/")


def misspelt_terms(edited: Graph, data: Graph) -> list[Finding]:
    """Find words of our vocabulary, and of closed ones of others, that do not exist.

    Args:
        edited: what was written; only this is looked at.
        data: all that belongs to it, with the vocabulary.
    """
    ours = our_words(data)
    findings = []
    for subject, predicate, value in edited:
        words = (predicate, value) if predicate == RDF.type else (predicate,)
        for term in (predicate, value):
            if not isinstance(term, URIRef):
                continue
            fault = (
                unknown_word(term, ours) or (term in words and _misspelt_namespace(term)) or None
            )
            if fault is None:
                continue
            message, hint, meant = fault
            findings.append(
                Finding(
                    severity="violation",
                    message=message,
                    rule=UNKNOWN_TERM,
                    focus=spelt(subject),
                    focus_label=label_of(subject, data),
                    field=str(predicate),
                    field_label="Term",
                    page=_PAGE + "unknown-term",
                    value=f"<{value}>" if term is value else None,
                    repair=_repair(hint, predicate, value, term, meant),
                )
            )
    return findings


def _repair(
    hint: str | None, predicate: Node, value: Node, term: Node, meant: Node | None
) -> Repair | None:
    if hint is None:
        return None
    if meant is None or isinstance(value, BNode):
        return Repair(text=hint)
    instead = (meant, value) if term is predicate else (predicate, meant)
    return Repair(text=hint, remove=turtle(predicate, value), insert=turtle(*instead))


_Fault = tuple[str, str | None, URIRef | None]


def our_words(data: Graph) -> frozenset[str]:
    """Return the words of our vocabulary that a graph defines."""
    return frozenset(str(t) for t in data.subjects(RDFS.isDefinedBy) if str(t).startswith(CG))


def unknown_word(term: URIRef, ours: frozenset[str]) -> _Fault | None:
    """Return what to say of a word that does not exist: a sentence, a proposal, the word meant."""
    known: frozenset[str]
    if term.startswith(CG):
        prefix, namespace, known = "cg", CG, ours
        missing = str(term) not in ours and str(term) != CG
    else:
        prefix = next((p for p, closed in _CLOSED.items() if term.startswith(str(closed))), "")
        if not prefix:
            return None
        namespace, known = str(_CLOSED[prefix]), _words_of(prefix)
        missing = str(term) != namespace and term not in _CLOSED[prefix]
    if not missing:
        return None
    local = term.removeprefix(namespace)
    near = get_close_matches(
        local, [k.removeprefix(namespace) for k in sorted(known)], n=1, cutoff=0.75
    )
    return (
        f"Use a word that exists: “{prefix}:{local}” does not.",
        f"Did you mean {prefix}:{near[0]}?" if near else None,
        URIRef(namespace + near[0]) if near else None,
    )


@cache
def _words_of(prefix: str) -> frozenset[str]:
    namespace = _CLOSED[prefix]
    return frozenset(str(namespace[name]) for name in namespace.__annotations__ if name[0] != "_")


def _misspelt_namespace(term: URIRef) -> _Fault | None:
    """Return the fault of a word whose address is nearly ours."""
    cut = max(term.rfind("#"), term.rfind("/")) + 1
    namespace, local = term[:cut], term[cut:]
    if term.startswith(BASE) and term[len(BASE) :].startswith(_SECTIONS):
        return None
    if not get_close_matches(namespace, [CG], cutoff=0.9):
        return None
    return (
        f"Correct the address in front of “{local}”: it is nearly that of our vocabulary.",
        f"Did you mean PREFIX cg: <{CG}>?",
        URIRef(CG + local),
    )


def ill_typed_values(edited: Graph, data: Graph) -> list[Finding]:
    """Find values that are not of the type they state, such as a 13th month.

    Args:
        edited: what was written; only this is looked at.
        data: all that belongs to it, for labels.
    """
    return [
        Finding(
            severity="violation",
            message=f"Correct the value: {_reason(value, datatype)}.",
            rule=ILL_TYPED,
            focus=spelt(subject),
            focus_label=label_of(subject, data),
            field=str(predicate),
            field_label=label_of(predicate, data) or re.split("[/#]", str(predicate))[-1],
            page=_PAGE + "ill-typed-value",
            value=spelt(value),
        )
        for subject, predicate, value, datatype in _typed(edited)
        if value.ill_typed
    ]


def _reason(value: Literal, datatype: str) -> str:
    said = fault(str(value), str(XSD) + datatype, "") or ""
    return said.partition(": ")[2] or f"write {_KINDS.get(datatype, 'it as its type asks')}"


def _typed(edited: Graph) -> Iterator[tuple[Node, Node, Literal, str]]:
    for subject, predicate, value in edited:
        if isinstance(value, Literal) and str(value.datatype or "").startswith(str(XSD)):
            yield subject, predicate, value, str(value.datatype).removeprefix(str(XSD))


_KINDS: Final = {
    "date": "a date such as 2026-11-25",
    "dateTime": "a time such as 2026-11-25T08:30:00Z",
    "gYear": "a year such as 2026",
    "gYearMonth": "a month such as 2026-11",
    "boolean": "true or false",
    "integer": "a whole number such as 7",
    "int": "a whole number such as 7",
    "nonNegativeInteger": "a whole number such as 7",
    "positiveInteger": "a whole number from 1",
    "decimal": "a number such as 0.75",
    "double": "a number such as 7.5e1",
}

"""Words that do not exist, references that miss, values that are none. Judges by no shape."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from typing import Final

import pyoxigraph as ox
from rdflib import DCTERMS, OWL, PROV, RDFS, SH, SKOS, XSD, BNode, Literal, URIRef
from rdflib.term import Node

from competency_graph.graphs import named, node, term
from competency_graph.literals import fault, unwritable
from competency_graph.model import Finding, Repair
from competency_graph.shacl.data import TYPE, Data, Term
from competency_graph.shacl.findings import label, spelt
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
# What belongs to our vocabulary says which module defines it (O3).
_DEFINED: Final = named(RDFS.isDefinedBy)
_NAMESPACES: Final = (CG, *map(str, _CLOSED.values()))
_SECTIONS: Final = ("ns#", "shapes#", "id/", "graph/", "ontology/", "docs/", "api/")


Statement = tuple[Term, ox.NamedNode, Term]
"""Subject, predicate and object."""


def misspelt_terms(edited: Iterable[Statement], data: Data) -> list[Finding]:
    """Find words of our vocabulary, and of closed ones of others, that do not exist.

    Args:
        edited: what was written; only this is looked at.
        data: all that belongs to it, with the vocabulary.
    """
    faults: dict[tuple[str, bool], _Fault | None] = {}

    def faults_of(word: Term, used_as_word: bool) -> _Fault | None:
        # Of millions of statements nearly all have the same few words, and values of ours.
        if not isinstance(word, ox.NamedNode):
            return None
        if not used_as_word and not word.value.startswith(_NAMESPACES):
            return None
        key = (word.value, used_as_word)
        if key not in faults:
            iri = URIRef(word.value)
            faults[key] = (
                unknown_word(iri, data) or (used_as_word and _misspelt_namespace(iri)) or None
            )
        return faults[key]

    findings = []
    for subject, predicate, value in edited:
        for word, used_as_word in ((predicate, True), (value, predicate == TYPE)):
            fault = faults_of(word, used_as_word)
            if fault is None:
                continue
            message, hint, meant = fault
            findings.append(
                Finding(
                    severity="violation",
                    message=message,
                    rule=UNKNOWN_TERM,
                    focus=spelt(node(subject)),
                    focus_label=label(subject, data),
                    field=predicate.value,
                    field_label="Term",
                    page=_PAGE + "unknown-term",
                    value=str(value) if word is value else None,
                    repair=_repair(hint, node(predicate), node(value), node(word), meant),
                )
            )
    return findings


def _repair(
    hint: str | None, predicate: Node, value: Node, word: Node, meant: Node | None
) -> Repair | None:
    if hint is None:
        return None
    if meant is None or isinstance(value, BNode):
        return Repair(text=hint)
    instead = (meant, value) if word == predicate else (predicate, meant)
    return Repair(text=hint, remove=turtle(predicate, value), insert=turtle(*instead))


_Fault = tuple[str, str | None, URIRef | None]


def unknown_word(word: URIRef, data: Data) -> _Fault | None:
    """Return what to say of a word that does not exist: a sentence, a proposal, the word meant."""
    if word.startswith(CG):
        prefix, namespace = "cg", CG
        if str(word) == CG or data.objects(term(word), _DEFINED):
            return None
        known = frozenset(t for s, _ in data.pairs(_DEFINED) if (t := str(node(s))).startswith(CG))
    else:
        prefix = next((p for p, closed in _CLOSED.items() if word.startswith(str(closed))), "")
        if not prefix or word == URIRef(str(_CLOSED[prefix])) or word in _CLOSED[prefix]:
            return None
        namespace, known = str(_CLOSED[prefix]), _words_of(prefix)
    local = word.removeprefix(namespace)
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


def _misspelt_namespace(word: URIRef) -> _Fault | None:
    """Return the fault of a word whose address is nearly ours."""
    cut = max(word.rfind("#"), word.rfind("/")) + 1
    namespace, local = word[:cut], word[cut:]
    if word.startswith(BASE) and word[len(BASE) :].startswith(_SECTIONS):
        return None
    if not get_close_matches(namespace, [CG], cutoff=0.9):
        return None
    return (
        f"Correct the address of the vocabulary that “{local}” comes from: it is misspelt.",
        f"Did you mean PREFIX cg: <{CG}>?",
        URIRef(CG + local),
    )


def ill_typed_values(edited: Iterable[Statement], data: Data) -> list[Finding]:
    """Find values that cannot be kept: of another type than they state, such as a 13th month.

    Args:
        edited: what was written; only this is looked at.
        data: all that belongs to it, for labels.
    """
    return [
        Finding(
            severity="violation",
            message=message,
            rule=ILL_TYPED,
            focus=spelt(node(subject)),
            focus_label=label(subject, data),
            field=predicate.value,
            field_label=label(predicate, data) or re.split("[/#]", predicate.value)[-1],
            page=_PAGE + "ill-typed-value",
            value=spelt(node(value)),
        )
        for subject, predicate, value in edited
        if isinstance(value, ox.Literal) and (message := _wrong(value)) is not None
    ]


def _wrong(value: ox.Literal) -> str | None:
    """Return what to do about a value that cannot be kept, or None."""
    if (character := unwritable(value.value)) is not None:
        return f"Take out the character {character}: a text that holds it cannot be kept."
    if not value.datatype.value.startswith(str(XSD)):
        return None
    literal = node(value)
    assert isinstance(literal, Literal)
    if not literal.ill_typed:
        return None
    return f"Correct the value: {_reason(literal, value.datatype.value.removeprefix(str(XSD)))}."


def _reason(value: Literal, datatype: str) -> str:
    said = fault(str(value), str(XSD) + datatype, "") or ""
    return said.partition(": ")[2] or f"write {_KINDS.get(datatype, 'it as its type asks')}"


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

"""What kinds of property there are, and which way a rule moves when one changes. Reads no graph."""

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from competency_graph.diff.values import Direction
from competency_graph.index import Term
from competency_graph.vocab import CG, DCTERMS, OWL, PREFIXES, RDF, RDFS, SH, SKOS

LABELS: Final = frozenset(
    {
        SKOS + "prefLabel",
        RDFS + "label",
        DCTERMS + "title",
        SH + "name",
        PREFIXES["schema"] + "name",
    }
)
TREE: Final = frozenset(
    {SKOS + "broader", SKOS + "inScheme", SKOS + "topConceptOf", DCTERMS + "isPartOf"}
    | {CG + name for name in ("isElementOf", "isIndicatorOf", "belongsToStep")}
)
"""Where a thing stands: from part to whole, from narrower to broader."""

MATCHES: Final = frozenset(SKOS + f"{k}Match" for k in ("exact", "close", "broad", "narrow"))
PROVENANCE: Final = frozenset(
    {DCTERMS + name for name in ("source", "creator", "contributor", "publisher", "rights")}
    | {RDFS + name for name in ("seeAlso", "isDefinedBy")}
    | {DCTERMS + "bibliographicCitation", PREFIXES["prov"] + "wasDerivedFrom"}
    | {CG + "hasVerificationStatus"}
)
AXIOMS: Final = frozenset(
    {RDFS + name for name in ("subClassOf", "subPropertyOf", "domain", "range")}
    | {
        OWL + name
        for name in (
            *("equivalentClass", "equivalentProperty", "disjointWith", "disjointUnionOf"),
            *("inverseOf", "propertyChainAxiom", "propertyDisjointWith", "hasKey", "sameAs"),
            *("complementOf", "intersectionOf", "unionOf", "oneOf", "differentFrom"),
        )
    }
)
SYMMETRIC: Final = frozenset(
    {SKOS + "related"}
    | {OWL + f"{name}With" for name in ("disjoint", "propertyDisjoint")}
    | {OWL + name for name in ("equivalentClass", "equivalentProperty", "inverseOf", "sameAs")}
)
"""What is said of both when it is said of either."""

VERSIONS: Final = frozenset(
    {OWL + name for name in ("versionInfo", "versionIRI", "priorVersion")}
    | {DCTERMS + name for name in ("issued", "modified", "created")}
)
"""What moves with every release, and says nothing of what it holds."""

_ASKED: Final = frozenset(
    SH + name
    for name in (
        *("class", "datatype", "nodeKind", "pattern", "hasValue", "equals", "disjoint", "sparql"),
        *("lessThan", "lessThanOrEquals", "node", "property", "not", "closed", "uniqueLang"),
        *("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf", "and", "or", "xone"),
        *("in", "languageIn", "qualifiedValueShape", "qualifiedValueShapesDisjoint"),
    )
)
_UPWARDS: Final = frozenset(
    SH + name
    for name in ("minCount", "minLength", "minInclusive", "minExclusive", "qualifiedMinCount")
)
_DOWNWARDS: Final = frozenset(
    SH + name
    for name in ("maxCount", "maxLength", "maxInclusive", "maxExclusive", "qualifiedMaxCount")
)
_CHOICES: Final = frozenset(SH + name for name in ("in", "languageIn", "or", "ignoredProperties"))
_SEVERITIES: Final = {SH + name: rank for rank, name in enumerate(("Info", "Warning", "Violation"))}


def movement(predicate: str, gone: Sequence[Term], come: Sequence[Term]) -> Direction:
    """Say whether a rule accepts less (``tightened``), more (``loosened``), or maybe ``either``.

    Args:
        predicate: a property of a shape.
        gone: its values that are there no more; of a list, its members.
        come: likewise those that are new.
    """
    if predicate in _CHOICES and (gone or come):
        return "loosened" if not gone else "tightened" if not come else "either"
    if predicate == SH + "deactivated":
        return "loosened" if any(t.value == "true" for t in come) else "tightened"
    if predicate == SH + "severity":
        return _compared([_SEVERITIES.get(t.value, 2) for t in terms] for terms in (gone, come))
    if predicate in (SH + "closed", SH + "uniqueLang") and (gone or come):
        return "tightened" if any(t.value == "true" for t in come) else "loosened"
    if predicate not in _ASKED | _UPWARDS | _DOWNWARDS:
        return "either"
    if not gone or not come:
        return "tightened" if come else "loosened"
    numbers = [[n for t in terms if (n := _number(t)) is not None] for terms in (gone, come)]
    if predicate in _UPWARDS:
        return _compared(numbers)
    if predicate in _DOWNWARDS:
        return _compared(reversed(numbers))
    return "either"


def _compared(sides: Iterable[Sequence[int | Decimal]]) -> Direction:
    """Say which way a bound moved that refuses more the larger it is."""
    old, new = sides
    if not old or not new:
        return "either"
    return "tightened" if max(new) > max(old) else "loosened"


def _number(term: Term) -> Decimal | None:
    try:
        return Decimal(term.value)
    except InvalidOperation:
        return None


def is_worded(terms: Sequence[Term]) -> bool:
    """Say whether values are texts for people: all have a language."""
    return all(term.language for term in terms)


def is_type(predicate: str) -> bool:
    """Say whether a property gives the class of a thing."""
    return predicate == RDF + "type"

"""What is said of things in a workspace: in words for people, and to choose from. Changes nothing.

Answers are ready for JSON.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import pyoxigraph as ox
from rdflib import SH, URIRef

from competency_graph.graphs import node
from competency_graph.mending import Surroundings
from competency_graph.shacl.data import TYPE, Data, Term
from competency_graph.vocab import DCTERMS, OWL, RDF, RDFS, SKOS
from competency_graph.workspace.held import Held


def _words(base: str, *names: str) -> tuple[ox.NamedNode, ...]:
    return tuple(ox.NamedNode(base + name) for name in names)


_LABELS: Final = (*_words(SKOS, "prefLabel"), *_words(DCTERMS, "title"), *_words(RDFS, "label"))
_CALLED: Final = (*_LABELS, *_words(SKOS, "altLabel", "notation"))
_DEFINITIONS: Final = (
    *_words(SKOS, "definition"),
    *_words(DCTERMS, "description", "abstract"),
    *_words(RDFS, "comment"),
)
_CLASSES: Final = (*_words(OWL, "Class"), *_words(RDFS, "Class"))
_PROPERTIES: Final = (
    *_words(OWL, "ObjectProperty", "DatatypeProperty", "AnnotationProperty"),
    *_words(RDF, "Property"),
)
_DEPRECATED: Final = ox.NamedNode(OWL + "deprecated")
_REPLACED: Final = ox.NamedNode(DCTERMS + "isReplacedBy")
_SHOWN: Final = 5


def about(held: Held, iri: str, languages: Sequence[str]) -> dict[str, Any] | None:
    """Return what is said of a thing: what it is called, what it means, where it is used.

    Returns:
        ``label``, ``definition``, ``kinds``, ``uses`` (how many statements), ``users`` (the first
        few things that these are about), ``deprecated``, ``successors``; None where nothing is.
    """
    data, thing = held.data, ox.NamedNode(iri)
    users = list(dict.fromkeys(data.naming(thing)))
    used = [subject for subject, _ in data.pairs(thing)]
    if not users and not used and not data.about(thing):
        return None
    first = dict.fromkeys((*users, *used))

    def called(other: Term) -> str:
        return label(data, other, languages) or _local(other)

    return {
        "label": label(data, thing, languages),
        "definition": _best(_texts(data, thing, _DEFINITIONS), languages),
        "kinds": [
            label(data, kind, languages) or _local(kind) for kind in data.objects(thing, TYPE)
        ],
        "uses": len(users) + len(used),
        "users": [called(user) for user in list(first)[:_SHOWN]],
        "deprecated": _is_deprecated(data, thing),
        "successors": [called(other) for other in data.objects(thing, _REPLACED)],
    }


def label(data: Data, thing: Term, languages: Sequence[str]) -> str | None:
    """Return what a thing is called in the first of these languages in which it is called so."""
    for word in _LABELS:
        if (best := _best(_texts(data, thing, (word,)), languages)) is not None:
            return best
    return None


def choices(
    held: Held,
    typed: str,
    position: str,
    predicate: str | None,
    languages: Sequence[str],
    *,
    space: str,
    most: int,
) -> list[dict[str, Any]]:
    """Return things whose names have a text in them, the likeliest first.

    Args:
        held: the workspace.
        typed: what was typed of a label, a notation or the end of an address; may be nothing.
        position: where it is to stand: as ``subject``, ``predicate``, ``type`` or ``object``.
        predicate: the IRI of the predicate as whose object.
        languages: to show labels in.
        space: what their addresses begin with; may be nothing.
        most: how many to return.
    """
    wanted = _wanted(held, position, predicate)
    found: dict[Term, int] = {}
    for thing, name in _named(held.data):
        if not isinstance(thing, ox.NamedNode) or not thing.value.startswith(space):
            continue
        if wanted is None or thing in wanted:
            rank = _rank(name, typed.casefold())
            if rank is not None:
                found[thing] = min(rank, found.get(thing, rank))
    rows = (_choice(held.data, thing, languages, rank) for thing, rank in found.items())
    return sorted(rows, key=lambda row: (row["deprecated"], row.pop("rank"), row["label"]))[:most]


def _choice(data: Data, thing: Term, languages: Sequence[str], rank: int) -> dict[str, Any]:
    kinds = data.objects(thing, TYPE)
    return {
        "iri": getattr(thing, "value", ""),
        "label": label(data, thing, languages) or _local(thing),
        "kind": label(data, kinds[0], languages) or _local(kinds[0]) if kinds else "",
        "definition": _best(_texts(data, thing, _DEFINITIONS), languages),
        "deprecated": _is_deprecated(data, thing),
        "rank": rank,
    }


def _wanted(held: Held, position: str, predicate: str | None) -> set[Term] | None:
    """Return the things that may stand at a place; None where any may."""
    data = held.data
    if position in ("type", "predicate"):
        kinds = _CLASSES if position == "type" else _PROPERTIES
        return {thing for kind in kinds for thing in data.subjects(TYPE, kind)}
    if predicate is None:
        return None
    around = Surroundings(held.data, [held.house.graph])
    shapes = held.house.graph.subjects(SH.path, URIRef(predicate))
    classes = frozenset(kind for shape in shapes for kind in around.classes(shape))
    members = around.members(classes) if classes else {}
    return {ox.NamedNode(str(thing)) for thing in members} or None


def _named(data: Data) -> Iterator[tuple[Term, str]]:
    """Return all that is called something, with each of its names."""
    for word in _CALLED:
        for thing, value in data.pairs(word):
            if isinstance(value, ox.Literal):
                yield thing, value.value.casefold()
                if word in _LABELS:
                    yield thing, _local(thing).casefold()


def _rank(name: str, typed: str) -> int | None:
    if name.startswith(typed):
        return 0
    if typed not in name:
        return None
    return 1 if re.search(rf"\b{re.escape(typed)}", name) else 2


def _texts(data: Data, thing: Term, words: Iterable[ox.NamedNode]) -> list[ox.Literal]:
    return [o for word in words for o in data.objects(thing, word) if isinstance(o, ox.Literal)]


def _best(texts: Sequence[ox.Literal], languages: Sequence[str]) -> str | None:
    by_language = {(text.language or "").lower(): text.value for text in reversed(texts)}
    for wanted in (*languages, "en", ""):
        for language in (wanted.lower(), wanted.lower().split("-")[0]):
            if language in by_language:
                return by_language[language]
    return texts[0].value if texts else None


def _is_deprecated(data: Data, thing: Term) -> bool:
    return any(
        isinstance(value, ox.Literal) and value.value in ("true", "1")
        for value in data.objects(thing, _DEPRECATED)
    )


def _local(thing: Term) -> str:
    return re.split(r"[/#]", str(node(thing)).rstrip("/#"))[-1]

"""Patterns of a query, as rdflib read them, in our own terms; written again in a settled order.

The engine orders patterns well, but not those inside EXISTS: each is walked on its own and then
joined, which takes as long as the graph is large. LATERAL (SPARQL 1.2 community proposal 6) makes
it take the one that stands first and look the others up.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import pyoxigraph as ox
from rdflib import BNode, URIRef
from rdflib.paths import AlternativePath, InvPath, MulPath, NegatedPath, SequencePath
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.term import Identifier, Variable

from competency_graph.shacl import paths
from competency_graph.shacl.data import Term
from competency_graph.shacl.degrees import SHARED
from competency_graph.shacl.paths import Path, Predicate

_REPEATED: Final[Mapping[str, Callable[[Path], Path]]] = {
    "*": paths.ZeroOrMore,
    "+": paths.OneOrMore,
    "?": paths.ZeroOrOne,
}


@dataclass(frozen=True, slots=True)
class Triple:
    """A pattern: its ends, ``None`` where they are no variables, and the path between.

    A path of ``None`` is any predicate; ``excepts`` says whether some are excepted (``!``), in
    either direction, or inside a longer path. ``among`` is its object where that is an IRI,
    ``name`` what people would call it, ``text`` what SPARQL would, where there is such a text.
    ``beside`` are what else its subject must have in every solution.
    """

    subject: str | None
    path: Path | None
    object: str | None
    excepts: Literal["around", "inside"] | None
    among: frozenset[Term] | None
    name: str
    text: str | None
    beside: frozenset[ox.NamedNode] = frozenset()


def triples_of(block: CompValue) -> Iterator[Triple]:
    """Yield the patterns of a block."""
    for terms in block.triples:
        for n in range(0, len(terms), 3):
            yield _triple(*terms[n : n + 3])


def in_order(block: CompValue, known: frozenset[str]) -> str | None:
    """Return a block as SPARQL writes it, each pattern looked up after those before it.

    Args:
        block: of a group inside EXISTS.
        known: the variables that may have a value from outside.

    None where there is one pattern only, or one that cannot be written.
    """
    waiting = list(triples_of(block))
    if len(waiting) < 2:
        return None
    bound, texts = set(known), []
    while waiting:
        triple = min(waiting, key=lambda t: _guess(t, bound))
        waiting.remove(triple)
        if triple.text is None:
            return None
        bound.update(end for end in (triple.subject, triple.object) if end is not None)
        texts.append(triple.text)
    return (
        " . LATERAL { ".join(texts[:2])
        + " } "
        + "".join(f"LATERAL {{ {text} }} " for text in texts[2:])
    )


def _guess(triple: Triple, bound: set[str]) -> int:
    """Guess how many statements a pattern finds where these variables have values."""
    subject = triple.subject is None or triple.subject in bound
    value = triple.object is None or triple.object in bound
    if subject:
        return 0 if value else 1
    shared = isinstance(triple.path, Predicate) and triple.path.iri in SHARED
    return 3 if not value else 2 if not shared else 3


def _triple(subject: Identifier, predicate: object, value: Identifier) -> Triple:
    path = path_of(predicate)
    excepts: Literal["around", "inside"] | None = None
    if path is None and not isinstance(predicate, Variable):
        excepts = "around" if isinstance(predicate, NegatedPath) else "inside"
    step = predicate.n3() if isinstance(predicate, Variable) else path and paths.written(path)
    return Triple(
        subject=_variable(subject),
        path=path,
        object=_variable(value),
        excepts=excepts,
        # Literals are kept by value, so only of an IRI is it sure that it is the same.
        among=frozenset({ox.NamedNode(value)}) if isinstance(value, URIRef) else None,
        name=" ".join(map(_named, (subject, predicate, value))),
        text=f"{_spelt(subject)} {step} {_spelt(value)}" if step else None,
    )


def _spelt(term: Identifier) -> str:
    # A blank node stands for whatever there is, and its patterns are taken apart here.
    return f"?_{term}" if isinstance(term, BNode) else term.n3()


def _variable(term: object) -> str | None:
    if isinstance(term, BNode):
        return f"_{term}"
    return str(term) if isinstance(term, Variable) else None


def path_of(path: object) -> Path | None:
    """Return a path of rdflib as one of SHACL, which has all but exceptions (``!``)."""
    if isinstance(path, URIRef):
        return Predicate(ox.NamedNode(path))
    if isinstance(path, InvPath):
        inner = path_of(path.arg)
        return None if inner is None else paths.settled(paths.Inverse(inner))
    if isinstance(path, MulPath):
        inner = path_of(path.path)
        return None if inner is None else _REPEATED[str(path.mod)](inner)
    if isinstance(path, SequencePath | AlternativePath):
        parts = [path_of(part) for part in path.args]
        whole = tuple(part for part in parts if part is not None)
        if len(whole) < len(parts):
            return None
        return paths.joined(*whole) if isinstance(path, SequencePath) else paths.Alternative(whole)
    return None


def _named(term: object) -> str:
    """Return a term of a pattern as people know it: without the address of its vocabulary."""
    if isinstance(term, Variable):
        return f"?{term}"
    if isinstance(term, BNode):
        return "[]"
    return str(term).replace("#", "/").rstrip("/").rpartition("/")[2]

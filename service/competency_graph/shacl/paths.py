"""Property paths of SHACL and what is read to follow them. Evaluates no constraint.

A path is immutable and hashable. ``parsed`` reads one from a shapes graph as it is written there,
so that ``sh:resultPath`` can say it whole; ``values`` follows it; ``inverted`` turns it round;
``reads`` says which statements decide where it leads. How a check uses them::

    path = parsed(shapes, node)                      # skos:broader*/^cg:isPartOf
    nodes = values(path, data, focus)                # each node once
    what_is_read = {*reads(path), Read(path, RDF_TYPE, "s")}   # and the types of what it reaches

A read ``(prefix, predicate, end)`` says: judging a focus node looks up the statements with this
predicate whose subject (end ``"s"``) or object (end ``"o"``) is reached from the focus node by the
prefix. ``IDENTITY`` reaches the focus node itself. A predicate of ``None`` is every predicate. A
prefix of ``None`` is *from anywhere*: a statement with this predicate concerns every focus node of
the shape; ``ALWAYS`` is a shape that every change concerns. What is judged behind a path (a nested
shape) reads ``read.behind(path)``.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

import pyoxigraph as ox

from competency_graph.shacl.data import FIRST, NIL, REST, Data, Term, members
from competency_graph.vocab import SH


@dataclass(frozen=True, slots=True)
class Predicate:
    """One step from subject to object."""

    iri: ox.NamedNode


@dataclass(frozen=True, slots=True)
class Inverse:
    """A path walked from its end."""

    path: "Path"


@dataclass(frozen=True, slots=True)
class Sequence:
    """Paths one after the other; of none, it stays where it is."""

    parts: "tuple[Path, ...]"


@dataclass(frozen=True, slots=True)
class Alternative:
    """Any of several paths."""

    parts: "tuple[Path, ...]"


@dataclass(frozen=True, slots=True)
class ZeroOrMore:
    """A path any number of times."""

    path: "Path"


@dataclass(frozen=True, slots=True)
class OneOrMore:
    """A path once or more."""

    path: "Path"


@dataclass(frozen=True, slots=True)
class ZeroOrOne:
    """A path, or nothing."""

    path: "Path"


Path = Predicate | Inverse | Sequence | Alternative | ZeroOrMore | OneOrMore | ZeroOrOne
IDENTITY: Final = Sequence(())


@dataclass(frozen=True, slots=True)
class Read:
    """Statements that decide what is found at a focus node; see the module.

    The rest narrows it to those that can matter: with an object ``among`` these; with an object
    that is a class ``below`` this one, or it; with a subject that has each of the predicates
    ``beside`` as well; of every predicate, those ``apart`` not. A read for ``presence`` asks only
    whether the focus node is in the graph at all.
    """

    prefix: Path | None
    predicate: ox.NamedNode | None
    end: Literal["s", "o"]
    among: frozenset[Term] | None = None
    below: Term | None = None
    beside: frozenset[ox.NamedNode] = frozenset()
    apart: frozenset[Term] = frozenset()
    presence: bool = False

    def behind(self, path: Path) -> "Read":
        """Return the read as it is seen from where the path begins."""
        if self.prefix is None:
            return self
        return replace(self, prefix=joined(path, self.prefix))


ALWAYS: Final = Read(None, None, "s")


def joined(*paths: Path) -> Path:
    """Return paths one after the other as one path, without sequences inside sequences."""
    parts: list[Path] = []
    for path in paths:
        parts.extend(path.parts if isinstance(path, Sequence) else (path,))
    return parts[0] if len(parts) == 1 else Sequence(tuple(parts))


def inverted(path: Path) -> Path:
    """Return the path from its end to its beginning, inverses standing at single steps only."""
    match path:
        case Predicate():
            return Inverse(path)
        case Inverse(inner):
            return settled(inner)
        case Sequence(parts):
            return joined(*(inverted(part) for part in reversed(parts)))
        case Alternative(parts):
            return Alternative(tuple(inverted(part) for part in parts))
        case ZeroOrMore(inner):
            return ZeroOrMore(inverted(inner))
        case OneOrMore(inner):
            return OneOrMore(inverted(inner))
        case ZeroOrOne(inner):
            return ZeroOrOne(inverted(inner))


def settled(path: Path) -> Path:
    """Return the same path with inverses at single steps only."""
    return inverted(inverted(path)) if not isinstance(path, Predicate) else path


def values(path: Path, data: Data, node: Term) -> list[Term]:
    """Return the nodes that a path reaches from a node, each once."""
    match path:
        case Predicate(iri):
            return list(data.objects(node, iri))
        case Inverse(Predicate(iri)):
            return list(data.subjects(iri, node))
        case Inverse(inner):
            return values(inverted(inner), data, node)
        case Sequence(parts):
            nodes = [node]
            for part in parts:
                nodes = _each(part, data, nodes)
            return nodes
        case Alternative(parts):
            return list(dict.fromkeys(n for part in parts for n in values(part, data, node)))
        case ZeroOrMore(inner):
            return _closure(inner, data, [node])
        case OneOrMore(inner):
            return _closure(inner, data, values(inner, data, node))
        case ZeroOrOne(inner):
            return list(dict.fromkeys((node, *values(inner, data, node))))


def _each(path: Path, data: Data, nodes: list[Term]) -> list[Term]:
    if len(nodes) == 1:
        return values(path, data, nodes[0])
    return list(dict.fromkeys(n for node in nodes for n in values(path, data, node)))


def _closure(path: Path, data: Data, nodes: list[Term]) -> list[Term]:
    seen = dict.fromkeys(nodes)
    waiting = list(seen)
    while waiting:
        for node in values(path, data, waiting.pop()):
            if node not in seen:
                seen[node] = None
                waiting.append(node)
    return list(seen)


def reads(path: Path, prefix: Path = IDENTITY) -> Iterator[Read]:
    """Return what is read where a path is followed from what the prefix reaches."""
    match path:
        case Predicate(iri):
            yield Read(prefix, iri, "s")
        case Inverse(Predicate(iri)):
            yield Read(prefix, iri, "o")
        case Inverse(inner):
            yield from reads(inverted(inner), prefix)
        case Sequence(parts):
            for number, part in enumerate(parts):
                yield from reads(part, joined(prefix, *parts[:number]))
        case Alternative(parts):
            for part in parts:
                yield from reads(part, prefix)
        case ZeroOrMore(inner) | OneOrMore(inner):
            yield from reads(inner, joined(prefix, ZeroOrMore(inner)))
        case ZeroOrOne(inner):
            yield from reads(inner, prefix)


_WORDS: Final = {
    kind: ox.NamedNode(SH + word)
    for kind, word in (
        (Inverse, "inversePath"),
        (Alternative, "alternativePath"),
        (ZeroOrMore, "zeroOrMorePath"),
        (OneOrMore, "oneOrMorePath"),
        (ZeroOrOne, "zeroOrOnePath"),
    )
}


def parsed(shapes: Data, node: Term, above: frozenset[Term] = frozenset()) -> Path:
    """Return the path that a node of a shapes graph stands for, as it is written (SHACL 2.3.1).

    Raises:
        ValueError: it is not well-formed; the text is the end of a sentence about the shape.
    """
    if isinstance(node, ox.NamedNode):
        return Predicate(node)
    if not isinstance(node, ox.BlankNode) or node in above:
        raise ValueError("has a path that leads nowhere: write a property, or a path of SHACL")
    above |= {node}
    if shapes.objects(node, FIRST):
        # As the W3C's tests have it, a list is a sequence, whatever else is said of its node.
        return Sequence(_parts(shapes, node, above))
    found: list[Path] = []
    for kind in (Inverse, ZeroOrMore, OneOrMore, ZeroOrOne):
        for inner in shapes.objects(node, _WORDS[kind]):
            found.append(kind(parsed(shapes, inner, above)))
    for inner in shapes.objects(node, _WORDS[Alternative]):
        found.append(Alternative(_parts(shapes, inner, above)))
    if len(found) != 1:
        raise ValueError("has a path that can be read in no way, or in several")
    return found[0]


def _parts(shapes: Data, head: Term, above: frozenset[Term]) -> tuple[Path, ...]:
    nodes = members(shapes, head)
    if nodes is None or len(nodes) < 2:
        raise ValueError("has a path whose list is broken or shorter than two")
    return tuple(parsed(shapes, node, above) for node in nodes)


def triples(path: Path) -> tuple[Term, list[ox.Triple]]:
    """Return the node that stands for a path in a report, and the statements that say it whole."""
    if isinstance(path, Predicate):
        return path.iri, []
    if isinstance(path, Sequence):
        return _list(path.parts)
    node = ox.BlankNode()
    inner, said = _list(path.parts) if isinstance(path, Alternative) else triples(path.path)
    return node, [ox.Triple(node, _WORDS[type(path)], inner), *said]


def _list(parts: Iterable[Path]) -> tuple[Term, list[ox.Triple]]:
    head: Term = NIL
    said: list[ox.Triple] = []
    for part in reversed(tuple(parts)):
        first, inner = triples(part)
        node = ox.BlankNode()
        said += [*inner, ox.Triple(node, FIRST, first), ox.Triple(node, REST, head)]
        head = node
    return head, said


def written(path: Path, name: Callable[[ox.NamedNode], str] = str) -> str:
    """Return a path as SPARQL writes it; ``name`` says how an IRI is written, whole by default."""
    match path:
        case Predicate(iri):
            return name(iri)
        case Inverse(inner):
            return "^" + _bracketed(inner, name)
        case Sequence(parts):
            return "/".join(_bracketed(part, name) for part in parts)
        case Alternative(parts):
            return "|".join(_bracketed(part, name) for part in parts)
        case ZeroOrMore(inner):
            return _bracketed(inner, name) + "*"
        case OneOrMore(inner):
            return _bracketed(inner, name) + "+"
        case ZeroOrOne(inner):
            return _bracketed(inner, name) + "?"


def _bracketed(path: Path, name: Callable[[ox.NamedNode], str]) -> str:
    text = written(path, name)
    return text if isinstance(path, Predicate) else f"({text})"

"""Where things and statements of a document stand, as values. Reads no document."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from rdflib import BNode, Literal
from rdflib.term import Node


class Spot(NamedTuple):
    """A line and a column, from 1."""

    line: int
    column: int


class Span(NamedTuple):
    """A part of a text: from this character up to, and without, that one; both from 0."""

    start: int
    end: int


class Stated(NamedTuple):
    """Where a statement stands: its value, and where they are written, the other parts.

    ``predicates`` are two where an element of XML says it with both of its tags. ``whole`` is what
    can be taken away without changing what the rest says; None where that is not so simple.
    ``alone`` says whether what is written for the predicate is so for no other value.
    """

    value: Span
    predicates: tuple[Span, ...] = ()
    whole: Span | None = None
    alone: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Spots:
    """Where the subjects and statements of a document stand first, as far as that is known.

    A statement is found by subject, predicate and :func:`key` of its value; one about a blank node,
    whose label every parser makes anew, by ``""``, predicate and value. ``ends`` has for a subject
    the character before which more can be said of it. ``prefixes`` are those that are declared.
    """

    text: str
    starts: list[int]
    subjects: dict[str, Span] = field(default_factory=dict)
    statements: dict[tuple[str, str, str], Stated] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    prefixes: dict[str, str] = field(default_factory=dict)

    def note(self, subject: Node, predicate: Node, value: Node, stated: Stated) -> None:
        """Keep where a statement stands, if it stands nowhere before."""
        about = "" if isinstance(subject, BNode) else str(subject)
        self.statements.setdefault((about, str(predicate), key(value)), stated)

    def mention(self, iri: str) -> Span | None:
        """Return where a thing is first written, in a document that could not be followed.

        The address may be shortened there, so its ending is looked for as well. A bare reference
        (``{"@id": "…"}``, ``rdf:resource``) is passed over.
        """
        for ending in (iri, *(iri[m.end() :] for m in re.finditer(r"[/#]", iri)), ""):
            found = ending and re.search(
                r'(?<!resource=)"([^"\s]*[:/#])?' + re.escape(ending) + r'"(?!\s*\})', self.text
            )
            if found:
                return Span(*found.span())
        return None

    def at(self, offset: int) -> Spot:
        """Return the line and column of a character."""
        line = bisect_right(self.starts, offset)
        return Spot(line, offset - self.starts[line - 1] + 1)


def key(value: Node) -> str:
    """Return a value as statements are found by it: its text, and its language if it has one."""
    language = value.language if isinstance(value, Literal) else None
    return f"{value}@{language.lower()}" if language else str(value)

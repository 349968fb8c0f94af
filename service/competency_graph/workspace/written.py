"""A Turtle or TriG document as it is written: its statements and names, and where. Judges nothing.

It is read token by token, in linear time, so it can be read while it is broken, which it is most of
the time while somebody types.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, NamedTuple
from urllib.parse import urljoin

from competency_graph import rdf
from competency_graph.vocab import RDF

# Turtle 1.1, section 6.5. A text that does not end is taken up to the end of its line.
_TOKEN: Final = re.compile(
    r"""
      (?P<comment>\#[^\n\r]*+)
    | (?P<text>\"\"\"(?:[^"\\]++|\\.|"(?!""))*+(?:\"\"\"|\Z)
             | '''(?:[^'\\]++|\\.|'(?!''))*+(?:'''|\Z)
             | "(?:[^"\\\n\r]++|\\.)*+"? | '(?:[^'\\\n\r]++|\\.)*+'?)
    | <(?P<iri>[^<>"{}|^`\x00-\x20]*+)>
    | (?P<blank>_:\w(?:[\w.·-]*\w)?)
    | (?P<name>(?:[^\W\d_](?:[\w.·-]*[\w·-])?)?:
               (?:(?:[\w:]|%[0-9A-Fa-f]{2}|\\.)(?:(?:[\w:.·-]|%[0-9A-Fa-f]{2}|\\.)*
                  (?:[\w:·-]|%[0-9A-Fa-f]{2}|\\.))?)?)
    | (?P<at>@[A-Za-z]+(?:-[A-Za-z0-9]+)*)
    | (?P<number>[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<mark>\^\^|[][(){}.;,])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\(.)")
_A: Final = "a"


class Token(NamedTuple):
    """A piece of a document: its kind, as in the grammar here, and its characters from and to."""

    kind: str
    start: int
    end: int


class Name(NamedTuple):
    """A thing named in a document: which, and where; ``prefix`` where it is written with one."""

    iri: str
    start: int
    end: int
    prefix: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A statement up to its full stop, or what is left of one; what it is about, if that is an IRI.

    ``directive`` says whether it declares a prefix or a base.
    """

    start: int
    end: int
    tokens: tuple[Token, ...]
    names: tuple[Name, ...]
    directive: bool = False

    @property
    def subject(self) -> str | None:
        """The IRI of what it is about."""
        first = self.names[0] if self.names and not self.directive else None
        return first.iri if first and first.start == self.tokens[0].start else None


Position = Literal["subject", "predicate", "type", "object"]


@dataclass(kw_only=True)
class Written:
    """A document and what stands where in it. Offsets count characters from 0."""

    text: str
    prefixes: dict[str, str] = field(default_factory=dict, init=False)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Its statements and directives in order; the names of graphs and braces are in none."""
        return tuple(_Reading(self.text, self.prefixes).blocks())

    def names(self) -> Iterator[Name]:
        """Return every name of a thing in its statements."""
        for block in self.blocks:
            if not block.directive:
                yield from block.names

    def name_at(self, offset: int) -> Name | None:
        """Return the name that a character belongs to, or that ends before it."""
        found = [n for n in self.names() if n.start <= offset <= n.end]
        return found[-1] if found else None

    def described(self, iri: str) -> Name | None:
        """Return where a thing is first described: the name that begins a statement about it."""
        return next((b.names[0] for b in self.blocks if b.subject == iri), None)

    def block_at(self, offset: int) -> Block | None:
        """Return the statement that a character is in or behind, before the next one begins."""
        found = None
        for block in self.blocks:
            if block.start > offset:
                break
            found = block
        return found

    def only(self, keep: Callable[[Block], bool]) -> str:
        """Return the text with blanks for the statements that are not kept, lines as they are."""
        parts, end = [], 0
        for block in self.blocks:
            if block.directive or keep(block):
                continue
            parts.append(self.text[end : block.start])
            gone = self.text[block.start : block.end]
            last = gone.rfind("\n") + 1
            parts.append("\n" * gone.count("\n") + " " * (len(gone) - last))
            end = block.end
        return "".join([*parts, self.text[end:]])

    def asked_at(self, offset: int) -> tuple[Position, Name | None]:
        """Return what is to be written at a place, and the predicate in whose value it stands."""
        block = self.block_at(offset)
        before = [t for t in block.tokens if t.end <= offset] if block else []
        if block is None or block.directive or (before and self._is(before[-1], ".")):
            return "subject", None
        by_start = {name.start: name for name in block.names}
        # One for each bracket that is open: how far the statement inside has come, and with what.
        stack: list[tuple[Position, Name | None]] = [("subject", None)]
        for token in before:
            if token.kind == "comment":
                continue
            place, predicate = stack[-1]
            mark = self.text[token.start : token.end]
            if mark == "[":
                stack.append(("predicate", None))
            elif mark == "(":
                stack.append(("object", predicate))
            elif mark in ("]", ")") and len(stack) > 1:
                stack.pop()
                stack[-1] = ("predicate", None) if stack[-1][0] == "subject" else stack[-1]
            elif mark == ";":
                stack[-1] = ("predicate", None)
            elif place == "subject":
                stack[-1] = ("predicate", None)
            elif place == "predicate":
                kind = by_start.get(token.start)
                is_type = mark == _A or (kind is not None and kind.iri == RDF + "type")
                stack[-1] = ("type" if is_type else "object", kind)
        return stack[-1]

    def _is(self, token: Token, mark: str) -> bool:
        return self.text[token.start : token.end] == mark


class _Reading:
    """One reading of a document from its beginning."""

    def __init__(self, text: str, prefixes: dict[str, str]) -> None:
        self._text = text
        self._prefixes = prefixes
        self._base = rdf.NO_BASE
        self._tokens: list[Token] = []
        self._names: list[Name] = []

    def blocks(self) -> Iterator[Block]:
        for match in _TOKEN.finditer(self._text):
            kind = match.lastgroup or ""
            if kind == "comment" and not self._tokens:
                continue
            token = Token(kind, match.start(), match.end())
            mark = match[0] if kind == "mark" else ""
            if mark in ("{", "}"):
                # What stands before a brace names a graph, and a statement may end at one.
                if mark == "}" and self._tokens:
                    yield self._ended(token.start)
                self._tokens, self._names = [], []
                continue
            self._take(token, match)
            # No full stop can stand inside brackets: there, one that does not close ends as well.
            if mark == "." or self._declared():
                yield self._ended(token.end)
        if self._tokens:
            yield self._ended(self._tokens[-1].end)

    def _take(self, token: Token, match: re.Match[str]) -> None:
        self._tokens.append(token)
        if token.kind == "iri":
            iri = urljoin(self._base, _unescaped(match["iri"]))
            self._names.append(Name(iri, token.start, token.end, None))
        elif token.kind == "name":
            prefix, _, local = match[0].partition(":")
            if prefix in self._prefixes:
                iri = self._prefixes[prefix] + _unescaped(local)
                self._names.append(Name(iri, token.start, token.end, prefix))

    def _directive(self) -> str:
        """Return the word of the directive that is being read, or nothing."""
        first = self._tokens[0]
        word = self._text[first.start : first.end].lower()
        return word if first.kind in ("at", "word") and word.strip("@") in _DIRECTIVES else ""

    def _declared(self) -> bool:
        """Say whether a directive of SPARQL has ended: it has no full stop."""
        word = self._directive()
        return word in _DIRECTIVES and self._tokens[-1].kind == "iri"

    def _ended(self, end: int) -> Block:
        word = self._directive().strip("@")
        if word:
            self._declare(word)
        block = Block(
            start=self._tokens[0].start,
            end=end,
            tokens=tuple(self._tokens),
            names=tuple(self._names),
            directive=bool(word),
        )
        self._tokens, self._names = [], []
        return block

    def _declare(self, word: str) -> None:
        address = next((n.iri for n in self._names if n.prefix is None), None)
        if address is None:
            return
        if word == "base":
            self._base = address
            return
        name = next((t for t in self._tokens if t.kind == "name"), None)
        if name is not None:
            self._prefixes[self._text[name.start : name.end].partition(":")[0]] = address


_DIRECTIVES: Final = ("prefix", "base")


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text

    def character(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        if code is None:
            return match[3]
        return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else match[0]

    return _ESCAPE.sub(character, text)

"""A Turtle or TriG document as it is written: its statements and names, and where. Judges nothing.

It is read token by token, in linear time, so it can be read while it is broken, which it is most of
the time while somebody types.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
# A statement up to its full stop, without looking at what it is made of: a stop inside a name or a
# number is none. A brace ends one as well.
_STATEMENT: Final = re.compile(
    r"""
      (?: \#[^\n\r]*+
        | \"\"\"(?:[^"\\]++|\\.|"(?!""))*+(?:\"\"\"|\Z)
        | \'\'\'(?:[^'\\]++|\\.|'(?!''))*+(?:\'\'\'|\Z)
        | "(?:[^"\\\n\r]++|\\.)*+"? | '(?:[^'\\\n\r]++|\\.)*+'?
        | <[^<>"{}|^`\x00-\x20]*+> | [\w:%·-]++(?:(?:\.|\\.)++[\w:%·-]++)*+
        | \.(?=\d) | [^"'<#.{}\w:%·-]++ | < )*+
      (?P<end>[.{}]|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACE: Final = re.compile(r"(?:\s++|\#[^\n\r]*+)*+")
# Directives of SPARQL have no full stop.
_DIRECTIVE: Final = re.compile(
    r"(?:(?P<prefix>PREFIX)\s+(?P<name>[^\s:<]*):|(?P<base>BASE))\s*<(?P<iri>[^<>\s]*)>",
    re.IGNORECASE,
)
_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\(.)")
_WHOLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
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


class _Scope(NamedTuple):
    """What names mean at a place: the prefixes that are declared before it, and the base."""

    prefixes: dict[str, str]
    base: str

    def name(self, match: re.Match[str]) -> Name | None:
        """Return what a token names, if it names anything."""
        if match.lastgroup == "iri":
            iri = _resolved(self.base, _unescaped(match["iri"]))
            return Name(iri, match.start(), match.end(), None)
        prefix, _, local = match[0].partition(":")
        if match.lastgroup == "name" and prefix in self.prefixes:
            iri = self.prefixes[prefix] + _unescaped(local)
            return Name(iri, match.start(), match.end(), prefix)
        return None


@dataclass(frozen=True, eq=False, kw_only=True)
class Block:
    """A statement up to its full stop, or what is left of one, with where it stands in a text.

    ``directive`` says whether it declares a prefix or a base.
    """

    text: str
    start: int
    end: int
    scope: _Scope
    directive: bool = False

    @cached_property
    def subject(self) -> str | None:
        """The IRI of what it is about, if that is an IRI."""
        first = None if self.directive else _TOKEN.match(self.text, self.start, self.end)
        name = first and self.scope.name(first)
        return name.iri if name else None

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """All of it, piece by piece."""
        return tuple(Token(m.lastgroup or "", m.start(), m.end()) for m in self._matches())

    @cached_property
    def names(self) -> tuple[Name, ...]:
        """The things that it names; a directive names none."""
        if self.directive:
            return ()
        return tuple(name for m in self._matches() if (name := self.scope.name(m)))

    def _matches(self) -> Iterator[re.Match[str]]:
        return _TOKEN.finditer(self.text, self.start, self.end)


Position = Literal["subject", "predicate", "type", "object"]


@dataclass(kw_only=True)
class Written:
    """A document and what stands where in it. Offsets count characters from 0."""

    text: str

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Its statements and directives in order; the names of graphs and braces are in none."""
        return tuple(_blocks(self.text))

    @property
    def prefixes(self) -> dict[str, str]:
        """The prefixes that are declared, as they are at its end."""
        last = self.blocks[-1] if self.blocks else None
        return {} if last is None else _scope_after(last).prefixes

    def names(self) -> Iterator[Name]:
        """Return every name of a thing in its statements."""
        for block in self.blocks:
            yield from block.names

    def name_at(self, offset: int) -> Name | None:
        """Return the name that a character belongs to, or that ends before it."""
        block = self.block_at(offset)
        found = [n for n in block.names if n.start <= offset <= n.end] if block else []
        return found[-1] if found else None

    def described(self, iri: str) -> Name | None:
        """Return where a thing is first described: the name that begins a statement about it."""
        return next((block.names[0] for block in self.blocks if block.subject == iri), None)

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


def _blocks(text: str) -> Iterator[Block]:
    scope, at = _Scope({}, rdf.NO_BASE), 0
    while at < len(text):
        space = _SPACE.match(text, at)
        start = space.end() if space else at
        declared = _DIRECTIVE.match(text, start)
        found = declared or _STATEMENT.match(text, start)
        if found is None or start >= len(text):
            # Nothing matches at an escape that ends nowhere.
            return
        at = max(found.end(), start + 1)
        # What stands before a brace names a graph, and a statement may end at one that closes.
        ends_with = "" if declared else found["end"]
        end = found.start("end") if ends_with in ("{", "}") else found.end()
        if ends_with != "{" and text[start:end].strip():
            directive = bool(declared) or text[start] == "@"
            block = Block(text=text, start=start, end=end, scope=scope, directive=directive)
            scope = _scope_after(block)
            yield block


def _scope_after(block: Block) -> _Scope:
    """Return what names mean behind a statement: something else only behind a directive."""
    prefixes, base = block.scope
    said = block.text[block.start : block.end].removeprefix("@")
    found = _DIRECTIVE.match(said) if block.directive else None
    if found is None:
        return block.scope
    iri = _resolved(base, _unescaped(found["iri"]))
    if found["base"]:
        return _Scope(prefixes, iri)
    return _Scope({**prefixes, found["name"]: iri}, base)


def _resolved(base: str, iri: str) -> str:
    if _WHOLE.match(iri):
        return iri
    # The library lets go of a fragment that is empty, which many a namespace ends in.
    return urljoin(base, iri) + ("#" if iri.endswith("#") else "")


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text

    def character(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        if code is None:
            return match[3]
        return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else match[0]

    return _ESCAPE.sub(character, text)

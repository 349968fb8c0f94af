"""A linear look at SPARQL text before any parser sees it. Understands tokens, never meaning.

The parser of the engine is recursive and its evaluator opens connections for ``SERVICE``, so depth
and outbound words are decided here, on the text with its codepoint escapes already undone
(SPARQL 1.1, section 19.2), by a scan that knows strings, IRIs, comments and prefixed names.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from competency_graph.errors import BadQuery, OutboundRefused, TooDeep
from competency_graph.rdf import MAX_NESTING
from competency_graph.vocab import Iri

_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_SILENT = re.compile(r"LOAD(?:\s|#[^\n\r]*[\n\r])+SILENT\b", re.IGNORECASE)
# Words that touch are taken as one token first: looked at one by one, each would be looked at up to
# the end of them all for the colon that would make it a prefix.
_WORD = re.compile(r"(?P<word>[^\W\d]\w*)")
_ESCAPED = re.compile(r"\\[uU]")
_TOKEN = re.compile(
    r"""
      (?P<comment>\#[^\n\r]*)
    | (?P<string>\"\"\"(?:[^"\\]++|\\.|"(?!""))*+\"\"\"
               | '''(?:[^'\\]++|\\.|'(?!''))*+'''
               | "(?:[^"\\\n\r]++|\\.)*+" | '(?:[^'\\\n\r]++|\\.)*+')
    | <(?P<iri>[^<>"{}|^`\x00-\x20]*)>
    | (?P<variable>[?$]\w+)
    | (?P<blank>_:\w+(?:[.\-]+\w+)*)
    | (?P<name>[^\W\d_][\w.\-]*)?:(?P<local>(?:(?:[\w:.\-]|%[0-9A-Fa-f]{2}|\\.)*
                                       (?:[\w:\-]|%[0-9A-Fa-f]{2}|\\.))?)
    | (?P<tag>@[A-Za-z0-9\-]+)
    | (?P<words>[^\W\d][\w.\-]*+)
    | (?P<mark>;|\^\^|<<)
    | (?P<open>[({\[])
    | (?P<close>[)}\]])
    """,
    re.VERBOSE | re.DOTALL,
)
PLACE: Final = re.compile(r"error at (\d+):(\d+): expected (.*)", re.DOTALL)
_SHOWN: Final = 40
# A sentence among the things that the parser expected: a capital, a small word, no sign of grammar.
_REASON = re.compile(r"(?:^|one of |, )([A-Z][^,\[\]\"]* [a-z]+\b[^,\[\]\"]*)(?=,|$)")
_WHOLE_IRI: Final = "An IRI there is relative or not well formed. Write it whole."
_RELATIVE_IRI = re.compile(r"<[^:<>\s]*>")
_REASONS: Final = {
    "Prefix not found": "Its last name has a prefix that no PREFIX line declares.",
    "IRI parsing failed": _WHOLE_IRI,
}
_NO_REASON: Final = "Look there for a missing bracket, a misspelt word or an unfinished pattern."
_UPDATE = re.compile(
    r"(?:\s*(?:PREFIX\s[^<]*|BASE\s*)<[^>]*>)*\s*"
    r"(?:INSERT|DELETE|WITH|CLEAR|DROP|CREATE|COPY|MOVE|ADD)\b",
    re.IGNORECASE,
)


class Token(NamedTuple):
    """A token: its kind, its spelling, and where in the text it stands.

    Kinds: string, iri, variable, blank, local (a prefixed name), tag, word, mark, open, close.
    """

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryText:
    """A query that may be handed to the engine, and the graphs that its ``FROM`` clauses name."""

    text: str
    datasets: tuple[Iri, ...]


def unescaped(text: str) -> str:
    """Return a text with its codepoint escapes undone, as SPARQL 1.1, section 19.2, asks.

    Raises:
        BadQuery: an escape names no character.
    """

    def character(match: re.Match[str]) -> str:
        point = int(match[1] or match[2], 16)
        if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
            raise BadQuery(f"The escape {match[0]} names no character.")
        return chr(point)

    return _ESCAPE.sub(character, text)


def scan_query(text: str) -> QueryText:
    """Return the text, safe to parse, with what it reads from.

    Time and memory are linear in the length of the text.

    Raises:
        TooDeep: brackets nest more than ``MAX_NESTING`` levels.
        OutboundRefused: the text holds the keyword ``SERVICE`` or ``LOAD``.
        BadQuery: an escape names no character.
    """
    prefixes: dict[str, str] = {}
    datasets: list[Iri] = []
    before: list[str] = []
    for token in _tokens(unescaped(text)):
        if token.lastgroup == "comment":
            continue
        if token.lastgroup == "iri" and len(before) > 1 and before[-2:-1] == ["PREFIX"]:
            prefixes[before[-1]] = token["iri"]
        source = _source(token, prefixes)
        if source is not None and (before[-1:] == ["FROM"] or before[-2:] == ["FROM", "NAMED"]):
            datasets.append(Iri(source))
        before = [*before[-1:], _shown(token)]
    return QueryText(text=text, datasets=tuple(datasets))


def unreadable_query(text: str, said: str) -> BadQuery:
    """Return what the engine's parser says of a text as a sentence with the place.

    The parser tells how far it came and all that its grammar would take next, character classes
    included; the sentences that hide among those are what a person can use.
    """
    if _UPDATE.match(text):
        return BadQuery("This is an update, and only queries are answered here.")
    place = PLACE.match(said)
    if place is None:
        return BadQuery(f"The query cannot be read: {said}.")
    return unreadable_at(text, int(place[1]), int(place[2]), place[3], name="query")


def unreadable_at(text: str, line: int, column: int, expected: str, *, name: str) -> BadQuery:
    """Return the same where the place and what the parser expected there are known."""
    before = [*text.splitlines(), ""][line - 1][: column - 1].strip()
    relative = _RELATIVE_IRI.search(before) and "BASE" not in text.upper()
    if len(before) > _SHOWN:
        before = "…" + before[-_SHOWN:]
    where = f"after “{before}” (line {line}, column {column})" if before else f"at line {line}"
    guess = _WHOLE_IRI if relative else _NO_REASON
    reason = next((_REASONS.get(r, r + ".") for r in _REASON.findall(expected)), guess)
    return BadQuery(f"The {name} cannot be read {where}. {reason}", line=line, column=column)


def scan_update(text: str) -> list[Token]:
    """Return the tokens of an update, comments and numbers left out.

    ``LOAD SILENT`` passes: it fails here as a document that is not there does, without a word.
    Escapes of codepoints are refused where they could hide a keyword, and RDF 1.2 with them, so
    that the tokens are those that the engine sees.

    Raises:
        TooDeep, OutboundRefused: as :func:`scan_query`.
        BadQuery: an escape outside strings and IRIs, or a statement about a statement.
    """
    tokens: list[Token] = []
    end = 0
    for match in _tokens(text, silent=True):
        kind = match.lastgroup or ""
        token = Token(kind, match[0], match.start(), match.end())
        opaque = kind in ("comment", "string", "iri")
        _refuse_escape(text, end, token.start if opaque else token.end)
        end = token.end
        if kind == "comment":
            continue
        if token.text == "<<" or (token.text == "{" and text.startswith("|", end)):
            raise BadQuery(
                "The update makes a statement about a statement (RDF 1.2), which is not kept here. "
                "Describe it by a node of its own.",
                line=line_of(text, token.start),
            )
        tokens.append(token)
    _refuse_escape(text, end, len(text))
    return tokens


def query_tokens(text: str) -> list[Token]:
    """Return the tokens of a query whose escapes are undone, comments and numbers left out.

    A comparison without spaces may look like an IRI (``?a<?b&&?c>?d``), and none holds a brace.

    Raises:
        TooDeep, OutboundRefused: as :func:`scan_query`.
    """
    return [
        Token(match.lastgroup or "", match[0], match.start(), match.end())
        for match in _tokens(text)
        if match.lastgroup != "comment"
    ]


def strings(text: str) -> Iterator[Token]:
    """Yield the strings of a text in SPARQL or Turtle."""
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "string":
            yield Token("string", match[0], match.start(), match.end())


def line_of(text: str, offset: int) -> int:
    """Return the line, from 1, of a place in a text."""
    return text.count("\n", 0, offset) + 1


def column_of(text: str, offset: int) -> int:
    """Return the column, from 1, of a place in a text."""
    return offset - text.rfind("\n", 0, offset)


def _tokens(text: str, *, silent: bool = False) -> Iterator[re.Match[str]]:
    depth = 0
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "open":
            depth += 1
            if depth > MAX_NESTING:
                raise TooDeep(MAX_NESTING)
        elif kind == "close":
            depth -= 1
        elif kind == "words":
            for word in _WORD.finditer(text, token.start(), token.end()):
                if not (silent and _SILENT.match(text, word.start())):
                    _refuse_outbound(word["word"])
                yield word
            continue
        yield token


def _refuse_escape(text: str, start: int, end: int) -> None:
    found = _ESCAPED.search(text, start, end)
    if found is not None:
        raise BadQuery(
            "The update has an escaped character outside strings and IRIs. "
            "Write the character itself.",
            line=line_of(text, found.start()),
            column=column_of(text, found.start()),
        )


def _refuse_outbound(word: str) -> None:
    if word.upper() == "SERVICE":
        raise OutboundRefused(
            "SERVICE asks another endpoint, and this service never does. Query that endpoint "
            "yourself and put its rows into a VALUES block.",
            keyword="SERVICE",
        )
    if word.upper() == "LOAD":
        raise OutboundRefused(
            "LOAD fetches a document, and this service never does. Send the data itself.",
            keyword="LOAD",
        )


def _source(token: re.Match[str], prefixes: dict[str, str]) -> str | None:
    """Return the IRI that a token stands for, where it is one."""
    if token.lastgroup == "iri":
        return token["iri"]
    if token.lastgroup == "local":
        return prefixes.get(token["name"] or "", "") + token["local"]
    return None


def _shown(token: re.Match[str]) -> str:
    if token.lastgroup == "local":
        return token["name"] or ""
    return token[0].upper() if token.lastgroup == "word" else token[0]

"""A linear look at SPARQL text before any parser sees it. Understands tokens, never meaning.

The parser of the engine is recursive and its evaluator opens connections for ``SERVICE``, so depth
and outbound words are looked for here, by a scan that knows strings, IRIs, comments and prefixed
names. Whether a text that holds the letters of such a word holds the keyword is then decided by the
engine's own parser, on :func:`disarmed` text (docs/design/0007-service.md).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from competency_graph.errors import BadQuery, OutboundRefused, TooDeep
from competency_graph.rdf import MAX_NESTING

_ESCAPE = re.compile(r"\\\\|\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_SILENT = re.compile(r"LOAD(?:\s|#[^\n\r]*[\n\r])+SILENT\b", re.IGNORECASE)
_SERVICE = re.compile(r"SERVICE\b", re.IGNORECASE)
# One letter of each outbound keyword, by which it is no keyword any more.
_BESIDE = re.compile(r"[\w:.\-]*\s*")
_ARMED = re.compile(r"(?<=ser)v(?=ice)|(?<=l)o(?=ad)", re.IGNORECASE)  # codespell:ignore ser
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
TRUTHS: Final = ("TRUE", "FALSE")
_FORMS: Final = ("SELECT", "CONSTRUCT", "DESCRIBE", "ASK")
# A sentence among the things that the parser expected: a capital, a small word, no sign of grammar.
_REASON = re.compile(r"(?:^|one of |, )([A-Z][^,\[\]\"]* [a-z]+\b[^,\[\]\"]*)(?=,|$)")
_REASONS: Final = {
    "Prefix not found": "Its last name has a prefix that no PREFIX line declares.",
    "IRI parsing failed": "An IRI there is not well formed, or relative and without a BASE.",
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
    """A query that may be handed to the engine, and what its ``FROM`` clauses name.

    ``sources`` are spelt as they are there; what they stand for the ``prologue`` before them says.
    """

    text: str
    prologue: str
    sources: tuple[str, ...]


def unescaped(text: str) -> str:
    """Return a text with its codepoint escapes undone, as SPARQL 1.1, section 19.2, asks.

    Raises:
        BadQuery: an escape names no character.
    """

    def character(match: re.Match[str]) -> str:
        if match[0] == "\\\\":
            return match[0]
        point = int(match[1] or match[2], 16)
        if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
            raise BadQuery(f"The escape {match[0]} names no character.")
        return chr(point)

    return _ESCAPE.sub(character, text)


def scan_query(text: str) -> QueryText:
    """Return the text, safe to parse, with what it reads from.

    ``TRUE`` and ``FALSE`` are written small in it: keywords have any case (SPARQL 1.1, 19.8), and
    the engine reads these two only so.

    Time and memory are linear in the length of the text.

    Raises:
        TooDeep: brackets nest more than ``MAX_NESTING`` levels.
        OutboundRefused: the text holds the keyword ``SERVICE`` or ``LOAD``, perhaps spelt with
            escapes of codepoints (SPARQL 1.1, section 19.2), which the engine does not read so.
        BadQuery: an escape names no character.
    """
    sources: list[str] = []
    before: list[str] = []
    plain = unescaped(text)
    if plain != text:
        for _ in _tokens(plain):
            pass
    truths: list[tuple[int, int]] = []
    end: int | None = None
    for token in _tokens(text):
        if token.lastgroup == "comment":
            continue
        word = token[0].upper() if token.lastgroup == "word" else ""
        if end is None and word in _FORMS:
            end = token.start()
        if word in TRUTHS:
            truths.append(token.span())
        named = before[-1:] == ["FROM"] or before == ["FROM", "NAMED"]
        if named and token.lastgroup in ("iri", "local"):
            sources.append(token[0])
        before = [*before[-1:], word]
    return QueryText(text=truths_small(text, truths), prologue=text[:end], sources=tuple(sources))


def truths_small(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return a text with the keywords at these places in small letters, as long as before."""
    pieces: list[str] = []
    end = 0
    for start, stop in spans:
        pieces += [text[end:start], text[start:stop].lower()]
        end = stop
    return "".join([*pieces, text[end:]])


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
    if len(before) > _SHOWN:
        before = "…" + before[-_SHOWN:]
    where = f"after “{before}” (line {line}, column {column})" if before else f"at line {line}"
    reason = next((_REASONS.get(r, r + ".") for r in _REASON.findall(expected)), _NO_REASON)
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
    for match in _tokens(text, passing=_SILENT):
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


def scan_services(text: str) -> list[Token]:
    """Return the tokens of a query in which the keyword ``SERVICE`` may stand; comments left out.

    Raises:
        TooDeep, OutboundRefused: as :func:`scan_query`, apart from ``SERVICE``.
    """
    found = _tokens(text, passing=_SERVICE)
    return [
        Token(match.lastgroup or "", match[0], match.start(), match.end())
        for match in found
        if match.lastgroup != "comment"
    ]


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


def small_truths(text: str) -> str:
    """Return the text of a query with ``TRUE`` and ``FALSE`` as :func:`scan_query` writes them.

    Raises:
        TooDeep, OutboundRefused: as :func:`scan_services`.
    """
    words = (token for token in _tokens(text, passing=_SERVICE) if token.lastgroup == "word")
    return truths_small(text, (word.span() for word in words if word[0].upper() in TRUTHS))


def disarmed(text: str, *, but: int | None = None) -> str:
    """Return the text with no outbound keyword in it, however it is read; else as long and as is.

    One letter of ``SERVICE`` and ``LOAD`` is another wherever they stand, in names and strings too:
    what the engine's parser reads of it, it reads of the text as well, and there without them.

    Args:
        text: a query or an operation of an update.
        but: where one keyword begins that stays.
    """
    kept = range(0) if but is None else range(but, but + len("LOAD"))

    def another(letter: re.Match[str]) -> str:
        if letter.start() in kept:
            return letter[0]
        return "W" if letter[0].isupper() else "w"

    return _ARMED.sub(another, text)


def refuse_armed(text: str, said: str) -> None:
    """Refuse a text whose parsing, disarmed, failed at an outbound keyword.

    Args:
        text: as it was sent.
        said: what the engine's parser says of it as :func:`disarmed`.

    Raises:
        OutboundRefused: the place is that of such a keyword; elsewhere the text has another fault.
    """
    place = PLACE.match(said)
    if place is None:
        return
    line, column = int(place[1]), int(place[2])
    row = [*text.splitlines(), ""][line - 1]
    for word in re.finditer("SERVICE|LOAD", row[: column + len("SERVICE")], re.IGNORECASE):
        within = word.start() < column <= word.end()
        if within or _BESIDE.fullmatch(row, word.end(), max(word.end(), column - 1)):
            _refuse_outbound(word[0])


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


def _tokens(text: str, *, passing: re.Pattern[str] | None = None) -> Iterator[re.Match[str]]:
    """Yield the tokens; of the outbound words only those may stand there that are ``passing``."""
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
                if passing is None or not passing.match(text, word.start()):
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
    # No other keyword has these letters, and the engine reads keywords that touch other words.
    if "SERVICE" in word.upper():
        raise OutboundRefused(
            "SERVICE asks another endpoint, and this service never does. Query that endpoint "
            "yourself and put its rows into a VALUES block.",
            keyword="SERVICE",
        )
    if "LOAD" in word.upper():
        raise OutboundRefused(
            "LOAD fetches a document, and this service never does. Send the data itself.",
            keyword="LOAD",
        )

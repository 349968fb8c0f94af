"""SPARQL Update split into its operations, each parsed by the engine before anything is run.

So what is refused is what the standard refuses. Knows nothing of what an operation would change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import pyoxigraph as ox

from competency_graph.errors import BadQuery
from competency_graph.index.border import Written, refuse_in_update, unquoted
from competency_graph.sparql_text import (
    PLACE,
    TRUTHS,
    Token,
    column_of,
    disarmed,
    line_of,
    refuse_armed,
    scan_update,
    truths_small,
    unreadable_at,
)

# Fails before anything is evaluated, and after everything is parsed.
_NEVER: Final = "DROP GRAPH <urn:x-none> ; "


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """One operation: its tokens, the text of the request, and what was declared before it."""

    text: str
    tokens: list[Token]
    prologue: str

    def words(self) -> list[Token]:
        """Return the tokens that may be keywords."""
        return [token for token in self.tokens if token.kind == "word"]

    def keywords(self, number: int) -> tuple[str, ...]:
        """Return the first tokens in capitals."""
        return tuple(token.text.upper() for token in self.tokens[:number])

    def literals(self) -> Iterator[Written]:
        """Yield the literals, those to be removed left out: what is there may be taken away."""
        removing = self._removing()
        for place, token in enumerate(self.tokens):
            if token.kind != "string" or removing.start <= place < removing.stop:
                continue
            language = datatype = ""
            following = self.tokens[place + 1 : place + 3]
            if following and following[0].kind == "tag" and following[0].start == token.end:
                language = following[0].text[1:]
            elif len(following) == 2 and following[0].text == "^^":
                datatype = resolved(self.prologue, following[1].text)
            yield Written(
                unquoted(token.text),
                datatype,
                language,
                token.start,
            )

    def _removing(self) -> range:
        """Return which tokens stand in a template of what is removed."""
        for place, token in enumerate(self.tokens[:3]):
            if token.text.upper() == "DELETE" and token.kind == "word":
                shorthand = self.tokens[place + 1].kind == "word"
                return self.block(place + 1 + shorthand)
        return range(0)

    def block(self, place: int) -> range:
        """Return which tokens stand inside the braces that open at a place."""
        depth = 0
        for end in range(place, len(self.tokens)):
            depth += (self.tokens[end].kind == "open") - (self.tokens[end].kind == "close")
            if depth == 0:
                return range(place + 1, end)
        raise AssertionError("the engine read it: brackets are balanced")


def read_update(text: str, *, base: str | None = None, strict: bool = True) -> list[Parsed]:
    """Return the operations of an update, all checked.

    Args:
        text: the update.
        base: what relative IRIs are resolved against until the text says ``BASE``.
        strict: whether literals must be of their type.

    Raises:
        BadQuery: it is no SPARQL 1.1 Update; facts hold line and column.
        BadLiteral: literals are ill-typed; facts hold their places.
        TooDeep, OutboundRefused: see :func:`competency_graph.sparql_text.scan_update`.
    """
    found = list(_split(text, base))
    _refuse_shared_blanks(text, found)
    if strict:
        literals = (literal for operation in found for literal in operation.literals())
        refuse_in_update(text, literals)
    return found


def _split(text: str, base: str | None) -> Iterator[Parsed]:
    """Yield the operations; the engine has parsed each when it comes."""
    tokens = scan_update(text)
    words = (token for token in tokens if token.kind == "word" and token.text.upper() in TRUTHS)
    text = truths_small(text, ((word.start, word.end) for word in words))
    engine = ox.Store()
    prologue = [] if base is None else [f"BASE <{base}>"]
    start = first = depth = 0
    for place, token in enumerate([*tokens, Token("mark", ";", len(text), len(text))]):
        depth += (token.kind == "open") - (token.kind == "close")
        last = place == len(tokens)
        if not last and (depth or token.text != ";" or token.kind != "mark"):
            continue
        begin = first
        while begin < place and (length := declaration(tokens[begin:place])):
            begin += length
        if begin > first:
            prologue.append(text[start : tokens[begin - 1].end])
            declared, start = start, tokens[begin - 1].end
        else:
            declared = start
        silent = (
            tokens[begin].start if begin < place and tokens[begin].text.upper() == "LOAD" else None
        )
        _check(engine, text, prologue, declared, start, token.start, silent=silent)
        if begin < place:
            yield Parsed(text=text, tokens=tokens[begin:place], prologue="\n".join(prologue) + "\n")
        elif not last:
            raise BadQuery(
                "The update has a semicolon with nothing before it. Remove it.",
                line=line_of(text, token.start),
                column=column_of(text, token.start),
            )
        start, first = token.end, place + 1


def declaration(tokens: Sequence[Token]) -> int:
    """Return how many tokens of some stand in a declaration at their head."""
    word = tokens[0].text.upper() if tokens[0].kind == "word" else ""
    kinds = [token.kind for token in tokens[:3]]
    if (word, *kinds[1:2]) in (("BASE", "iri"), ("VERSION", "string")):
        return 2
    return 3 if word == "PREFIX" and kinds[1:] == ["local", "iri"] else 0


def _check(
    engine: ox.Store,
    text: str,
    prologue: list[str],
    declared: int,
    start: int,
    end: int,
    *,
    silent: int | None,
) -> None:
    """Have the engine parse an operation with what was declared before it, and run nothing.

    It parses no outbound keyword but that of the ``LOAD SILENT`` which begins at ``silent``.
    """
    head = disarmed("\n".join([*prologue, _NEVER, ""]))
    operation = disarmed(text[start:end], but=None if silent is None else silent - start)
    try:
        engine.update(head + operation)
    except SyntaxError as error:
        refuse_armed(head + text[start:end], str(error))
        match = PLACE.match(str(error))
        if match is None:
            raise BadQuery(f"The update cannot be read: {error}.") from None
        line, column = int(match[1]), int(match[2])
        above = line - head.count("\n")
        if above < 1:
            line, column = line_of(text, declared), column_of(text, declared)
        else:
            line = line_of(text, start) + above - 1
            column += column_of(text, start) - 1 if above == 1 else 0
        raise unreadable_at(text, line, column, match[3], name="update") from None
    except RuntimeError:
        return


def _refuse_shared_blanks(text: str, operations: Sequence[Parsed]) -> None:
    """Hold a rule over the whole of a request: no label in two INSERT DATA (grammar, note 8)."""
    seen: set[str] = set()
    for operation in operations:
        if operation.keywords(2) != ("INSERT", "DATA"):
            continue
        blanks = {token.text: token for token in operation.tokens if token.kind == "blank"}
        for label in sorted(seen & set(blanks)):
            raise BadQuery(
                f"The blank node {label} stands in two INSERT DATA. Give the second another label.",
                line=line_of(text, blanks[label].start),
                column=column_of(text, blanks[label].start),
            )
        seen |= set(blanks)


@lru_cache(maxsize=10_000)
def resolved(prologue: str, term: str) -> str:
    """Return the absolute IRI that a term stands for after a prologue."""
    found = ox.Store().query(f"{prologue} SELECT (STR({term}) AS ?iri) {{}}")
    assert isinstance(found, ox.QuerySolutions)
    value = next(found)[0]
    assert isinstance(value, ox.Literal)
    return value.value

"""``SERVICE`` decided on the engine's parse, and replaced by its answers. Asks nobody.

The readers cannot open a connection. So a query that asks endpoints which the operator allowed is
answered in two steps: told apart here into what each is to be asked, and with their answers put in
its place, as ``VALUES`` (docs/design/0007-service.md).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from competency_graph.errors import BadQuery, OutboundRefused, ServiceFailed, ServiceTooLarge
from competency_graph.index.updates import declaration, resolved
from competency_graph.sparql_text import (
    QueryText,
    Token,
    disarmed,
    line_of,
    refuse_armed,
    scan_query,
    scan_services,
    small_truths,
    unreadable_query,
)

NEEDS: Final = "application/vnd.competency-graph.needs+json"
"""The type of the answer that says what is to be asked elsewhere first."""

_MOST: Final = 8
_MOST_ROWS: Final = 50_000
# Of the same length, and in the grammar wherever SERVICE is: the engine parses, and asks nobody.
_INSTEAD: Final = "GRAPH  "
_SILENT: Final = re.compile(r"((?:\s|#[^\n\r]*[\n\r])*)SILENT\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One ``SERVICE`` clause: where it stands, what it names and asks, its variables in scope."""

    start: int
    end: int
    endpoint: str
    silent: bool
    query: str
    variables: tuple[str, ...]


def federated(
    body: bytes, told: Mapping[str, Any] | None, *, base: str | None = None
) -> str | bytes:
    """Return the text of a query with answers in the place of its ``SERVICE`` clauses.

    Where endpoints are to be asked first, what each is to be asked is returned instead, as JSON of
    the type ``NEEDS``: a list of ``{endpoint, silent, query}``.

    Args:
        body: the query, and after it the answers.
        told: ``allowed``, the endpoints that may be asked, and ``sizes``, how many bytes each
            answer has, ``None`` for one that failed and whose failure is to be ignored; no sizes
            where nobody was asked yet. Nothing where nobody may be asked.
        base: what relative IRIs are resolved against until the text says ``BASE``.

    Raises:
        BadQuery, OutboundRefused, TooDeep: see :func:`clauses`.
        ServiceFailed, ServiceTooLarge: see :func:`answered`.
    """
    if told is None:
        return body.decode("utf-8")
    sizes = told.get("sizes")
    end = len(body) - sum(size or 0 for size in sizes or ())
    text = small_truths(body[:end].decode("utf-8"))
    found = clauses(text, told["allowed"], base=base)
    if not found:
        return text
    if sizes is None:
        needs = [{"endpoint": c.endpoint, "silent": c.silent, "query": c.query} for c in found]
        return json.dumps(needs, ensure_ascii=False).encode()
    answers: list[bytes | None] = []
    for size in sizes:
        answers.append(None if size is None else body[end : end + size])
        end += size or 0
    return answered(text, found, answers)


def read_query(text: str, *, base: str | None = None) -> QueryText:
    """Return a query that the engine may evaluate, with what it reads from.

    Where it holds the letters of an outbound keyword, the engine parses it with those changed,
    wherever they stand: so it is the engine that says whether they are the keyword. Relative IRIs
    are resolved against ``base``, where there is one.

    Raises:
        OutboundRefused: it holds such a keyword.
        TooDeep, BadQuery: see :func:`competency_graph.sparql_text.scan_query`.
    """
    scanned = scan_query(text)
    if disarmed(text) != text:
        _parse(text, scanned.text, base)
    return scanned


def clauses(text: str, allowed: Iterable[str], *, base: str | None = None) -> list[Clause]:
    """Return the ``SERVICE`` clauses of a query, in their order (SPARQL 1.1 Federated Query, 2).

    Args:
        text: the query.
        allowed: the endpoints that may be asked.
        base: what relative IRIs are resolved against until the text says ``BASE``.

    Raises:
        BadQuery: it cannot be read, or has too many of them.
        OutboundRefused: one names an endpoint that is not allowed, or by a variable, or stands
            inside another or inside ``EXISTS``.
        TooDeep: brackets nest too deeply.
    """
    tokens = scan_services(text)
    places = [
        place
        for place, token in enumerate(tokens)
        if token.kind == "word" and token.text.upper() == "SERVICE"
    ]
    if not places:
        return []
    _parse(text, _instead(text, (tokens[place] for place in places)), base)
    if len(places) > _MOST:
        raise BadQuery(
            f"A query may have {_MOST} SERVICE clauses, and this has {len(places)}. Split it."
        )
    begin = 0
    while length := declaration(tokens[begin:]):
        begin += length
    declared = "" if base is None else f"BASE <{base}>\n"
    prologue = declared + text[: tokens[begin].start]
    exists = _in_exists(tokens)
    found = [_clause(text, tokens, place, prologue) for place in places]
    for place, clause in zip(places, found, strict=True):
        where: dict[str, object] = {"line": line_of(text, clause.start), "keyword": "SERVICE"}
        if any(other.start < clause.start < other.end for other in found):
            raise OutboundRefused(
                "A SERVICE clause stands inside another, and nobody is asked to ask others. Put "
                "them beside each other.",
                **where,
            )
        if place in exists:
            raise OutboundRefused(
                "A SERVICE clause stands inside EXISTS, where it would be asked for each solution. "
                "Put it outside, in OPTIONAL or MINUS.",
                **where,
            )
    _refuse_others(text, found, sorted(allowed))
    return found


def answered(text: str, found: Sequence[Clause], answers: Sequence[bytes | None]) -> str:
    """Return a query with the answers of endpoints in the place of its ``SERVICE`` clauses.

    Args:
        text: the query.
        found: its clauses, of :func:`clauses`.
        answers: of each the answer, in SPARQL Query Results JSON; ``None`` for one that failed
            with ``SILENT``, which then is one solution without bindings (section 2.3).

    Raises:
        ServiceFailed: an answer is none, or holds blank nodes.
        ServiceTooLarge: they have more rows than may be.
    """
    rows = 0
    parts: list[str] = []
    end = 0
    for clause, answer in zip(found, answers, strict=True):
        try:
            table = _table(clause, answer)
        except ServiceFailed:
            if not clause.silent:
                raise
            table = _table(clause, None)
        rows += len(table)
        if rows > _MOST_ROWS:
            raise ServiceTooLarge(clause.endpoint, f"{_MOST_ROWS:,} rows")
        head = " ".join("?" + name for name in clause.variables)
        parts += [text[end : clause.start], f"{{ VALUES ({head}) {{\n", "\n".join(table), "\n} }"]
        end = clause.end
    return "".join([*parts, text[end:]])


def _instead(text: str, words: Iterable[Token]) -> str:
    for word in words:
        text = text[: word.start] + _INSTEAD + text[word.end :]
        if (match := _SILENT.match(text, word.end)) is not None:
            text = text[: match.end(1)] + " " * len("SILENT") + text[match.end() :]
    return text


def _parse(text: str, instead: str, base: str | None) -> None:
    """Have the engine parse what stands ``instead`` of a text, disarmed, over nothing.

    Raises:
        OutboundRefused: it fails at an outbound keyword.
        BadQuery: it fails elsewhere.
    """
    try:
        ox.Store().query(disarmed(instead), base_iri=base)
    except SyntaxError as error:
        refuse_armed(instead, error.msg)
        raise unreadable_query(text, error.msg) from None
    except (RuntimeError, ValueError):
        return  # It was read; what cannot be evaluated is told when it is.


def _clause(text: str, tokens: Sequence[Token], place: int, prologue: str) -> Clause:
    start = tokens[place].start
    silent = [token.text.upper() for token in tokens[place + 1 : place + 2]] == ["SILENT"]
    place += 1 + silent
    if [token.text for token in tokens[place + 1 : place + 2]] != ["{"]:
        raise _unclear(text, start)
    named = tokens[place]
    if named.kind == "variable":
        raise OutboundRefused(
            f"SERVICE names its endpoint by the variable {named.text}. Name the endpoint itself.",
            keyword="SERVICE",
            line=line_of(text, start),
        )
    if named.kind not in ("iri", "local"):
        raise _unclear(text, start)
    depth, end = 0, place + 1
    while end < len(tokens):
        depth += (tokens[end].kind == "open") - (tokens[end].kind == "close")
        if depth == 0:
            break
        end += 1
    else:
        raise _unclear(text, start)
    query = f"{prologue}\nSELECT * WHERE {text[tokens[place + 1].start : tokens[end].end]}"
    try:
        alone = ox.Store().query(disarmed(_instead(query, _services(query))))
    except SyntaxError:
        raise _unclear(text, start) from None
    assert isinstance(alone, ox.QuerySolutions)
    spelt = {disarmed(t.text[1:]): t.text[1:] for t in tokens[place:end] if t.kind == "variable"}
    return Clause(
        start=start,
        end=tokens[end].end,
        endpoint=resolved(prologue, named.text),
        silent=silent,
        query=query,
        variables=tuple(spelt[variable.value] for variable in alone.variables),
    )


def _services(text: str) -> list[Token]:
    return [t for t in scan_services(text) if t.kind == "word" and t.text.upper() == "SERVICE"]


def _unclear(text: str, start: int) -> BadQuery:
    # A comparison that looks like an IRI: the engine reads one thing, the scan another.
    return BadQuery(
        "Where the SERVICE clause ends is not clear. Write a space after each “<” that compares.",
        line=line_of(text, start),
    )


def _in_exists(tokens: Sequence[Token]) -> set[int]:
    """Return which tokens stand in the group of an ``EXISTS``."""
    found: set[int] = set()
    inside: list[bool] = [False]
    for place, token in enumerate(tokens):
        if token.kind == "open":
            inside.append(inside[-1] or tokens[place - 1].text.upper() == "EXISTS")
        elif token.kind == "close" and len(inside) > 1:
            inside.pop()
        elif inside[-1]:
            found.add(place)
    return found


def _refuse_others(text: str, found: Sequence[Clause], allowed: Sequence[str]) -> None:
    for clause in found:
        if clause.endpoint not in allowed:
            raise OutboundRefused(
                f"SERVICE may ask {' and '.join(allowed)} here, and not {clause.endpoint}. Query "
                "that endpoint yourself and put its rows into a VALUES block.",
                keyword="SERVICE",
                allowed=list(allowed),
                line=line_of(text, clause.start),
            )


def _table(clause: Clause, answer: bytes | None) -> list[str]:
    """Return the rows of an answer, in the syntax of ``VALUES``; of none, one without bindings.

    Raises:
        ServiceFailed: it is no answer, or cannot be written so.
    """
    if answer is None:
        return ["(" + " ".join("UNDEF" for _ in clause.variables) + ")"]
    try:
        solutions = ox.parse_query_results(answer, ox.QueryResultsFormat.JSON)
        if not isinstance(solutions, ox.QuerySolutions):
            raise ServiceFailed(clause.endpoint, "answered yes or no where rows were asked for")
        names = [variable.value for variable in solutions.variables]
        if len(set(names)) < len(names) or not set(names) <= set(clause.variables):
            raise ServiceFailed(clause.endpoint, "answered with other columns than were asked for")
        places = [names.index(name) if name in names else None for name in clause.variables]
        return [
            f"({' '.join(_written(clause, None if n is None else row[n]) for n in places)})"
            for row in solutions
        ]
    except (SyntaxError, ValueError):
        raise ServiceFailed(
            clause.endpoint, "answered with what is no result in JSON (SPARQL 1.1)"
        ) from None


def _written(clause: Clause, cell: object) -> str:
    if cell is None:
        return "UNDEF"
    if isinstance(cell, ox.NamedNode | ox.Literal):
        return str(cell)
    raise ServiceFailed(
        clause.endpoint,
        "answered with blank nodes or statements, which have no name here",
        advice="Leave their variables out by a SELECT inside SERVICE { }",
    )

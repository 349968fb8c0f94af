"""SPARQL Update taken apart by tokens: what each operation would add and remove, as text to run.

Runs nothing on the data. The engine reads the original first, so what is refused is what the
standard refuses; names are resolved by the engine as well.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import quote, unquote

import pyoxigraph as ox

from competency_graph.errors import BadQuery, BadRequest
from competency_graph.index.border import Written, refuse_in_update, unquoted
from competency_graph.index.scan import Token, column_of, line_of, scan_update

ADDED: Final = "urn:x-added:"
REMOVED: Final = "urn:x-removed:"
DEFAULT: Final = ""
NAMED: Final = "NAMED"
ALL: Final = "ALL"

# Fails before anything is evaluated, and after everything is parsed.
_NEVER: Final = "DROP GRAPH <urn:x-none> ; "
_PLACE = re.compile(r"error at (\d+):(\d+): (.*)", re.DOTALL)
_DOT = re.compile(r"(?:\s|#[^\n\r]*)*\.")
# After these come variables that are no pattern, up to the next brace.
_ASIDE: Final = ("SELECT", "GROUP", "ORDER", "HAVING", "VALUES")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation of an update.

    ``verb`` is ``pattern`` where ``text`` fills scratch graphs, else the keyword of an operation on
    whole graphs (``load``: do nothing), ``source`` and ``target`` (``DEFAULT``,
    ``NAMED``, ``ALL`` or an IRI). ``reads``
    are the graphs named, none where it may depend on all; ``DEFAULT`` stands for the default graph.
    ``scratch`` names the scratch graphs that a pattern may fill, none where variables name them.
    ``writes_default`` says whether a template is outside every graph.
    """

    verb: str
    text: str = ""
    silent: bool = False
    source: str = DEFAULT
    target: str = DEFAULT
    reads: frozenset[str] | None = frozenset()
    writes_default: bool = False
    scratch: frozenset[str] | None = None


def scratch(kind: str, graph: str) -> str:
    """Return the IRI of the scratch graph, ``ADDED`` or ``REMOVED``, that stands for a graph."""
    return kind + quote(graph, safe="")


def stands_for(iri: str) -> tuple[str, str] | None:
    """Return the kind of a scratch graph and the graph that it stands for, else nothing."""
    for kind in (ADDED, REMOVED):
        if iri.startswith(kind):
            return kind, unquote(iri.removeprefix(kind))
    return None


def steps(
    text: str,
    *,
    graph: str | None = None,
    using: Sequence[str] = (),
    using_named: Sequence[str] = (),
) -> Iterator[Step]:
    """Yield the operations of an update in their order; all are checked before the first.

    Args:
        text: the update.
        graph: the default graph of templates and patterns that name no other.
        using: default graphs of patterns, as the SPARQL protocol gives them.
        using_named: named graphs of patterns, likewise.

    Raises:
        BadQuery: it is no SPARQL 1.1 Update; facts hold line and column.
        BadLiteral: a literal is ill-typed.
        BadRequest: graphs are chosen both by the protocol and in the text.
        TooDeep, OutboundRefused: see :func:`competency_graph.index.scan.scan_query`.
    """
    clauses = "".join(f"USING <{iri}> " for iri in using)
    clauses += "".join(f"USING NAMED <{iri}> " for iri in using_named)
    found = list(_operations(text))
    _refuse_shared_blanks(text, found)
    written: list[Written] = []
    for operation in found:
        written += operation.literals()
        if clauses and any(t.text.upper() in ("WITH", "USING") for t in operation.words()):
            raise BadRequest(
                "The update chooses its graphs by WITH or USING, and the request by "
                "using-graph-uri or using-named-graph-uri. Choose them in one place."
            )
    refuse_in_update(text, written)
    for operation in found:
        yield operation.step(graph or DEFAULT, clauses, frozenset(using), frozenset(using_named))


def _operations(text: str) -> Iterator["_Operation"]:
    tokens = scan_update(text)
    engine = ox.Store()
    prologue: list[str] = []
    start = first = depth = 0
    for place, token in enumerate([*tokens, Token("mark", ";", len(text), len(text))]):
        depth += (token.kind == "open") - (token.kind == "close")
        last = place == len(tokens)
        if not last and (depth or token.text != ";" or token.kind != "mark"):
            continue
        begin = first
        while begin < place and (length := _declared(tokens[begin:place])):
            begin += length
        if begin > first:
            prologue.append(text[start : tokens[begin - 1].end])
            declared, start = start, tokens[begin - 1].end
        else:
            declared = start
        _check(engine, text, prologue, declared, start, token.start)
        if begin < place:
            yield _Operation(text, tokens[begin:place], "\n".join(prologue) + "\n")
        elif not last:
            raise BadQuery(
                "The update has a semicolon with nothing before it. Remove it.",
                line=line_of(text, token.start),
                column=column_of(text, token.start),
            )
        start, first = token.end, place + 1


def _declared(tokens: Sequence[Token]) -> int:
    """Return how many tokens at the head are a declaration of the prologue."""
    word = tokens[0].text.upper() if tokens[0].kind == "word" else ""
    kinds = [token.kind for token in tokens[:3]]
    if word == "BASE" and kinds[1:2] == ["iri"]:
        return 2
    return 3 if word == "PREFIX" and kinds[1:] == ["local", "iri"] else 0


def _check(
    engine: ox.Store, text: str, prologue: list[str], declared: int, start: int, end: int
) -> None:
    """Have the engine parse an operation with what was declared before it, and run nothing."""
    head = "\n".join([*prologue, _NEVER, ""])
    try:
        engine.update(head + text[start:end])
    except SyntaxError as error:
        match = _PLACE.match(str(error))
        if match is None:
            raise BadQuery(f"The update cannot be read: {error}.") from None
        line, column = int(match[1]), int(match[2])
        above = line - head.count("\n")
        if above < 1:
            line, column = line_of(text, declared), column_of(text, declared)
        else:
            line = line_of(text, start) + above - 1
            column += column_of(text, start) - 1 if above == 1 else 0
        raise BadQuery(
            f"The update cannot be read at line {line}, column {column}: {match[3]}.",
            line=line,
            column=column,
        ) from None
    except RuntimeError:
        return


def _refuse_shared_blanks(text: str, operations: Sequence["_Operation"]) -> None:
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


@cache
def _resolved(prologue: str, term: str) -> str:
    found = ox.Store().query(f"{prologue} SELECT (STR({term}) AS ?iri) {{}}")
    assert isinstance(found, ox.QuerySolutions)
    value = next(found)[0]
    assert isinstance(value, ox.Literal)
    return value.value


class _Operation:
    """The tokens of one operation; its templates are written into scratch graphs."""

    def __init__(self, text: str, tokens: list[Token], prologue: str) -> None:
        self.text = text
        self.tokens = tokens
        self.prologue = prologue
        self._aliases: dict[str, tuple[str, str]] = {}
        self._reads: set[str] = set()
        self._writes_default = False
        self._filled: set[str] = set()

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
                datatype = _resolved(self.prologue, following[1].text)
            yield Written(
                unquoted(token.text),
                datatype,
                language,
                token.start,
            )

    def step(
        self, default: str, clauses: str, using: frozenset[str], using_named: frozenset[str]
    ) -> Step:
        """Return the operation with ``default`` as the graph of what names none."""
        verb = self.keywords(1)[0]
        if verb == "LOAD":
            return Step(verb="load")
        if verb in ("CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY"):
            return self._managing(verb.lower(), default)
        if self.keywords(2) in (("INSERT", "DATA"), ("DELETE", "DATA")):
            body = self._template(self._block(2), ADDED if verb == "INSERT" else REMOVED, default)
            return self._pattern(f"INSERT DATA {{ {body} }}")
        return self._modifying(default, clauses, using, using_named)

    def _pattern(self, text: str, reads: frozenset[str] | None = frozenset()) -> Step:
        return Step(
            verb="pattern",
            text=self.prologue + text,
            reads=None if reads is None else reads | self._reads,
            writes_default=self._writes_default,
            scratch=None if self._aliases else frozenset(self._filled),
        )

    def _managing(self, verb: str, default: str) -> Step:
        silent = self.keywords(2)[-1] == "SILENT"
        named: list[str] = []
        for token in self.tokens[1 + silent :]:
            if token.kind in ("iri", "local"):
                named.append(_resolved(self.prologue, token.text))
            elif (word := token.text.upper()) in ("DEFAULT", "NAMED", "ALL"):
                named.append(default if word == "DEFAULT" else word)
        source, target = (named[0], named[1]) if len(named) == 2 else (named[0], named[0])
        broad = source in (NAMED, ALL)
        return Step(
            verb="clear" if verb == "drop" else verb,
            silent=silent,
            source=source,
            target=target,
            reads=None if broad else frozenset(named),
        )

    def _modifying(
        self, default: str, clauses: str, using: frozenset[str], using_named: frozenset[str]
    ) -> Step:
        place = 0
        if self.keywords(1) == ("WITH",):
            default, place = _resolved(self.prologue, self.tokens[1].text), 2
        templates: list[str] = []
        shortcut = self.keywords(2) == ("DELETE", "WHERE")
        while (word := self.tokens[place].text.upper()) in ("DELETE", "INSERT"):
            block = self._block(place + 1 + shortcut)
            kind = REMOVED if word == "DELETE" else ADDED
            templates.append(self._template(block, kind, default))
            place = block.stop + 1
            if shortcut:
                break
        if not shortcut:
            after = place
            while self.tokens[place].text.upper() == "USING":
                named = self.tokens[place + 1].text.upper() == "NAMED"
                iri = _resolved(self.prologue, self.tokens[place + 1 + named].text)
                using, using_named = (
                    (using, using_named | {iri}) if named else (using | {iri}, using_named)
                )
                place += 2 + named
            clauses += self.text[self.tokens[after].start : self.tokens[place].start]
            block = self._block(place + 1)
        where = (
            "{"
            + self.text[self.tokens[block.start - 1].end : self.tokens[block.stop].start]
            + "\n}"
        )
        if self._aliases:
            binds = " ".join(self._bind(alias) for alias in self._aliases)
            where = f"{{ {where} {binds} }}"
        with_graph = f"WITH <{default}> " if default else ""
        chosen = bool(using or using_named)
        reads = _reads_of(
            self.tokens[block.start : block.stop], self.prologue, using_named if chosen else None
        )
        if reads is not None and DEFAULT in reads:
            reads = reads - {DEFAULT} | (using if chosen else {default})
        return self._pattern(
            f"{with_graph}INSERT {{ {' '.join(templates)} }} {clauses}\nWHERE {where}", reads
        )

    def _removing(self) -> range:
        """Return which tokens stand in a template of what is removed."""
        for place, token in enumerate(self.tokens[:3]):
            if token.text.upper() == "DELETE" and token.kind == "word":
                shorthand = self.tokens[place + 1].kind == "word"
                return self._block(place + 1 + shorthand)
        return range(0)

    def _block(self, place: int) -> range:
        """Return which tokens stand inside the braces that open at a place."""
        depth = 0
        for end in range(place, len(self.tokens)):
            depth += (self.tokens[end].kind == "open") - (self.tokens[end].kind == "close")
            if depth == 0:
                return range(place + 1, end)
        raise AssertionError("the engine read it: brackets are balanced")

    def _template(self, block: range, kind: str, default: str) -> str:
        """Return a template with its graphs replaced by scratch graphs."""
        parts: list[str] = []
        start = self.tokens[block.start - 1].end
        place = block.start
        while place < block.stop:
            token = self.tokens[place]
            if token.kind != "word" or token.text.upper() != "GRAPH":
                place += 1
                continue
            parts.append(self._ungraphed(start, token.start, kind, default))
            inner = self._block(place + 2)
            body = self.text[self.tokens[place + 2].end : self.tokens[inner.stop].start]
            parts.append(f"GRAPH {self._scratch(self.tokens[place + 1], kind)} {{{body}\n}}")
            start, place = self.tokens[inner.stop].end, inner.stop + 1
        parts.append(self._ungraphed(start, self.tokens[block.stop].start, kind, default))
        return "\n".join(parts)

    def _ungraphed(self, start: int, end: int, kind: str, default: str) -> str:
        body = (
            _DOT.sub("", self.text[start:end], count=1)
            if _DOT.match(self.text, start, end)
            else self.text[start:end]
        )
        if re.fullmatch(r"(?:\s|#[^\n\r]*)*", body):
            return ""
        self._writes_default = self._writes_default or default == DEFAULT
        return f"GRAPH {self._fill(kind, default)} {{{body}\n}}"

    def _fill(self, kind: str, graph: str) -> str:
        self._reads.add(graph)
        self._filled.add(scratch(kind, graph))
        return f"<{scratch(kind, graph)}>"

    def _scratch(self, term: Token, kind: str) -> str:
        if term.kind != "variable":
            return self._fill(kind, _resolved(self.prologue, term.text))
        alias = f"?x_{'added' if kind == ADDED else 'removed'}_{term.text[1:]}"
        while alias in self.text:
            alias += "_"
        self._aliases[alias] = (kind, "?" + term.text[1:])
        return alias

    def _bind(self, alias: str) -> str:
        kind, variable = self._aliases[alias]
        # What is no IRI names no graph: its statement is left out, as the standard says.
        named = f'IF(isIRI({variable}), CONCAT("{kind}", ENCODE_FOR_URI(STR({variable}))), 1/0)'
        return f"BIND(IRI({named}) AS {alias})"


def _reads_of(
    tokens: Sequence[Token], prologue: str, using_named: frozenset[str] | None
) -> frozenset[str] | None:
    """Return the graphs that a pattern reads, ``DEFAULT`` for the default graph; none for all.

    In doubt the answer is wider than it need be, never narrower.
    """
    found: set[str] = set()
    context = ["{"]
    aside = ""
    place = 0
    while place < len(tokens):
        token = tokens[place]
        word = token.text.upper() if token.kind == "word" else ""
        matching = context[-1] == "{" and not aside
        if token.kind == "iri" and ")" in token.text:
            # Perhaps no IRI but two comparisons, with a pattern between.
            return None
        if word == "GRAPH":
            named = tokens[place + 1]
            if named.kind != "variable":
                found.add(_resolved(prologue, named.text))
            elif using_named is None:
                return None
            else:
                found |= using_named
            place += 2
            context.append("graph")
        elif word in _ASIDE:
            aside = word
        elif token.kind == "open":
            if matching and token.text == "[":
                found.add(DEFAULT)
            inside = "values" if aside == "VALUES" and token.text == "{" else token.text
            context.append("graph" if context[-1] == "graph" else inside)
            aside = "" if token.text == "{" else aside
        elif token.kind == "close":
            context.pop()
            aside = "" if token.text == "}" else aside
        elif matching and token.kind in ("iri", "local", "variable", "blank", "string"):
            found.add(DEFAULT)
        place += 1
    return frozenset(found)

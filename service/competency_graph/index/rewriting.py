"""SPARQL Update taken apart by tokens: what each operation would add and remove, as text to run.

Runs nothing on the data.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from competency_graph.errors import BadRequest
from competency_graph.index.updates import Parsed, read_update, resolved
from competency_graph.sparql_text import Token

ADDED: Final = "urn:x-added:"
REMOVED: Final = "urn:x-removed:"
DEFAULT: Final = ""
NAMED: Final = "NAMED"
ALL: Final = "ALL"

_DOT = re.compile(r"(?:\s|#[^\n\r]*)*\.")
# After these come variables that are no pattern, up to the next brace.
_ASIDE: Final = ("SELECT", "GROUP", "ORDER", "HAVING", "VALUES")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation of an update.

    ``verb`` is ``pattern`` where ``text`` fills scratch graphs, else the keyword of an operation on
    whole graphs (``load``: do nothing) ``source`` and ``target``: ``DEFAULT``, ``NAMED``, ``ALL``
    or an IRI. ``reads`` are the graphs named, none where it may depend on all.

    Of a pattern, ``writes_default`` says whether a template is outside every graph, ``scratch``
    names the scratch graphs that it may fill, none where variables name them, and ``computes`` says
    whether it may make literals that are not in its text.
    """

    verb: str
    text: str = ""
    silent: bool = False
    source: str = DEFAULT
    target: str = DEFAULT
    reads: frozenset[str] | None = frozenset()
    writes_default: bool = False
    scratch: frozenset[str] | None = None
    computes: bool = False


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
    base: str | None = None,
    strict: bool = True,
) -> Iterator[Step]:
    """Yield the operations of an update in their order.

    All are read before the first is yielded.

    Args:
        text: the update.
        graph: the default graph of templates and patterns that name no other.
        using: default graphs of patterns, as the SPARQL protocol gives them.
        using_named: named graphs of patterns, likewise.
        base, strict: see :func:`read_update`.

    Raises:
        BadQuery, BadLiteral, TooDeep, OutboundRefused: see :func:`read_update`.
        BadRequest: graphs are chosen both by the protocol and in the text.
    """
    clauses = "".join(f"USING <{iri}> " for iri in using)
    clauses += "".join(f"USING NAMED <{iri}> " for iri in using_named)
    for operation in read_update(text, base=base, strict=strict):
        if clauses and any(t.text.upper() in ("WITH", "USING") for t in operation.words()):
            raise BadRequest(
                "The update chooses its graphs by WITH or USING, and the request by "
                "using-graph-uri or using-named-graph-uri. Choose them in one place."
            )
        rewriting = _Rewriting(operation)
        yield rewriting.step(graph or DEFAULT, clauses, frozenset(using), frozenset(using_named))


class _Rewriting:
    """One operation being rewritten: its templates go into scratch graphs."""

    def __init__(self, operation: Parsed) -> None:
        self._operation = operation
        self._text = operation.text
        self._tokens = operation.tokens
        self._prologue = operation.prologue
        self._aliases: dict[str, tuple[str, str]] = {}
        self._reads: set[str] = set()
        self._writes_default = False
        self._filled: set[str] = set()

    def step(
        self, default: str, clauses: str, using: frozenset[str], using_named: frozenset[str]
    ) -> Step:
        """Return the operation with ``default`` as the graph of what names none."""
        verb = self._operation.keywords(1)[0]
        if verb == "LOAD":
            return Step(verb="load")
        if verb in ("CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY"):
            return self._managing(verb.lower(), default)
        if self._operation.keywords(2) in (("INSERT", "DATA"), ("DELETE", "DATA")):
            body = self._template(
                self._operation.block(2), ADDED if verb == "INSERT" else REMOVED, default
            )
            return self._pattern(f"INSERT DATA {{ {body} }}")
        return self._modifying(default, clauses, using, using_named)

    def _pattern(self, text: str, reads: frozenset[str] | None = frozenset()) -> Step:
        return Step(
            verb="pattern",
            text=self._prologue + text,
            reads=None if reads is None else reads | self._reads,
            writes_default=self._writes_default,
            computes=any(token.text.upper() == "AS" for token in self._operation.words()),
            scratch=None if self._aliases else frozenset(self._filled),
        )

    def _managing(self, verb: str, default: str) -> Step:
        silent = self._operation.keywords(2)[-1] == "SILENT"
        named: list[str] = []
        for token in self._tokens[1 + silent :]:
            if token.kind in ("iri", "local"):
                named.append(resolved(self._prologue, token.text))
            elif (word := token.text.upper()) in ("DEFAULT", "NAMED", "ALL"):
                named.append(default if word == "DEFAULT" else word)
        source, target = (named[0], named[1]) if len(named) == 2 else (named[0], named[0])
        broad = source in (NAMED, ALL)
        return Step(
            verb="clear" if verb == "drop" else verb,
            # To empty what is empty is done. RDF4J clears a graph before it fills it, new or not.
            silent=silent or verb == "clear",
            source=source,
            target=target,
            reads=None if broad else frozenset(named),
        )

    def _modifying(
        self, default: str, clauses: str, using: frozenset[str], using_named: frozenset[str]
    ) -> Step:
        place = 0
        if self._operation.keywords(1) == ("WITH",):
            default, place = resolved(self._prologue, self._tokens[1].text), 2
        templates: list[str] = []
        shortcut = self._operation.keywords(2) == ("DELETE", "WHERE")
        while (word := self._tokens[place].text.upper()) in ("DELETE", "INSERT"):
            block = self._operation.block(place + 1 + shortcut)
            kind = REMOVED if word == "DELETE" else ADDED
            templates.append(self._template(block, kind, default))
            place = block.stop + 1
            if shortcut:
                break
        if not shortcut:
            after = place
            while self._tokens[place].text.upper() == "USING":
                named = self._tokens[place + 1].text.upper() == "NAMED"
                iri = resolved(self._prologue, self._tokens[place + 1 + named].text)
                using, using_named = (
                    (using, using_named | {iri}) if named else (using | {iri}, using_named)
                )
                place += 2 + named
            clauses += self._text[self._tokens[after].start : self._tokens[place].start]
            block = self._operation.block(place + 1)
        where = (
            "{"
            + self._text[self._tokens[block.start - 1].end : self._tokens[block.stop].start]
            + "\n}"
        )
        if self._aliases:
            binds = " ".join(self._bind(alias) for alias in self._aliases)
            where = f"{{ {where} {binds} }}"
        with_graph = f"WITH <{default}> " if default else ""
        chosen = bool(using or using_named)
        reads = _reads_of(
            self._tokens[block.start : block.stop], self._prologue, using_named if chosen else None
        )
        if reads is not None and DEFAULT in reads:
            reads = reads - {DEFAULT} | (using if chosen else {default})
        return self._pattern(
            f"{with_graph}INSERT {{ {' '.join(templates)} }} {clauses}\nWHERE {where}", reads
        )

    def _template(self, block: range, kind: str, default: str) -> str:
        """Return a template with its graphs replaced by scratch graphs."""
        parts: list[str] = []
        start = self._tokens[block.start - 1].end
        place = block.start
        while place < block.stop:
            token = self._tokens[place]
            if token.kind != "word" or token.text.upper() != "GRAPH":
                place += 1
                continue
            parts.append(self._ungraphed(start, token.start, kind, default))
            inner = self._operation.block(place + 2)
            body = self._text[self._tokens[place + 2].end : self._tokens[inner.stop].start]
            parts.append(f"GRAPH {self._scratch(self._tokens[place + 1], kind)} {{{body}\n}}")
            start, place = self._tokens[inner.stop].end, inner.stop + 1
        parts.append(self._ungraphed(start, self._tokens[block.stop].start, kind, default))
        return "\n".join(parts)

    def _ungraphed(self, start: int, end: int, kind: str, default: str) -> str:
        body = (
            _DOT.sub("", self._text[start:end], count=1)
            if _DOT.match(self._text, start, end)
            else self._text[start:end]
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
            return self._fill(kind, resolved(self._prologue, term.text))
        alias = f"?x_{'added' if kind == ADDED else 'removed'}_{term.text[1:]}"
        while alias in self._text:
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
                found.add(resolved(prologue, named.text))
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

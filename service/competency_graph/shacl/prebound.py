"""Queries of shapes, read once and asked with pre-bound variables. Knows no shape, fetches nothing.

SHACL (appendix A) lets ``$this`` and its like have their values everywhere in a query. The engine's
own ``substitutions`` are not that: they come after its optimiser, which has thrown away by then
what looks at an unbound variable. So the values stand at the head of every group, as ``VALUES``.
Groups are found by the scanner of tokens; once ``VALUES`` blocks are refused, as the standard asks,
each opening brace is one, and there must be as many of them as the parsed query has groups.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Final, cast

import pyoxigraph as ox
from rdflib.plugins.sparql.algebra import translatePath, translatePName, translatePrologue, traverse
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.term import Identifier, Variable

from competency_graph.errors import CompetencyGraphError
from competency_graph.shacl.asked import Fault
from competency_graph.shacl.checks import Unsupported
from competency_graph.shacl.data import Term
from competency_graph.sparql_text import Token, query_tokens, unescaped

Row = tuple[Term, ...]

FORBIDDEN: Final[Mapping[str, str]] = {
    "ServiceGraphPattern": "asks another service (SERVICE), and nothing is fetched from elsewhere",
    "DatasetClause": "names its own data (FROM), and shapes judge the data they are given",
    "Builtin_NOW": "asks for the time, and a verdict must be the same tomorrow",
    "Builtin_RAND": "asks for a random number, and a verdict must be the same tomorrow",
    "Builtin_UUID": "makes a new identifier, and a verdict must be the same tomorrow",
    "Builtin_STRUUID": "makes a new identifier, and a verdict must be the same tomorrow",
    "Builtin_BNODE": "makes a new blank node, and a verdict must be the same tomorrow",
    "MinusGraphPattern": "takes away (MINUS), which SHACL forbids; write FILTER NOT EXISTS",
    "InlineData": "has values of its own (VALUES), which SHACL forbids; write FILTER (… IN (…))",
    "ValuesClause": "has values of its own (VALUES), which SHACL forbids; write FILTER (… IN (…))",
}
GROUPS: Final = ("GroupGraphPatternSub", "SubSelect")
# So many at a time: each is met once for every row of another group that joins with it.
_AT_A_TIME: Final = 50
# An address that no focus node has; beside UNDEF it tells the optimiser that there may be a value.
_NOBODY: Final = "<urn:x-competency-graph:nobody>"
_GIVEN: Final = "urn:x-competency-graph:given:"
_PLAIN: Final = "http://www.w3.org/2001/XMLSchema#string"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query that may be asked, SELECT or ASK.

    ``names`` are the variables that have other values each time (``this``, perhaps ``value``),
    ``given`` those that always have the same. ``tree`` is rdflib's, names and paths resolved;
    ``text`` what was read.
    """

    tree: CompValue
    text: str
    names: tuple[str, ...]
    given: Mapping[str, Term]
    selected: tuple[str, ...]
    _pieces: tuple[str, ...]
    _one_by_one: bool
    _functions: Mapping[ox.NamedNode, Any] = field(default_factory=dict)

    def solutions(
        self, store: ox.Store, rows: Iterable[Row]
    ) -> Iterator[tuple[Row, dict[str, Term]]]:
        """Yield the solutions in the default graph, each once, with the row that it belongs to.

        Args:
            store: the data.
            rows: values of ``names``, each row once.
        """
        together: list[Row] = []
        for row in rows:
            if self._one_by_one or not all(map(_is_found_again, row)):
                yield from self._of_one(store, row)
            else:
                together.append(row)
        waiting = iter(together)
        while some := list(islice(waiting, _AT_A_TIME)):
            yield from self._of_many(store, some)

    def _of_many(
        self, store: ox.Store, rows: Sequence[Row]
    ) -> Iterator[tuple[Row, dict[str, Term]]]:
        seen: set[tuple[tuple[str, Term], ...]] = set()
        for found in self._asked(store, self._table(rows), {}):
            if (key := tuple(found.items())) not in seen:
                seen.add(key)
                yield tuple(found[name] for name in self.names), found

    def _of_one(self, store: ox.Store, row: Row) -> Iterator[tuple[Row, dict[str, Term]]]:
        substitutions: dict[ox.Variable, Term] = {}
        table = self._table([row])
        if any(isinstance(term, ox.BlankNode) for term in row):
            # VALUES cannot hold a blank node. What is UNDEF there has the value of the substitution
            # from the start of the evaluation.
            substitutions = {ox.Variable(n): t for n, t in zip(self.names, row, strict=True)}
            table = _values(self.names, [("UNDEF",) * len(row), (_NOBODY,) * len(row)])
        seen: set[tuple[tuple[str, Term], ...]] = set()
        for found in self._asked(store, table, substitutions):
            if (key := tuple(found.items())) not in seen:
                seen.add(key)
                yield row, found

    def _table(self, rows: Iterable[Row]) -> str:
        return _values(self.names, [tuple(map(str, row)) for row in rows])

    def _asked(
        self, store: ox.Store, table: str, substitutions: dict[ox.Variable, Term]
    ) -> Iterator[dict[str, Term]]:
        text = f" {table} ".join(self._pieces)
        functions = dict(self._functions) or None
        solutions = cast(
            ox.QuerySolutions,
            store.query(text, substitutions=substitutions or None, custom_functions=functions),
        )
        names = [variable.value for variable in solutions.variables]
        for solution in solutions:
            yield {n: t for n, t in zip(names, solution, strict=True) if t is not None}


def read_query(
    text: str,
    *,
    prefixes: Mapping[str, str],
    path: str | None,
    ask: bool,
    given: Mapping[str, Term],
    unselected: frozenset[str],
) -> Query:
    """Read a query that a shape has written.

    Args:
        text: as it stands in the shape.
        prefixes: those declared for it.
        path: what ``$PATH`` stands for, as SPARQL writes it.
        ask: whether it is to be an ASK, of a focus node and a value; else a SELECT of a focus node.
        given: the variables that always have this value.
        unselected: of those given, the ones that a query inside need not select.

    Raises:
        Fault: it is not SPARQL, or what SHACL forbids, or its answer could change by itself.
        Unsupported: only pySHACL can evaluate it.
    """
    names = ("this", "value") if ask else ("this",)
    declared = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in sorted(prefixes.items()))
    try:
        text = declared + _with_path(unescaped(text), path)
        tokens = query_tokens(text)
    except CompetencyGraphError as error:
        raise Fault(f"has a query that cannot be used: {error.detail}") from None
    tree = _parsed(text)
    if (tree.name == "AskQuery") is not ask:
        raise Fault(f"has a query that is no {'ASK' if ask else 'SELECT'}")
    _refuse(tree, {*names, *given}, {*names, *given} - unselected)
    mentioned = {token.text[1:] for token in tokens if token.kind == "variable"}
    given = {name: term for name, term in given.items() if name in mentioned}
    query = Query(
        tree=tree,
        text=text,
        names=names,
        given=given,
        selected=_selected(tree, names),
        _pieces=_pieces(text, tokens, tree, names, given),
        _one_by_one=any(True for _ in of_kind(tree, ("LimitOffsetClauses",))),
        _functions=_functions(given),
    )
    try:
        for _ in query.solutions(ox.Store(), [(ox.NamedNode(_GIVEN + "x"),) * len(names)]):
            pass
    except (SyntaxError, RuntimeError, ValueError) as error:
        unknown = re.match(r"The custom function (<[^>]*>) is not supported", str(error))
        if unknown:
            raise Fault(f"has a query that calls {unknown[1]}, which is no function here") from None
        raise Fault(f"has a query that cannot be used: {_reason(error)}") from None
    return query


def of_kind(tree: object, kinds: Iterable[str]) -> Iterator[CompValue]:
    """Yield the parts of a parsed query that are of these kinds, in the order of the text."""
    if isinstance(tree, CompValue):
        if tree.name in kinds:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, Iterable) and not isinstance(tree, str | Identifier):
        for part in tree:
            yield from of_kind(part, kinds)


def projected(select: CompValue) -> tuple[dict[str, object], bool]:
    """Return what a SELECT projects, with the expression where it has one, and whether all (*)."""
    found = {}
    for part in select.projection or ():
        if isinstance(part, CompValue):
            found[str(part.evar or part.var)] = part.expr
    return found, not found


def _selected(tree: CompValue, names: Iterable[str]) -> tuple[str, ...]:
    if tree.name == "AskQuery":
        return tuple(names)
    listed, everything = projected(tree)
    if everything:
        listed = {str(part): None for part in variables_of(tree)}
    return tuple(listed)


def variables_of(tree: object) -> Iterator[Variable]:
    """Yield the variables that a part of a parsed query mentions."""
    if isinstance(tree, Variable):
        yield tree
    elif isinstance(tree, CompValue):
        for part in tree.values():
            yield from variables_of(part)
    elif isinstance(tree, Iterable) and not isinstance(tree, str | Identifier):
        for part in tree:
            yield from variables_of(part)


def _with_path(text: str, path: str | None) -> str:
    """Replace ``$PATH`` where it is a variable, not in strings and comments."""
    pieces: list[str] = []
    end = 0
    for token in query_tokens(text):
        if token.kind == "variable" and token.text[1:] == "PATH":
            if path is None:
                raise Fault("has a query with “$PATH”, and a node shape has no path")
            pieces += [text[end : token.start], path]
            end = token.end
    return "".join([*pieces, text[end:]])


def _parsed(text: str) -> CompValue:
    try:
        parsed = parseQuery(text)
        prologue = translatePrologue(parsed[0], None)
        tree = traverse(parsed[1], visitPost=partial(translatePName, prologue=prologue))
        tree = traverse(tree, visitPost=translatePath)
    except Exception as error:  # rdflib raises bare Exception for an undeclared prefix
        undeclared = re.search(r"Unknown namespace prefix : (\S*)", str(error))
        if undeclared:
            raise Fault(
                f"has a query whose prefix “{undeclared[1]}:” is not declared (sh:prefixes)"
            ) from None
        near = re.search(r"found '([^']*)'", str(error))
        where = f" near “{near[1]}”" if near else ""
        raise Fault(f"has a query that is not SPARQL{where}") from None
    if tree.name not in ("SelectQuery", "AskQuery"):
        raise Fault("has a query that is neither SELECT nor ASK")
    return cast(CompValue, tree)


def _refuse(tree: CompValue, bound: set[str], asked: set[str]) -> None:
    for part in of_kind(tree, FORBIDDEN):
        raise Fault(f"has a query that {FORBIDDEN[part.name]}")
    for part in of_kind(tree, ("Bind", "GroupAs", "vars")):
        name = part.var if part.name != "vars" else part.evar
        if str(name) in bound:
            raise Fault(
                f"has a query that gives “${name}” another value (AS); its value is given to it"
            )
    for part in of_kind(tree, ("SubSelect",)):
        missing = sorted(asked - projected(part)[0].keys())
        if missing:
            raise Fault(
                f"has a query inside its query that does not select “${missing[0]}”; "
                "it must, by name, so that it is asked of the same node"
            )
    if tree.name == "AskQuery":
        if tree.groupby or tree.having or tree.orderby or tree.limitoffset:
            raise Unsupported("has an ASK with more than a pattern (GROUP BY, LIMIT)")
    elif (listed := projected(tree))[1] is False and "this" not in listed[0]:
        raise Fault("has a query that does not select “$this”, the node that is judged")


def _pieces(
    text: str,
    tokens: Sequence[Token],
    tree: CompValue,
    names: Iterable[str],
    given: Mapping[str, Term],
) -> tuple[str, ...]:
    """Return the text in the pieces between which the values stand, at the head of each group."""
    braces = [n for n, token in enumerate(tokens) if token.text == "{"]
    if len(braces) != sum(1 for _ in of_kind(tree, GROUPS)):
        raise Fault("has a query that can be read in two ways; put spaces around “<” and “>”")
    always = "".join(_constant(name, term) for name, term in sorted(given.items()))
    pieces: list[str] = []
    end = 0
    if tree.name == "AskQuery":
        ask = next(token for token in tokens if token.text.upper() == "ASK")
        selected = " ".join("?" + name for name in names)
        pieces.append(f"{text[: ask.start]}SELECT DISTINCT {selected} ")
        end = ask.end
    else:
        pieces.append("")
    for brace in braces:
        if tokens[brace + 1].text.upper() == "SELECT":
            continue
        pieces[-1] += text[end : tokens[brace].end]
        pieces.append(always)
        end = tokens[brace].end
    pieces[-1] += text[end:]
    return tuple(pieces)


def _values(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    listed = " ".join(f"({' '.join(row)})" for row in rows)
    return f"VALUES ({' '.join('?' + name for name in names)}) {{ {listed} }}"


def _constant(name: str, term: Term) -> str:
    if isinstance(term, ox.BlankNode):
        return f" BIND(<{_GIVEN}{name}>() AS ?{name}) "
    return f" VALUES ?{name} {{ {term} }} "


def _functions(given: Mapping[str, Term]) -> dict[ox.NamedNode, Any]:
    """Return what gives the blank nodes, which no text can name."""
    return {
        ox.NamedNode(_GIVEN + name): partial(_itself, term)
        for name, term in given.items()
        if isinstance(term, ox.BlankNode)
    }


def _itself(term: Term) -> Term:
    return term


def _is_found_again(term: Term) -> bool:
    """Say whether a solution has the very same term: the engine keeps other literals by value."""
    if isinstance(term, ox.Literal):
        language = term.language or ""
        return term.datatype.value == _PLAIN or bool(language and language == language.lower())
    return isinstance(term, ox.NamedNode)


def _reason(error: Exception) -> str:
    place = re.match(r"error at (\d+:\d+): expected .*?(The [^\[\],\"]*)", str(error), re.DOTALL)
    return place[2].strip() if place else str(error).splitlines()[0]

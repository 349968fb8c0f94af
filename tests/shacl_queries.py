"""Random queries as shapes ask them, and random graphs, small enough that everything meets."""

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final

import pyoxigraph as ox
from hypothesis import strategies as st

PREFIXES: Final = """
PREFIX ex: <https://example.org/>
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
"""
NODES: Final = ("ex:a", "ex:b", "ex:c")
WORDS: Final = ("ex:p", "ex:q", "ex:r")
_BLANK: Final = ("_:x",)
_VALUES: Final = ("1", "2", '"one"', '"one"@en')
_FLAT: Final = ("triple", "triple", "filter")
_DEEP: Final = ("optional", "union", "nested", "exists", "not exists", "query", "count", "bind")
_KINDS: Final = (_FLAT, _FLAT + _DEEP, _FLAT + _DEEP)
# rdflib knows no exceptions that are walked back.
_UNNAMED: Final = ("?w", "!ex:p", "(!ex:p)/ex:q", "!(^ex:p)", "!(ex:p|^ex:q)")
_VARIABLES: Final = ("$this", "$this", "?x", "?y", "?z")


def turtle(text: str) -> list[ox.Quad]:
    return list(ox.parse((PREFIXES + text).encode(), ox.RdfFormat.TURTLE))


def statements(least: int, most: int, *, blank: bool = False) -> st.SearchStrategy[list[str]]:
    """Return some statements, each as a line of Turtle."""
    nodes = NODES + _BLANK if blank else NODES
    statement = st.builds(
        "{} {} {} .".format,
        st.sampled_from(nodes),
        st.sampled_from(WORDS),
        st.sampled_from((*nodes, *nodes, *_VALUES)),
    )
    return st.lists(statement, min_size=least, max_size=most, unique=True)


@st.composite
def _path(draw: st.DrawFn, depth: int) -> str:
    kind = draw(st.sampled_from(("step",) * 12 + ("^", "/", "|", "*", "+", "?")))
    if depth == 0 or kind == "step":
        return draw(st.sampled_from(WORDS))
    inner = draw(_path(depth - 1))
    if kind == "^":
        return f"^({inner})"
    if kind in ("/", "|"):
        return f"({inner}{kind}{draw(_path(depth - 1))})"
    return f"({inner}){kind}"


@st.composite
def _triple(draw: st.DrawFn, *, wild: bool) -> str:
    subject = draw(st.sampled_from((*_VARIABLES, "ex:a")))
    value = draw(st.sampled_from((*_VARIABLES, "ex:a", "ex:b", "1")))
    path = draw(_path(1))
    if draw(st.integers(0, 9)) == 0:
        path = draw(st.sampled_from(_UNNAMED[: None if wild else 3]))
    if not wild and path[-1] in "*?" and not {subject, value} <= {"$this", "?x", "?y", "?z"}:
        # The engine finds no way of no step from a term that is in no statement.
        path = draw(st.sampled_from(WORDS))
    return f"{subject} {path} {value} ."


def _expression(variables: Sequence[str]) -> st.SearchStrategy[str]:
    variable = st.sampled_from(variables)
    return st.one_of(
        st.builds("bound({})".format, variable),
        st.builds("!bound({})".format, variable),
        st.builds("isIRI({})".format, variable),
        st.builds("isBlank({})".format, variable),
        st.builds("sameTerm({}, {})".format, variable, variable),
        st.builds("!sameTerm({}, {})".format, variable, variable),
        st.builds("{} = ex:a".format, variable),
    )


@st.composite
def _group(draw: st.DrawFn, depth: int, fresh: Iterator[int], *, wild: bool) -> str:
    """Return what stands between two braces."""
    parts = [draw(_triple(wild=wild))] if not wild or draw(st.booleans()) else []
    for kind in draw(st.lists(st.sampled_from(_KINDS[depth]), min_size=1, max_size=1 + 2 * depth)):
        # rdflib lets a group see what others bind, and SPARQL does not.
        seen = _VARIABLES if wild else sorted(set(re.findall(r"[?$]\w+", parts[0])) | {"$this"})
        if kind == "triple":
            parts.append(draw(_triple(wild=wild)))
        elif kind == "filter":
            parts.append(f"FILTER ({draw(_expression(seen))})")
        elif kind == "bind":
            name = f"?b{next(fresh)}"
            parts.append(f"BIND ({draw(st.sampled_from(seen))} AS {name}) ")
            parts.append(f"{name} {draw(_path(1))} ?z .")
        else:
            number, inner = next(fresh), draw(_group(depth - 1, fresh, wild=wild))
            if kind in ("query", "count") and not wild:
                # rdflib joins what a query within does not select with what is named so outside.
                unselected = r"\?[wyz]\b" if kind == "query" else r"\?[wxyz]\b"
                inner = re.sub(unselected, rf"\g<0>{number}", inner)
            parts.append(_around(kind, inner, number, draw))
            if kind == "union":
                parts[-1] += f" UNION {{ {draw(_group(depth - 1, fresh, wild=wild))} }}"
    return " ".join(parts)


def _around(kind: str, inner: str, fresh: int, draw: st.DrawFn) -> str:
    if kind == "optional":
        return f"OPTIONAL {{ {inner} }}"
    if kind in ("exists", "not exists"):
        return f"FILTER {kind.upper()} {{ {inner} }}"
    if kind == "query":
        return (
            f"{{ SELECT {draw(st.sampled_from(('', 'DISTINCT ')))}$this ?x WHERE {{ {inner} }} }}"
        )
    if kind == "count":
        name = f"?n{fresh}"
        of = f"?y{fresh}" if f"?y{fresh}" in inner else "?y"
        counted = f"SELECT $this (COUNT({of}) AS {name}) WHERE {{ {inner} }} GROUP BY $this"
        return f"{{ {counted} }} FILTER ({name} != 1)"
    return f"{{ {inner} }}"


@st.composite
def queries(draw: st.DrawFn, *, wild: bool) -> str:
    """Return a query; in wild ones anything stands anywhere, and rdflib errs with some."""
    return f"SELECT $this (?x AS ?value) WHERE {{ {draw(_group(1, count(), wild=wild))} }}"

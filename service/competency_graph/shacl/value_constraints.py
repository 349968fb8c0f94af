"""Constraints that a value node keeps by itself: type, range, text (SHACL 4.1, 4.3, 4.4)."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import pyoxigraph as ox

from competency_graph.shacl.asked import Asked, Fault, of_values
from competency_graph.shacl.checks import Constraint
from competency_graph.shacl.data import SUB_CLASS_OF, TYPE, Run, Term
from competency_graph.shacl.paths import IDENTITY, Predicate, Read, ZeroOrMore, joined
from competency_graph.shacl.values import is_less, is_of
from competency_graph.vocab import SH

Make = Callable[[Asked], Iterator[Constraint]]

_CLASSES: Final = joined(Predicate(TYPE), ZeroOrMore(Predicate(SUB_CLASS_OF)))


def class_reads(class_: Term) -> set[Read]:
    """Return what is read to tell whether a node is an instance of a class."""
    return {
        Read(IDENTITY, TYPE, "s", below=class_),
        Read(_CLASSES, SUB_CLASS_OF, "s", below=class_),
    }


def _class(asked: Asked) -> Iterator[Constraint]:
    for class_ in asked.iris("class"):
        read = {r.behind(asked.path) for r in class_reads(class_)}

        def keeps(run: Run, node: Term, class_: Term = class_) -> bool:
            return run.is_instance(node, class_)

        yield of_values(asked, "Class", keeps, read)


def _datatype(asked: Asked) -> Iterator[Constraint]:
    datatype, stored = asked.iri("datatype").value, asked.stored
    yield of_values(asked, "Datatype", lambda _, node: is_of(node, datatype, stored=stored))


_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "IRI": (ox.NamedNode,),
    "BlankNode": (ox.BlankNode,),
    "Literal": (ox.Literal,),
    "BlankNodeOrIRI": (ox.BlankNode, ox.NamedNode),
    "BlankNodeOrLiteral": (ox.BlankNode, ox.Literal),
    "IRIOrLiteral": (ox.NamedNode, ox.Literal),
}


def _node_kind(asked: Asked) -> Iterator[Constraint]:
    kinds = _KINDS.get(asked.iri("nodeKind").value.removeprefix(SH))
    if kinds is None:
        raise Fault("has a “sh:nodeKind” that SHACL does not know")
    yield of_values(asked, "NodeKind", lambda _, node: isinstance(node, kinds))


def _range(name: str, *, or_equal: bool, from_below: bool) -> Make:
    word = name[0].lower() + name[1:]

    def make(asked: Asked) -> Iterator[Constraint]:
        for bound in asked.values(word):
            if not isinstance(bound, ox.Literal):
                raise Fault(f"has a “sh:{word}” that is no value")

            def keeps(run: Run, node: Term, bound: Term = bound) -> bool:
                pair = (bound, node) if from_below else (node, bound)
                return is_less(*pair, or_equal=or_equal)

            yield of_values(asked, name, keeps)

    return make


def _text(node: Term) -> str | None:
    """Return the text of a node as SPARQL's STR has it; a blank node has none."""
    return node.value if isinstance(node, ox.NamedNode | ox.Literal) else None


def _min_length(asked: Asked) -> Iterator[Constraint]:
    least = asked.count("minLength")

    def keeps(run: Run, node: Term) -> bool:
        text = _text(node)
        # Where nothing is asked for, a blank node is long enough too.
        return least == 0 or (text is not None and len(text) >= least)

    yield of_values(asked, "MinLength", keeps)


def _max_length(asked: Asked) -> Iterator[Constraint]:
    most = asked.count("maxLength")

    def keeps(run: Run, node: Term) -> bool:
        text = _text(node)
        return text is not None and len(text) <= most

    yield of_values(asked, "MaxLength", keeps)


_FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}


def _pattern(asked: Asked) -> Iterator[Constraint]:
    said = asked.text("flags", asked.one("flags")) if asked.values("flags") else ""
    if set(said) - _FLAGS.keys():
        raise Fault(f"has “sh:flags” that mean nothing here: “{said}”")
    for value in asked.values("pattern"):
        matches = _matching(asked.text("pattern", value), said)

        def keeps(run: Run, node: Term, matches: Callable[[str], bool] = matches) -> bool:
            text = _text(node)
            return text is not None and matches(text)

        yield of_values(asked, "Pattern", keeps)


def _matching(pattern: str, flags: str) -> Callable[[str], bool]:
    """Return what says whether a text has a pattern, by Python where it can read the pattern.

    The engine can read more of what XPath has, such as ``\\p{L}``; it takes ten times as long.
    """
    try:
        with warnings.catch_warnings():
            # A set inside a set is one to XPath, and to Python a matter of its version.
            warnings.simplefilter("error", FutureWarning)
            compiled = re.compile(pattern, sum(_FLAGS[letter] for letter in set(flags)))
    except (re.error, FutureWarning):
        pass
    else:
        return lambda text: compiled.search(text) is not None
    asked = f"REGEX(?text, {ox.Literal(pattern)}, {ox.Literal(flags)})"
    nothing = ox.Store()

    def matches(text: str) -> bool | None:
        found = nothing.query(
            f"SELECT ({asked} AS ?is) {{ VALUES ?text {{ {ox.Literal(text)} }} }}"
        )
        assert isinstance(found, ox.QuerySolutions)
        (row,) = found
        verdict = row["is"]
        return None if verdict is None else verdict == _TRUE

    if matches("") is None:
        raise Fault(f"has a pattern that cannot be read: “{pattern}”")
    return lambda text: bool(matches(text))


_TRUE: Final = ox.Literal(True)


def _language_in(asked: Asked) -> Iterator[Constraint]:
    listed = asked.listed("languageIn", asked.one("languageIn"))
    ranges = [asked.text("languageIn", one).lower() for one in listed]

    def keeps(run: Run, node: Term) -> bool:
        tag = node.language.lower() if isinstance(node, ox.Literal) and node.language else ""
        # Basic filtering of RFC 4647, as SPARQL's langMatches has it.
        return bool(tag) and any(
            one == "*" or tag == one or tag.startswith(one + "-") for one in ranges
        )

    yield of_values(asked, "LanguageIn", keeps)


def _in(asked: Asked) -> Iterator[Constraint]:
    listed = frozenset(asked.listed("in", asked.one("in")))
    yield of_values(asked, "In", lambda _, node: node in listed)


VALUE_CONSTRAINTS: Final[Mapping[str, Make]] = {
    "class": _class,
    "datatype": _datatype,
    "nodeKind": _node_kind,
    "minExclusive": _range("MinExclusive", or_equal=False, from_below=True),
    "minInclusive": _range("MinInclusive", or_equal=True, from_below=True),
    "maxExclusive": _range("MaxExclusive", or_equal=False, from_below=False),
    "maxInclusive": _range("MaxInclusive", or_equal=True, from_below=False),
    "minLength": _min_length,
    "maxLength": _max_length,
    "pattern": _pattern,
    "languageIn": _language_in,
    "in": _in,
}

"""How a finding could be mended, in words and as statements. Changes nothing, knows no text.

What is proposed is what a person would try first; where there is no such thing, nothing is.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Final

from rdflib import DCTERMS, RDF, RDFS, SH, SKOS, BNode, Literal, URIRef
from rdflib.term import Node

from competency_graph.literals import fault
from competency_graph.mending.surroundings import MANY, SHORT, Surroundings, local_name
from competency_graph.model import Finding, Repair
from competency_graph.statements import node_of, term_of, turtle
from competency_graph.vocab import CG

_MOST: Final = 100
"""How many findings of one verdict get a proposal; who has more has another trouble."""
_LISTED: Final = 10
_TEXTS: Final = (
    *(SKOS.prefLabel, SKOS.altLabel, SKOS.definition, SKOS.scopeNote, SKOS.example),
    *(DCTERMS.title, DCTERMS.description, DCTERMS.abstract, RDFS.label),
)


_ADDRESS: Final = re.compile(r"<?[\w.-]*:\S*[\w-]>?")


def mended(findings: Iterable[Finding], around: Surroundings) -> list[Finding]:
    """Return findings with a proposal, where there is one and they have none yet."""
    found = list(findings)
    return [
        replace(finding, repair=_proposal(finding, around))
        if finding.repair is None and number < _MOST
        else finding
        for number, finding in enumerate(found)
    ]


def _proposal(finding: Finding, around: Surroundings) -> Repair | None:
    kind = (finding.component or "").removeprefix(str(SH)).removesuffix("ConstraintComponent")
    for propose in (*_BY_RULE.get(local_name(finding.rule), ()), *_BY_KIND.get(kind, ())):
        repair = propose(finding, around)
        if repair is not None:
            return repair
    return None


def _instead(finding: Finding, new: Node, text: str, *, predicate: Node | None = None) -> Repair:
    """Return a proposal to write one value in the place of another."""
    old = term_of(finding.value or "")
    said = predicate or URIRef(finding.field or "")
    return Repair(text=text, remove=turtle(said, old), insert=turtle(said, new))


def _other_thing(finding: Finding, around: Surroundings) -> Repair | None:
    """Propose the thing that was meant by an address or a name that is nearly its own."""
    if finding.value is None or finding.field is None or finding.focus.startswith('"'):
        return None
    rule = node_of(finding.rule)
    listed = [t for t in around.list_of(rule, SH["in"]) if isinstance(t, URIRef)]
    classes, value = around.classes(rule), term_of(finding.value)
    choice = around.on_scale(around.members(classes), node_of(finding.focus)) or listed
    meant = _meant(value, choice, around)
    if meant is not None:
        text = f"Did you mean {around.called(meant)}?"
        if isinstance(value, Literal):
            text += " Refer to it instead of writing a text."
        elif classes and classes.isdisjoint(around.values(value, RDF.type)):
            kind = around.kind(value)
            text = f"“{around.name(value)}” is {_article(kind)}. {text}" if kind else text
        return _instead(finding, meant, text)
    names = _few(choice, finding.value.strip("<>"), around)
    return Repair(text=f"There is {_listed(names, 'and')}.") if names else None


def _few(choice: Sequence[URIRef], near: str, around: Surroundings) -> list[str]:
    """Return what some things are called where they are few, or few are at home where one is."""
    for home in ("", near.rpartition("/")[0] + "/"):
        things = [thing for thing in choice if thing.startswith(home)]
        if len(things) <= _LISTED:
            return [around.called(thing) for thing in things]
    return []


def _meant(value: Node, choice: Sequence[URIRef], around: Surroundings) -> URIRef | None:
    if isinstance(value, BNode):
        return None
    # An address or a name with a prefix may be written as a text by mistake.
    addressed = isinstance(value, URIRef) or _ADDRESS.fullmatch(str(value))
    said = re.split("[/#:]", str(value).strip("<>"))[-1] if addressed else str(value)
    said = said.casefold()
    by_name: dict[str, list[URIRef]] = {}
    for thing in choice:
        names = {local_name(thing)}
        if isinstance(value, Literal):
            names |= {around.name(thing), *map(str, around.values(thing, SKOS.notation))}
        for name in {name.casefold() for name in names}:
            by_name.setdefault(name, []).append(thing)
    near = [said] if said in by_name else get_close_matches(said, by_name, n=1, cutoff=0.75)
    things = by_name[near[0]] if near else []
    if len(things) == 1:
        return None if things[0] == value else things[0]
    # Of several that are called so, the one whose address is nearest.
    close = get_close_matches(str(value), map(str, things), n=1, cutoff=0.75)
    return URIRef(close[0]) if close and close[0] != str(value) else None


def _missing(finding: Finding, around: Surroundings) -> Repair | None:
    """Propose what to add where a field has no value."""
    # Of several words that would do, the first.
    words = re.match(r"<([^>]*)>(?:\|<[^>]*>)*$", finding.path or f"<{finding.field or ''}>")
    if not words or not words[1] or finding.focus.startswith('"'):
        return None
    field = URIRef(words[1])
    if finding.value is not None or around.values(node_of(finding.focus), field):
        return None
    rule = node_of(finding.rule)
    if (misspelt := around.misspelt(node_of(finding.focus), field)) is not None:
        return Repair(text=f"It is there as “{_word(misspelt)}”: correct that word.")
    if field in _TEXTS:
        said = turtle(field, Literal("", lang=_language(finding, field, around)))
        shown = said.replace('""', '"…"')
        return Repair(text=f"Add to it: {shown}", insert=said)
    classes = around.classes(rule)
    choice = around.on_scale(around.members(classes), node_of(finding.focus))
    kinds = sorted(filter(None, map(around.label, classes)))
    what = kinds[0].lower() if len(kinds) == 1 else "value"
    predicate = _word(field)
    if names := _few(choice, finding.focus, around):
        insert = turtle(field, choice[0]) if len(choice) == 1 else None
        text = f"Add to it: {predicate} and, after it, {_listed(names, 'or')}."
        return Repair(text=text, insert=insert)
    if choice:
        return Repair(text=f"Add to it: {predicate} and, after it, {_article(what)}.")
    return None


def _word(predicate: Node) -> str:
    return turtle(predicate, RDF.nil).split(" ", 1)[0]


def _wanted(finding: Finding, around: Surroundings) -> Repair | None:
    """Propose the one value that must be there."""
    values = around.asked(node_of(finding.rule), SH.hasValue)
    if len(values) != 1 or finding.field is None:
        return None
    said = turtle(URIRef(finding.field), values[0])
    return Repair(text=f"Add to it: {said}", insert=said)


def _retyped(finding: Finding, around: Surroundings) -> Repair | None:
    """Propose the same value, written as its type asks; or with its language."""
    value = term_of(finding.value or '""')
    types = around.asked(node_of(finding.rule), SH.datatype)
    if not isinstance(value, Literal) or len(types) != 1:
        return None
    predicate = _predicate_of(finding, value, around)
    if predicate is None:
        return None
    if types[0] == RDF.langString:
        language = _language(finding, predicate, around)
        tagged = Literal(str(value), lang=language)
        # Nobody can tell the language of a text for sure: who proposes one asks.
        text = f"If it is {_language_named(language)}, write {_quoted(tagged)}."
        return _instead(finding, tagged, text, predicate=predicate)
    text = str(value).strip()
    date = re.match(r"\d{4}-\d\d-\d\d", text)
    spellings = [text, text.lower(), {"yes": "true", "no": "false"}.get(text.lower(), text)]
    spellings += [f"{date[0]}T00:00:00Z", date[0], text[:4]] if date else []
    datatype = URIRef(str(types[0]))
    for spelling in spellings:
        if fault(spelling, str(datatype), "") is None:
            new = Literal(spelling, datatype=datatype, normalize=False)
            said = turtle(predicate, new).split(" ", 1)[1]
            return _instead(finding, new, f"Write {said}", predicate=predicate)
    return None


def _fitting(finding: Finding, around: Surroundings) -> Repair | None:
    """Propose the value without what a pattern does not take, or with what it asks for."""
    value = term_of(finding.value or '""')
    patterns = around.asked(node_of(finding.rule), SH.pattern)
    if not isinstance(value, Literal) or len(patterns) != 1 or finding.field is None:
        return None
    text = str(value).strip()
    if not text:
        return None
    bare = re.sub(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", "", text, flags=re.IGNORECASE)
    for spelling in (text, bare, text + "."):
        if spelling != str(value) and re.search(str(patterns[0]), spelling):
            new = Literal(spelling, lang=value.language, datatype=value.datatype)
            return _instead(finding, new, f"Write {_quoted(new)}.")
    return None


def _other_label(finding: Finding, around: Surroundings) -> Repair | None:
    """Propose to keep a second label of one language as an alternative label."""
    if finding.field != str(SKOS.prefLabel):
        return None
    seen: set[str] = set()
    focus = node_of(finding.focus)
    labels = sorted(around.values(focus, SKOS.prefLabel), key=str)
    for label in sorted(labels, key=lambda label: around.order((focus, SKOS.prefLabel, label))):
        language = label.language if isinstance(label, Literal) else None
        if language in seen:
            return Repair(
                text=f"Make {_quoted(label)} an alternative label.",
                remove=turtle(SKOS.prefLabel, label),
                insert=turtle(SKOS.altLabel, label),
            )
        seen.add(language or "")
    return None


def _one_of(finding: Finding, around: Surroundings) -> Repair | None:
    """Say which values there are where one is enough."""
    if finding.field is None:
        return None
    values = around.values(node_of(finding.focus), URIRef(finding.field))
    names = sorted(f"“{around.name(value)}”" for value in values)
    if not 1 < len(names) <= _LISTED:
        return None
    return Repair(text=f"Keep one of {_listed(names, 'and')}.")


def _once(finding: Finding, around: Surroundings) -> Repair | None:
    """Propose to take away a text that repeats another field."""
    value = term_of(finding.value or "<>")
    fields = around.asked(node_of(finding.rule), SH.disjoint)
    if not isinstance(value, Literal) or len(fields) != 1:
        return None
    name = around.name(fields[0])
    return Repair(
        text=f"Remove the {name.lower()} {_quoted(value)}.", remove=turtle(fields[0], value)
    )


def _successor(finding: Finding, around: Surroundings) -> Repair | None:
    """Propose what replaces a deprecated thing to what still uses it."""
    old, user = node_of(finding.focus), term_of(finding.value or "<>")
    successors = sorted(around.values(old, DCTERMS.isReplacedBy), key=str)
    uses = around.words(user, old)
    if len(successors) != 1 or not uses:
        return None
    new = successors[0]
    return Repair(
        text=f"Write “{around.name(new)}” there, which replaces it.",
        about=str(user),
        remove=turtle(uses[0], old),
        insert=turtle(uses[0], new),
    )


def _twins(finding: Finding, around: Surroundings) -> Repair | None:
    """Name the other requirements of the same role for the same competency."""
    this, role = node_of(finding.focus), URIRef(CG + "belongsToRole")
    roles = set(around.values(this, role))
    others = [
        other
        for other in around.having(URIRef(finding.field or ""), term_of(finding.value or "<>"))
        if other != this and roles.intersection(around.values(other, role))
    ]
    if not 0 < len(others) <= _LISTED:
        return None
    names = [around.called(other) for other in sorted(others, key=str)]
    return Repair(text=f"Keep this one or {_listed(names, 'or')}.")


def _circle(finding: Finding, around: Surroundings) -> Repair | None:
    """Say how a thing comes to lie below itself."""
    start = node_of(finding.focus)
    first = term_of(finding.value or "<>")
    if first == start:
        return Repair(text=f"“{around.name(start)}” is put below itself. Take that statement out.")
    paths: dict[Node, list[Node]] = {first: [start, first]}
    waiting = [first]
    while waiting and len(paths) < MANY:
        node = waiting.pop(0)
        for parent in sorted(around.values(node, SKOS.broader), key=str):
            if parent == start:
                names = [f"“{around.name(n)}”" for n in [*paths[node], start]]
                return Repair(
                    text=f"It goes round: {' below '.join(names)}. Take one of these steps out."
                )
            if parent not in paths:
                paths[parent] = [*paths[node], parent]
                waiting.append(parent)
    return None


def _tagged_well(finding: Finding, around: Surroundings) -> Repair | None:
    """Propose the code of the language that a word or the code of a country stands for."""
    value = term_of(finding.value or '""')
    if not isinstance(value, Literal) or not value.language:
        return None
    predicate = _predicate_of(finding, value, around)
    code = _code_of(value.language)
    if code is None or predicate is None:
        return None
    new = Literal(str(value), lang=code)
    return _instead(finding, new, f"Did you mean @{code}?", predicate=predicate)


def _code_of(word: str) -> str | None:
    from babel import Locale
    from babel.core import get_global

    word = word.split("-")[0].lower()
    names = {name.lower(): code for code, name in Locale("en").languages.items()}
    aliases = get_global("language_aliases")
    likely = get_global("likely_subtags").get(f"und_{word.upper()}", "")
    code = aliases.get(word) or names.get(word) or likely.split("_")[0]
    return code if re.fullmatch(r"[a-z]{2,3}", code) else None


def _language_named(code: str) -> str:
    from babel import Locale

    return str(Locale("en").languages.get(code.split("-")[0].lower(), f"in “{code}”"))


def _untagged(finding: Finding, around: Surroundings) -> Repair | None:
    value = term_of(finding.value or '""')
    if not isinstance(value, Literal) or not value.language or finding.field is None:
        return None
    new = Literal(str(value))
    return _instead(finding, new, f"Write {_quoted(new)}.")


def _predicate_of(finding: Finding, value: Node, around: Surroundings) -> Node | None:
    """Return with which word a thing has a value, where a rule is about several."""
    if finding.field is not None:
        return URIRef(finding.field)
    said = around.words(node_of(finding.focus), value)
    return said[0] if said else None


def _language(finding: Finding, field: Node, around: Surroundings) -> str:
    """Return the language that a thing is mostly described in and has no such text in yet."""
    focus = node_of(finding.focus)
    taken = {getattr(value, "language", None) for value in around.values(focus, field)}
    spoken = Counter(
        value.language
        for _, value in around.said(focus)
        if isinstance(value, Literal) and value.language
    )
    usual = sorted(spoken, key=lambda code: (-spoken[code], code != "en", code))
    return next((language for language in (*usual, "en") if language not in taken), "en")


def _listed(names: Iterable[str], word: str) -> str:
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last


def _article(noun: str) -> str:
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def _quoted(literal: Node) -> str:
    text = str(literal)
    shown = text if len(text) <= SHORT else text[: SHORT - 1] + "…"
    language = getattr(literal, "language", None)
    return f'"{shown}"@{language}' if language else f'"{shown}"'


_Propose = Callable[[Finding, Surroundings], Repair | None]
_BY_RULE: Final[dict[str, Sequence[_Propose]]] = {
    "Concept-no-cycle": (_circle,),
    "Deprecated-not-in-use": (_successor,),
    "Notation-code-no-language": (_untagged,),
    "RoleRequirement-once": (_twins,),
    "Worded-language-known": (_tagged_well,),
}
_BY_KIND: Final[dict[str, Sequence[_Propose]]] = {
    "Class": (_other_thing,),
    "Datatype": (_retyped,),
    "Disjoint": (_once,),
    "HasValue": (_wanted,),
    "In": (_other_thing,),
    "MaxCount": (_one_of,),
    "MinCount": (_missing,),
    "Or": (_other_thing,),
    "Pattern": (_fitting,),
    "SPARQL": (_missing, _other_thing),
    "UniqueLang": (_other_label,),
}

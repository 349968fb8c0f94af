"""What is other than it was, thing by thing and field by field. Weighs nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from competency_graph.diff import fields
from competency_graph.diff.fates import Fate, fates
from competency_graph.diff.states import RULES, Both, Said, State, is_flagged, name
from competency_graph.diff.values import Alteration, Direction
from competency_graph.index import Statement, Term
from competency_graph.vocab import CG, DCTERMS, OWL, RDF, SH, SKOS

_RANK: Final = CG + "rank"
# What a part belongs to, nearest first: what goes with it needs no line of its own.
_WHOLES: Final = (
    *(CG + link for link in ("isElementOf", "isIndicatorOf", "belongsToRole")),
    *(CG + link for link in ("requiresCompetency", "mapsFrom", "hasContributor")),
    *(CG + link for link in ("concernsOutcome", "belongsToAssessment")),
    SKOS + "broader",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    """One thing, or one nameless part of it, before and after."""

    thing: str
    before: str
    after: str
    part: str = ""
    fates: Mapping[str, Fate] = field(default_factory=dict)


def alterations(
    both: Both, gone: Iterable[Statement], come: Iterable[Statement]
) -> tuple[list[Alteration], Mapping[str, Fate]]:
    """Return each difference of meaning once, and what became of things that went.

    Args:
        both: the two states.
        gone: what is said before and not after.
        come: what is said after and not before.
    """
    touched = {both.before.owner(name(s.subject)) for s in gone}
    touched |= {both.after.owner(name(s.subject)) for s in come}
    named = {thing for thing in touched if not thing.startswith("_:")}
    removed = {thing for thing in named if not both.after.said(thing)}
    added = {thing for thing in named if not both.before.said(thing)}
    going = {
        thing
        for thing in named - removed - added
        if both.before.is_live(thing) and not both.after.is_live(thing)
    }
    found = fates(both, removed=removed, added=added, deprecated=going)
    heirs = {f.others[0] for f in found.values() if f.kind == "readdressed"}
    told: list[Alteration] = []
    for thing, fate in sorted(found.items()):
        told.append(_ended(both, thing, fate, removed))
    for thing in sorted(added - heirs):
        told.append(_appeared(both, thing, added))
    for thing, fate in sorted(found.items()):
        if fate.kind == "readdressed":
            node = _Node(thing=fate.others[0], before=thing, after=fate.others[0], fates=found)
            told += _changed(both, node)
    for thing in sorted(named - removed - added):
        told += _changed(both, _Node(thing=thing, before=thing, after=thing, fates=found))
    told += _nameless(both, touched - named)
    return told, found


def _alteration(both: Both, thing: str, state: State, **facts: Any) -> Alteration:
    return Alteration(
        thing=both.named(thing),
        type=both.type_of(thing, state),
        classes=tuple(state.classes(thing)),
        **facts,
    )


def _ended(both: Both, thing: str, fate: Fate, removed: set[str]) -> Alteration:
    return _alteration(
        both,
        thing,
        both.before,
        kind=fate.kind,
        direction=fate.direction,
        others=tuple(both.named(other) for other in fate.others),
        within=_whole(both.before, thing, removed) if fate.kind == "removed" else None,
    )


def _appeared(both: Both, thing: str, added: set[str]) -> Alteration:
    within = _whole(both.after, thing, added)
    return _alteration(both, thing, both.after, kind="added", direction="added", within=within)


def _whole(state: State, thing: str, among: set[str]) -> str | None:
    """Return the outermost of some things that a thing is a part of."""
    seen, above = {thing}, thing
    while True:
        wholes = (whole for link in _WHOLES for whole in state.links(above, link))
        nearest = next((whole for whole in wholes if whole in among and whole not in seen), None)
        if nearest is None:
            return above if above != thing else None
        seen.add(nearest)
        above = nearest


def _nameless(both: Both, touched: set[str]) -> Iterator[Alteration]:
    """Yield what is said of nodes without identifier that hang on nothing."""
    for kind, state in (("removed", both.before), ("added", both.after)):
        for node in sorted(node for node in touched if state.said(node)):
            words = (both.words(Term("blank", node[2:]), state),)
            before, after = (words, ()) if kind == "removed" else ((), words)
            yield _alteration(
                both, node, state, kind="changed", direction=kind, before=before, after=after
            )


def _changed(both: Both, node: _Node) -> Iterator[Alteration]:
    """Yield what is other about something that is there before and after."""
    old, new = both.before.said(node.before), both.after.said(node.after)
    yield from _deprecation(both, node, old, new)
    for predicate in sorted({*old, *new}):
        if predicate in fields.VERSIONS or predicate == OWL + "deprecated":
            continue
        if predicate == DCTERMS + "isReplacedBy" and node.thing in node.fates:
            continue
        yield from _field(both, node, predicate, old, new)


def _deprecation(both: Both, node: _Node, old: Said, new: Said) -> Iterator[Alteration]:
    if is_flagged(old, OWL + "deprecated") and not is_flagged(new, OWL + "deprecated"):
        yield _alteration(both, node.thing, both.after, kind="restored")


def _field(both: Both, node: _Node, predicate: str, old: Said, new: Said) -> Iterator[Alteration]:
    gone, come = _without_equal(both, node, old.get(predicate, ()), new.get(predicate, ()))
    if predicate in fields.SYMMETRIC:
        gone = [t for t in gone if node.after not in both.after.links(name(t), predicate)]
        come = [t for t in come if node.before not in both.before.links(name(t), predicate)]
    if gone or come:
        pairs = list(_pairs(both, gone, come)) if not _is_list(both, gone, come) else []
        for left, right in pairs:
            gone.remove(left)
            come.remove(right)
            part = _part(both, predicate, right)
            inner = _Node(
                thing=node.thing,
                before=name(left),
                after=name(right),
                part=f"{node.part}, {part}" if node.part else part,
                fates=node.fates,
            )
            yield from _changed(both, inner)
        if predicate in fields.MATCHES:
            gone = [t for t in gone if not _told_by_mapping(both.before, node.before, predicate, t)]
            come = [t for t in come if not _told_by_mapping(both.after, node.after, predicate, t)]
        if gone or come:
            yield from _values(both, node, predicate, gone, come)


def _values(
    both: Both, node: _Node, predicate: str, gone: list[Term], come: list[Term]
) -> Iterator[Alteration]:
    if fields.is_worded([*gone, *come]):
        yield from _texts(both, node, predicate, gone, come)
        return
    facts: dict[str, Any] = {"field": both.field(predicate), "part": node.part}
    direction: Direction = "replaced" if gone and come else "added" if come else "removed"
    if fields.is_type(predicate):
        facts["kind"] = "retyped"
    elif predicate in fields.TREE:
        facts["kind"] = "moved"
    elif predicate in fields.LABELS:
        facts["kind"] = "renamed"
    else:
        facts["kind"] = "changed"
    old = [both.words(t, both.before) for t in gone]
    new = [both.words(t, both.after) for t in come]
    if _is_rule(both, node) and facts["kind"] == "changed":
        members = [
            _members(state, terms) for state, terms in ((both.before, gone), (both.after, come))
        ]
        less, more = (
            [t for t in members[0] if t not in members[1]],
            [t for t in members[1] if t not in members[0]],
        )
        direction = fields.movement(predicate, less, more)
        if predicate == SH + "select":
            old, new = ["a query"], ["another query"]
    elif gone and come:
        direction = _ranked(both, gone, come) or direction
    yield _alteration(
        both,
        node.thing,
        both.after,
        direction=direction,
        before=tuple(sorted(old)),
        after=tuple(sorted(new)),
        **facts,
    )


def _texts(
    both: Both, node: _Node, predicate: str, gone: list[Term], come: list[Term]
) -> Iterator[Alteration]:
    """Yield one alteration for each language."""
    for language in sorted({t.language for t in (*gone, *come)}):
        old = tuple(both.words(t, both.before) for t in gone if t.language == language)
        new = tuple(both.words(t, both.after) for t in come if t.language == language)
        yield _alteration(
            both,
            node.thing,
            both.after,
            kind="renamed" if predicate in fields.LABELS else "reworded",
            direction="replaced" if old and new else "added" if new else "removed",
            field=both.field(predicate),
            language=language,
            part=node.part,
            before=old,
            after=new,
        )


def _without_equal(
    both: Both, node: _Node, old: Sequence[Term], new: Sequence[Term]
) -> tuple[list[Term], list[Term]]:
    """Return the values that differ; a thing is the same under its new identifier."""
    left = {_key(both.before, term, node.fates): term for term in old}
    right = {_key(both.after, term, {}): term for term in new}
    return (
        [term for key, term in left.items() if key not in right],
        [term for key, term in right.items() if key not in left],
    )


def _key(state: State, term: Term, ends: Mapping[str, Fate], depth: int = 20) -> Any:
    """Return what a value means, whatever its blank nodes are called."""
    if term.kind == "iri":
        fate = ends.get(term.value)
        return ("iri", fate.others[0] if fate and fate.kind == "readdressed" else term.value)
    if term.kind == "literal" or depth == 0:
        return term if term.kind == "literal" else "…"
    said = state.said("_:" + term.value)
    return (
        "blank",
        *sorted(
            repr((predicate, _key(state, value, ends, depth - 1)))
            for predicate, values in said.items()
            for value in values
        ),
    )


def _pairs(both: Both, gone: list[Term], come: list[Term]) -> Iterator[tuple[Term, Term]]:
    """Yield nameless parts that are about the same: those that have most in common."""
    left = [t for t in gone if t.kind == "blank"]
    right = [t for t in come if t.kind == "blank"]
    shared = sorted(
        (
            (-_common(both, a, b), i, j)
            for i, a in enumerate(left)
            for j, b in enumerate(right)
            if _common(both, a, b)
        ),
    )
    used: tuple[set[int], set[int]] = (set(), set())
    for _, i, j in shared:
        if i not in used[0] and j not in used[1]:
            used[0].add(i)
            used[1].add(j)
            yield left[i], right[j]


def _common(both: Both, left: Term, right: Term) -> int:
    """Return how much two nameless parts share; nothing where they are of different fields."""
    old, new = both.before.said(name(left)), both.after.said(name(right))
    paths = [
        [_key(state, t, {}) for t in said.get(SH + "path", ())]
        for state, said in ((both.before, old), (both.after, new))
    ]
    if paths[0] != paths[1]:
        return 0
    return sum(
        _key(both.before, t, {}) in {_key(both.after, u, {}) for u in new.get(predicate, ())}
        for predicate, values in old.items()
        for t in values
        if predicate != RDF + "type"
    )


def _is_list(both: Both, gone: Iterable[Term], come: Iterable[Term]) -> bool:
    ends = [(both.before, t) for t in gone] + [(both.after, t) for t in come]
    return any(t.kind == "blank" and state.members(name(t)) is not None for state, t in ends)


def _members(state: State, terms: Iterable[Term]) -> list[Term]:
    """Return values, those of lists one by one, as what they mean."""
    found: list[Term] = []
    for term in terms:
        listed = state.members(name(term)) if term.kind != "literal" else None
        for member in [term] if listed is None else listed:
            found.append(
                member if member.kind != "blank" else Term("blank", str(_key(state, member, {})))
            )
    return found


def _part(both: Both, predicate: str, node: Term) -> str:
    """Return what to call a nameless part: by its name or its path, else by how it hangs there."""
    said = both.after.said(name(node))
    for known in (SH + "name", SH + "path"):
        for term in said.get(known, ()):
            return both.words(term._replace(language=""), both.after)
    return both.field(predicate).label


def _is_rule(both: Both, node: _Node) -> bool:
    if RULES.intersection(both.after.classes(node.thing)):
        return True
    return any(p.startswith(SH) for p in both.after.said(node.after))


def _ranked(both: Both, gone: Sequence[Term], come: Sequence[Term]) -> Direction | None:
    """Return which way a place in an order moved, nothing where there is no order."""
    old, new = (
        [
            rank
            for t in terms
            if t.kind != "literal" and (rank := rank_of(state, name(t))) is not None
        ]
        for state, terms in ((both.before, gone), (both.after, come))
    )
    if len(old) == len(new) == 1 and old != new:
        return "raised" if new > old else "lowered"
    return None


def rank_of(state: State, thing: str) -> int | None:
    """Return the place of a level, band or strength in its order."""
    found = [t.value for t in state.said(thing).get(_RANK, ())]
    return next((int(value) for value in found if value.lstrip("-").isdigit()), None)


def _told_by_mapping(state: State, subject: str, predicate: str, target: Term) -> bool:
    """Say whether a bare match only repeats a mapping, which tells of itself."""
    return any(
        predicate_ == CG + "mapsFrom"
        and predicate in state.links(mapping, CG + "hasMappingRelation")
        and target.value in state.links(mapping, CG + "mapsTo")
        for mapping, predicate_ in state.pointing_at(subject)
    )

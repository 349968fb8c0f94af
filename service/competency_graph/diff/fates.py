"""What became of things that are gone or going: which others took their place, if any."""

from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass

from competency_graph.diff.states import Both, State
from competency_graph.diff.values import Direction, Kind
from competency_graph.index import Term
from competency_graph.vocab import DCTERMS, RDFS, SKOS

_TEXTS = (SKOS + "prefLabel", RDFS + "label", SKOS + "definition", DCTERMS + "title")
_OTHER_NAMES = (SKOS + "altLabel", SKOS + "hiddenLabel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What happened to one thing: its successors, and whether it went or is only deprecated."""

    kind: Kind
    direction: Direction
    others: tuple[str, ...] = ()


def fates(
    both: Both, *, removed: Set[str], added: Set[str], deprecated: Set[str]
) -> dict[str, Fate]:
    """Return what became of each thing that was removed or is newly deprecated.

    A successor is one that the data name (``dcterms:isReplacedBy``, ``dcterms:replaces``). Of what
    was removed it is also what has the same text, has taken over its label as another name, or
    what its links lead to now.
    """
    others = {thing: _named_successors(both, thing) for thing in removed | deprecated}
    for thing in removed:
        if not others[thing]:
            others[thing] = _inheritors(both, thing, added)
    # One that took the place of several, or was there before, has taken them in.
    taken = Counter(other for found in others.values() for other in found)
    return {thing: _fate(thing in removed, found, taken, both) for thing, found in others.items()}


def _fate(gone: bool, found: tuple[str, ...], taken: Counter[str], both: Both) -> Fate:
    direction: Direction = "removed" if gone else "either" if found else ""
    if len(found) > 1:
        return Fate(kind="split", direction=direction, others=found)
    if found and (taken[found[0]] > 1 or both.before.said(found[0])):
        return Fate(kind="merged", direction=direction, others=found)
    if gone:
        return Fate(kind="readdressed" if found else "removed", direction=direction, others=found)
    return Fate(kind="deprecated", direction=direction, others=found)


def _named_successors(both: Both, thing: str) -> tuple[str, ...]:
    """Return what the data name as its successors, as far as they are described."""
    predicate = DCTERMS + "isReplacedBy"
    named = {*both.after.links(thing, predicate), *both.before.links(thing, predicate)}
    return tuple(sorted(other for other in named if other != thing and both.after.said(other)))


def _inheritors(both: Both, thing: str, added: Set[str]) -> tuple[str, ...]:
    classes = set(both.before.classes(thing))
    texts = _texts(both.before, thing, _TEXTS)

    def alike(other: str) -> bool:
        return other != thing and bool(classes & set(both.after.classes(other)))

    same = [y for y in sorted(added) if alike(y) and texts & _texts(both.after, y, _TEXTS)]
    if same:
        return (same[0],) if len(same) == 1 else ()
    labels = {t for t in texts if t.language}
    # Whoever names it now, and did not before.
    named = sorted(
        other
        for other in _siblings(both, thing, added)
        if alike(other)
        and labels & _texts(both.after, other, _OTHER_NAMES)
        and not labels & _texts(both.before, other, _OTHER_NAMES)
    )
    if named:
        return tuple(named)
    return _where_links_lead(both, thing, alike)


def _siblings(both: Both, thing: str, added: Set[str]) -> set[str]:
    """Return what could have taken a thing in: what is new, and what stands beside it."""
    places = both.before.links(thing, SKOS + "broader") or both.before.links(
        thing, SKOS + "inScheme"
    )
    beside = {subject for place in places for subject, _ in both.after.pointing_at(place)}
    return beside | set(added)


def _where_links_lead(both: Both, thing: str, alike: Callable[[str], bool]) -> tuple[str, ...]:
    """Return what took over at least half of the links to a thing, together."""
    moved: Counter[str] = Counter()
    links = both.before.pointing_at(thing)
    for subject, predicate in links:
        before = set(both.before.links(subject, predicate))
        for other in both.after.links(subject, predicate):
            if other not in before and alike(other):
                moved[other] += 1
    return tuple(sorted(moved)) if moved and 2 * sum(moved.values()) >= len(links) else ()


def _texts(state: State, thing: str, predicates: tuple[str, ...]) -> set[Term]:
    said = state.said(thing)
    return {t for predicate in predicates for t in said.get(predicate, ()) if t.value.strip()}

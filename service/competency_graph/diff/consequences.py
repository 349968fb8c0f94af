"""What changes bring about for others: roles, outcomes, mappings, links. Judges no shapes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from competency_graph.diff.alterations import rank_of
from competency_graph.diff.fates import Fate
from competency_graph.diff.states import Both, State
from competency_graph.diff.weighing import Consequence
from competency_graph.requirements import effective
from competency_graph.vocab import CG, DCTERMS, RDF, SKOS

_MOST_NAMED: Final = 3
_NO_LINKS: Final = frozenset({DCTERMS + "isReplacedBy", RDF + "type", DCTERMS + "conformsTo"})


def consequences(both: Both, ends: Mapping[str, Fate]) -> list[Consequence]:
    """Return what follows from all changes together, in a settled order."""
    removed = [thing for thing, fate in sorted(ends.items()) if fate.direction == "removed"]
    return [
        *_needs(both, ends),
        *_evidence(both),
        *_targets(both, removed),
        *_links(both, removed),
    ]


def enumerated(labels: Iterable[str], *, quoted: bool = True) -> str:
    """Return some labels as a list in a sentence, each once; of many the first few."""
    found = list(dict.fromkeys(labels))
    shown = [f"“{label}”" if quoted else label for label in found[:_MOST_NAMED]]
    more = len(found) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _needs(both: Both, ends: Mapping[str, Fate]) -> Iterator[Consequence]:
    """Yield what roles need now and did not, or no longer; roles with one cause together."""
    grouped: dict[tuple[str, str, str, str, str], list[str]] = {}
    causes: dict[tuple[str, ...], tuple[str, ...]] = {}
    for role in both.before.things("Role"):
        if not (both.before.is_live(role) and both.after.is_live(role)):
            continue
        old = {_now(c, ends): s for c, s in effective(both.before.graph, role).items()}
        new = effective(both.after.graph, role)
        for competency in sorted({*old, *new}):
            was, is_ = old.get(competency), new.get(competency)
            stated = [s[0] for s in (is_, was) if s]
            for rule, before, after in _moved(both, was, is_):
                key = (rule, before, after, competency, stated[0])
                grouped.setdefault(key, []).append(role)
                causes.setdefault(key, (*stated, *_above(both, role), competency))
    for known, roles in grouped.items():
        rule, before, after, competency, _ = known
        facts = {
            "roles": enumerated(sorted(both.label(role) for role in roles)),
            "before": before,
            "after": after,
            "competency": both.label(competency),
        }
        yield Consequence(rule=rule, thing=roles[0], causes=causes[known], facts=facts)


def _now(thing: str, ends: Mapping[str, Fate]) -> str:
    """Return a thing, or the only one that took its place."""
    fate = ends.get(thing)
    return fate.others[0] if fate and len(fate.others) == 1 else thing


def _above(both: Both, role: str) -> list[str]:
    """Return a role and those that it takes requirements from, nearest first, now and before."""
    found, at = [role], 0
    while at < len(found):
        sides = (both.after, both.before)
        parents = {wider for s in sides for wider in s.links(found[at], SKOS + "broader")}
        found += sorted(parents - set(found))
        at += 1
    return found


def _moved(
    both: Both, was: tuple[str, str] | None, is_: tuple[str, str] | None
) -> Iterator[tuple[str, str, str]]:
    """Yield rule, level before and level after of what a role needs otherwise than it did."""
    if was is None and is_ is not None:
        essential = _is_essential(both.after, is_[0])
        yield "requirement-added" if essential else "requirement-recommended", "", ""
    elif was is not None and is_ is None:
        yield "requirement-dropped", "", ""
    elif was is not None and is_ is not None:
        pairs = ((both.before, was[0]), (both.after, is_[0]))
        old, new = (next(iter(s.links(r, CG + "requiresLevel")), None) for s, r in pairs)
        if old != new and old and new:
            yield _compared(both, old, new), _level(both, old), _level(both, new)
        importances = [_is_essential(s, r) for s, r in pairs]
        if importances == [False, True]:
            yield "requirement-made-essential", "", ""
        elif importances == [True, False]:
            yield "requirement-made-relevant", "", ""


def _compared(both: Both, old: str, new: str) -> str:
    ranks = rank_of(both.before, old), rank_of(both.after, new)
    scales = both.before.links(old, SKOS + "inScheme"), both.after.links(new, SKOS + "inScheme")
    if None in ranks or scales[0] != scales[1] or ranks[0] == ranks[1]:
        return "requirement-incomparable"
    return "requirement-raised" if (ranks[1] or 0) > (ranks[0] or 0) else "requirement-lowered"


def _level(both: Both, level: str) -> str:
    return f"“{both.label(level)}”"


def _is_essential(state: State, requirement: str) -> bool:
    return CG + "Essential" in state.links(requirement, CG + "hasImportance")


def _evidence(both: Both) -> Iterator[Consequence]:
    """Yield outcomes and competencies that lose the last claim that speaks for them."""
    old, new = _supports(both.before), _supports(both.after)
    lost = [row for row in old if row not in new]
    for outcome in sorted({outcome for _, outcome, _ in lost}):
        rows = [row for row in lost if row[1] == outcome]
        left = [row for row in new if row[1] == outcome]
        rule = "outcome-without-competency" if left else "outcome-unsupported"
        if not both.after.is_live(outcome) or (left and not _loses_competencies(both, rows, left)):
            continue
        causes = tuple(dict.fromkeys(row[i] for i in (0, 2) for row in rows))
        facts = {"outcome": both.label(outcome)}
        yield Consequence(rule=rule, thing=outcome, causes=causes, facts=facts)
    for thing in sorted({row[0] for row in lost} - {row[0] for row in new}):
        if both.after.is_live(thing) and CG + "Competency" in both.after.classes(thing):
            causes = tuple(row[2] for row in lost if row[0] == thing)
            facts = {"contributor": both.label(thing)}
            yield Consequence(
                rule="contributor-unsupported", thing=thing, causes=causes, facts=facts
            )


Support = tuple[str, str, str]
"""What contributes, to which outcome, by which claim."""


def _loses_competencies(both: Both, lost: list[Support], left: list[Support]) -> bool:
    competency = CG + "Competency"
    return any(competency in both.before.classes(row[0]) for row in lost) and not any(
        competency in both.after.classes(row[0]) for row in left
    )


def _supports(state: State) -> list[Support]:
    """Return contributor, outcome and claim of every claim that supports something described."""
    return [
        (contributor, outcome, claim)
        for claim in state.things("EvidenceClaim")
        if state.is_live(claim) and CG + "Supports" in state.links(claim, CG + "hasPolarity")
        for contributor in state.links(claim, CG + "hasContributor")
        if state.said(contributor)
        for outcome in state.links(claim, CG + "concernsOutcome")
    ]


def _targets(both: Both, removed: list[str]) -> Iterator[Consequence]:
    """Yield what mappings led to, and is gone."""
    for thing in removed:
        mappings = [s for s, p in both.before.pointing_at(thing) if p == CG + "mapsTo"]
        if mappings:
            facts = {"mappings": enumerated(both.label(mapping) for mapping in mappings)}
            yield Consequence(
                rule="mapping-target-removed", thing=thing, causes=(thing,), facts=facts
            )


def _links(both: Both, removed: list[str]) -> Iterator[Consequence]:
    """Yield what is gone, and still named by others."""
    for thing in removed:
        naming = [s for s, p in both.after.pointing_at(thing) if p not in _NO_LINKS]
        if naming:
            facts = {"things": enumerated(both.label(both.after.owner(s)) for s in naming)}
            yield Consequence(rule="reference-broken", thing=thing, causes=(thing,), facts=facts)

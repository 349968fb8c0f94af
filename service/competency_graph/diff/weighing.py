"""What happened and what follows from it, put together and weighed by the rules."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from competency_graph.diff.rules import RULE_TABLE
from competency_graph.diff.values import IMPACTS, Alteration, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """What follows from changes: the rule, the thing that bears it, and what may have caused it.

    ``facts`` fill the sentence of the rule; ``causes`` are things, the likeliest first.
    """

    rule: str
    thing: str
    causes: tuple[str, ...]
    facts: Mapping[str, str]


_BY_NAME: Final = {rule.name: rule for rule in RULE_TABLE}
_RANKS: Final = {rule.name: rank for rank, rule in enumerate(RULE_TABLE)}


def weighed(
    found: Iterable[Alteration],
    consequences: Iterable[Consequence],
    follows: Callable[[str], Alteration],
) -> list[Alteration]:
    """Return alterations with their reasons, gravest first, then by what they are about.

    Args:
        found: alterations without reasons.
        consequences: what follows; told at the first alteration of the likeliest cause.
        follows: makes an alteration of a thing that has none, for what follows for it.
    """
    told = list(found)
    reasons: dict[int, list[Reason]] = {}
    for consequence in consequences:
        at = _cause(told, consequence)
        if at is None:
            told.append(follows(consequence.thing))
            at = len(told) - 1
        rule = _BY_NAME[consequence.rule]
        text = rule.reason.format_map(consequence.facts)
        reason = Reason(rule=rule.name, impact=rule.impact, text=text[0].upper() + text[1:])
        reasons.setdefault(at, []).append(reason)
    return sorted(
        (_with_reasons(alteration, reasons.get(at, [])) for at, alteration in enumerate(told)),
        key=_order,
    )


def _cause(told: list[Alteration], consequence: Consequence) -> int | None:
    for cause in consequence.causes:
        at = [i for i, a in enumerate(told) if a.thing.id == cause and a.kind not in _WORDING]
        if at:
            # What a rule accepts besides is no cause of what it refuses.
            return min(at, key=lambda i: (told[i].direction == "loosened", i))
    return None


_WORDING: Final = ("renamed", "reworded")


def _with_reasons(alteration: Alteration, following: list[Reason]) -> Alteration:
    rule = next((rule for rule in RULE_TABLE if rule.fits(alteration)), None)
    reasons = list(following)
    if rule is not None and not (rule.mild and following):
        reasons.insert(0, Reason(rule=rule.name, impact=rule.impact, text=rule.reason))
    reasons.sort(key=lambda reason: IMPACTS.index(reason.impact))
    return replace(alteration, reasons=tuple(reasons))


def _order(alteration: Alteration) -> tuple[object, ...]:
    return (
        IMPACTS.index(alteration.impact),
        alteration.within is not None,
        _RANKS[alteration.reasons[0].rule] if alteration.reasons else len(_RANKS),
        alteration.type.label,
        alteration.thing.label.lower(),
        alteration.thing.id,
        alteration.kind,
        alteration.field.label if alteration.field else "",
        alteration.language,
        alteration.part,
        alteration.before,
        alteration.after,
    )

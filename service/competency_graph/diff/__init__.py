"""Two states of a framework, a vocabulary or shapes compared by meaning. Changes nothing."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from competency_graph.diff.alterations import alterations
from competency_graph.diff.consequences import consequences
from competency_graph.diff.refusing import refused, unjudged
from competency_graph.diff.rules import RULE_TABLE
from competency_graph.diff.states import Both, both_of
from competency_graph.diff.values import (
    IMPACTS,
    Alteration,
    Comparison,
    Impact,
    Named,
    Reason,
    Side,
    VersionStep,
)
from competency_graph.diff.versions import version_steps
from competency_graph.diff.weighing import weighed
from competency_graph.errors import InvalidShapes, LimitReached
from competency_graph.index import differing, sealed

__all__ = [
    "IMPACTS",
    "RULE_TABLE",
    "Alteration",
    "Comparison",
    "Impact",
    "Named",
    "Reason",
    "Side",
    "VersionStep",
    "compare",
    "compared",
]

_LIMITS: Final = {
    "time": "Comparing took longer than {seconds:g} s. Compare less at a time, or raise the "
    "setting VALIDATION_TIMEOUT.",
    "memory": "Comparing needed more than {memory:g} MB. Compare less at a time, or raise the "
    "setting QUERY_MEMORY.",
}


def compare(before: Side, after: Side, *, seconds: float, memory: int) -> Comparison:
    """Compare two sides by meaning, in a sealed fork.

    Args:
        before: what it was.
        after: what it is.
        seconds: time limit.
        memory: memory limit in bytes.

    Raises:
        UnreadableInput: a document does not parse; facts hold file, line and column.
        LimitReached: it took too long or too much.
    """
    try:
        told = sealed(
            lambda: json.dumps(asdict(compared(before, after))).encode(),
            seconds=seconds,
            memory=memory,
        )
    except LimitReached as reached:
        raise LimitReached(
            reached.limit,
            detail=_LIMITS.get(reached.limit, reached.detail).format(
                seconds=seconds, memory=memory / 1e6
            ),
        ) from None
    return _read(json.loads(told))


def compared(before: Side, after: Side) -> Comparison:
    """Compare two sides in this process: for texts that may be trusted.

    Raises:
        UnreadableInput: as :func:`compare`.
    """
    both = both_of(before, after)
    gone, come = differing(both.before.graph, both.after.graph)
    found, ends = alterations(both, gone, come)
    follows = consequences(both, ends)
    notes: tuple[str, ...] = ()
    try:
        follows += refused(both, [*gone, *come])
    except InvalidShapes as error:
        follows += unjudged(both, found)
        notes = (f"Whether valid data are refused now was not judged. {error.detail}",)
    told = weighed(found, follows, lambda thing: _follows(both, thing))
    return Comparison(
        before=before.name,
        after=after.name,
        alterations=tuple(told),
        versions=tuple(version_steps(both, told)),
        notes=notes,
    )


def _follows(both: Both, thing: str) -> Alteration:
    state = both.after if both.after.said(thing) else both.before
    return Alteration(
        kind="follows",
        thing=both.named(thing),
        type=both.type_of(thing, state),
        classes=tuple(state.classes(thing)),
    )


def _read(told: Mapping[str, Any]) -> Comparison:
    return Comparison(
        before=told["before"],
        after=told["after"],
        alterations=tuple(_alteration(row) for row in told["alterations"]),
        versions=tuple(
            VersionStep(**{**row, "thing": Named(**row["thing"])}) for row in told["versions"]
        ),
        notes=tuple(told["notes"]),
    )


def _alteration(row: Mapping[str, Any]) -> Alteration:
    return Alteration(
        **{
            **row,
            "thing": Named(**row["thing"]),
            "type": Named(**row["type"]),
            "field": Named(**row["field"]) if row["field"] else None,
            **{name: tuple(row[name]) for name in ("classes", "before", "after")},
            "others": tuple(Named(**other) for other in row["others"]),
            "reasons": tuple(Reason(**reason) for reason in row["reasons"]),
        }
    )

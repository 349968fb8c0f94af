"""What the gate's process tells of the log to web processes. Appends nothing, holds no graph.

Statements leave as lines of N-Quads; readers of the index put them into words (`changes`).
"""

import heapq
import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from threading import BoundedSemaphore
from typing import Any, Final

from competency_graph import history
from competency_graph.changes import lines_about, summary
from competency_graph.errors import Redacted, Unavailable
from competency_graph.log import Change, Log
from competency_graph.model import Operation, finding_json, joined

Asked = Mapping[str, Any]
Answer = Callable[[Asked, bytes], dict[str, Any]]

_AT_ONCE: Final = 8


def listed(log: Log, asked: Asked) -> dict[str, Any]:
    """Return changes, newest first: ``items``, their ``total``, and what the next page is before.

    Asked: ``limit``; ``before``, a number or nothing; ``graph`` and ``thing``, to have only those
    that changed them. Of a thing each item has the ``lines`` about it, added and removed.
    """
    graph, thing = asked["graph"], asked["thing"]
    total, strangers = log.head(), frozenset[int]()
    if graph is not None or thing is not None:
        named, large = log.count(graph, thing)
        if thing is not None:
            strangers = frozenset(n for n in large if not _is_about(log, n, thing))
        total = named + len(large) - len(strangers)
    found = _newest(log, asked["before"], graph, thing, strangers)
    page = list(islice(found, asked["limit"] + 1))
    items = page[: asked["limit"]]
    return {
        "items": [summary(c) | ({} if thing is None else _part(log, c, thing)) for c in items],
        "total": total,
        "next": items[-1].number if len(page) > len(items) else None,
    }


def _newest(
    log: Log, before: int | None, graph: str | None, thing: str | None, strangers: frozenset[int]
) -> Iterator[Change]:
    while page := log.recent(before=before, limit=100, graph=graph, subject=thing):
        yield from (change for change in page if change.number not in strangers)
        before = page[-1].number


@lru_cache(4096)
def _is_about(log: Log, number: int, thing: str) -> bool:
    """Say whether a change says something of a thing; of one that was emptied, that it may have."""
    try:
        sides = log.read(number)
    except Redacted:
        return True
    return any(any(lines_about(side, thing)) for side in sides)


def _part(log: Log, change: Change, thing: str) -> dict[str, Any]:
    if change.redacted == "content":
        return {"lines": {"added": [], "removed": []}}
    added, removed = (
        [line.decode() for line in lines_about(side, thing)] for side in log.read(change.number)
    )
    return {"lines": {"added": added, "removed": removed}}


def single(log: Log, asked: Asked) -> dict[str, Any]:
    """Return one change with its findings and a page of its lines, in the order of their subjects.

    Asked: ``number``; ``limit`` and ``after``, how many lines and after how many. ``next`` is the
    ``after`` of the page that follows.

    Raises:
        NotFound: there is no such change.
    """
    change = log.change(asked["number"])
    told = summary(change) | {"counts": {"added": change.added, "removed": change.removed}}
    told |= {"added": [], "removed": [], "findings": {"new": [], "fixed": []}, "next": None}
    if change.redacted == "content":
        return told
    added, removed = log.read(change.number)
    start, end = asked["after"], asked["after"] + asked["limit"]
    merged = heapq.merge(
        ((line, "removed") for line in removed), ((line, "added") for line in added)
    )
    for line, side in islice(merged, start, end):
        told[side].append(line.decode())
    new, fixed = log.findings(change.number)
    told["findings"] = {
        "new": [finding_json(row) for row in new],
        "fixed": [finding_json(row) for row in fixed],
    }
    told["next"] = end if change.added + change.removed > end else None
    return told


def standing(log: Log, asked: Asked) -> dict[str, Any]:
    """Return the findings that stand in some ``graphs`` or at some ``nodes``, for judging."""
    found = log.standing(asked["graphs"], nodes=asked["nodes"])
    return {"standing": [dict(one.finding) for one in found]}


def reversal(log: Log, number: int) -> tuple[Operation, str]:
    """Return what undoes a change, and a message that names it.

    What others changed since stays as it is: what is gone is not removed, what is back not added.

    Raises:
        NotFound: there is no such change.
        Redacted: it was emptied.
    """
    change = log.change(number)
    remove, add = history.reverse(log, number)
    operation = Operation(
        kind="lines", content=joined(remove) + b"\n" + joined(add), name=f"Change {number}"
    )
    return operation, f"Revert change {number}: {change.message}"


def answers(log: Log) -> Mapping[str, Answer]:
    """Return what everybody may ask of a log: name, and how to answer what was asked.

    A few are answered at a time, so that those who change something find a thread.
    """
    reading = BoundedSemaphore(_AT_ONCE)

    def bounded(answer: Callable[[Log, Asked], dict[str, Any]]) -> Answer:
        def answered(asked: Asked, body: bytes) -> dict[str, Any]:
            if not reading.acquire(blocking=False):
                raise Unavailable("Too many read the log just now. Try again in a moment.")
            try:
                # What may be long is asked in the body, for a head is small.
                return answer(log, {**asked, **json.loads(body or b"{}")})
            finally:
                reading.release()

        return answered

    told = {"changes": listed, "single": single, "standing": standing}
    return {name: bounded(answer) for name, answer in told.items()}

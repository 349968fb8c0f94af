"""Files made into one change, and its findings found again in them. Records nothing.

What the files say is read and converted in sealed forks: the caller has one thread.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from competency_graph import exchange, judging
from competency_graph.documents import Document
from competency_graph.index import sealed
from competency_graph.model import Finding, Operation, finding_from_json, finding_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What some files come to.

    ``operation`` replaces the ``graphs``; ``losses`` are sentences on what has no place here,
    ``counts`` says how many things of each of our classes there are.
    """

    operation: Operation
    graphs: tuple[str, ...]
    statements: int
    losses: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]


def prepare(
    documents: Sequence[Document],
    *,
    format_: str | None,
    target: str | None,
    licence: str | None,
    seconds: float,
    memory: int,
) -> Import:
    """Return the one change that files are.

    Args:
        documents: the files.
        format_: a name in ``exchange.FORMATS``; none to tell it from the content.
        target: the graph that all goes to; none to tell it from the content.
        licence: the licence of what states none.
        seconds: time limit.
        memory: memory limit in bytes.

    Raises:
        UnreadableInput, BadLiteral: a file cannot be read; facts hold the place.
        BadRequest: a graph or a licence is missing.
        LimitReached: it took too long or too much.
    """
    sources = [exchange.Source(name=d.name, content=d.content, syntax=d.syntax) for d in documents]

    def work() -> bytes:
        brought = exchange.bring(sources, format_=format_, target=target, licence=licence)
        told = {**asdict(brought), "lines": len(brought.lines)}
        told["from_files"] = sorted(brought.from_files)
        return json.dumps(told).encode() + b"\n" + b"\n".join(brought.lines) + b"\n"

    head, _, lines = sealed(work, seconds=seconds, memory=memory).partition(b"\n")
    told = json.loads(head)
    return Import(
        operation=_operation(documents, told, target, lines),
        graphs=tuple(told["graphs"]),
        statements=told["lines"],
        losses=tuple(told["losses"]),
        counts=tuple((name, number) for name, number in told["counts"]),
    )


def _operation(
    documents: Sequence[Document], told: Mapping[str, Any], target: str | None, lines: bytes
) -> Operation:
    """Return the operation: with the file itself where it is one that says it all."""
    first = documents[0]
    names_itself = told["from_files"] and first.syntax.name in ("trig", "n-quads")
    if len(documents) == 1 and told["unchanged"] and (target or names_itself):
        return Operation(
            kind="replace",
            graph=target,
            content=first.content,
            syntax=first.syntax.name,
            name=first.name,
        )
    name = first.name if len(documents) == 1 else "What the files say"
    return Operation(kind="replace", content=lines, syntax="n-quads", name=name)


def placed(
    told: Sequence[Mapping[str, Any]],
    documents: Sequence[Document],
    *,
    seconds: float,
    memory: int,
) -> tuple[Finding, ...]:
    """Return findings, given as JSON answers have them, each with its place in the files.

    Raises:
        LimitReached: it took too long or too much.
    """
    findings = [finding_from_json(row) for row in told]
    if not findings:
        return ()

    def work() -> bytes:
        return json.dumps([asdict(f) for f in judging.placed(findings, documents)]).encode()

    rows = json.loads(sealed(work, seconds=seconds, memory=memory))
    return tuple(map(finding_of, rows))

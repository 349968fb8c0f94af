"""A draft as rows of the log's tables, and a row as a change. Touches no database."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Row

from competency_graph.log.blocks import Packed
from competency_graph.log.chain import (
    ORIGIN,
    content_digest,
    finding_line,
    finding_text,
    link,
    metadata_digest,
    time_text,
    touched_key,
)
from competency_graph.log.values import Change, Draft

MOST_TOUCHED: Final = 10_000
"""A change that touches more subjects than this is listed under its graphs only."""

# Keys for what is no IRI: a graph touched in any way; in more subjects than are listed.
IN_GRAPH: Final = touched_key("")
IN_MANY: Final = touched_key("*")

Rows = list[dict[str, Any]]


def of_change(
    draft: Draft,
    previous: Row[*tuple[Any, ...]] | None,
    removed: Packed,
    added: Packed,
    findings: Rows,
) -> dict[str, Any]:
    """Return the row of ``change``: after the newest row, with digests chained to it."""
    time = time_text(draft.time)
    said = {
        "number": previous.number + 1 if previous else 1,
        "author": draft.author,
        "time": max(time, previous.time) if previous else time,
        "message": draft.message,
        "added": added.count,
        "removed": removed.count,
        "added_bytes": added.size,
        "removed_bytes": removed.size,
        "findings_added": len(draft.findings_added),
        "findings_removed": len(draft.findings_removed),
        "normal_form": draft.normal_form,
    }
    text = b"".join(finding_line(row["kind"], row["content"]) for row in findings)
    content = content_digest(removed.digest, added.digest, sha256(text).digest())
    metadata = metadata_digest(said)
    digest = link(previous.digest if previous else ORIGIN, content, metadata)
    return said | {
        "content_digest": content,
        "metadata_digest": metadata,
        "digest": digest,
    }


def told(row: Row[*tuple[Any, ...]]) -> Change:
    """Return what a row of ``change`` says, read with the extent of its redaction, if any."""
    return Change(
        number=row.number,
        author=row.author,
        time=datetime.fromisoformat(row.time),
        message=row.message,
        digest=row.digest.hex(),
        added=row.added,
        removed=row.removed,
        findings_added=row.findings_added,
        findings_removed=row.findings_removed,
        normal_form=row.normal_form,
        redacted=row.extent,
    )


def of_parts(number: int, removed: Packed, added: Packed) -> Rows:
    """Return the rows of ``change_part``, in the order of replay."""
    blocks = [("removed", block) for block in removed.blocks]
    blocks += [("added", block) for block in added.blocks]
    return [
        {"number": number, "part": part, "kind": kind, "content": block}
        for part, (kind, block) in enumerate(blocks)
    ]


def of_touched(number: int, pairs: Iterable[tuple[str, str | None]]) -> Rows:
    """Return the rows of ``touched`` for (graph, subject) pairs."""
    given = set(pairs)
    if len(given) > MOST_TOUCHED:
        given = {(graph, None) for graph, _ in given}
    keys = {(touched_key(graph), IN_GRAPH) for graph, _ in given}
    keys |= {
        (touched_key(graph), IN_MANY if subject is None else touched_key(subject))
        for graph, subject in given
    }
    # In the order of the key, so that the index is written from one end to the other.
    return [
        {"subject": subject, "graph": graph, "number": number}
        for subject, graph in sorted((subject, graph) for graph, subject in keys)
    ]


def of_findings(draft: Draft, number: int) -> Rows:
    """Return the rows of ``finding``: those removed, then those added."""
    findings = [("removed", finding_text(row)) for row in draft.findings_removed]
    findings += [("added", finding_text(row)) for row in draft.findings_added]
    return [
        {"number": number, "position": position, "kind": kind, "content": content}
        for position, (kind, content) in enumerate(findings)
    ]

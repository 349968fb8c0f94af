"""Digests that chain changes, and the spellings they are taken from. Reads no table."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from typing import Final, NamedTuple

ORIGIN: Final = bytes(32)
"""What the digest of the first change follows on."""

_METADATA: Final = (
    "number",
    "author",
    "time",
    "message",
    "added",
    "removed",
    "added_bytes",
    "removed_bytes",
    "findings_added",
    "findings_removed",
    "normal_form",
)


def content_digest(removed: bytes, added: bytes, findings: bytes) -> bytes:
    """Return the digest of all that a change holds, from the digests of its three texts."""
    return sha256(removed + added + findings).digest()


def metadata_digest(row: Mapping[str, object]) -> bytes:
    """Return the digest of what is said about a change, from its row in the table ``change``."""
    return sha256(json.dumps([row[name] for name in _METADATA]).encode()).digest()


def link(previous: bytes, content: bytes, metadata: bytes) -> bytes:
    """Return the digest of a change.

    It is taken from digests, so a change whose content was emptied still links those around it.
    """
    return sha256(previous + content + metadata).digest()


def finding_line(kind: str, content: str) -> bytes:
    """Return a stored finding as the line that the digest of findings is taken from."""
    return f"{kind} {content}\n".encode()


def finding_text(finding: Mapping[str, object]) -> str:
    """Return a finding as it is stored: one line of JSON, the same for the same finding."""
    return json.dumps(finding, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class FindingKey(NamedTuple):
    """What a stored finding is found by: the numbers of its graph and of the node at which it was
    found, the digest of its text."""

    graph: int
    node: int
    digest: bytes


def finding_key(content: str) -> FindingKey:
    """Return the key of a stored finding, from its text.

    The node is the one that it is about, unless its member ``node`` names another that was judged.
    """
    finding = json.loads(content)
    graph, node = finding.get("graph"), finding.get("node") or finding.get("focus")
    return FindingKey(
        touched_key(str(graph or "")),
        touched_key(str(node or "")),
        sha256(content.encode()).digest(),
    )


def time_text(time: datetime) -> str:
    """Return a time as it is stored: UTC to the microsecond, so that order of text is of time."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def touched_key(term: str) -> int:
    """Return the number that stands for a graph or subject in the table ``touched``.

    Among ten million terms the odds of two sharing one are a few in a million; a history would
    then show a change too many.
    """
    return int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "big", signed=True)

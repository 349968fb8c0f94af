"""Findings that stand at the head as an index of their own, and which changes were redacted."""

import json
from hashlib import blake2b, sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables; what stands follows from the findings that the log holds."""
    standing = op.create_table(
        "standing",
        sa.Column("graph", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        _number(primary_key=False),
        sa.Column("content", sa.Text(), nullable=False),
    )
    op.create_table(
        "redaction",
        _number(primary_key=True),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("extent", sa.Text(), nullable=False),
    )
    found = sa.text("SELECT number, kind, content FROM finding ORDER BY number, position")
    stands: dict[tuple[int, bytes], dict[str, Any]] = {}
    for row in op.get_bind().execute(found):
        graph = str(json.loads(row.content).get("graph") or "")
        key = (
            int.from_bytes(blake2b(graph.encode(), digest_size=8).digest(), "big", signed=True),
            sha256(row.content.encode()).digest(),
        )
        if row.kind == "removed":
            stands.pop(key, None)
        else:
            stands.setdefault(
                key,
                {"graph": key[0], "digest": key[1], "number": row.number, "content": row.content},
            )
    op.bulk_insert(standing, list(stands.values()))


def _number(*, primary_key: bool) -> sa.Column[int]:
    return sa.Column(
        "number",
        sa.Integer(),
        sa.ForeignKey("change.number"),
        primary_key=primary_key,
        autoincrement=False,
        nullable=False,
    )

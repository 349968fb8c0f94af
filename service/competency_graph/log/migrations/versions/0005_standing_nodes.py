"""Findings that stand are found by the node at which they were found."""

import json
from hashlib import blake2b

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table anew, with the node of each finding: the thing that it is about."""
    rows = [
        {**row._mapping, "node": _key(json.loads(row.content))}
        for row in op.get_bind().execute(sa.text("SELECT * FROM standing"))
    ]
    op.drop_table("standing")
    standing = op.create_table(
        "standing",
        sa.Column("graph", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        sa.Column("node", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), sa.ForeignKey("change.number"), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
    )
    op.bulk_insert(standing, rows)
    op.create_index("standing_node", "standing", ["node"])


def _key(finding: dict[str, object]) -> int:
    node = str(finding.get("focus") or "")
    return int.from_bytes(blake2b(node.encode(), digest_size=8).digest(), "big", signed=True)

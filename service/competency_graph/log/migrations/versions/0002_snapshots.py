"""Snapshots, so that a long log is not replayed from its first change."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of snapshots; a log without any is as good as before."""
    op.create_table(
        "snapshot",
        sa.Column(
            "number",
            sa.Integer(),
            sa.ForeignKey("change.number"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("quads", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "snapshot_part",
        sa.Column(
            "number",
            sa.Integer(),
            sa.ForeignKey("snapshot.number"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("part", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("graph", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )

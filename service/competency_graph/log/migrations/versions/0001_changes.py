"""The log itself: changes, their parts, what they touched, their findings, and settings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables of the log."""
    op.create_table(
        "setting",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
    op.create_table(
        "change",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("added_bytes", sa.BigInteger(), nullable=False),
        sa.Column("removed_bytes", sa.BigInteger(), nullable=False),
        sa.Column("findings_added", sa.Integer(), nullable=False),
        sa.Column("findings_removed", sa.Integer(), nullable=False),
        sa.Column("normal_form", sa.SmallInteger(), nullable=False),
        sa.Column("content_digest", sa.LargeBinary(), nullable=False),
        sa.Column("metadata_digest", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "change_part",
        _number(),
        sa.Column("part", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "touched",
        sa.Column("subject", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("graph", sa.BigInteger(), primary_key=True, autoincrement=False),
        _number(),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "finding",
        _number(),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
    )


def _number() -> sa.Column[int]:
    return sa.Column(
        "number",
        sa.Integer(),
        sa.ForeignKey("change.number"),
        primary_key=True,
        autoincrement=False,
    )

"""Tokens, and the attempts that were refused."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables of access; without a token nobody may write but the operator."""
    op.create_table(
        "token",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("graphs", sa.Text(), nullable=False),
        sa.Column("created", sa.Text(), nullable=False),
        sa.Column("expires", sa.Text()),
        sa.Column("last_used", sa.Text()),
        sa.Column("revoked", sa.Text()),
    )
    op.create_table(
        "attempt",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("token", sa.Integer()),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
    )
    op.create_index("attempt_address", "attempt", ["address", "time"])

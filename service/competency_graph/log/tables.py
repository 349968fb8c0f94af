"""The tables of the log, as SQLAlchemy declares them. Runs no statement."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

change = Table(
    "change",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("author", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("message", Text, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("weight", BigInteger, nullable=False),
    Column("normal_form", Integer, nullable=False),
    Column("content_digest", LargeBinary(32), nullable=False),
    Column("metadata_digest", LargeBinary(32), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
)

change_part = Table(
    "change_part",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("content", LargeBinary, nullable=False),
)

touched = Table(
    "touched",
    metadata,
    Column("graph", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
)

finding = Table(
    "finding",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("content", Text, nullable=False),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("graph", Text, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

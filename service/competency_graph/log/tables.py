"""The log's tables as the newest schema has them. Creates nothing: the migrations do."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

SCHEMAS: Final = ("0001", "0002", "0003", "0004", "0005")
"""Every schema there has been, oldest first: the names of the migrations."""

SCHEMA_TABLE: Final = "competency_graph_schema"
"""Where a database says which schema it has; without it, tables are somebody else's."""

metadata = MetaData()

setting = Table(
    "setting",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

change = Table(
    "change",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("author", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("added_bytes", BigInteger, nullable=False),
    Column("removed_bytes", BigInteger, nullable=False),
    Column("findings_added", Integer, nullable=False),
    Column("findings_removed", Integer, nullable=False),
    Column("normal_form", SmallInteger, nullable=False),
    Column("content_digest", LargeBinary, nullable=False),
    Column("metadata_digest", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

# Parts of one change are numbered in the order of replay: what it removed, then what it added.
change_part = Table(
    "change_part",
    metadata,
    Column("number", Integer, ForeignKey("change.number"), primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

# Graphs and subjects as 64-bit hashes (`touched_key`): eight bytes instead of an IRI, no limit on
# the length of an IRI, and no name of a person left behind when a change is emptied.
touched = Table(
    "touched",
    metadata,
    Column("subject", BigInteger, primary_key=True, autoincrement=False),
    Column("graph", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, ForeignKey("change.number"), primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

finding = Table(
    "finding",
    metadata,
    Column("number", Integer, ForeignKey("change.number"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("content", Text, nullable=False),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("number", Integer, ForeignKey("change.number"), primary_key=True, autoincrement=False),
    Column("quads", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

snapshot_part = Table(
    "snapshot_part",
    metadata,
    Column("number", Integer, ForeignKey("snapshot.number"), primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("graph", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

# The findings that stand at the head: an index of the table `finding`, with the change that
# brought each. The graph, and the node at which it was found, are hashed as in `touched`; they are
# also in the content.
standing = Table(
    "standing",
    metadata,
    Column("graph", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, primary_key=True),
    Column("node", BigInteger, nullable=False),
    Column("number", Integer, ForeignKey("change.number"), nullable=False),
    Column("content", Text, nullable=False),
    Index("standing_node", "node"),
)

redaction = Table(
    "redaction",
    metadata,
    Column("number", Integer, ForeignKey("change.number"), primary_key=True, autoincrement=False),
    Column("time", Text, nullable=False),
    Column("extent", Text, nullable=False),
)

# ``graphs`` is a JSON list of IRIs. Rows are never deleted, so no number is given twice.
token = Table(
    "token",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("role", Text, nullable=False),
    Column("graphs", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("expires", Text),
    Column("last_used", Text),
    Column("revoked", Text),
)

attempt = Table(
    "attempt",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("time", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("token", Integer),
    Column("address", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Index("attempt_address", "address", "time"),
)

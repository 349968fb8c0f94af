"""The findings that stand at the head: an index of what changes added and removed."""

from collections.abc import Collection, Iterator

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    delete,
    exists,
    insert,
    select,
)

from competency_graph.log.chain import finding_key, touched_key
from competency_graph.log.database import Database
from competency_graph.log.rows import Rows
from competency_graph.log.tables import finding, standing

_REMOVE = delete(standing).where(
    standing.c.graph == bindparam("graph_", type_=BigInteger),
    standing.c.digest == bindparam("digest_", type_=LargeBinary),
)
# A finding that stands already keeps the change that brought it.
_ADD = insert(standing).from_select(
    ["graph", "digest", "number", "content"],
    select(
        bindparam("graph_", type_=BigInteger),
        bindparam("digest_", type_=LargeBinary),
        bindparam("number_", type_=Integer),
        bindparam("content_", type_=Text),
    ).where(
        ~exists().where(
            standing.c.graph == bindparam("graph_", type_=BigInteger),
            standing.c.digest == bindparam("digest_", type_=LargeBinary),
        )
    ),
)


def follow(connection: Connection, findings: Rows) -> None:
    """Apply the findings of one change, rows of the table ``finding``: removed, then added."""
    for kind, statement in (("removed", _REMOVE), ("added", _ADD)):
        rows = []
        for row in findings:
            if row["kind"] == kind:
                graph, digest = finding_key(row["content"])
                said = {"number_": row["number"], "content_": row["content"]}
                rows.append(
                    {"graph_": graph, "digest_": digest} | (said if kind == "added" else {})
                )
        if rows:
            connection.execute(statement, rows)


def rows(database: Database, graphs: Collection[str] | None) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each finding that stands in some graphs, or in any."""
    query = select(standing)
    if graphs is not None:
        query = query.where(standing.c.graph.in_([touched_key(graph) for graph in graphs]))
    for row in database.rows(query, standing.c.graph, standing.c.digest):
        yield row.number, row.content


def first_fault(database: Database, redacted: Collection[int]) -> int | None:
    """Return the first change whose findings do not stand as the log has them, or None."""
    expected: dict[bytes, int] = {}
    changes = database.rows(select(finding), finding.c.number, finding.c.position)
    for row in changes:
        # Of a redacted finding its digest is left.
        if (digest := _digest(row.content, redacted=row.number in redacted)) is None:
            return int(row.number)
        if row.kind == "removed":
            expected.pop(digest, None)
        else:
            expected.setdefault(digest, row.number)
    wrong: set[int] = set()
    for row in database.rows(select(standing), standing.c.graph, standing.c.digest):
        number = expected.pop(row.digest, None)
        if number != row.number or _key(row.content) != (row.graph, row.digest):
            wrong |= {row.number, row.number if number is None else number}
    return min(wrong | set(expected.values()), default=None)


def _digest(content: str, *, redacted: bool) -> bytes | None:
    try:
        return bytes.fromhex(content) if redacted else finding_key(content)[1]
    except ValueError:
        return None


def _key(content: str) -> tuple[int, bytes] | None:
    try:
        return finding_key(content)
    except (ValueError, AttributeError):
        return None

"""The findings that stand at the head: an index of what changes added and removed."""

from collections.abc import Collection, Iterator
from typing import Final

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

from competency_graph.log.chain import FindingKey, finding_key, touched_key
from competency_graph.log.database import Database
from competency_graph.log.rows import Rows
from competency_graph.log.tables import finding, standing

# Fewer than a statement may have parameters.
_AT_A_TIME: Final = 5_000
_REMOVE = delete(standing).where(
    standing.c.graph == bindparam("graph_", type_=BigInteger),
    standing.c.digest == bindparam("digest_", type_=LargeBinary),
)
# A finding that stands already keeps the change that brought it.
_ADD = insert(standing).from_select(
    ["graph", "digest", "node", "number", "content"],
    select(
        bindparam("graph_", type_=BigInteger),
        bindparam("digest_", type_=LargeBinary),
        bindparam("node_", type_=BigInteger),
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
                key = finding_key(row["content"])
                found = {"graph_": key.graph, "digest_": key.digest}
                said = {"node_": key.node, "number_": row["number"], "content_": row["content"]}
                rows.append(found | (said if kind == "added" else {}))
        if rows:
            connection.execute(statement, rows)


def rows(
    database: Database,
    graphs: Collection[str] | None,
    nodes: Collection[str] | None,
) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each finding that stands in some graphs or at some nodes.

    Without either, of all.
    """
    if graphs is None and nodes is None:
        for row in database.rows(select(standing), standing.c.graph, standing.c.digest):
            yield row.number, row.content
        return
    homes, places = ([touched_key(t) for t in terms or ()] for terms in (graphs, nodes))
    for chosen, keys in ((standing.c.graph, homes), (standing.c.node, places)):
        for start in range(0, len(keys), _AT_A_TIME):
            query = select(standing).where(chosen.in_(keys[start : start + _AT_A_TIME]))
            if chosen is standing.c.node and homes:
                query = query.where(standing.c.graph.not_in(homes))
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
        if number != row.number or _key(row.content) != (row.graph, row.node, row.digest):
            wrong |= {row.number, row.number if number is None else number}
    return min(wrong | set(expected.values()), default=None)


def _digest(content: str, *, redacted: bool) -> bytes | None:
    try:
        return bytes.fromhex(content) if redacted else finding_key(content).digest
    except ValueError:
        return None


def _key(content: str) -> FindingKey | None:
    try:
        return finding_key(content)
    except (ValueError, AttributeError):
        return None

"""Tokens and refused attempts in SQL. Sees no secret, only digests; decides who may do nothing."""

import json
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Select, delete, func, insert, or_, select, update

from competency_graph.errors import NotFound
from competency_graph.log.chain import time_text
from competency_graph.log.database import Database
from competency_graph.log.tables import attempt, token
from competency_graph.log.values import FORBIDDEN, Attempt, Token
from competency_graph.model import Role

MOST_ATTEMPTS: Final = 10_000
"""Only so many of the newest attempts are kept."""

MOST_FAILURES: Final = 20
"""So many attempts of one address are recorded in a ``WINDOW``."""

WINDOW: Final = timedelta(minutes=1)

# A use is worth no waiting, a failed attempt a little: neither keeps a client from its answer
# while a large change is being written.
_PATIENCE_OF_USE: Final = 0.0
_PATIENCE_OF_ATTEMPT: Final = 2.0


class Tokens:
    """The tokens of a log, asked anew each time: what one process revokes, no other accepts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        *,
        name: str,
        digest: bytes,
        role: Role,
        graphs: frozenset[str],
        created: datetime,
        expires: datetime | None,
    ) -> int:
        """Record a token and return its number, which no other ever has."""
        row = {
            "name": name,
            "digest": digest,
            "role": role,
            "graphs": json.dumps(sorted(graphs)),
            "created": time_text(created),
            "expires": None if expires is None else time_text(expires),
        }
        with self._database.transaction(writing=True) as connection:
            key = connection.execute(insert(token), row).inserted_primary_key
        assert key is not None
        return int(key[0])

    def all(self) -> list[Token]:
        """Return every token, the revoked and the expired too, oldest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(select(token).order_by(token.c.number)).all()
        return [_token(row) for row in rows]

    def find(self, number: int) -> Token | None:
        """Return the token of a number, or nothing."""
        with self._database.transaction() as connection:
            row = connection.execute(select(token).where(token.c.number == number)).first()
        return None if row is None else _token(row)

    def revoke(self, number: int, *, now: datetime) -> Token:
        """Revoke a token for good and return it; one that was revoked keeps its time.

        Raises:
            NotFound: there is none of this number.
        """
        with self._database.transaction(writing=True) as connection:
            connection.execute(
                update(token)
                .where(token.c.number == number, token.c.revoked.is_(None))
                .values(revoked=time_text(now))
            )
        found = self.find(number)
        if found is None:
            raise NotFound(f"There is no token {number}. See: competency-graph token list.")
        return found

    def use(self, number: int, *, now: datetime) -> None:
        """Record that a token was used, where that was not recorded in the last ``WINDOW``.

        Raises:
            UnusableDatabase: it cannot be recorded just now.
        """
        with self._database.transaction(writing=True, patience=_PATIENCE_OF_USE) as connection:
            connection.execute(
                update(token)
                .where(
                    token.c.number == number,
                    or_(
                        token.c.last_used.is_(None),
                        token.c.last_used <= time_text(now - WINDOW),
                    ),
                )
                .values(last_used=time_text(now))
            )

    def note(self, tried: Attempt) -> bool:
        """Record an attempt and return True, or False where its address used up its share.

        Counted and recorded under one lock, so that many processes together give no address more
        than ``MOST_FAILURES`` in a ``WINDOW``. What was forbidden has a share of its own.

        Raises:
            UnusableDatabase: it cannot be recorded just now.
        """
        row = {
            "time": time_text(tried.time),
            "what": tried.what,
            "token": tried.token,
            "address": tried.address,
            "outcome": tried.outcome,
        }
        alike = _recent(tried.address, tried.time, forbidden=tried.outcome == FORBIDDEN)
        with self._database.transaction(writing=True, patience=_PATIENCE_OF_ATTEMPT) as connection:
            counted = select(func.count()).select_from(alike.subquery())
            if (connection.scalar(counted) or 0) >= MOST_FAILURES:
                return False
            key = connection.execute(insert(attempt), row).inserted_primary_key
            assert key is not None
            connection.execute(delete(attempt).where(attempt.c.number <= key[0] - MOST_ATTEMPTS))
        return True

    def blocked_until(self, address: str, *, now: datetime) -> datetime | None:
        """Return when an address that used up its failed attempts may try again, or nothing."""
        query = _recent(address, now, forbidden=False).order_by(attempt.c.time.desc())
        with self._database.transaction() as connection:
            times = connection.scalars(query.limit(MOST_FAILURES)).all()
        return datetime.fromisoformat(times[-1]) + WINDOW if len(times) == MOST_FAILURES else None

    def attempts(self, most: int = MOST_ATTEMPTS) -> list[Attempt]:
        """Return the newest attempts, newest first."""
        query = select(attempt).order_by(attempt.c.number.desc()).limit(most)
        with self._database.transaction() as connection:
            rows = connection.execute(query).all()
        return [
            Attempt(
                time=datetime.fromisoformat(row.time),
                what=row.what,
                token=row.token,
                address=row.address,
                outcome=row.outcome,
            )
            for row in rows
        ]


def _recent(address: str, now: datetime, *, forbidden: bool) -> Select[str]:
    """Return the query for the times of an address's attempts in the ``WINDOW`` up to now."""
    kind = attempt.c.outcome == FORBIDDEN
    return select(attempt.c.time).where(
        attempt.c.address == address,
        attempt.c.time > time_text(now - WINDOW),
        # A clock that was set back must not leave anybody out for long.
        attempt.c.time <= time_text(now),
        kind if forbidden else ~kind,
    )


def _token(row: Row[*tuple[Any, ...]]) -> Token:
    return Token(
        number=row.number,
        name=row.name,
        digest=row.digest,
        role=row.role,
        graphs=frozenset(json.loads(row.graphs)),
        created=datetime.fromisoformat(row.created),
        expires=_time(row.expires),
        last_used=_time(row.last_used),
        revoked=_time(row.revoked),
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

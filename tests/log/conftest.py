"""What tests of the log need: a database of its own, drafts.

They run on SQLite, and on PostgreSQL as well where ``TEST_POSTGRESQL`` holds the
URL of a database that may be emptied (and psycopg is installed).
"""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from competency_graph.log import Draft, Log
from sqlalchemy import create_engine, text

POSTGRESQL = os.environ.get("TEST_POSTGRESQL")
BASE = "https://example.org/"
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)

MakeDraft = Callable[..., Draft]


@pytest.fixture(params=["sqlite", "postgresql"] if POSTGRESQL else ["sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database that holds nothing."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'log.db'}"
    assert POSTGRESQL
    engine = create_engine(POSTGRESQL)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return POSTGRESQL


@pytest.fixture
def log(url: str) -> Iterator[Log]:
    """Open an empty log."""
    with Log.open(url, base=BASE) as opened:
        yield opened


@pytest.fixture(scope="session")
def draft() -> MakeDraft:
    """Return how to make a draft of which only some things matter."""

    def make(**given: object) -> Draft:
        usual = {"author": "Ada", "time": NOON, "message": "Say it better."}
        return Draft(**(usual | given))  # type: ignore[arg-type]

    return make

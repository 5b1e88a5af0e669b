"""A migrated database that the tests of one file share: the rows go between two tests, the tables stay."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from models.database import open_database
from models.migrate import migrate
from models.statement import Statement, connection, is_postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests import servers

_TABLES = (
    "delivery",
    "graded_assignment",
    "outcome_service",
    "lti_consumer",
    "score",
    "course_structure",
    "quarantined_event",
    "retired_user",
    "intake",
)
_CLEAR = [Statement(f"DELETE FROM {table}") for table in _TABLES]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the file's own database, once on each engine."""
    if request.param == "sqlite":
        url = f"sqlite://{tmp_path_factory.mktemp('shared') / 'test.db'}"
        asyncio.run(migrate(url))
        yield url
        return
    server: servers.PostgresServer = request.getfixturevalue("_postgres")
    server.start()
    url = server.create_database()
    try:
        asyncio.run(migrate(url))
        yield url
    finally:
        server.drop_database(url)


@pytest.fixture
async def empty_database(shared_url: str) -> AsyncIterator[str]:
    """The file's own database, open and empty; gives its URL."""
    async with open_database(shared_url):
        if not is_postgres():
            await connection().execute_query("PRAGMA synchronous = OFF")
        for statement in _CLEAR:
            await statement.rows()
        yield shared_url

"""Fixtures of the tests of the queue."""

import pytest

from tests.daemon.queue.house import house


@pytest.fixture
async def home(redis_url):
    async with house(redis_url) as opened:
        yield opened

"""Fixtures of the tests of the queue."""

from __future__ import annotations

import pytest

from tests.daemon.queue.house import house


@pytest.fixture
async def home(redis_url):
    async with house(redis_url) as opened:
        yield opened

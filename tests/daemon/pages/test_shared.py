"""What many visitors look at is read once."""

import asyncio

import pytest

from daemon.pages.shared import Shared


class Counted:
    """Counts its reads; they end when they are let."""

    def __init__(self):
        self.reads, self.let = 0, asyncio.Event()

    async def read(self):
        self.reads += 1
        number = self.reads
        await self.let.wait()
        return number


async def test_visitors_who_come_together_have_one_read():
    seconds = 100.0
    shared, counted = Shared(5.0, lambda: seconds), Counted()
    visitors = [asyncio.create_task(shared.get(counted.read)) for _ in range(20)]
    await asyncio.sleep(0)
    counted.let.set()
    assert await asyncio.gather(*visitors) == [1] * 20
    seconds += 4.9
    assert await shared.get(counted.read) == 1
    seconds += 0.1
    assert await shared.get(counted.read) == 2


async def test_a_read_that_fails_is_tried_by_the_next_visitor():
    shared, counted = Shared(5.0, lambda: 0.0), Counted()
    counted.let.set()

    async def fail():
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        await shared.get(fail)
    assert await shared.get(counted.read) == 1

"""Whether the ids of the stream are times at which entries can have arrived."""

import time

import pytest

from daemon.check.servers import check_servers
from daemon.config import Config
from daemon.config.sections import DatabaseSection, RedisSection
from daemon.infra.redis import redis_client


async def faults(database, redis, *, deep):
    config = Config(database=DatabaseSection(url=database), redis=RedisSection(url=redis))
    return [one.line() for one in await check_servers(config, deep=deep) if one.severity == "fault"]


@pytest.mark.parametrize(("minutes", "is_a_fault"), [(-1000, False), (50, False), (90, True), (500_000_000, True)])
async def test_ids_over_an_hour_ahead_of_the_databases_clock_are_a_fault(
    fresh_database, valkey_url, minutes, is_a_fault
):
    url = fresh_database("sqlite")
    entry = int((time.time() + minutes * 60) * 1000)
    async with redis_client(valkey_url) as client:
        added = await client.xadd("passback:events", {"type": "launch"}, id=f"{entry}-0")
        await client.xdel("passback:events", added)
    found = await faults(url, valkey_url, deep=True)
    assert len(found) == is_a_fault
    for line in found:
        assert line.startswith("redis.stream: the newest id of the stream lies ")
        assert "PassbackdStreamAhead" in line


async def test_without_a_stream_there_is_no_fault(fresh_database, valkey_url):
    assert await faults(fresh_database("sqlite"), valkey_url, deep=True) == []

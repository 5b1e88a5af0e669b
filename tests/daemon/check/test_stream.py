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


@pytest.mark.parametrize("beside_another_fault", [False, True])
async def test_the_largest_id_is_named_whatever_else_is_wrong(fresh_database, valkey_url, beside_another_fault):
    async with redis_client(valkey_url) as client:
        await client.xadd("passback:events", {"type": "launch"}, id=f"{2**64 - 1}-{2**64 - 1}")
        if beside_another_fault:
            await client.rpush("passback:events:owner", "no owner")
    found = await faults(fresh_database("sqlite"), valkey_url, deep=True)
    assert ["PassbackdStreamAhead" in line for line in found].count(True) == 1
    assert (len(found) > 1) is beside_another_fault


async def test_without_a_database_the_ids_are_compared_with_this_machines_clock(valkey_url, tmp_path):
    async with redis_client(valkey_url) as client:
        await client.xadd("passback:events", {"type": "launch"}, id=f"{2**64 - 1}-{2**64 - 1}")
    found = await faults(f"postgresql://{tmp_path.name}@127.0.0.1:1/none", valkey_url, deep=True)
    assert [line.partition(":")[0] for line in found] == ["database.url", "redis.stream"]


async def test_without_a_redis_nothing_is_said_of_its_ids(fresh_database):
    found = await faults(fresh_database("sqlite"), "redis://127.0.0.1:1/0", deep=True)
    assert [line.partition(":")[0] for line in found] == ["redis.url"]

"""`check` does what the daemon does: what is refused of that is a fault, and nothing else is."""

import re
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from daemon.check.redis import check_redis
from daemon.check.redis_trouble import redis_trouble
from daemon.config import Config
from daemon.config.sections import RedisSection
from daemon.infra.redis import redis_client
from tests.servers import HOST

INSTALL = Path(__file__).parents[3] / "docs" / "install.md"

#: What intake, the gauges and Dramatiq send, also from within scripts.
USED = (
    *("ping", "multi", "exec", "xinfo|stream", "xrange", "xread", "eval", "evalsha"),
    *("zadd", "hset", "rpush", "lpop", "sadd", "hmget", "srem", "hexists", "hget", "hdel", "zrangebyscore"),
    *("smembers", "keys", "zrem", "del"),
)
#: What only `check` itself asks for.
UNUSED = ("info", "config", "type", "xlen", "client", "acl", "get", "set")


def redis_config(url):
    return Config(redis=RedisSection(url=url))


async def faults(url, *, deep=False):
    return [one.line() for one in await check_redis(redis_config(url), deep=deep) if one.severity == "fault"]


@contextmanager
def guest(url, *rules):
    """The URL of a user to whom these rules apply."""
    with redis.Redis.from_url(url) as client:
        client.execute_command("ACL", "SETUSER", "guest", "on", ">guest", "~*", "&*", "+@all", *rules)
        try:
            yield url.replace("redis://", "redis://guest:guest@")
        finally:
            client.execute_command("ACL", "DELUSER", "guest")


@pytest.mark.parametrize("deep", [False, True])
async def test_all_that_the_daemon_does_is_tried_and_nothing_is_left(redis_url, deep):
    assert await faults(redis_url, deep=deep) == []
    with redis.Redis.from_url(redis_url) as client:
        assert client.keys() == []


@pytest.mark.parametrize("command", USED)
async def test_a_command_that_the_daemon_needs_and_may_not_use_is_a_fault(redis_url, command):
    with redis.Redis.from_url(redis_url) as client:
        client.xadd("passback:events", {"type": "launch"})
    if "|" in command and await is_before_7(redis_url):
        command = command.partition("|")[0]
    with guest(redis_url, f"-{command}") as url:
        found = await faults(url)
    assert found
    assert all("redis.url" in line for line in found)


async def is_before_7(url):
    async with redis_client(url) as client:
        return int((await client.info("server"))["redis_version"].split(".")[0]) < 7


@pytest.mark.parametrize("command", UNUSED)
async def test_a_command_that_the_daemon_does_not_need_is_no_fault(redis_url, command):
    with guest(redis_url, f"-{command}") as url:
        assert await faults(url) == await faults(url, deep=True) == []


async def test_a_user_of_these_keys_alone_is_enough(redis_url):
    with guest(redis_url, "resetkeys", "~passback:*") as url:
        assert await faults(url) == []


async def test_the_access_list_of_the_documents_is_enough(redis_url):
    (rules,) = re.findall(
        r"^ACL SETUSER passbackd on >change-me (.*?)^```", INSTALL.read_text(), re.DOTALL | re.MULTILINE
    )
    with guest(redis_url, "reset", "on", ">guest", *rules.split()) as url:
        assert [one.line() for one in await check_redis(redis_config(url), deep=True) if one.severity != "ok"] == []


async def test_the_access_list_of_the_documents_for_the_tool_is_enough_to_put_events_and_for_nothing_else(redis_url):
    (rules,) = re.findall(r"^ACL SETUSER tool on >change-me-too (.*)$", INSTALL.read_text(), re.MULTILINE)
    with guest(redis_url, "reset", "on", ">guest", *rules.split()) as url, redis.Redis.from_url(url) as tool:
        assert tool.xadd("passback:events", {"type": "launch"})
        for command in ("XADD passback:events:owner * a b", "SET passback:events x", "DEL passback:events", "KEYS *"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                tool.execute_command(*command.split())


async def test_without_trimming_intake_goes_on_so_that_it_is_a_warning(redis_url):
    with guest(redis_url, "-xtrim") as url:
        found = await check_redis(redis_config(url), deep=False)
    (one,) = [finding for finding in found if finding.severity == "warning"]
    assert "XTRIM" in one.problem


async def test_a_redis_that_is_full_or_a_replica_is_a_fault_in_our_words(redis_server, redis_url):
    with redis.Redis(host=HOST, port=redis_server.port) as client:
        for begin, end, words in (
            (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "redis is full (maxmemory)"),
            (("REPLICAOF", HOST, "1"), ("REPLICAOF", "NO", "ONE"), "redis is a replica and takes no writes"),
        ):
            client.execute_command(*begin)
            try:
                assert any(words in line for line in await faults(redis_url))
                async with redis_client(redis_url) as asked:
                    assert words in await redis_trouble(asked, "passback:dramatiq")
            finally:
                client.execute_command(*end)
    async with redis_client(redis_url) as asked:
        assert await redis_trouble(asked, "passback:dramatiq") is None
        assert await asked.keys() == []

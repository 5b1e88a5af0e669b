"""What is told of a Redis, as such and of a real one."""

from contextlib import contextmanager

import pytest
import redis

from daemon.check.durability import Facts, judge
from daemon.check.redis import check_redis
from daemon.config import Config
from daemon.config.sections import RedisSection

GOOD = {"redis_version": "7.4.1", "role": "master", "aof_enabled": 1, "used_memory": 2**20, "maxmemory": 0}
SETTINGS = {"save": "", "appendfsync": "everysec", "policy": "noeviction"}
MIB = 2**20


def found(info=None, **settings):
    return judge(Facts(info=GOOD | (info or {}), **SETTINGS | settings))


def test_a_good_one_has_its_version_and_round_trip_told():
    assert [(finding.severity, finding.line()) for finding in found(trip=0.0004)] == [
        ("ok", "redis: Redis 7.4.1, answers in 0.4 ms"),
        ("ok", "redis: maxmemory-policy is noeviction"),
        ("ok", "redis: appendonly is on, appendfsync everysec"),
    ]


@pytest.mark.parametrize(
    ("info", "settings", "severity", "words"),
    [
        ({"valkey_version": "9.0.1"}, {}, "ok", "redis: Valkey 9.0.1"),
        ({"role": "slave", "master_host": "r1", "master_port": 6379}, {}, "fault", "it is a replica of r1:6379"),
        ({}, {"policy": "allkeys-lru"}, "fault", "maxmemory-policy is allkeys-lru: it deletes the stream"),
        ({}, {"policy": "allkeys-lru"}, "fault", "as soon as maxmemory is set"),
        ({}, {"policy": "volatile-ttl"}, "warning", "maxmemory-policy is volatile-ttl: it spares the stream"),
        ({"maxmemory_policy": "allkeys-lfu"}, {"policy": None}, "fault", "maxmemory-policy is allkeys-lfu"),
        ({}, {"policy": None}, "ok", "maxmemory-policy could not be read"),
        ({"maxmemory": 100 * MIB, "used_memory": 79 * MIB}, {}, "ok", "79% of maxmemory (79 of 100 MiB)"),
        ({"maxmemory": 100 * MIB, "used_memory": 80 * MIB}, {}, "warning", "80% of maxmemory"),
        ({"aof_enabled": 0}, {}, "warning", "neither appendonly nor save is set: a restart loses the events"),
        ({"aof_enabled": 0}, {"save": "3600 1"}, "ok", "it saves by `save 3600 1`"),
        ({"aof_enabled": 0}, {"save": None}, "ok", "save could not be read"),
        ({}, {"appendfsync": "no"}, "warning", "appendfsync is no"),
        ({}, {"appendfsync": None}, "ok", "appendfsync could not be read"),
        ({"aof_last_write_status": "err"}, {}, "fault", "its last write to the append-only file failed"),
        ({"rdb_last_bgsave_status": "err"}, {"save": "3600 1"}, "fault", "its last save failed"),
        ({"rdb_last_bgsave_status": "err"}, {"save": ""}, "warning", "its last save failed"),
        ({"rdb_last_bgsave_status": "err"}, {"save": None}, "fault", "its last save failed"),
    ],
)
def test_what_would_lose_or_hold_up_events_is_told_with_its_cure(info, settings, severity, words):
    told = [finding for finding in found(info, **settings) if words in finding.line()]
    assert [finding.severity for finding in told] == [severity]
    assert severity == "ok" or told[0].cure


# --- Real ones ---


@contextmanager
def configured(url, **settings):
    """A server with other settings, which are put back."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        names = {name.replace("_", "-"): value for name, value in settings.items()}
        before = {name: client.config_get(name)[name] for name in names}
        try:
            for name, value in names.items():
                client.config_set(name, value)
            yield client
        finally:
            for name, value in before.items():
                client.config_set(name, value)


async def lines(url, stream="passback:events"):
    findings = await check_redis(Config(redis=RedisSection(url=url, stream=stream)), deep=True)
    return {finding.line(): finding.severity for finding in findings}


def one(lines, words):
    (severity,) = [severity for line, severity in lines.items() if words in line]
    return severity


async def test_a_real_one_tells_its_stream_and_its_settings(redis_url):
    told = await lines(redis_url)
    assert one(told, "redis: the stream passback:events is not there yet") == "ok"
    assert one(told, "maxmemory-policy is noeviction") == "ok"
    assert one(told, "appendfsync is no") == "warning"
    with configured(redis_url, maxmemory_policy="allkeys-lru", appendfsync="always", appendonly="no") as client:
        client.xadd("passback:events", {"type": "launch"})
        told = await lines(redis_url)
    assert one(told, "redis: the stream passback:events holds 1 entries") == "ok"
    assert one(told, "maxmemory-policy is allkeys-lru") == "fault"
    assert one(told, "neither appendonly nor save") == "warning"


async def test_a_key_that_is_no_stream_is_told_once(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.set("passback:events", "text")
    told = await lines(redis_url)
    assert one(told, "passback:events") == "fault"


async def test_a_server_that_hides_its_settings_is_no_fault(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command("ACL", "SETUSER", "guest", "on", ">guest", "~*", "+@all", "-config")
        try:
            told = await lines(redis_url.replace("redis://", "redis://guest:guest@"))
        finally:
            client.execute_command("ACL", "DELUSER", "guest")
    assert one(told, "appendfsync could not be read (CONFIG GET is forbidden here)") == "ok"
    assert one(told, "maxmemory-policy is noeviction") == "ok"
    assert "fault" not in told.values()

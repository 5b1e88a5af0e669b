"""What is found about a Redis, by its answers and of a real one."""

import pytest
import redis

from daemon.check.redis import check_redis, redis_findings
from daemon.config import Config
from daemon.config.sections import RedisSection

GOOD = {"redis_version": "7.4.1", "role": "master", "aof_enabled": 1, "used_memory": 2**20, "maxmemory": 0}
SETTINGS = {"save": "", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}
MIB = 2**20


def test_of_a_good_one_version_and_round_trip_are_shown():
    assert [(finding.severity, finding.line()) for finding in redis_findings(GOOD, SETTINGS, 0.0004)] == [
        ("ok", "redis: Redis 7.4.1, answers in 0.4 ms"),
        ("ok", "redis: maxmemory-policy is noeviction"),
        ("ok", "redis: appendonly is on, appendfsync everysec"),
    ]


@pytest.mark.parametrize(
    ("info", "settings", "severity", "words"),
    [
        ({"valkey_version": "9.0.1"}, {}, "ok", "redis: Valkey 9.0.1"),
        ({"role": "slave", "master_host": "r1", "master_port": 6379}, {}, "fault", "it is a replica of r1:6379"),
        ({}, {"maxmemory-policy": "allkeys-lru"}, "fault", "maxmemory-policy is allkeys-lru: it deletes the stream"),
        ({}, {"maxmemory-policy": "allkeys-lru"}, "fault", "as soon as maxmemory is set"),
        ({}, {"maxmemory-policy": "volatile-ttl"}, "warning", "maxmemory-policy is volatile-ttl: it spares the stream"),
        ({"maxmemory_policy": "allkeys-lfu"}, {"maxmemory-policy": None}, "fault", "maxmemory-policy is allkeys-lfu"),
        ({}, {"maxmemory-policy": None}, "ok", "maxmemory-policy could not be read"),
        ({"maxmemory": 100 * MIB, "used_memory": 79 * MIB}, {}, "ok", "79% of maxmemory (79 of 100 MiB)"),
        ({"maxmemory": 100 * MIB, "used_memory": 80 * MIB}, {}, "warning", "80% of maxmemory"),
        ({"aof_enabled": 0}, {}, "warning", "neither appendonly nor save is set: a restart loses the unread events"),
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
def test_what_would_lose_or_hold_up_events_is_shown_with_its_cure(info, settings, severity, words):
    findings = redis_findings(GOOD | info, SETTINGS | settings, 0.001)
    found = [finding for finding in findings if words in finding.line()]
    assert [finding.severity for finding in found] == [severity]
    assert severity == "ok" or found[0].cure


# --- Real ones ---


async def severity_of(url, words):
    """Of the only finding whose line holds these words."""
    findings = await check_redis(Config(redis=RedisSection(url=url)), deep=True)
    (severity,) = [finding.severity for finding in findings if words in finding.line()]
    return severity


async def test_a_real_one_is_asked_for_its_stream_and_its_settings(redis_url):
    assert await severity_of(redis_url, "redis: the stream passback:events is not there yet") == "ok"
    assert await severity_of(redis_url, "maxmemory-policy is noeviction") == "ok"
    assert await severity_of(redis_url, "appendfsync is no") == "warning"
    with redis.Redis.from_url(redis_url) as client:
        client.xadd("passback:events", {"type": "launch"})
        assert await severity_of(redis_url, "redis: the stream passback:events holds 1 entries") == "ok"
        client.delete("passback:events")
        client.set("passback:events", "text")
    assert await severity_of(redis_url, "passback:events") == "fault"


async def test_a_server_that_hides_its_settings_is_no_fault(redis_url):
    guest = redis_url.replace("redis://", "redis://guest:guest@")
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command("ACL", "SETUSER", "guest", "on", ">guest", "~*", "+@all", "-config")
        try:
            assert await severity_of(guest, "appendfsync could not be read (CONFIG GET is forbidden here)") == "ok"
            assert await severity_of(guest, "maxmemory-policy is noeviction") == "ok"
        finally:
            client.execute_command("ACL", "DELUSER", "guest")


@pytest.mark.parametrize(
    ("setting", "refusing", "words", "cure"),
    [
        ("maxmemory", 1, "redis is full (maxmemory) and takes no writes", "raise maxmemory"),
        ("min-replicas-to-write", 1, "redis misses its replicas and so takes no writes", "see its log"),
    ],
)
async def test_a_server_that_answers_and_takes_no_writes_is_named_without_deep_too(
    redis_url, setting, refusing, words, cure
):
    config = Config(redis=RedisSection(url=redis_url))
    with redis.Redis.from_url(redis_url) as client:
        try:
            client.config_set(setting, refusing)
            found = await check_redis(config, deep=False)
        finally:
            client.config_set(setting, 0)
    faults = [finding for finding in found if finding.severity == "fault"]
    assert any(words in finding.problem and cure in finding.cure for finding in faults), found
    assert all(finding.severity == "ok" for finding in await check_redis(config, deep=False))


async def test_a_server_is_called_by_its_own_name_and_version(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        info = client.info("server")
    name = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"
    said = [one.line() for one in await check_redis(Config(redis=RedisSection(url=redis_url)), deep=False)]
    assert f"redis: {name} answers" in said

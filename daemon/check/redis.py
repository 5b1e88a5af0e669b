"""Redis: whether it answers, and whether events are safe with it."""

import time
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from daemon.check.durability import Facts, judge
from daemon.check.findings import Finding, fault, ok, told
from daemon.config import Config
from daemon.infra.embedded import binary
from daemon.infra.embedded_lock import EmbeddedError, known_url
from daemon.infra.errors import describe
from daemon.infra.redis import is_too_old, redis_client
from daemon.ingest.stream import as_text

#: Round trips that are measured; the quickest counts.
TRIPS = 5


async def check_redis(config: Config, *, deep: bool) -> list[Finding]:
    """Reads only."""
    url = config.redis.url
    if config.redis.embedded:
        try:
            binary()
        except EmbeddedError as error:
            return [told("redis.url", str(error), joint=": ")]
        running = known_url(config.redis.embedded_dir)
        if running is None:
            return [ok("redis", "embedded, starts with the daemon")]
        url = running
    try:
        async with redis_client(url) as client:
            found = await _plain(client, config.redis.stream)
            return [*found, *await _deep(client, config.redis.stream)] if deep else found
    except Exception as error:  # noqa: BLE001 - whatever the client says, the operator needs the key
        problem = f"Redis cannot be reached ({describe(error)})"
        return [fault("redis.url", problem, "is it running, is the URL right?")]


async def _plain(client: Redis, stream: str) -> list[Finding]:
    version = str((await client.info("server"))["redis_version"])
    kind = as_text(await client.type(stream))
    if is_too_old(version):
        return [fault("redis.url", f"this Redis is {version}", "passbackd needs 6.2 or newer, or a Valkey")]
    if kind not in ("stream", "none"):
        problem = f"the key {stream} holds a {kind}, not a stream"
        return [fault("redis.stream", problem, "name another", joint=": ")]
    return [ok("redis", f"answers, {version}")]


async def _deep(client: Redis, stream: str) -> list[Finding]:
    trips = []
    for _ in range(TRIPS):
        before = time.perf_counter()
        await client.ping()
        trips.append(time.perf_counter() - before)
    facts = Facts(
        info=await client.info(),
        save=await _setting(client, "save"),
        appendfsync=await _setting(client, "appendfsync"),
        policy=await _setting(client, "maxmemory-policy"),
        trip=min(trips),
    )
    return [*judge(facts), *await _length(client, stream)]


async def _setting(client: Redis, name: str) -> str | None:
    """What CONFIG GET says; None where it is forbidden, as with servers that somebody else manages."""
    try:
        settings: dict[Any, Any] = await client.config_get(name)
    except RedisError:
        return None
    value = settings.get(name)
    return None if value is None else as_text(value)


async def _length(client: Redis, stream: str) -> list[Finding]:
    kind = as_text(await client.type(stream))
    if kind == "none":
        return [ok("redis", f"the stream {stream} is not there yet: the first event makes it")]
    if kind != "stream":
        return []  # told already
    return [ok("redis", f"the stream {stream} holds {await client.xlen(stream)} entries")]

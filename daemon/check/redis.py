"""Redis: whether it answers, and whether it keeps the events on its stream until passbackd has read them."""

from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError

from actors.send_outcomes import queue_name
from daemon.check.findings import Finding, fault, ok, split_cure, warning
from daemon.check.rehearsal import rehearse
from daemon.check.stream import check_stream_ids
from daemon.check.timing import quickest
from daemon.config import Config
from daemon.infra.embedded import binary
from daemon.infra.embedded_lock import EmbeddedError, known_url, unreadable
from daemon.infra.errors import Trouble, describe, trouble
from daemon.infra.redis import is_too_old, redis_client
from daemon.ingest.stream import Stream, as_text
from daemon.queue.broker import kinds_of

#: The used part of ``maxmemory`` from which on a warning is given.
NEARLY_FULL = 0.8

_SETTINGS = ("save", "appendfsync", "maxmemory-policy")


async def check_redis(config: Config, *, deep: bool) -> list[Finding]:
    """Changes nothing: what it writes to rehearse the daemon's work is gone when it is done."""
    url, stream = config.redis.url, config.redis.stream
    if config.redis.embedded:
        try:
            binary()
        except EmbeddedError as error:
            return [fault("redis.url", *split_cure(error))]
        running = known_url(config.redis.embedded_dir)
        if running is None:
            return [_embedded(config)]
        url = running
    try:
        async with redis_client(url) as client:
            await client.ping()
            found = [await _server(client), *await _stream(client, stream, deep=deep), *await _occupied(client, config)]
            # With another kind of key there is nothing to rehearse.
            if all(finding.severity == "ok" for finding in found):
                found += await rehearse(client, config.redis, url)
            return [*found, *await _deeply(client), *await check_stream_ids(client, config)] if deep else found
    except Exception as error:  # noqa: BLE001 - whatever the client says, the operator needs the key
        lost = trouble(error)
        words = "" if lost is None or lost == Trouble("redis") else f"{lost.words}: "
        problem = f"Redis cannot be reached ({words}{describe(error)})"
        cure = "" if lost is None else lost.cure
        return [fault("redis.url", problem, cure or "is it running, is the URL right?")]


def _embedded(config: Config) -> Finding:
    """That the embedded server does not run, or that this account may not see whether it does."""
    hidden = unreadable(config.redis.embedded_dir)
    found = None if hidden is None else trouble(hidden)
    if found is None:
        return ok("redis", "embedded, starts with the daemon")
    return fault("redis.embedded_dir", f"{found.words}: whether the embedded server runs is not known", found.cure)


async def _deeply(client: Redis) -> list[Finding]:
    trip, _ = await quickest(client.ping)
    settings = {name: await _setting(client, name) for name in _SETTINGS}
    try:
        info = await client.info()
    except NoPermissionError:
        return [ok("redis", "its state could not be read (INFO is forbidden here): see that it keeps what it takes")]
    return redis_findings(info, settings, trip)


async def _server(client: Redis) -> Finding:
    try:
        info: dict[str, Any] = await client.info("server")
    except NoPermissionError:
        return ok("redis", "answers; its version could not be read (INFO is forbidden here)")
    version = str(info["redis_version"])
    if is_too_old(version):
        return fault("redis.url", f"this Redis is {version}", "passbackd needs 6.2 or newer, or a Valkey")
    return ok("redis", f"{_name(info)} answers")


def _name(info: Mapping[str, Any]) -> str:
    """What a server is, with its version: a Valkey also gives that of the Redis whose commands it has."""
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info.get('redis_version', 'of an unknown version')}"


async def _stream(client: Redis, stream: str, *, deep: bool) -> list[Finding]:
    try:
        kind = as_text(await client.type(stream))
    except NoPermissionError:
        return []  # only this check asks for it
    if kind not in ("stream", "none"):
        return [fault("redis.stream", f"the key {stream} holds a {kind}, not a stream", "name another")]
    if not deep:
        return []
    if kind == "none":
        return [ok("redis", f"the stream {stream} is not there yet: the first event makes it")]
    try:
        return [ok("redis", f"the stream {stream} holds {await client.xlen(stream)} entries")]
    except NoPermissionError:
        return []


async def _occupied(client: Redis, config: Config) -> list[Finding]:
    """The keys beside the stream, and those of the queue, that hold what another program wrote."""
    stream, namespace = Stream(client, config.redis.stream), config.redis.dramatiq_namespace
    kinds = dict.fromkeys((stream.owner_key, stream.reader_key), "string")
    for number in range(config.worker.partitions):
        kinds |= kinds_of(namespace, queue_name(number, config.worker.partitions))
    async with client.pipeline(transaction=False) as pipe:
        for key in kinds:
            pipe.type(key)
        try:
            types = [as_text(kind) for kind in await pipe.execute()]
        except NoPermissionError:
            return []  # only this check asks for it
    return [
        fault(
            "redis.dramatiq_namespace" if key.startswith(f"{namespace}:") else "redis.stream",
            f"another program wrote a {kind} into the key {key}, which is passbackd's",
            f"redis-cli DEL {key}",
        )
        for (key, wanted), kind in zip(kinds.items(), types, strict=True)
        if kind not in ("none", wanted)
    ]


async def _setting(client: Redis, name: str) -> str | None:
    """What CONFIG GET says; None where it is forbidden, as with managed servers."""
    try:
        settings: dict[Any, Any] = await client.config_get(name)
    except RedisError:
        return None
    value = settings.get(name)
    return None if value is None else as_text(value)


def redis_findings(info: Mapping[str, Any], settings: Mapping[str, str | None], trip: float) -> list[Finding]:
    """
    What is wrong with a server, or will be. Pure.

    Args:
        info: What INFO says.
        settings: ``save``, ``appendfsync`` and ``maxmemory-policy``; None where CONFIG GET is forbidden.
        trip: Seconds of a round trip.
    """
    found = [ok("redis", f"{_name(info)}, answers in {trip * 1000:.1f} ms")]
    if info.get("role") == "slave":
        master = f"{info.get('master_host', '?')}:{info.get('master_port', '?')}"
        problem = f"it is a replica of {master}: neither the tool nor passbackd can write to it"
        found.append(fault("redis.url", problem, "name the primary in redis.url"))
    found.append(_eviction(info, settings["maxmemory-policy"]))
    if most := int(info.get("maxmemory") or 0):
        found.append(_memory(int(info.get("used_memory") or 0), most))
    return [*found, _persistence(info, settings), *_last_writes(info, settings["save"])]


def _eviction(info: Mapping[str, Any], policy: str | None) -> Finding:
    policy = policy or info.get("maxmemory_policy")
    if policy is None:
        return _unread("maxmemory-policy", "see that it is noeviction")
    if policy == "noeviction":
        return ok("redis", "maxmemory-policy is noeviction")
    cure = "set maxmemory-policy to noeviction, or give passbackd a Redis of its own"
    if policy.startswith("volatile-"):
        problem = f"maxmemory-policy is {policy}: it spares the stream, which has no expiry, but is meant for a cache"
        return warning("redis.url", problem, cure)
    limit = "" if int(info.get("maxmemory") or 0) else ", as soon as maxmemory is set"
    problem = f"maxmemory-policy is {policy}: it deletes the stream, with its unread events, to make room{limit}"
    return fault("redis.url", problem, cure)


def _memory(used: int, most: int) -> Finding:
    how = f"{used / most:.0%} of maxmemory ({used / 1024**2:.0f} of {most / 1024**2:.0f} MiB) are used"
    if used < NEARLY_FULL * most:
        return ok("redis", how)
    cure = "raise maxmemory, or lower retention.stream_days"
    return warning("redis.url", f"{how}: a full Redis takes no events", cure)


def _persistence(info: Mapping[str, Any], settings: Mapping[str, str | None]) -> Finding:
    fsync, save = settings["appendfsync"], settings["save"]
    if int(info.get("aof_enabled") or 0):
        if fsync is None:
            return _unread("appendfsync", "appendonly is on")
        if fsync == "no":
            problem = "appendfsync is no: a crash of its machine may lose the events of half a minute"
            return warning("redis.url", problem, "set appendfsync everysec")
        return ok("redis", f"appendonly is on, appendfsync {fsync}")
    if save is None:
        return _unread("save", "appendonly is off; see that it saves in another way")
    if save.strip():
        return ok("redis", f"it saves by `save {save}`; appendonly would keep the last minutes too")
    problem = "neither appendonly nor save is set: a restart loses the unread events"
    return warning("redis.url", problem, "set appendonly yes")


def _last_writes(info: Mapping[str, Any], save: str | None) -> list[Finding]:
    found = []
    if str(info.get("aof_last_write_status", "ok")) != "ok":
        problem = "its last write to the append-only file failed: it takes no events until one works"
        found.append(fault("redis.url", problem, "see its log, and make room on its disk"))
    if str(info.get("rdb_last_bgsave_status", "ok")) != "ok":
        problem = "its last save failed: with `save` set it takes no events until one works"
        severity = warning if save == "" else fault
        found.append(severity("redis.url", problem, "see its log, and make room in its memory and on its disk"))
    return found


def _unread(name: str, more: str) -> Finding:
    return ok("redis", f"{name} could not be read (CONFIG GET is forbidden here): {more}")

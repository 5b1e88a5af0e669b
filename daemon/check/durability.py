"""Whether a Redis keeps the events that were entrusted to it until passbackd has read them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daemon.check.findings import Finding, fault, ok, warning

#: The used part of ``maxmemory`` from which on a warning is given.
NEARLY_FULL = 0.8


@dataclass(frozen=True, slots=True)
class Facts:
    """
    *info*: what INFO says. *save*, *appendfsync*, *policy* (``maxmemory-policy``): what CONFIG GET says, None where it
    is forbidden. *trip*: seconds of the quickest round trip.
    """

    info: Mapping[str, Any]
    save: str | None = None
    appendfsync: str | None = None
    policy: str | None = None
    trip: float = 0.0


def judge(facts: Facts) -> list[Finding]:
    """What is wrong with it, or will be."""
    return [
        ok("redis", f"{_name(facts.info)}, answers in {facts.trip * 1000:.1f} ms"),
        *_role(facts.info),
        *_eviction(facts),
        *_memory(facts.info),
        *_persistence(facts),
        *_last_writes(facts),
    ]


def _name(info: Mapping[str, Any]) -> str:
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info.get('redis_version', 'of an unknown version')}"


def _role(info: Mapping[str, Any]) -> list[Finding]:
    if info.get("role") != "slave":
        return []
    master = f"{info.get('master_host', '?')}:{info.get('master_port', '?')}"
    problem = f"it is a replica of {master}: neither the tool nor passbackd can write to it"
    return [fault("redis.url", problem, "name the primary in redis.url")]


def _eviction(facts: Facts) -> list[Finding]:
    policy = facts.policy or facts.info.get("maxmemory_policy")
    if policy is None:
        return [_unread("maxmemory-policy", "see that it is noeviction")]
    if policy == "noeviction":
        return [ok("redis", "maxmemory-policy is noeviction")]
    cure = "set maxmemory-policy to noeviction, or give passbackd a Redis of its own"
    if str(policy).startswith("volatile-"):
        problem = f"maxmemory-policy is {policy}: it spares the stream, which has no expiry, but is meant for a cache"
        return [warning("redis.url", problem, cure)]
    limit = "" if _number(facts.info, "maxmemory") else ", as soon as maxmemory is set"
    problem = f"maxmemory-policy is {policy}: it deletes the stream, with events nobody has read, to make room{limit}"
    return [fault("redis.url", problem, cure)]


def _memory(info: Mapping[str, Any]) -> list[Finding]:
    used, most = _number(info, "used_memory"), _number(info, "maxmemory")
    if not most:
        return []
    how = f"{used / most:.0%} of maxmemory ({used / 1024**2:.0f} of {most / 1024**2:.0f} MiB) are used"
    if used < NEARLY_FULL * most:
        return [ok("redis", how)]
    return [
        warning("redis.url", f"{how}: a full Redis takes no events", "raise maxmemory, or lower retention.stream_days")
    ]


def _persistence(facts: Facts) -> list[Finding]:
    if _number(facts.info, "aof_enabled"):
        return [_appendfsync(facts.appendfsync)]
    if facts.save is None:
        return [_unread("save", "appendonly is off; see that it saves in another way")]
    if facts.save.strip():
        return [ok("redis", f"it saves by `save {facts.save}`; appendonly would keep the last minutes too")]
    return [
        warning(
            "redis.url",
            "neither appendonly nor save is set: a restart loses the events that nobody has read",
            "set appendonly yes",
        )
    ]


def _appendfsync(how: str | None) -> Finding:
    if how is None:
        return _unread("appendfsync", "appendonly is on")
    if how == "no":
        problem = "appendfsync is no: a crash of its machine may lose the events of half a minute"
        return warning("redis.url", problem, "set appendfsync everysec")
    return ok("redis", f"appendonly is on, appendfsync {how}")


def _last_writes(facts: Facts) -> list[Finding]:
    found = []
    if _failed(facts.info, "aof_last_write_status"):
        problem = "its last write to the append-only file failed: it takes no events until one works"
        found.append(fault("redis.url", problem, "see its log, and make room on its disk"))
    if _failed(facts.info, "rdb_last_bgsave_status"):
        problem = "its last save failed: with `save` set it takes no events until one works"
        judged = warning if facts.save == "" else fault
        found.append(judged("redis.url", problem, "see its log, and make room in its memory and on its disk"))
    return found


def _failed(info: Mapping[str, Any], name: str) -> bool:
    return str(info.get(name, "ok")) != "ok"


def _number(info: Mapping[str, Any], name: str) -> int:
    return int(info.get(name) or 0)


def _unread(name: str, more: str) -> Finding:
    return ok("redis", f"{name} could not be read (CONFIG GET is forbidden here): {more}")

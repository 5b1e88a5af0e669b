"""Does with Redis what the daemon does, command for command, and leaves nothing behind."""

import asyncio
from collections.abc import Awaitable, Callable

from dramatiq import Message
from dramatiq.errors import BrokerConnectionError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from daemon.check.findings import Finding, fault, ok, warning
from daemon.config.sections import RedisSection
from daemon.infra.errors import describe, trouble
from daemon.ingest.stream import STREAM_START, Stream
from daemon.queue.broker import Broker, dramatiq_broker

#: The queue on which a message is rehearsed, below a namespace of its own.
_QUEUE = "rehearsal"
_ACL = "let this user use the commands and keys that docs/install.md names"
_SERVER = "see its log; after a failover, see that redis.url leads to the new primary"


async def rehearse(client: Redis, config: RedisSection, url: str) -> list[Finding]:
    """What of the daemon's work Redis refuses; one ``ok`` if it is nothing."""
    stream = Stream(client, config.stream)
    parts: dict[str, Callable[[], Awaitable[object]]] = {
        "answering": client.ping,
        "reading the stream": lambda: _read(stream),
        "counting and trimming the stream": lambda: _count(stream),
        "the job queue": lambda: asyncio.to_thread(_play, url, f"{config.dramatiq_namespace}:check"),
    }
    found = []
    for name, part in parts.items():
        try:
            await part()
        except (RedisError, BrokerConnectionError) as error:
            found.append(_refused(name, error))
    if not stream.tries_writing:
        problem = "this user may not trim the stream (XTRIM): it grows for ever, and a replica goes unnoticed"
        found.append(warning("redis.url", problem, _ACL))
    return found or [ok("redis", "it takes every command that the daemon uses")]


def _refused(part: str, error: Exception) -> Finding:
    found = trouble(error)
    words = "Redis refuses a command" if found is None else found.words
    forbidden = found is not None and "ACL" in found.what
    cure = (found.cure if found is not None else "") or (_ACL if forbidden else _SERVER)
    return fault("redis.url", f"{words}; tried: {part} ({describe(error)})", cure)


async def _read(stream: Stream) -> None:
    await stream.read(STREAM_START, 1)
    await stream.wait(STREAM_START, 1)


async def _count(stream: Stream) -> None:
    seen = await stream.read(STREAM_START, 1)
    await stream.lag(seen.last_id)
    # Nothing is as old as this.
    await stream.trim(STREAM_START, before_ms=0)


def _play(url: str, namespace: str) -> None:
    """A message's whole life, and the end of a worker that died, by Dramatiq's own scripts."""
    broker = dramatiq_broker(url, namespace)
    try:
        broker.maintenance_chance = 0
        for number in ("acknowledged", "dead"):
            options = {"redis_message_id": number}
            message: Message[None] = Message(_QUEUE, _QUEUE, (), {}, options)
            broker.do_enqueue(_QUEUE, number, message.encode())
        for _ in range(2):
            broker.do_fetch(_QUEUE, 2)
            broker.do_requeue(_QUEUE, "acknowledged", "dead")
        broker.do_fetch(_QUEUE, 2)
        broker.drop(_QUEUE, b"")
        broker.do_ack(_QUEUE, "acknowledged")
        broker.do_nack(_QUEUE, "dead")
        _clear(broker)
    finally:
        broker.close()


def _clear(broker: Broker) -> None:
    """Have Dramatiq find that this worker is dead and that its dead letters are old, and delete the rest."""
    broker.heartbeat_timeout = broker.dead_message_ttl = 0
    # In a million.
    broker.maintenance_chance = 1_000_000
    broker.do_purge(_QUEUE)

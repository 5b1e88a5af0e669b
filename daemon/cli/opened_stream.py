"""Opening the event stream for a subcommand, and looking at Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daemon.check.redis_trouble import redis_trouble
from daemon.config import Config
from daemon.infra.embedded_lock import url_in_use
from daemon.infra.redis import redis_client
from daemon.ingest.lag import stream_lag
from daemon.ingest.stream import Stream


@asynccontextmanager
async def opened_stream(config: Config) -> AsyncIterator[Stream | None]:
    """The event stream; None when Redis does not answer, as the embedded one while no daemon runs it."""
    url = url_in_use(config.redis)
    if url is None:
        yield None
        return
    async with redis_client(url) as client:
        try:
            await client.ping()
        except Exception:  # noqa: BLE001 - any trouble with Redis means that it does not answer
            yield None
            return
        yield Stream(client, config.redis.stream)


async def see_redis(config: Config) -> tuple[bool, int | None, str | None]:
    """Whether Redis answers, how many entries of the stream are not applied, and what is wrong with Redis."""
    async with opened_stream(config) as stream:
        if stream is None:
            return False, None, None
        trouble = await redis_trouble(stream.redis, config.redis.dramatiq_namespace)
        return True, await stream_lag(stream), trouble

"""Whether Redis can be written, for the status: without the libraries that trying everything takes."""

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError


async def redis_trouble(client: Redis, namespace: str) -> str | None:
    """Why nothing can be written to Redis; None if it can, or if this user may not try."""
    try:
        # Changes nothing, and is refused as other writes are.
        await client.zadd(f"{namespace}:__heartbeats__", {"no daemon": 0}, xx=True)
    except NoPermissionError:
        return None
    except RedisError as error:
        from daemon.infra.errors import describe, trouble  # noqa: PLC0415 - heavy, as it knows every driver

        found = trouble(error)
        return describe(error) if found is None else f"{found.words}: {describe(error)}"
    return None

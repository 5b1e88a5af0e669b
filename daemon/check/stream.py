"""Whether the ids of the stream are times at which entries can have arrived; changes nothing."""

import time

from redis.asyncio import Redis

from daemon.check.findings import Finding, fault, ok
from daemon.config import Config
from daemon.ingest.fields import MAX_AHEAD_MS
from daemon.ingest.lag import stream_ahead
from daemon.ingest.stream import Stream
from models.db.clock import database_now
from models.db.database import open_database

CURE = "PassbackdStreamAhead in docs/operate.md says how to put that stream aside"


async def check_stream_ids(client: Redis, config: Config) -> list[Finding]:
    """Compare the newest id of the stream with the database's clock, or with this machine's if none answers."""
    ahead = await stream_ahead(Stream(client, config.redis.stream), await _now(config))
    if ahead is None:
        return [ok("redis.stream", "its newest id could not be read (is XINFO forbidden here?)")]
    if ahead * 1000 <= MAX_AHEAD_MS:
        return [ok("redis.stream", "its ids are not ahead of the database's clock")]
    problem = (
        f"the newest id of the stream lies {ahead / 3600:,.0f} hours ahead of the database's clock: every event that "
        "follows gets an id after it, and goes to quarantine; after the largest id Redis takes none"
    )
    return [fault("redis.stream", problem, CURE)]


async def _now(config: Config) -> int:
    try:
        async with open_database(config.database.url, create=False):
            return await database_now()
    except Exception:  # noqa: BLE001 - what is wrong with the database is said elsewhere
        return int(time.time() * 1000)

"""Whether stream and database belong together; changes nothing."""

from daemon.check.findings import Finding, fault, ok
from daemon.config import Config
from daemon.infra.embedded_lock import url_in_use
from daemon.infra.errors import describe
from daemon.infra.redis import redis_client
from daemon.ingest.ownership import OTHER_STREAM, token_of, wrong_database
from daemon.ingest.stream import Stream
from models.db.clock import Clock
from models.db.database import NoDatabaseError, open_database
from models.db.migrate import applied, known
from models.heartbeat import reader_seen_at
from models.stream_position import known_position


async def check_owner(config: Config) -> list[Finding]:
    """What keeps the daemon from reading this stream for this database, both of which answer."""
    url = url_in_use(config.redis)
    if url is None:
        return []
    try:
        async with redis_client(url) as client, open_database(config.database.url, create=False):
            trouble = await _trouble(Stream(client, config.redis.stream))
    except NoDatabaseError:
        return []
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the operator needs the key
        return [fault("redis.stream", f"it cannot be read whose it is ({describe(error)})", "see the user's rights")]
    if trouble is None:
        return [ok("redis.stream", "it belongs to this database, or to none yet")]
    problem, _, cure = trouble.partition("; ")
    return [fault("redis.stream", problem.removeprefix("redis.stream: "), cure)]


async def _trouble(stream: Stream) -> str | None:
    owner = await stream.owner()
    have = set(await applied())
    if have and set(known()) - have:
        return None  # the tables are yet to be migrated
    position = await known_position() if have else None
    wrong = wrong_database(position, owner, stream.owner_key)
    if wrong is not None or position is None or position.stream_token in (None, token_of(owner)):
        return wrong
    clock = Clock()
    await clock.measure()
    reader = await reader_seen_at(str(position.stream_token), except_for="", now=clock.now())
    return None if reader is None else OTHER_STREAM

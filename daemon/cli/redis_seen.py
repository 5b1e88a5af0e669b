"""What a short question sees of Redis; its library is imported only where something listens."""

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from daemon.config import Config
from daemon.infra.embedded_lock import url_in_use

# Seconds that a server has to accept a connection.
_PATIENCE = 3.0
_PORT = 6379


@dataclass(frozen=True, slots=True)
class RedisSeen:
    """*lag*: entries of the stream that are not applied; None when that is unknown. *trouble*: what is wrong."""

    answers: bool = False
    lag: int | None = None
    trouble: str | None = None


async def look_at_redis(config: Config) -> RedisSeen:
    """See the stream and its server, within the open database."""
    url = url_in_use(config.redis)
    if url is None or not _listens(url):
        return RedisSeen()
    from daemon.cli.opened_stream import see_redis  # noqa: PLC0415 - heavy

    return RedisSeen(*await see_redis(config))


def _listens(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or _PORT), _PATIENCE).close()
    except OSError:
        return False
    return True

"""Finds connections to a database server that is not the one that name or proxy lead to."""

from daemon.infra.stop import Stop
from models.db.database import drop_stray_connections

#: Seconds between two looks.
EVERY = 2.0


async def drop_strays(stop: Stop) -> None:
    """The loop that looks once and sleeps."""
    await drop_stray_connections()
    await stop.sleep(EVERY)

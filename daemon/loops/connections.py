"""Finds connections to a database server that is gone, though they are open."""

from daemon.infra.stop import Stop
from models.db.database import drop_stray_connections

#: Seconds between two looks.
EVERY = 1.0


async def drop_strays(stop: Stop) -> None:
    """The loop that looks once and sleeps: a proxy may keep a connection open whose server was replaced."""
    await drop_stray_connections()
    await stop.sleep(EVERY)

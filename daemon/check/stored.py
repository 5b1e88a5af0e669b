"""What is set up in the database and keeps grades from going out: secrets, signing keys, platforms."""

from daemon.check.findings import Finding
from daemon.check.keys import check_keys
from daemon.check.platforms import check_platforms
from daemon.config import Config
from models.db.clock import Clock
from models.db.database import open_database
from models.db.migrate import applied, known


async def check_stored_set_up(config: Config) -> list[Finding]:
    """Reads only, and of a database that answers; what is wrong with another one is said where it is checked itself."""
    try:
        async with open_database(config.database.url, create=False):
            if set(known()) - set(await applied()):
                return []
            clock = Clock()
            await clock.measure()
            return [*await check_keys(config), *await check_platforms(config.egress.policy, now=clock.now())]
    except Exception:  # noqa: BLE001 - whatever the driver says, `check_database` has named it
        return []

"""The database: whether it answers, whether its schema fits, and what it would lose."""

from daemon.check import postgres, sqlite
from daemon.check.findings import Finding, fault, ok, told
from daemon.config import Config
from daemon.infra.errors import describe
from models.db.database import open_database, sqlite_path
from models.db.migrate import SchemaError, applied, check_schema, known


async def check_database(config: Config, *, deep: bool) -> list[Finding]:
    """Reads only; an SQLite file that is not there yet is made, as at every opening."""
    url = config.database.url
    try:
        async with open_database(url):
            schema = await _schema(may_migrate=config.database.migrate_on_start)
            if not deep:
                return [schema]
            path = sqlite_path(url)
            return [schema, *(await postgres.look(url) if path is None else await sqlite.look(path))]
    except Exception as error:  # noqa: BLE001 - whatever the driver says, the operator needs the key
        problem = f"the database cannot be reached ({describe(error)})"
        return [fault("database.url", problem, "is it running, is the URL right?")]


async def _schema(*, may_migrate: bool) -> Finding:
    have, want = set(await applied()), set(known())
    if may_migrate and want - have and not have - want:
        return ok("database", f"answers; {len(want - have)} migrations will be applied at start")
    try:
        await check_schema()
    except SchemaError as error:
        return told("database.url", str(error), joint="; ")
    return ok("database", "answers, the schema fits")

"""
``python -m tests.checks.migrations_are_complete``: fails if the models have changed and no migration says so.

With ``--write`` it writes the missing migration (``make migration``).
"""

import asyncio
import sys

from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector

from models.db.database import tortoise_config


async def missing(*, write: bool) -> list[str]:
    """The operations that a new migration holds, or would hold."""
    config = tortoise_config("sqlite://:memory:")
    async with TortoiseContext() as context:
        await context.init(config=config, init_connections=False)
        assert context.apps is not None
        detector = MigrationAutodetector(context.apps, config["apps"])
        operations = [operation.describe() for writer in await detector.changes() for operation in writer.operations]
        if write and operations:
            await detector.write()
    return operations


def main() -> str | None:
    write = "--write" in sys.argv
    found = asyncio.run(missing(write=write))
    if found and not write:
        return f"the models have changed and no migration says so: {'; '.join(found)}. Run `make migration`."
    print("; ".join(found) or "the migrations are complete")
    return None


if __name__ == "__main__":
    sys.exit(main())

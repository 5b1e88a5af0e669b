"""Whether the servers that the configuration names can be worked with."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from daemon.connections import is_too_old, redis_client
from daemon.embedded import EmbeddedError, binary, known_url
from daemon.faults import why
from daemon.stream import as_text
from models.database import open_database
from models.migrate import SchemaError, applied, check_schema, known

if TYPE_CHECKING:
    from daemon.config import Config


async def faults_of_servers(config: Config) -> tuple[list[str], list[str]]:
    """Every fault, each naming its key and what to do; and what is worth a note."""
    faults, notes = await _database(config)
    more_faults, more_notes = await _redis(config)
    return [*faults, *more_faults, *_certificates(config)], [*notes, *more_notes]


def _certificates(config: Config) -> list[str]:
    file = config.egress.ca_file
    if file is None:
        return []
    try:
        ssl.create_default_context().load_verify_locations(file)
    except OSError as error:
        return [
            f"egress.ca_file: {file} cannot be used ({error.strerror or error}): name a file of certificates in PEM"
        ]
    return []


async def _database(config: Config) -> tuple[list[str], list[str]]:
    try:
        async with open_database(config.database.url):
            pending = set(known()) - set(await applied())
            if pending and config.database.migrate_on_start and not set(await applied()) - set(known()):
                return [], [f"database: answers; {len(pending)} migrations will be applied at start"]
            await check_schema()
    except SchemaError as error:
        return [str(error)], []
    except Exception as error:  # noqa: BLE001 - whatever the driver says, the operator needs the key
        return [f"database.url: the database cannot be reached ({why(error)}); is it running, is the URL right?"], []
    return [], ["database: answers, the schema fits"]


async def _redis(config: Config) -> tuple[list[str], list[str]]:
    url = config.redis.url
    if config.redis.embedded:
        try:
            binary()
        except EmbeddedError as error:
            return [str(error)], []
        running = known_url(config.redis.embedded_dir)
        if running is None:
            return [], ["redis: embedded, starts with the daemon"]
        url = running
    try:
        async with redis_client(url) as client:
            version = str((await client.info("server"))["redis_version"])
            kind = as_text(await client.type(config.redis.stream))
    except Exception as error:  # noqa: BLE001 - as above
        return [f"redis.url: Redis cannot be reached ({why(error)}); is it running, is the URL right?"], []
    if is_too_old(version):
        return [f"redis.url: this Redis is {version}; passbackd needs 6.2 or newer, or a Valkey"], []
    if kind not in ("stream", "none"):
        return [f"redis.stream: the key {config.redis.stream} holds a {kind}, not a stream: name another"], []
    return [], [f"redis: answers, {version}"]

"""``status``: daemons, assignments and campuses, with the daemon up or down."""

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.redis_seen import look_at_redis
from daemon.cli.screen import console, print_json
from daemon.cli.start import read_config
from daemon.cli.status_page import print_status
from daemon.cli.troubles import find_troubles
from daemon.cli.whereabouts import say_whereabouts, whereabouts
from daemon.config import Config, zone
from daemon.demo import INTERRUPTED
from daemon.web.snapshot import Snapshot, render, snapshot
from models.db.clock import Clock
from models.db.migrate import check_schema
from models.db.reading import open_for_reading


@dataclass(frozen=True, slots=True)
class Seen:
    """What the command found. *redis_answers*: whether Redis does."""

    shot: Snapshot
    daemon_answers: bool
    redis_answers: bool


def show_status(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """
    Show which daemons run, the assignments by state, and each campus; works with the daemon or Redis down.

    Example: passbackd status --json
    """
    settings = read_config(config)
    if not as_json:
        say_whereabouts(config, settings)
    seen = _look(settings, config)
    if as_json:
        print_json({**whereabouts(config, settings), **_document(seen)})
        return
    redis_away = "the embedded one runs with the daemon only" if settings.redis.embedded else ""
    print_status(
        seen.shot,
        console(),
        where=zone(settings.log.timezone),
        redis_away=None if seen.redis_answers else redis_away,
        daemon_answers=seen.daemon_answers,
    )


def _document(seen: Seen) -> dict[str, Any]:
    """What a daemon's page ``/statusz`` says, and what only this command can: whether it and Redis answer."""
    document = render(seen.shot)
    if not seen.shot.daemons.alive:
        document["daemons"]["answers_here"] = seen.daemon_answers
    if seen.shot.stream_lag is None:
        document["redis_answers"] = seen.redis_answers
    return document


def _look(settings: Config, given: Path | None) -> Seen:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return asyncio.run(_look_quickly(settings))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except Exception:  # noqa: BLE001 - whatever it is, what takes twice as long to import can name it
        from daemon.cli.common import quiet_config, run_in_database  # noqa: PLC0415

        return run_in_database(quiet_config(given), lambda: _observe(settings))


async def _look_quickly(settings: Config) -> Seen:
    async with open_for_reading(settings.database.url):
        await check_schema()
        return await _observe(settings)


async def _observe(settings: Config) -> Seen:
    """Read the open database, and look at the servers."""
    clock = Clock()
    await clock.measure()
    # The lag first: the rest then includes all that it counts as applied.
    redis = await look_at_redis(settings)
    troubles = await find_troubles(settings, redis.trouble)
    return Seen(await snapshot(clock.now(), redis.lag, troubles.lines), troubles.daemon_answers, redis.answers)

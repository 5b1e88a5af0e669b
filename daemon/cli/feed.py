"""``feed``: events from a file onto the stream."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from redis.exceptions import RedisError

from daemon.cli.common import FAILED, fail, opened_stream, quiet_config, run_work
from daemon.cli.options import ConfigOption
from daemon.cli.record import record_where_possible
from daemon.cli.screen import counting_bar, say
from daemon.infra.errors import describe
from daemon.infra.text import counted
from daemon.ingest.lines import event_fields
from daemon.ingest.parse import known_type


def feed_events(
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines, an event each; - reads standard input.")],
    config: ConfigOption = None,
) -> None:
    """Put events onto the stream. Example: echo '{"type": "user.retired", "user_id": "42"}' | passbackd feed -"""
    settings = quiet_config(config)
    try:
        lines = sys.stdin.buffer if file == "-" else Path(file).read_bytes().split(b"\n")
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    number_of_lines = len(lines) if isinstance(lines, list) else 0

    async def work() -> None:
        fed: Counter[str] = Counter()
        faulty = 0
        async with opened_stream(settings) as stream:
            if stream is None:
                cure = "start the daemon, which runs it: passbackd run" if settings.redis.embedded else "is it running?"
                fail(f"redis.url: Redis does not answer, so nothing was fed; {cure}")
            try:
                with counting_bar("feeding", wanted=number_of_lines > 0) as progress:
                    for number, line in enumerate(lines, 1):
                        if not line.strip():
                            continue
                        try:
                            fields = event_fields(line)
                            await stream.add(fields)
                            fed[known_type(fields["type"])] += 1
                        except ValueError as error:
                            say(f"{file}, line {number}: {error}", err=True)
                            faulty += 1
                        except RedisError as error:
                            done = f"{counted(fed.total(), 'event')} {'was' if fed.total() == 1 else 'were'} fed"
                            fail(f"{file}, line {number}: Redis failed ({describe(error)}); {done}")
                        progress(number, number_of_lines)
            finally:
                if fed:
                    await record_where_possible(settings.database.url, "feed", fed)
        say(f"{counted(fed.total(), 'event')} fed" + (f", {counted(faulty, 'line')} left out" if faulty else ""))
        if faulty:
            raise typer.Exit(FAILED)

    run_work(work())

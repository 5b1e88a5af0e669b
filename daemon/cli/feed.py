"""``feed``: events from a file onto the stream."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from redis.exceptions import RedisError

from actors.egress import Egress
from daemon.cli.common import FAILED, fail, opened_stream, quiet_config, run_work
from daemon.cli.options import ConfigOption
from daemon.cli.record import record_where_possible
from daemon.cli.screen import counting_bar, say
from daemon.infra.errors import describe
from daemon.infra.text import counted
from daemon.ingest.events import BadEvent
from daemon.ingest.lines import check_event, event_fields, read_document
from daemon.ingest.parse import known_type


def feed_events(
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines, an event each; - reads standard input.")],
    config: ConfigOption = None,
) -> None:
    """
    Put events onto the stream, but for those that intake would refuse, which are named first.

    Example: echo '{"type": "user.retired", "user_id": "42"}' | passbackd feed -
    """
    settings = quiet_config(config)
    try:
        lines = sys.stdin.buffer if file == "-" else Path(file).read_bytes().split(b"\n")
    except OSError as error:
        fail(f"{file}: {error.strerror}")

    async def work() -> None:
        fed: Counter[str] = Counter()
        async with opened_stream(settings) as stream:
            if stream is None:
                cure = "start the daemon, which runs it: passbackd run" if settings.redis.embedded else "is it running?"
                fail(f"redis.url: Redis does not answer, so nothing was fed; {cure}")
            reader = _Reader(file, await stream.ahead_ms(), settings.egress.policy)
            # All of a file is checked before any of it is fed; who writes to a pipe may wait for the first events.
            given = reader.without_refused(lines) if isinstance(lines, list) else lines
            try:
                with counting_bar("feeding", wanted=isinstance(lines, list)) as progress:
                    for number, line in enumerate(given, 1):
                        fields = reader.read(number, line)
                        if fields is None:
                            continue
                        try:
                            await stream.add(fields)
                        except RedisError as error:
                            done = f"{counted(fed.total(), 'event')} {'was' if fed.total() == 1 else 'were'} fed"
                            fail(f"{file}, line {number}: Redis failed ({describe(error)}); {done}")
                        fed[known_type(fields["type"])] += 1
                        progress(number, len(lines) if isinstance(lines, list) else 0)
            finally:
                if fed:
                    await record_where_possible(settings.database.url, "feed", fed)
        left_out = f", {counted(reader.refused, 'line')} left out" if reader.refused else ""
        say(f"{counted(fed.total(), 'event')} fed{left_out}")
        if reader.refused:
            raise typer.Exit(FAILED)

    run_work(work())


class _Reader:
    """
    Reads lines; names those that are refused, and counts them.

    *ahead_ms*: of Redis's clock, before this one. *egress*: where grades may be sent.
    """

    def __init__(self, file: str, ahead_ms: int, egress: Egress) -> None:
        self.refused = 0
        self._file = file
        self._ahead_ms = ahead_ms
        self._egress = egress

    def read(self, number: int, line: bytes) -> dict[str, str] | None:
        """The event of a line; None for an empty line, and for one that is refused."""
        if not line.strip():
            return None
        try:
            fields = event_fields(read_document(line))
            check_event(fields, now=int(time.time() * 1000) + self._ahead_ms, egress=self._egress)
        except BadEvent as error:
            say(f"{self._file}, line {number}: {error}", err=True)
            self.refused += 1
            return None
        return fields

    def without_refused(self, lines: Sequence[bytes]) -> list[bytes]:
        """The lines, those empty that are refused."""
        return [b"" if self.read(number, line) is None else line for number, line in enumerate(lines, 1)]

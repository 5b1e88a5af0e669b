"""``status``: daemons, assignments and campuses, with the daemon up or down."""

from collections.abc import Iterable, Sequence
from datetime import tzinfo

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from daemon.cli.common import measured_clock, opened_stream, quiet_config, run_in_database
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.screen import cell, console, print_json
from daemon.cli.troubles import server_troubles
from daemon.cli.whereabouts import say_whereabouts
from daemon.config import zone
from daemon.infra.log import printable
from daemon.infra.text import age, counted, past
from daemon.web.health import Snapshot, render, snapshot
from models.heartbeat import Members
from models.queries.status import CampusStatus, IdleConsumer, read_idle_consumers


def show_status(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """
    Show which daemons run, the assignments by state, and each campus; works with the daemon or Redis down.

    Example: passbackd status --json
    """
    settings = quiet_config(config)
    if not as_json:
        say_whereabouts(config, settings)

    async def work() -> tuple[Snapshot, list[IdleConsumer], bool]:
        async with opened_stream(settings) as stream:
            clock = await measured_clock()
            troubles = await server_troubles(settings, stream)
            return await snapshot(clock.now(), stream, troubles), await read_idle_consumers(), stream is not None

    shot, idle, redis_answers = run_in_database(settings, work)
    if as_json:
        print_json(render(shot))
        return
    redis_away = "the embedded one runs with the daemon only" if settings.redis.embedded else ""
    where = zone(settings.log.timezone)
    print_status(shot, idle, console(), where=where, redis_away=None if redis_answers else redis_away)


def print_status(
    shot: Snapshot, idle: Sequence[IdleConsumer], screen: Console, *, where: tzinfo | None, redis_away: str | None
) -> None:
    """Print times in the zone *where* (None: the machine's). *redis_away*: why Redis does not answer; None: it does."""
    for line in (
        f"as of {past(shot.now, where, seconds=True)}",
        daemons_line(shot.daemons, shot.now, where),
        *(f"not ready: {printable(trouble)}" for trouble in shot.daemons.troubles),
        stream_line(shot.stream_lag, redis_away),
        f"quarantine: {counted(shot.status.quarantined, 'event')}",
        _oldest("due", shot.status.oldest_due, shot.now, where),
        _oldest("parked", shot.status.oldest_parked, shot.now, where),
        *(f"trouble: {trouble}" for trouble in shot.troubles),
    ):
        _say(screen, line)
    screen.print()
    screen.print(_states(shot))
    screen.print()
    if not shot.status.campuses and not idle:
        _say(screen, "no campus is known yet: `passbackd consumer add` adds one")
        return
    screen.print(_campuses(shot, idle, where))
    _show_errors(shot, screen, where)


def daemons_line(daemons: Members, now: int, where: tzinfo | None) -> str:
    """How many daemons run."""
    if daemons.alive:
        return f"{counted(daemons.alive, 'daemon')} {'is' if daemons.alive == 1 else 'are'} running"
    plain = "no daemon is running: nothing is read or sent until `passbackd run` is started"
    return plain if daemons.last_seen is None else f"{plain}; one was last seen {_when(daemons.last_seen, now, where)}"


def stream_line(lag: int | None, redis_away: str | None) -> str:
    """How many entries of the stream are not yet applied."""
    if redis_away is not None:
        return f"stream: Redis does not answer{f' ({redis_away})' if redis_away else ''}"
    if lag is None:
        return "stream: Redis answers, but the lag is unknown"
    return f"stream: {lag} {'entry' if lag == 1 else 'entries'} not yet applied"


def _when(moment: int, now: int, where: tzinfo | None) -> str:
    return f"{past(moment, where, seconds=True)} ({age(now - moment)} ago)"


def _oldest(state: str, since: int | None, now: int, where: tzinfo | None) -> str:
    if since is None:
        return f"oldest {state}: none"
    return f"oldest {state}: for {age(now - since)}, since {past(since, where, seconds=True)}"


def _states(shot: Snapshot) -> Table:
    table = Table("state", Column("assignments", justify="right"), box=None)
    for state, number in shot.status.assignments.items():
        table.add_row(state, str(number))
    return table


def _campuses(shot: Snapshot, idle: Iterable[IdleConsumer], where: tzinfo | None) -> Table:
    texts = [Column(name, overflow="fold") for name in ("campus", "address", "state", "oldest due", "last success")]
    numbers = [Column(name, justify="right") for name in ("grades/min", "due", "parked")]
    table = Table(*texts[:3], *numbers, *texts[3:], box=None)
    for campus in shot.status.campuses:
        table.add_row(*map(cell, _row(campus, shot, where)))
    for consumer in idle:
        state = "paused" if consumer.paused else "up"
        table.add_row(*map(cell, (consumer.name, "no launch yet", state, "0", "0", "0", "", "never")))
    return table


def _row(campus: CampusStatus, shot: Snapshot, where: tzinfo | None) -> tuple[str, ...]:
    return (
        campus.consumer,
        campus.origin,
        campus.state,
        f"{shot.rates.get((campus.consumer, campus.origin), 0):.1f}",
        str(campus.due),
        str(campus.parked),
        "" if campus.oldest_due is None else age(shot.now - campus.oldest_due),
        "never" if campus.last_success is None else _when(campus.last_success, shot.now, where),
    )


def _show_errors(shot: Snapshot, screen: Console, where: tzinfo | None) -> None:
    failed = [campus for campus in shot.status.campuses if campus.last_error]
    if not failed:
        return
    _say(screen, "\nlast error of each campus")
    for campus in failed:
        when = "" if campus.last_error_at is None else f" {_when(campus.last_error_at, shot.now, where)}"
        _say(screen, f"  {printable(f'{campus.consumer} at {campus.origin}{when}: {campus.last_error}')}")


def _say(screen: Console, line: str) -> None:
    screen.print(Text(line), soft_wrap=not screen.is_terminal)

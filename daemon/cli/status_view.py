"""What ``status`` shows to people. Pure, but for the printing."""

from collections.abc import Iterable, Sequence
from datetime import tzinfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from daemon.infra.log import printable
from daemon.infra.text import age, past
from daemon.web.health import Snapshot
from models.heartbeat import Members
from models.queries.status import CampusStatus, IdleConsumer


def print_status(
    shot: Snapshot, idle: Sequence[IdleConsumer], screen: Console, *, where: tzinfo | None, redis_away: str | None
) -> None:
    """
    Print it all.

    Args:
        where: The reader's time zone; None for the machine's.
        redis_away: Why Redis does not answer, if it does not.
    """
    for line in (
        f"as of {past(shot.now, where, seconds=True)}",
        daemons_line(shot.daemons, shot.now, where),
        stream_line(shot.stream_lag, redis_away),
        f"quarantine: {_counted(shot.status.quarantined, 'event')}",
        _oldest("due", shot.status.oldest_due, shot.now, where),
        _oldest("parked", shot.status.oldest_parked, shot.now, where),
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
        return "1 daemon is running" if daemons.alive == 1 else f"{daemons.alive} daemons are running"
    plain = "no daemon is running: nothing is read or sent until `passbackd run` is started"
    return plain if daemons.last_seen is None else f"{plain}; one was last seen {_when(daemons.last_seen, now, where)}"


def stream_line(lag: int | None, redis_away: str | None) -> str:
    """How much of the stream is not applied yet."""
    if redis_away is not None:
        return f"stream: Redis does not answer{f' ({redis_away})' if redis_away else ''}"
    if lag is None:
        return "stream: Redis answers, but does not say what is on the stream"
    return f"stream: {lag} {'entry' if lag == 1 else 'entries'} not yet applied"


def _when(moment: int, now: int, where: tzinfo | None) -> str:
    return f"{past(moment, where, seconds=True)} ({age(now - moment)} ago)"


def _oldest(state: str, since: int | None, now: int, where: tzinfo | None) -> str:
    if since is None:
        return f"oldest {state}: none"
    return f"oldest {state}: for {age(now - since)}, since {past(since, where, seconds=True)}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _states(shot: Snapshot) -> Table:
    table = Table("state", box=None)
    table.add_column("assignments", justify="right")
    for state, number in shot.status.assignments.items():
        table.add_row(state, str(number))
    return table


def _campuses(shot: Snapshot, idle: Iterable[IdleConsumer], where: tzinfo | None) -> Table:
    table = Table(box=None)
    for name in ("campus", "address", "state"):
        table.add_column(name, overflow="fold")
    for name in ("grades/min", "due", "parked"):
        table.add_column(name, justify="right")
    for name in ("oldest due", "last success"):
        table.add_column(name, overflow="fold")
    for campus in shot.status.campuses:
        table.add_row(*map(_cell, _row(campus, shot, where)))
    for consumer in idle:
        state = "paused" if consumer.paused else "up"
        table.add_row(*map(_cell, (consumer.name, "no launch yet", state, "0", "0", "0", "", "never")))
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
        name, words = f"{campus.consumer} at {campus.origin}", campus.last_error or ""
        _say(screen, f"  {printable(name)}{when}: {printable(words)}")


def _cell(text: str) -> Text:
    # Text is not read as markup.
    return Text(printable(text))


def _say(screen: Console, line: str) -> None:
    screen.print(Text(line), soft_wrap=not screen.is_terminal)

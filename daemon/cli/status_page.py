"""What ``status`` prints for people."""

from collections.abc import Sequence
from datetime import tzinfo

from rich.console import Console
from rich.text import Text

from daemon.cli.screen import cell, table
from daemon.infra.text import ALARM, age, printable
from daemon.web.snapshot import Snapshot
from daemon.web.status_words import dated, status_lines
from models.queries.status import CampusStatus
from models.states import OVERDUE_MS

_CAMPUS = ("campus", "address", "state", "due", "parked", "grades/min", "of 10 min", "time left", "oldest due")


def print_status(
    shot: Snapshot, screen: Console, *, where: tzinfo | None, redis_away: str | None, daemon_answers: bool = False
) -> None:
    """
    Print times in the zone *where* (None: the machine's).

    Args:
        redis_away: Why Redis does not answer; None: it does.
        daemon_answers: Whether a daemon of this machine answers on its web port.
    """
    for line, alarms in status_lines(shot, where, redis_away, daemon_answers=daemon_answers):
        screen.print(Text(line, ALARM if alarms else ""), soft_wrap=not screen.is_terminal)
    screen.print()
    states = [
        (state, cell(number, alarms=state == "parked" and number > 0))
        for state, number in shot.status.assignments.items()
    ]
    screen.print(table(("state", "assignments"), states, numbers=("assignments",)))
    screen.print()
    if not shot.status.campuses and not shot.idle:
        screen.print("no campus is known yet: `passbackd consumer add` or `passbackd platform add` adds one")
        return
    rows = [_row(campus, shot, where) for campus in shot.status.campuses]
    rows += [(one.name, "no launch yet", one.state, 0, 0, "0", "0", "", "", "never") for one in shot.idle]
    screen.print(table((*_CAMPUS, "last success"), rows, numbers=_CAMPUS[3:7]))
    failed = [campus for campus in shot.status.campuses if campus.last_error]
    for heading, campuses in (
        ("last error of each campus", [campus for campus in failed if not campus.succeeded_since]),
        ("earlier errors: these campuses have accepted grades since", [one for one in failed if one.succeeded_since]),
    ):
        _show_errors(heading, campuses, shot.now, screen, where)


def _row(campus: CampusStatus, shot: Snapshot, where: tzinfo | None) -> tuple[object, ...]:
    rate, left, oldest = shot.rate(campus), shot.seconds_left(campus), campus.oldest_due
    return (
        campus.consumer,
        campus.origin,
        cell(campus.state, alarms=campus.state in ("down", "probing")),
        campus.due,
        cell(campus.parked, alarms=campus.parked > 0),
        f"{rate.last_minute:.1f}",
        f"{rate.ten_minutes:.1f}",
        "unknown" if left is None else age(int(left * 1000)) if campus.due else "",
        "" if oldest is None else cell(age(shot.now - oldest), alarms=shot.now - oldest > OVERDUE_MS),
        "never" if campus.last_success is None else dated(campus.last_success, shot.now, where),
    )


def _show_errors(
    heading: str, campuses: Sequence[CampusStatus], now: int, screen: Console, where: tzinfo | None
) -> None:
    if not campuses:
        return
    screen.print(f"\n{heading}")
    for campus in campuses:
        when = "" if campus.last_error_at is None else f" {dated(campus.last_error_at, now, where)}"
        line = f"  {printable(f'{campus.consumer} at {campus.origin}{when}: {campus.last_error}')}"
        screen.print(Text(line), soft_wrap=not screen.is_terminal)

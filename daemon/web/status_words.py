"""The status in sentences. Pure."""

from collections.abc import Iterator
from datetime import tzinfo

from daemon.infra.text import age, counted, past, printable
from daemon.web.snapshot import SENDING, Snapshot
from models.members import Members
from models.states import OVERDUE_MS


def status_lines(
    shot: Snapshot, where: tzinfo | None, redis_away: str | None, *, daemon_answers: bool
) -> Iterator[tuple[str, bool]]:
    """The lines above the tables, and whether each is alarming."""
    status, now = shot.status, shot.now
    yield f"as of {past(now, where, seconds=True)}", False
    yield daemons_line(shot.daemons, now, where, answers=daemon_answers), not shot.daemons.alive
    for trouble in shot.daemons.troubles:
        yield f"not ready: {printable(trouble)}", True
    yield stream_line(shot.stream_lag, redis_away), redis_away is not None
    yield f"quarantine: {counted(status.quarantined, 'event')}", False
    overdue = status.oldest_due is not None and now - status.oldest_due > OVERDUE_MS
    yield _oldest("due", status.oldest_due, now, where), overdue
    yield _oldest("parked", status.oldest_parked, now, where), status.oldest_parked is not None
    yield backlog_line(shot), False
    for trouble in shot.troubles:
        yield f"trouble: {printable(trouble)}", True


def daemons_line(daemons: Members, now: int, where: tzinfo | None, *, answers: bool = False) -> str:
    """How many daemons run. *answers*: whether one of this machine does on its web port."""
    if daemons.alive:
        return f"{counted(daemons.alive, 'daemon')} {'is' if daemons.alive == 1 else 'are'} running"
    since = "" if daemons.last_seen is None else f" since {dated(daemons.last_seen, now, where)}"
    if answers:
        return (
            f"a daemon of this machine answers, but none was seen in this database{since}: it cannot write there "
            "(a full disk, a database that only takes reads), or it uses another database"
        )
    if daemons.last_seen is None:
        return "no daemon is running: nothing is read or sent until `passbackd run` is started"
    return (
        f"no daemon was seen{since}: none is running (`passbackd run` starts one), it hangs (end it, and start it "
        "again), or it cannot write to this database (a full disk, no connection, a database that only takes reads)"
    )


def stream_line(lag: int | None, redis_away: str | None) -> str:
    """How many entries of the stream are not yet applied."""
    if redis_away is not None:
        return f"stream: Redis does not answer{f' ({redis_away})' if redis_away else ''}"
    if lag is None:
        return "stream: Redis answers, but the lag is unknown"
    return f"stream: {lag} {'entry' if lag == 1 else 'entries'} not yet applied"


def backlog_line(shot: Snapshot) -> str:
    """How quickly grades are accepted, and when those that are due will be."""
    rate = shot.total_rate
    pace = f"accepted: {rate.last_minute:.1f} grades/min in the last minute, {rate.ten_minutes:.1f} over ten minutes"
    waiting = [campus for campus in shot.status.campuses if campus.due]
    if not waiting:
        return pace
    due = f"{pace}; {counted(sum(campus.due for campus in waiting), 'grade')} due"
    left = [(campus.state in SENDING, shot.seconds_left(campus)) for campus in waiting]
    known = [seconds for _, seconds in left if seconds is not None]
    unknown = sum(sends and seconds is None for sends, seconds in left)
    refusing = len(left) - len(known) - unknown
    if not known:
        return f"{due}, and {'no rate is known yet' if unknown else 'no campus that has any accepts grades now'}"
    rest = f", and longer where no rate is known yet ({unknown})" if unknown else ""
    rest += f", and longer where a campus accepts none ({refusing})" if refusing else ""
    return f"{due}, about {age(int(max(known) * 1000))} left at this rate{rest}"


def dated(moment: int, now: int, where: tzinfo | None) -> str:
    return f"{past(moment, where, seconds=True)} ({age(now - moment)} ago)"


def _oldest(state: str, since: int | None, now: int, where: tzinfo | None) -> str:
    if since is None:
        return f"oldest {state}: none"
    return f"oldest {state}: for {age(now - since)}, since {past(since, where, seconds=True)}"

"""Whether the work gets done: daemons, events that are not read, grades that are overdue, events in quarantine."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import tzinfo

from daemon.check.egress import check_names
from daemon.check.findings import Finding, fault, ok, warning
from daemon.check.local_daemon import local_daemon
from daemon.config import Config, zone
from daemon.infra.embedded_lock import url_in_use
from daemon.infra.errors import describe
from daemon.infra.redis import redis_client
from daemon.infra.text import age, counted, past
from daemon.ingest.lag import stream_lag
from daemon.ingest.stream import Stream
from models.db.clock import Clock
from models.db.database import NoDatabaseError, open_database
from models.db.migrate import applied, known
from models.line_item import MissingLineItems, missing_line_items
from models.members import Members, read_members
from models.quarantine import QuarantinedEvent
from models.queries.campus_health import CampusHealth, read_campus_health
from models.queries.status import read_consumers
from models.states import OVERDUE_MS

#: Entries on the stream that are not applied yet: more than a daemon leaves in a burst.
BACKLOG = 500


@dataclass(frozen=True, slots=True)
class Work:
    """
    What the servers say of the work, at *now* (milliseconds since 1970 by the database's clock).

    *waiting*: entries of the stream that are not applied; None while Redis does not say. *here*: what the daemon of
    this machine says, as :func:`daemon.check.local_daemon.local_daemon` gives it.
    """

    now: int
    daemons: Members
    here: Sequence[str] | None
    waiting: int | None
    quarantined: int
    campuses: Sequence[CampusHealth]
    missing: Sequence[MissingLineItems] = ()


async def check_work(config: Config) -> list[Finding]:
    """Reads only."""
    try:
        async with open_database(config.database.url, create=False):
            if set(known()) - set(await applied()):
                return []
            keys = [consumer.key for consumer in await read_consumers()]
            found = check_names(config.egress, keys)
            return [*found, *work_findings(await _work(config), zone(config.log.timezone))]
    except NoDatabaseError:
        return []
    except Exception as error:  # noqa: BLE001 - whatever the driver says, nothing is known of the work
        return [warning("daemon", f"not looked at: {describe(error)}", "correct the database first")]


async def _work(config: Config) -> Work:
    clock = Clock()
    await clock.measure()
    now, url = clock.now(), url_in_use(config.redis)
    async with AsyncExitStack() as stack:
        stream = None
        if url is not None:
            stream = Stream(await stack.enter_async_context(redis_client(url)), config.redis.stream)
        waiting = await stream_lag(stream)
    here, quarantined = await asyncio.to_thread(local_daemon, config.web), await QuarantinedEvent.all().count()
    health, missing = await read_campus_health(now=now), await missing_line_items()
    return Work(now, await read_members(now=now), here, waiting, quarantined, health, missing)


def work_findings(work: Work, where: tzinfo | None) -> list[Finding]:
    """What is left undone, and why. Pure. *where*: the zone in which times are shown; None: the machine's."""
    found = [*_daemons(work, where), *_backlog(work), *_overdue(work, where), *_missing(work)]
    if not work.quarantined:
        return [*found, ok("quarantine", "it is empty")]
    problem = f"{counted(work.quarantined, 'event')} could not be applied"
    return [*found, warning("quarantine", problem, "`passbackd quarantine list` says why, and what to do")]


def _missing(work: Work) -> list[Finding]:
    return [
        fault(
            one.consumer,
            f"{counted(one.number, 'link')} without a column (line item), so that no grade of theirs "
            f"goes out: '{one.reason}'",
            "have the platform allow the tool the scopes lineitem and lineitem.readonly, and see "
            "that its grade service works: docs/platforms.md",
        )
        for one in work.missing
    ]


def _daemons(work: Work, where: tzinfo | None) -> list[Finding]:
    if work.daemons.troubles:
        troubles = [trouble.partition("; ") for trouble in work.daemons.troubles]
        return [fault("daemon", f"one is not ready: {problem}", cure or "see its log") for problem, _, cure in troubles]
    if work.daemons.alive:
        return [ok("daemon", f"{counted(work.daemons.alive, 'daemon')} at work")]
    seen = work.daemons.last_seen
    last = "" if seen is None else f", the last of {past(seen, where)}"
    if work.here is not None:
        # It runs, and yet writes nothing.
        why = "; ".join(work.here) or "its page says that it is ready"
        problem = f"the daemon of this machine runs, but writes no heartbeat{last}: {why}"
        return [fault("daemon", problem, "see that the database has room and takes writes, and the daemon's log")]
    waits = [counted(number, noun) for number, noun in ((_due(work), "grade"), (work.waiting or 0, "event")) if number]
    problem = f"no daemon has written a heartbeat lately{last}: nothing is read or sent"
    if waits:
        problem += f"; {' and '.join(waits)} {'waits' if waits in (['1 grade'], ['1 event']) else 'wait'}"
    cure = "start `passbackd run`; if one runs, see that it can write to the database; if it hangs, start it again"
    return [warning("daemon", problem, cure)]


def _due(work: Work) -> int:
    return sum(campus.dirty for campus in work.campuses)


def _backlog(work: Work) -> list[Finding]:
    if work.waiting is None:
        return []
    waits = f"{work.waiting} {'entry' if work.waiting == 1 else 'entries'} of the stream not applied yet"
    if work.waiting > BACKLOG and work.daemons.alive:
        return [warning("redis.stream", waits, "see PassbackdStreamLagGrowing in docs/operate.md if they do not fall")]
    return [ok("redis.stream", waits)]


def _overdue(work: Work, where: tzinfo | None) -> list[Finding]:
    """Where grades are due, and none goes out, for no reason of the campus's."""
    if not work.daemons.alive:
        return []
    found = []
    for campus in work.campuses:
        since, success = campus.due_since, campus.last_success or 0
        if campus.state != "up" or campus.failing or since is None:
            continue
        if work.now - max(since, success) > OVERDUE_MS:
            name = f"{campus.consumer} at {campus.origin}"
            problem = (
                f"grades are due for {name} since {past(since, where)} ({age(work.now - since)}), and none goes out"
            )
            found.append(fault("daemon", problem, "see PassbackdGradesOverdue in docs/operate.md"))
    return found

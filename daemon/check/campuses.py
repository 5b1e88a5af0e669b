"""The campuses: each consumer at each origin from which it was launched, probed without sending a grade."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from daemon.check.campus_state import state_findings
from daemon.check.findings import Finding, fault, ok, split_cure, warning
from daemon.check.probe import PROBE_TIMEOUT, OutOfReachError, ProbeContext, ProbeResult, probe
from daemon.check.timing import REFUSED, SUSPICIOUS, clock_difference
from daemon.config import Config, zone
from daemon.infra.errors import describe
from daemon.infra.startup import UnusableError
from daemon.wiring import SHARED, outcome_sessions
from models.db.clock import Clock
from models.db.database import NoDatabaseError, open_database
from models.queries.campus_health import CampusHealth, read_campus_health

#: Days. A certificate that has less left is worth a warning.
RENEW = 21

_DAY = 86_400


async def check_campuses(config: Config, progress: Callable[[int, int], None]) -> list[Finding]:
    """
    What the database knows of each of them, and a probe of its server, several at a time.

    Args:
        progress: Called with the number of origins that are done, and with that of all.
    """
    try:
        async with open_database(config.database.url, create=False):
            clock = Clock()
            await clock.measure()
            campuses = await read_campus_health(now=clock.now())
    except NoDatabaseError:
        return [ok("campuses", "none has launched anything yet")]
    except Exception as error:  # noqa: BLE001 - whatever the driver says, no campus is known
        return [
            warning("campuses", f"not probed: they cannot be read ({describe(error)})", "correct the database first")
        ]
    if not campuses:
        return [ok("campuses", "none has launched anything yet")]
    known = [
        finding
        for campus in campuses
        for finding in state_findings(campus, now=clock.now(), zone=zone(config.log.timezone))
    ]
    return [*known, *await _probed(config, campuses, clock, progress)]


async def _probed(
    config: Config, campuses: Sequence[CampusHealth], clock: Clock, progress: Callable[[int, int], None]
) -> list[Finding]:
    certificate_ends: dict[str, float] = {}
    # Consumers at one origin without rules of their own are probed once.
    own = config.egress.campuses
    probes = {one: (one.origin, one.consumer_key if one.consumer_key in own else SHARED) for one in campuses}
    try:
        async with outcome_sessions(config, certificate_ends) as sessions:
            timeout = min(config.outcomes.timeout_seconds, PROBE_TIMEOUT)
            context = ProbeContext(sessions, certificate_ends, clock.now, timeout)
            found = await _probe_all(sorted(set(probes.values())), context, config.outcomes.max_connections, progress)
    except UnusableError as error:
        problem, cure = split_cure(error)
        return [warning("campuses", f"not probed: {problem}", cure)]
    now = time.time()
    return [
        finding
        for campus, key in probes.items()
        for finding in campus_findings(f"{campus.consumer} at {campus.origin}", found[key], now=now)
    ]


async def _probe_all(
    keys: list[tuple[str, str]],
    context: ProbeContext,
    connections: int,
    progress: Callable[[int, int], None],
) -> dict[tuple[str, str], ProbeResult | OutOfReachError]:
    # No more than there are connections: the wait for one would be taken for the campus's.
    turns = asyncio.Semaphore(connections)
    # Look-ups take a thread each, and the loop's own are few.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(connections))
    found: dict[tuple[str, str], ProbeResult | OutOfReachError] = {}

    async def probe_one(origin: str, consumer_key: str) -> None:
        async with turns:
            try:
                found[origin, consumer_key] = await probe(origin, context, consumer_key)
            except OutOfReachError as error:
                found[origin, consumer_key] = error
        progress(len(found), len(keys))

    progress(0, len(keys))
    async with asyncio.TaskGroup() as group:
        for key in keys:
            group.create_task(probe_one(*key))
    return found


def campus_findings(name: str, found: ProbeResult | OutOfReachError, *, now: float) -> list[Finding]:
    """
    What is wrong with a campus. Pure.

    Args:
        name: How people know it.
        now: Seconds since 1970.
    """
    if isinstance(found, OutOfReachError):
        return [fault(name, str(found), found.cure)]
    troubles, well = [], [f"answers (HTTP {found.status}) in {found.seconds * 1000:.0f} ms"]
    if found.status >= 500:
        problem = f"its server answers with HTTP {found.status}: it, or its database, is in trouble"
        troubles.append(fault(name, problem, "ask the campus"))
    if found.certificate_until is not None:
        days = (found.certificate_until - now) / _DAY
        well.append(f"its certificate is valid for {days:.0f} days")
        if days < RENEW:
            problem = f"its certificate runs out in {days:.0f} days"
            cure = "have the campus renew it: without a valid one nothing is sent there"
            troubles.append(warning(name, problem, cure))
    if found.ahead is None:
        well.append("it does not send the time")
    elif abs(found.ahead) < SUSPICIOUS:
        well.append(clock_difference(found.ahead, "ours"))
    else:
        problem = clock_difference(found.ahead, "the database's, by which passbackd signs")
        if abs(found.ahead) < REFUSED:
            troubles.append(warning(name, problem, "have both set by NTP"))
        else:
            cure = "set the clock that is wrong, by NTP"
            troubles.append(fault(name, f"{problem}: it may refuse every grade", cure))
    return troubles or [ok(name, ", ".join(well))]

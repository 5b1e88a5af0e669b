"""The campuses: each consumer at each origin from which it was launched, probed without sending a grade."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from daemon.check.clocks import REFUSED, SUSPICIOUS, apart
from daemon.check.findings import Finding, fault, ok, warning
from daemon.check.probe import OutOfReachError, ProbeContext, ProbeResult, probe
from daemon.config import Config
from daemon.infra.errors import describe
from daemon.infra.startup import UnusableError
from daemon.wiring import campus_tls, outcome_session
from models.db.clock import Clock
from models.db.database import open_database
from models.queries.status import read_campuses

#: Origins that are probed side by side.
AT_ONCE = 16
#: Seconds for a probe, at most; less if ``outcomes.timeout_seconds`` is.
PATIENCE = 10.0
#: Days. A certificate that has less left is worth a warning.
RENEW = 21

_DAY = 86_400


def _no_progress(_done: int, _all: int) -> None:
    pass


async def check_campuses(config: Config, progress: Callable[[int, int], None] = _no_progress) -> list[Finding]:
    """
    Probe all of them, several at a time.

    Args:
        progress: Called with the number of origins that are done, and with that of all.
    """
    try:
        async with open_database(config.database.url):
            clock = Clock()
            await clock.measure()
            campuses = await read_campuses()
    except Exception as error:  # noqa: BLE001 - whatever the driver says, no campus is known
        return [
            warning("campuses", f"not probed: they cannot be read ({describe(error)})", "correct the database first")
        ]
    if not campuses:
        return [ok("campuses", "none has launched anything yet")]
    certificate_ends: dict[str, float] = {}
    try:
        tls, session = campus_tls(config), outcome_session(config, certificate_ends)
    except UnusableError as error:
        problem, _, cure = str(error).rpartition(": ")
        return [warning("campuses", f"not probed: {problem}", cure)]
    # Consumers at one origin whose TLS does not differ are probed once.
    probes = {campus: (campus.origin, campus.consumer_key if campus.consumer_key in tls else "") for campus in campuses}
    async with session:
        patience = min(config.outcomes.timeout_seconds, PATIENCE)
        context = ProbeContext(session, tls, certificate_ends, clock.now, patience)
        # No more than there are connections: the wait for one would be taken for the campus's.
        turns = asyncio.Semaphore(min(AT_ONCE, config.outcomes.max_connections))
        found = await _probe_all(sorted(set(probes.values())), context, turns, progress)
    now = time.time()
    return [
        finding
        for campus, key in probes.items()
        for finding in judge(f"{campus.consumer} at {campus.origin}", found[key], now=now)
    ]


async def _probe_all(
    keys: list[tuple[str, str]],
    context: ProbeContext,
    turns: asyncio.Semaphore,
    progress: Callable[[int, int], None],
) -> dict[tuple[str, str], ProbeResult | OutOfReachError]:
    # Look-ups take a thread each, and the loop's own are few.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(AT_ONCE))
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


def judge(name: str, found: ProbeResult | OutOfReachError, *, now: float) -> list[Finding]:
    """
    What is wrong with a campus. Pure.

    Args:
        name: How people know it.
        now: Seconds since 1970.
    """
    if isinstance(found, OutOfReachError):
        return [fault(name, str(found), found.cure)]
    troubles = [*_certificate(name, found, now), *_clock(name, found)]
    return troubles or [ok(name, _well(found, now))]


def _certificate(name: str, found: ProbeResult, now: float) -> list[Finding]:
    if found.certificate_until is None:
        return []
    days = (found.certificate_until - now) / _DAY
    if days >= RENEW:
        return []
    problem = f"its certificate runs out in {days:.0f} days"
    return [warning(name, problem, "have the campus renew it: without a valid one nothing is sent there")]


def _clock(name: str, found: ProbeResult) -> list[Finding]:
    if found.ahead is None or abs(found.ahead) < SUSPICIOUS:
        return []
    problem = apart(found.ahead, "the database's, by which passbackd signs")
    if abs(found.ahead) >= REFUSED:
        return [fault(name, f"{problem}: it may refuse every grade", "set the clock that is wrong, by NTP")]
    return [warning(name, problem, "have both set by NTP")]


def _well(found: ProbeResult, now: float) -> str:
    words = [f"answers (HTTP {found.status}) in {found.seconds * 1000:.0f} ms"]
    if found.certificate_until is not None:
        words.append(f"its certificate is valid for {(found.certificate_until - now) / _DAY:.0f} days")
    words.append("it does not send the time" if found.ahead is None else apart(found.ahead, "ours"))
    return ", ".join(words)

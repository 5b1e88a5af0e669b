"""The campuses: each consumer at each origin from which it was launched, looked at without sending anything."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from actors.client import http_session
from daemon.check.clocks import REFUSED, SUSPICIOUS, apart
from daemon.check.findings import Finding, fault, ok, warning
from daemon.check.reach import OutOfReachError, Reached, Ways, reach
from daemon.infra.errors import why
from models.db.clock import Clock
from models.db.database import open_database
from models.queries.status import read_campuses

if TYPE_CHECKING:
    from collections.abc import Callable

    from daemon.config import Config

#: Origins that are looked at side by side.
AT_ONCE = 16
#: Seconds for a connection, and again for an answer, at most; less if ``outcomes.timeout_seconds`` is.
PATIENCE = 10.0
#: Days. A certificate that has less left is told of in time.
RENEW = 21

_DAY = 86_400


def _no_progress(_done: int, _all: int) -> None:
    pass


async def check_campuses(config: Config, progress: Callable[[int, int], None] = _no_progress) -> list[Finding]:
    """
    Look at all of them, several at a time.

    Args:
        progress: Called with the number of origins that are done, and with that of all.
    """
    try:
        async with open_database(config.database.url):
            clock = Clock()
            await clock.measure()
            campuses = await read_campuses()
    except Exception as error:  # noqa: BLE001 - whatever the driver says, no campus is known
        return [warning("campuses", f"not looked at: they cannot be read ({why(error)})", "mend the database first")]
    if not campuses:
        return [ok("campuses", "none has launched anything yet")]
    egress = config.egress
    try:
        # By key, since a context is the system's whole list of authorities.
        trusts = {key: egress.trust(key) for key in ("", *egress.campuses)}
    except OSError:
        return [warning("campuses", "not looked at", "mend the ca_file of egress first")]
    patience = min(config.outcomes.timeout_seconds, PATIENCE)
    session = http_session(timeout_seconds=patience, max_connections=AT_ONCE, egress=egress.policy)
    # Campuses that are spoken to alike are looked at once.
    looks = {
        campus: (campus.origin, campus.consumer_key if campus.consumer_key in trusts else "") for campus in campuses
    }
    async with session:
        ways = Ways(session, egress.policy, trusts.__getitem__, clock.now, patience)
        found = await _reach_all(sorted(set(looks.values())), ways, progress)
    now = time.time()
    return [
        finding
        for campus, look in looks.items()
        for finding in judge(f"{campus.consumer} at {campus.origin}", found[look], now=now)
    ]


async def _reach_all(
    looks: list[tuple[str, str]], ways: Ways, progress: Callable[[int, int], None]
) -> dict[tuple[str, str], Reached | OutOfReachError]:
    # Look-ups take a thread each, and the loop's own are few.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(AT_ONCE))
    turn = asyncio.Semaphore(AT_ONCE)
    found: dict[tuple[str, str], Reached | OutOfReachError] = {}

    async def look(origin: str, consumer_key: str) -> None:
        async with turn:
            try:
                found[origin, consumer_key] = await reach(origin, ways, consumer_key)
            except OutOfReachError as error:
                found[origin, consumer_key] = error
        progress(len(found), len(looks))

    progress(0, len(looks))
    async with asyncio.TaskGroup() as group:
        for one in looks:
            group.create_task(look(*one))
    return found


def judge(name: str, found: Reached | OutOfReachError, *, now: float) -> list[Finding]:
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


def _certificate(name: str, found: Reached, now: float) -> list[Finding]:
    if found.certificate_until is None:
        return []
    days = (found.certificate_until - now) / _DAY
    if days >= RENEW:
        return []
    problem = f"its certificate runs out in {days:.0f} days"
    return [warning(name, problem, "have the campus renew it: without a valid one nothing is sent there")]


def _clock(name: str, found: Reached) -> list[Finding]:
    if found.ahead is None or abs(found.ahead) < SUSPICIOUS:
        return []
    problem = apart(found.ahead, "the database's, by which passbackd signs")
    if abs(found.ahead) >= REFUSED:
        return [fault(name, f"{problem}: it may refuse every grade", "set the clock that is wrong, by NTP")]
    return [warning(name, problem, "have both set by NTP")]


def _well(found: Reached, now: float) -> str:
    words = [f"answers (HTTP {found.status}) in {found.seconds * 1000:.0f} ms"]
    if found.certificate_until is not None:
        words.append(f"its certificate is valid for {(found.certificate_until - now) / _DAY:.0f} days")
    words.append("it does not tell the time" if found.ahead is None else apart(found.ahead, "ours"))
    return ", ".join(words)

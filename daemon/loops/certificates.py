"""Finds out until when campuses' certificates are valid: before the first grade goes there, and once a day."""

from collections.abc import Callable

import structlog

from daemon.check.probe import OutOfReachError, ProbeContext, probe
from daemon.infra.stop import Stop
from daemon.wiring import SHARED
from models.queries.status import read_campuses

log = structlog.get_logger(__name__)

#: Seconds between two looks for campuses that are new; and while some are yet to be asked.
EVERY, SOON = 10.0, 1.0
#: Seconds after which a round begins no further probe.
ROUND = 10.0
#: Seconds until a campus is asked again; and until one is that could not be asked.
ASKED_AGAIN, RETRY = 86_400.0, 3_600.0


class Certificates:
    """
    The loop that asks each campus's server for its root page, as `check --deep` does.

    The sessions of *context* note the certificates. A campus that is paused, or has no TLS, is not asked.
    """

    def __init__(self, context: ProbeContext, monotonic: Callable[[], float]) -> None:
        self.context = context
        self._monotonic = monotonic
        #: By origin and consumer, when it is asked again.
        self._again: dict[tuple[str, str], float] = {}

    async def step(self, stop: Stop) -> None:
        """Ask some of those whose time has come, sleep."""
        now, own = self._monotonic(), self.context.sessions
        # Consumers at one origin without rules of their own are asked once.
        known = {
            (campus.origin, campus.consumer_key if campus.consumer_key in own else SHARED)
            for campus in await read_campuses()
            if campus.origin.startswith("https:")
        }
        self._again = {campus: again for campus, again in self._again.items() if campus in known}
        wanted = sorted(campus for campus in known if self._again.get(campus, now) <= now)
        for campus in wanted:
            await self._ask(campus, now)
            if stop.is_set() or self._monotonic() - now > ROUND:
                break
        waits = any(campus not in self._again for campus in wanted)
        await stop.sleep(SOON if waits else EVERY)

    async def _ask(self, campus: tuple[str, str], now: float) -> None:
        origin, consumer_key = campus
        try:
            await probe(origin, self.context, consumer_key)
        except OutOfReachError as error:
            log.debug("certificate.not_seen", origin=origin, reason=str(error))
            self._again[campus] = now + RETRY
        else:
            self._again[campus] = now + ASKED_AGAIN

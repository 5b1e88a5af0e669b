"""Running a loop: it waits for servers that are away, and every other fault ends the process."""

import random
import time
from collections.abc import Awaitable, Callable

import structlog

from daemon.infra.errors import describe, is_data_fault, trouble
from daemon.infra.log_throttle import WORKS_AGAIN
from daemon.infra.stop import Stop

log = structlog.get_logger(__name__)

#: Seconds: the first wait after a fault, and the longest.
FIRST_RETRY_WAIT, MAX_RETRY_WAIT = 0.2, 1.0
#: Seconds without a tick after which a loop counts as stuck.
STUCK = 60.0


class Loop:
    """
    One named loop of the daemon: *step* is one round, which sleeps by itself and is called again at once.

    *progresses*: whether the work that it watches goes on.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[Stop], Awaitable[None]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        progresses: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self._progresses = progresses
        self._step = step
        self._monotonic = monotonic
        #: When the last round began.
        self.ticked = monotonic()
        #: What is wrong at the moment, if anything.
        self.trouble: str | None = None

    def is_ticking(self) -> bool:
        """Whether a round began lately: one that waits for ever has no successor, one for a lost server has."""
        return self._monotonic() - self.ticked < STUCK and self._progresses()

    async def run(self, stop: Stop) -> None:
        """Repeat until *stop*, or until a fault that a retry cannot repair: a bug, which is raised."""
        wait = FIRST_RETRY_WAIT
        while not stop.is_set():
            self.ticked = self._monotonic()
            try:
                await self._step(stop)
            except Exception as error:
                if is_data_fault(error):
                    raise
                found = trouble(error)
                self.trouble = describe(error) if found is None else f"{found.words}: {describe(error)}"
                server = found and found.server
                log.warning("server unavailable, retrying", loop=self.name, server=server, error=error)
                await stop.sleep(wait * (0.5 + random.random()))  # noqa: S311 - jitter
                wait = min(wait * 2, MAX_RETRY_WAIT)
            else:
                if self.trouble is not None:
                    log.info(WORKS_AGAIN, loop=self.name)
                self.trouble, wait = None, FIRST_RETRY_WAIT

"""What the actors work with."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from actors.access import AccessTokens, NoTokens
from actors.breaker import next_breaker
from actors.client import Abort, Sender
from actors.failpoints import Hit, pass_by
from actors.lease import new_lease
from actors.metrics import Metrics
from actors.settings import Settings
from models.campus import Breaker, Signal
from models.claims import Lease
from models.course import CourseTrees
from models.db.clock import Clock
from models.encryption import PLAINTEXT, Cipher


@dataclass(slots=True)
class Dependencies:
    """What the actors work with; handed in by the lifespan, or by a test. The settings may be replaced at any time."""

    sender: Sender
    trees: CourseTrees
    clock: Clock
    metrics: Metrics
    settings: Settings
    #: Whether what the stream held at start has been applied.
    may_send: Callable[[], bool]
    abort: Abort
    #: Called at each failpoint that an attempt reaches.
    hit: Hit = pass_by
    #: Decrypts consumers' secrets.
    cipher: Cipher = PLAINTEXT
    #: Access tokens of LTI 1.3 platforms.
    tokens: AccessTokens = field(default_factory=NoTokens)

    def lease(self) -> Lease:
        """A lease that begins now."""
        return new_lease(self.settings, self.clock)

    def next_breaker(self, now: int, breaker: Breaker, signal: Signal) -> Breaker:
        """The breaker of a campus after a signal, at that time."""
        return next_breaker(
            breaker,
            signal,
            now=now,
            max_per_campus=self.settings.max_per_campus,
            jitter=random.random(),  # noqa: S311 - spreads load, guards nothing
        )

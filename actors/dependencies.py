"""What the actors work with, the operator's settings among it, and the lease that follows from these."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from actors.client import Abort, Sender
from actors.failpoints import Reached, pass_by
from actors.metrics import Metrics
from actors.resolution import Rules
from models.claims import Lease
from models.course import CourseTrees
from models.db.clock import Clock
from models.encryption import PLAINTEXT, Cipher

#: Seconds that may pass between the claim and the first byte of its request. Part of every lease.
MARGIN = 5.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator set, as attempts and readings need it. Seconds."""

    timeout_seconds: float
    rules: Rules
    max_per_campus: int
    #: Of one process to all campuses together.
    max_connections: int
    skip_unchanged: bool = True
    #: By consumer key, what kind its LMS is; the others' are recognised from what they answer.
    platforms: Mapping[str, str] = field(default_factory=dict)

    @property
    def lease_seconds(self) -> float:
        """
        Rule 3: margin, HTTP deadline and hold, derived and never configured beside them.

        Whatever a lost holder sent has reached the campus by then.
        """
        return MARGIN + self.timeout_seconds + self.rules.hold_seconds

    def lease(self, clock: Clock) -> Lease:
        """A lease that begins now."""
        return Lease(
            now=clock.now(),
            began=clock.monotonic(),
            ms=int(self.lease_seconds * 1000),
            second_ms=int(self.timeout_seconds * 1000),
            max_per_campus=self.max_per_campus,
        )


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
    reached: Reached = pass_by
    #: Decrypts consumers' secrets.
    cipher: Cipher = PLAINTEXT

    def lease(self) -> Lease:
        """A lease that begins now."""
        return self.settings.lease(self.clock)

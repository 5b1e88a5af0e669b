"""What the operator set, as attempts and readings need it, and the lease that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from actors.resolution import Rules
from models.claims import Lease
from models.db.clock import Clock

#: Seconds that may pass between the claim and the first byte of its request. Part of every lease.
MARGIN = 5.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator set. Seconds."""

    timeout_seconds: float
    rules: Rules
    max_per_campus: int = 4
    skip_unchanged: bool = True
    #: By consumer key, what kind its LMS is; the others' are recognised from what they answer.
    platforms: Mapping[str, str] = field(default_factory=dict)

    @property
    def lease_seconds(self) -> float:
        """
        Rule 3: margin, HTTP deadline and hold, derived and never configured beside them.

        Whatever a lost holder let go has landed by then.
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

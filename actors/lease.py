"""How long the lease of a claim is: rule 3 of the design."""

from actors.settings import Settings
from models.claims import Lease
from models.db.clock import Clock

#: Seconds that may pass between the claim and the first byte of its request. Part of every lease.
MARGIN = 5.0


def lease_seconds(settings: Settings) -> float:
    """
    Margin, HTTP deadline and hold, derived and never configured beside them.

    Whatever a lost holder sent has reached the campus by then.
    """
    return MARGIN + settings.timeout_seconds + settings.rules.hold_seconds


def new_lease(settings: Settings, clock: Clock) -> Lease:
    """A lease that begins now."""
    return Lease(
        now=clock.now(),
        began=clock.monotonic(),
        ms=int(lease_seconds(settings) * 1000),
        second_ms=int(settings.timeout_seconds * 1000),
        max_per_campus=settings.max_per_campus,
        steps=clock.steps,
    )

"""Attempts that could not begin: each is given back for a while."""

from actors import resolution
from models.claims import Claim
from models.db.clock import Clock
from models.finishing import Finish

#: Seconds until an attempt that could not begin in time is made again; doubles while they keep coming.
PUT_OFF = 1.0
#: The pause doubles up to this many times, less one.
_MAX_TIMES = 6


class PutOff:
    """Gives attempts back for a while, longer each time until a request goes through; one fault counts once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times = 0
        #: What put the last one off. Attempts that asked together have it in common.
        self._fault: Exception | None = None

    def finish(self, claim: Claim, fault: Exception | None = None) -> Finish:
        """
        The end of an attempt that is made later.

        Args:
            fault: What kept it from beginning; None if it was merely too late.
        """
        if fault is None or fault is not self._fault:
            self._times = min(self._times + 1, _MAX_TIMES)
        self._fault = fault
        wait = PUT_OFF * 2 ** (self._times - 1)
        return resolution.not_sent(claim, "released", not_before=self._clock.now() + int(wait * 1000))

    def reset(self) -> None:
        """A request went through."""
        self._times, self._fault = 0, None

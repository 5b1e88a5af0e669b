"""What came back from an LMS."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from models.value_class import value_class

#: Bytes of a response's body that are read.
BODY_LIMIT = 64 * 1024

#: Seconds by which an LMS's clock may be ahead or behind: a century, since a clock that was lost begins in 1970.
MAX_CLOCK_OFFSET = 100 * 365 * 86_400.0

#: Seconds. The longest wait that an LMS may ask for.
MAX_WAIT = 6 * 3600.0


@value_class()
class Response:
    """One whole HTTP response, with never more than :data:`BODY_LIMIT` bytes of body."""

    status: int
    #: By names in any case, as aiohttp has them.
    headers: Mapping[str, str]
    body: bytes
    #: From the moment a connection was there to the last byte read.
    seconds: float
    #: Whether there was more body than was read.
    truncated: bool = False
    #: The words of the status line.
    reason: str = ""

    def header(self, name: str) -> str | None:
        """A header's first value, whatever the case of its name."""
        return self.headers.get(name)

    def clock_offset(self, now: datetime) -> float | None:
        """
        Seconds that the LMS's clock is ahead of *now*, by the ``Date`` header; None if it does not say the time.

        What is further away than :data:`MAX_CLOCK_OFFSET` is no time: it would be written into what follows.
        """
        date = _date(self.header("Date") or "")
        offset = None if date is None else (date - now).total_seconds()
        return None if offset is None or abs(offset) > MAX_CLOCK_OFFSET else offset

    def date_seconds(self, now: datetime) -> int | None:
        """The ``Date`` header, seconds since 1970 by the LMS's clock; None as of :meth:`clock_offset`."""
        offset = self.clock_offset(now)
        return None if offset is None else round(now.timestamp() + offset)

    def retry_after(self, now: datetime) -> float | None:
        """Seconds that the response asks us to wait, within 0 to :data:`MAX_WAIT`; None if it does not say."""
        asked = (self.header("Retry-After") or "").strip()
        if asked.isascii() and asked.isdigit():
            # More digits than a wait can have are not even read: Python refuses thousands of them.
            return MAX_WAIT if len(asked) > 9 else min(float(asked), MAX_WAIT)
        until = _date(asked)
        if until is None:
            return None
        answered = _date(self.header("Date") or "") or now
        return min(max((until - answered).total_seconds(), 0.0), MAX_WAIT)


# All responses of a second bear the same one.
@lru_cache(maxsize=64)
def _date(text: str) -> datetime | None:
    """An HTTP date; None if it is none."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)

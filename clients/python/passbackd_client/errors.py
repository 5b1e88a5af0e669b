"""What can go wrong, named by what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass


class InvalidEventError(ValueError):
    """
    An event that passbackd would refuse cannot be made: correct what is handed in.

    Attributes:
        field: Its name on the stream.
        reason: A sentence that begins with it.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


class FeedError(Exception):
    """The events were not taken, or nothing is known of it."""


class TryLaterError(FeedError):
    """
    Redis, or passbackd's HTTP intake, takes none now; the same events may be sent again.

    They may have been taken all the same, which does no harm.

    Attributes:
        after: Seconds that the server asked to wait (``Retry-After``), if it did.
    """

    def __init__(self, reason: str, *, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """
    One event of a request that passbackd refused.

    *line*: counted from 1 in what was sent; None where the whole request is meant. *field*: None where it is no single
    one.
    """

    line: int | None
    field: str | None
    reason: str

    def __str__(self) -> str:
        return self.reason if self.line is None else f"event {self.line}: {self.reason}"


class EventsRefusedError(FeedError):
    """passbackd took none of the events, because of those in *errors* (HTTP 422): correct them, and send all again."""

    def __init__(self, errors: Sequence[RefusedEvent]) -> None:
        super().__init__("; ".join(map(str, errors)) or "no reason given")
        self.errors = tuple(errors)


class NotAllowedError(FeedError):
    """
    The token, the password or its rights do not suffice: correct the settings.

    *errors*: the events that this token may not send (HTTP 403); none where it is not known.
    """

    def __init__(self, message: str, errors: Sequence[RefusedEvent] = ()) -> None:
        super().__init__(": ".join([message, *map(str, errors)]))
        self.errors = tuple(errors)


class TooLargeError(FeedError):
    """More than is taken at once (HTTP 413): send fewer events in one call."""

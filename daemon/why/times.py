"""Times and durations in words. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from daemon.health import iso

if TYPE_CHECKING:
    from datetime import tzinfo

    from daemon.why.known import Terms

_MINUTE_MS = 60_000


def past(ms: int, zone: tzinfo | None, *, seconds: bool = False) -> str:
    """A moment with its date and zone, to the minute that has begun, or to the second."""
    when = _local(ms, zone)
    if when is None:
        return "a time beyond all calendars"
    return when.strftime(f"%Y-%m-%d %H:%M{':%S' if seconds else ''} %Z")


def upcoming(ms: int, terms: Terms) -> str:
    """A moment to come, rounded up to the minute so as not to be told too early; without its date if that is today."""
    rounded = -(-ms // _MINUTE_MS) * _MINUTE_MS
    when, today = _local(rounded, terms.zone), _local(terms.now, terms.zone)
    if when is None or today is None or when.date() != today.date():
        return past(rounded, terms.zone)
    return when.strftime("%H:%M %Z")


def _local(ms: int, zone: tzinfo | None) -> datetime | None:
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).astimezone(zone)
    except (OverflowError, ValueError):
        return None


def utc(ms: int | None) -> str | None:
    """ISO 8601 in UTC; None also for what no calendar holds: the tool's times can be any number."""
    try:
        return iso(ms)
    except (OverflowError, ValueError, OSError):
        return None


def duration(ms: int) -> str:
    """As people say it: ``15 minutes``, ``1 hour``, ``90 seconds``."""
    for name, length in (("hour", 3_600_000), ("minute", _MINUTE_MS)):
        if ms >= length and ms % length == 0:
            return counted(ms // length, name)
    return counted(ms / 1000, "second")


def counted(number: float, noun: str) -> str:
    """``1 event``, ``2 events``."""
    return f"{number:g} {noun}" if number == 1 else f"{number:g} {noun}s"

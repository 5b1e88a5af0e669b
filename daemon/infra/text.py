"""Times, ages and durations in words. Pure."""

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

#: Columns of a terminal below which a table that does not fit is stacked: else it would cut words.
NARROW = 100
#: The style of what asks for a person, on a terminal alone.
ALARM = "bold red"

_MINUTE_MS = 60_000
#: Seconds of each unit.
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def past(ms: int, zone: tzinfo | None, *, seconds: bool = False) -> str:
    """A moment with its date and zone, to the minute that has begun, or to the second."""
    when = _local(ms, zone)
    if when is None:
        return "a time beyond all calendars"
    return when.strftime(f"%Y-%m-%d %H:%M{':%S' if seconds else ''} %Z")


def upcoming(ms: int, *, now: int, zone: tzinfo | None) -> str:
    """A moment to come, rounded up to the minute so that it is never too early; without its date if that is today."""
    rounded = -(-ms // _MINUTE_MS) * _MINUTE_MS
    when, today = _local(rounded, zone), _local(now, zone)
    if when is None or today is None or when.date() != today.date():
        return past(rounded, zone)
    return when.strftime("%H:%M %Z")


def _local(ms: int, zone: tzinfo | None) -> datetime | None:
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).astimezone(zone)
    except (OverflowError, ValueError):
        return None


def duration(ms: int) -> str:
    """In the largest unit that fits: ``15 minutes``, ``1 hour``, ``90 seconds``."""
    for name, length in (("hour", 3_600_000), ("minute", _MINUTE_MS)):
        if ms >= length and ms % length == 0:
            return counted(ms // length, name)
    return counted(ms / 1000, "second")


def counted(number: float, noun: str) -> str:
    """``1 event``, ``2 events``."""
    return f"{number:.12g} {noun}{'' if number == 1 else 's'}"


def iso(ms: int | None) -> str | None:
    """Milliseconds since 1970 as ISO 8601 in UTC; None also for what no calendar holds: a tool may send any number."""
    when = None if ms is None else _local(ms, UTC)
    return None if when is None else when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def age(ms: int) -> str:
    """A duration in its two largest units, rounded down: ``3 d 4 h``, ``5 min 2 s``, ``0 s``."""
    seconds = max(0, ms) // 1000
    for (large, length), (small, part) in pairwise(_UNITS):
        if seconds >= length:
            rest = seconds % length // part
            return f"{seconds // length} {large}" + (f" {rest} {small}" if rest else "")
    return f"{seconds} s"


def capitalized(words: str) -> str:
    """With a capital letter first; the others stay as they are, since names are among them."""
    return words[:1].upper() + words[1:]


def printable(text: str, allowed: str = "") -> str:
    """*text* with control characters escaped, except those *allowed*: they could steer a terminal."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in allowed else char.encode("unicode_escape").decode() for char in text
    )

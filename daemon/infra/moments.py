"""Moments as people and tools write them: ISO 8601 and RFC 3339, in all of their forms. Pure."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

_MOMENT = re.compile(
    r"(?P<date>[0-9W-]+?)[Tt _](?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d))?)?(?:[.,](?P<fraction>\d+))? ?"
    r"(?P<zone>[Zz]|(?P<sign>[+\u2212-])(?P<zone_hour>\d\d)(?::?(?P<zone_minute>\d\d))?)?",
    re.ASCII,
)
#: The usual form, which datetime reads in a tenth of the time.
_USUAL = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_ORDINAL = re.compile(r"(\d{4})-?(\d{3})", re.ASCII)


class OutOfRangeError(ValueError):
    """A moment that no calendar has: the year 10,000 begins with it, or it is later."""


def read_moment(text: str) -> datetime:
    """
    A moment, naive if it names no zone.

    A leap second (``:60``) is the beginning of the next minute, and ``24:00`` that of the next day. Digits beyond the
    microsecond are cut off.

    Raises:
        OutOfRangeError: No calendar has it.
        ValueError: It is none.

    Spec: RFC 3339, 5.6 (``t`` and ``z`` may be lower case) and 5.7; ISO 8601:2004, 4.2.3 (24:00) and 4.2.2.4 (comma).
    """
    if _USUAL.fullmatch(text):
        return datetime.fromisoformat(text)
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return datetime.fromisoformat(text.strip())
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    unit = timedelta(seconds=1) if found["second"] else timedelta(minutes=1) if found["minute"] else timedelta(hours=1)
    digits = (found["fraction"] or "0")[:12]
    fraction = unit * int(digits) // int(f"1{'0' * len(digits)}")
    if minute > 59 or second > 60 or hour > 24 or (hour == 24 and (minute or second or fraction)):
        raise ValueError("no time of a day")
    try:
        start = datetime.combine(_day(found["date"]), datetime.min.time(), _zone(found))
        return start + timedelta(hours=hour, minutes=minute, seconds=second) + fraction
    except OverflowError as error:
        raise OutOfRangeError("no calendar has it") from error


def _day(text: str) -> date:
    ordinal = _ORDINAL.fullmatch(text)
    if ordinal is None:
        return date.fromisoformat(text)
    day = date(int(ordinal[1]), 1, 1) + timedelta(days=int(ordinal[2]) - 1)
    if day.year != int(ordinal[1]):
        raise ValueError("no day of that year")
    return day


def _zone(found: re.Match[str]) -> timezone | None:
    if found["zone"] is None:
        return None
    hours, minutes = int(found["zone_hour"] or 0), int(found["zone_minute"] or 0)
    if hours > 23 or minutes > 59:
        raise ValueError("no time zone")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(offset if found["sign"] == "+" else -offset) if offset else UTC

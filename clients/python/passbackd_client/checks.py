"""
What each field of an event may hold: passbackd's own rules. Pure.

A check takes the field's name on the stream and the value, and returns the value as it is kept.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from passbackd_client.address import check_address
from passbackd_client.errors import InvalidEventError

Check = Callable[[str, Any], Any]

#: Characters of one of the tool's ids, of a sourcedid, of titles and the campus's own ids, of all scopes, of a
#: deployment's id.
MAX_ID, MAX_SOURCEDID, MAX_DETAIL, MAX_SCOPES, MAX_DEPLOYMENT = 255, 8192, 1024, 4096, 255
#: The largest number of points.
MAX_POINTS = 1e12
#: How far ``modified`` may lie ahead.
MAX_AHEAD = timedelta(hours=1)

_SCOPE = re.compile(r"""[a-z][a-z0-9+.-]*:[^\s,"']+""", re.IGNORECASE)


def _characters(name: str, value: Any, most: int) -> str:
    if not isinstance(value, str):
        raise InvalidEventError(name, f"{name} is not text: {type(value).__name__}")
    if len(value) > most:
        raise InvalidEventError(name, f"{name} is longer than {most} characters")
    if "\0" in value:
        raise InvalidEventError(name, f"{name} holds a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidEventError(name, f"{name} holds half of a character (a lone surrogate)")
    return str(value)


def text(most: int) -> Check:
    """A text of one character to *most*."""

    def check(name: str, value: Any) -> str:
        if value == "":
            raise InvalidEventError(name, f"{name} is empty")
        return _characters(name, value, most)

    return check


def maybe_empty(most: int) -> Check:
    """A text of *most* characters, which may be empty."""
    return lambda name, value: _characters(name, value, most)


def address(name: str, value: Any) -> str:
    """An http or https URL."""
    # A longer one may get short enough without the white space around it.
    return check_address(name, text(2**20)(name, value))


def optional_address(name: str, value: Any) -> str | None:
    """A URL that may be absent; an empty one is."""
    return None if value is None or value == "" else address(name, value)


def optional(check: Check) -> Check:
    """What *check* takes, or None."""
    return lambda name, value: None if value is None else check(name, value)


def detail(most: int = MAX_DETAIL) -> Check:
    """A text of *most* characters that may be absent; an empty one is."""
    return lambda name, value: None if value is None else _characters(name, value, most) or None


def points(name: str, value: Any, *, least: float = -MAX_POINTS) -> float:
    """A finite number, as float."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidEventError(name, f"{name} is not a number: {type(value).__name__}")
    if not isinstance(value, int) and not math.isfinite(value):
        raise InvalidEventError(name, f"{name} is not a finite number: {value}")
    if abs(value) > MAX_POINTS:
        raise InvalidEventError(name, f"{name} is beyond {MAX_POINTS:g}")
    if value < least:
        raise InvalidEventError(name, f"{name} is negative: {value}")
    return float(value)


def points_possible(name: str, value: Any) -> float:
    """A finite number that is not negative, as float."""
    return points(name, value, least=0)


def integer(name: str, value: Any) -> int:
    """A whole number of 64 bits."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidEventError(name, f"{name} is not an integer: {type(value).__name__}")
    if not -(2**63) <= value < 2**63:
        raise InvalidEventError(name, f"{name} does not fit 64 bits")
    return int(value)


def moment(name: str, value: Any) -> datetime:
    """A time with a zone, at most an hour ahead of this machine's clock; kept in UTC."""
    if not isinstance(value, datetime):
        raise InvalidEventError(name, f"{name} is not a datetime: {type(value).__name__}")
    if value.utcoffset() is None:
        raise InvalidEventError(name, f"{name} has no time zone: {value.isoformat()}")
    try:
        utc = value.astimezone(UTC)
    except OverflowError as error:
        raise InvalidEventError(name, f"{name} is out of range: {value.isoformat()}") from error
    if utc > datetime.now(UTC) + MAX_AHEAD:
        raise InvalidEventError(name, f"{name} lies more than an hour ahead: {value.isoformat()}")
    return utc


def scopes(name: str, value: Any) -> tuple[str, ...] | None:
    """Whole scopes, each once; None where the launch does not say."""
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidEventError(name, f"{name} is no list of texts: {type(value).__name__}")
    found = tuple(dict.fromkeys(_characters(name, scope, MAX_SCOPES) for scope in value))
    for scope in found:
        if not _SCOPE.fullmatch(scope):
            raise InvalidEventError(
                name,
                f"{name} holds {scope[:64]!r}, which is no whole scope: hand in those of the launch's endpoint claim "
                "as they are",
            )
    _characters(name, " ".join(found), MAX_SCOPES)
    return found


def _as_it_is(value: Any) -> Any:
    return value


def of(check: Check, write: Callable[[Any], Any] = _as_it_is) -> Mapping[str, Any]:
    """For ``dataclasses.field(metadata=...)``; *write* makes what JSON can hold of a value that is not None."""
    return {"check": check, "write": write}


ID, OPTIONAL_ID = of(text(MAX_ID)), of(optional(text(MAX_ID)))
DETAIL, REQUIRED_DETAIL, DEPLOYMENT = of(detail()), of(text(MAX_DETAIL)), of(detail(MAX_DEPLOYMENT))
SOURCEDID, MAYBE_SOURCEDID = of(text(MAX_SOURCEDID)), of(maybe_empty(MAX_SOURCEDID))
OPTIONAL_ADDRESS = of(optional_address)
POINTS, POINTS_POSSIBLE, OPTIONAL_POINTS = of(points), of(points_possible), of(optional(points_possible))
INTEGER, SCOPES = of(integer), of(scopes, " ".join)
MOMENT, OPTIONAL_MOMENT = of(moment, datetime.isoformat), of(optional(moment), datetime.isoformat)

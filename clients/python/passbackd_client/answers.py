"""What an answer of passbackd's HTTP intake means. Pure."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from passbackd_client.errors import (
    EventsRefusedError,
    FeedError,
    NotAllowedError,
    RefusedEvent,
    TooLargeError,
    TryLaterError,
)

#: Of the intake, or of a proxy before it.
_LATER = (408, 425, 429, 500, 502, 503, 504)
#: Characters of an answer that an error quotes.
_QUOTED = 200


def read_answer(status: int, body: bytes, retry_after: str | None, *, now: datetime) -> list[str]:
    """
    The ids of the stream's entries, in the order of the events.

    *retry_after*: that header, seconds or a date. *now*: which a date is compared with.

    Raises:
        FeedError: The events were not taken; the class says what to do.
    """
    if status == 202:
        return _ids(body)
    if status in (400, 422) and (errors := _errors(body)) is not None:
        raise EventsRefusedError(errors)
    said = f"HTTP {status}: {body[:_QUOTED].decode(errors='replace')}"
    if status == 403 and (errors := _errors(body)):
        raise NotAllowedError("the token does not allow this", errors)
    if status in (401, 403):
        raise NotAllowedError(f"the token is not accepted: {said}")
    if status == 413:
        raise TooLargeError(said)
    if status in _LATER:
        raise TryLaterError(said, after=_seconds(retry_after, now))
    raise FeedError(f"not what passbackd's intake answers; is the URL right? {said}")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _ids(body: bytes) -> list[str]:
    ids = _object(body).get("ids")
    if not isinstance(ids, list) or not all(isinstance(entry_id, str) for entry_id in ids):
        raise FeedError(f"a 202 without ids; is the URL right? {body[:_QUOTED].decode(errors='replace')}")
    return ids


def _errors(body: bytes) -> list[RefusedEvent] | None:
    errors = _object(body).get("errors")
    if not isinstance(errors, list):
        return None
    return [_refused(error) for error in errors if isinstance(error, dict)]


def _refused(error: dict[str, Any]) -> RefusedEvent:
    line, field = error.get("line"), error.get("field")
    return RefusedEvent(
        line if isinstance(line, int) else None, field if isinstance(field, str) else None, str(error.get("reason"))
    )


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """
    What ``Retry-After`` asks for; None where it cannot be read.

    Spec: RFC 9110, 10.2.3.
    """
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())

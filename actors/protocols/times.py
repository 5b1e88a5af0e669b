"""Times as LMSs read them. Pure."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def written_time(milliseconds: int) -> str:
    """
    A time, milliseconds since 1970, as in ``2026-11-22T10:15:30.000Z`` (ISO 8601).

    Raises:
        ValueError: It has no calendar date.
    """
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise ValueError("the time has no calendar date") from None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

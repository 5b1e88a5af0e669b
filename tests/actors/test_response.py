"""The times that a response names."""

from datetime import UTC, datetime

import pytest
from multidict import CIMultiDict

from actors.response import MAX_WAIT, Response

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def answer(**headers: str | None) -> Response:
    """One with these headers, except those that are None."""
    given = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    return Response(429, CIMultiDict(given), b"", 0.1)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("999999", MAX_WAIT),
        ("9" * 5000, MAX_WAIT),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90),
        ("Sunday, 01-Mar-26 12:01:30 GMT", 90),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2026 12:01:30 -0000", 90),
        ("Mon, 01 Mar 2032 12:00:00 GMT", MAX_WAIT),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Sun, 99 Mar 2026 12:01:30 GMT", None),
    ],
)
def test_a_retry_after_is_read_in_seconds_or_as_a_date_within_bounds(value, seconds):
    assert answer(Retry_After=value).retry_after(NOW) == seconds


def test_a_retry_after_date_counts_from_the_answers_own_date():
    skewed = answer(retry_after="Sun, 01 Mar 2026 09:00:30 GMT", date="Sun, 01 Mar 2026 09:00:00 GMT")
    assert skewed.retry_after(NOW) == 30


@pytest.mark.parametrize(
    ("date", "offset"),
    [
        ("Sun, 01 Mar 2026 12:00:00 GMT", 0),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90),
        ("Sun, 01 Mar 2026 11:00:00 GMT", -3600),
        ("Mon, 01 Mar 2027 12:00:00 GMT", 365 * 86_400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_the_clock_of_a_campus_is_read_from_its_date(date, offset):
    assert answer(date=date).clock_offset(NOW) == offset

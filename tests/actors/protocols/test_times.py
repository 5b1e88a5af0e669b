"""Times as LMSs read them."""

import pytest

from actors.protocols.times import written_time


@pytest.mark.parametrize(
    ("milliseconds", "written"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_342_530_000, "2026-11-22T10:15:30.000Z"),
        (1_795_342_530_007, "2026-11-22T10:15:30.007Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_time_is_written_to_the_millisecond(milliseconds, written):
    assert written_time(milliseconds) == written


@pytest.mark.parametrize("milliseconds", [253_402_300_800_000, 10**30, -(10**30)])
def test_a_time_beyond_the_calendar_cannot_be_written(milliseconds):
    with pytest.raises(ValueError, match="no calendar date"):
        written_time(milliseconds)

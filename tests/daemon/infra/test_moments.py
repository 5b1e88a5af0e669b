"""Moments in the forms of ISO 8601 and RFC 3339."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.infra.moments import read_moment


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-01-01T10:20:30z", "2026-01-01T10:20:30+00:00"),
        ("2026-01-01t10:20:30Z", "2026-01-01T10:20:30+00:00"),
        ("2026-01-01 10:20:30Z", "2026-01-01T10:20:30+00:00"),
        (" 2026-01-01T10:20:30Z\n", "2026-01-01T10:20:30+00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500000+00:00"),
        ("2017-01-01T00:59:60+01:00", "2017-01-01T01:00:00+01:00"),
        ("2026-01-01T24:00:00Z", "2026-01-02T00:00:00+00:00"),
        ("2026-12-31T24:00Z", "2027-01-01T00:00:00+00:00"),
        ("2026-01-01T24:00:00.000+02:00", "2026-01-02T00:00:00+02:00"),
        ("2026-01-01T10:20:30,25Z", "2026-01-01T10:20:30.250000+00:00"),
        ("2026-01-01T10:20:30.123456789Z", "2026-01-01T10:20:30.123456+00:00"),
        ("2026-01-01T10:20:30.1Z", "2026-01-01T10:20:30.100000+00:00"),
        ("2026-01-01T10:20.5Z", "2026-01-01T10:20:30+00:00"),
        ("20260101T102030Z", "2026-01-01T10:20:30+00:00"),
        ("2026-001T10:20:30Z", "2026-01-01T10:20:30+00:00"),
        ("2026-W01-4T10:20:30Z", "2026-01-01T10:20:30+00:00"),
        ("2026-01-01T10:20:30+0530", "2026-01-01T10:20:30+05:30"),
        ("2026-01-01T10:20:30+05", "2026-01-01T10:20:30+05:00"),
        ("2026-01-01T10:20:30\u221205:00", "2026-01-01T10:20:30-05:00"),
        ("2026-01-01T10:20:30-00:00", "2026-01-01T10:20:30+00:00"),
        ("2026-01-01T10:20Z", "2026-01-01T10:20:00+00:00"),
        ("2026-01-01T10Z", "2026-01-01T10:00:00+00:00"),
    ],
)
def test_a_moment_is_read_in_each_form(text, same):
    assert read_moment(text).isoformat() == same


@pytest.mark.parametrize("text", ["2026-01-01T10:20:30", "2026-01-01", "2026-01-01T24:00:00"])
def test_a_moment_without_a_zone_has_none(text):
    assert read_moment(text).tzinfo is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T24:00:01Z",
        "2026-01-01T25:00:00Z",
        "2026-01-01T10:60:00Z",
        "2026-01-01T10:20:61Z",
        "2026-02-30T10:20:30Z",
        "2026-366T10:20:30Z",
        "2026-000T10:20:30Z",
        "2026-01-01T10:20:30+24:00",
        "2026-01-01T10:20:30+01:60",
        "2026-01-01T10:20:30ZZ",
        "2026-01-01TT10:20:30Z",
        "9999-12-31T24:00:00Z",
        "9999-12-31T23:59:60Z",
        "9999-366T00:00:00Z",
        "1767225600",
        "yesterday",
        "\u0662026-01-01T10:20:30Z",
        "",
    ],
)
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        read_moment(text)


def moment_or_none(text):
    try:
        return read_moment(text)
    except ValueError:
        return None


@given(st.datetimes(timezones=st.timezones()).filter(lambda when: when.utcoffset().seconds % 60 == 0))
def test_what_python_writes_is_read_as_it_was(when):
    # By the instant: Python holds a time that its zone skips or repeats equal to no other zone's.
    assert read_moment(when.isoformat()).timestamp() == when.timestamp()


@given(st.datetimes(), st.sampled_from(["", "Z", "+00:00", "-00:00", "+05:30", "-23:59", "+24:00", "+01:60", "+01"]))
def test_the_usual_form_says_the_same_as_the_others(when, zone):
    usual, another = (f"{when.isoformat(sep=sep)}{zone}" for sep in "T_")
    assert moment_or_none(usual) == moment_or_none(another)

"""Times, ages and durations, for people and programs."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from daemon.infra.text import age, capitalized, counted, duration, iso, past, upcoming

BERLIN = ZoneInfo("Europe/Berlin")
#: 14:15 in Berlin.
NOW = int(datetime(2026, 3, 2, 13, 15, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (900_000, "15 minutes"),
        (3_600_000, "1 hour"),
        (5_400_000, "90 minutes"),
        (90_000, "90 seconds"),
        (1_000, "1 second"),
        (1_500, "1.5 seconds"),
        (0, "0 seconds"),
    ],
)
def test_a_duration_is_shown_in_the_largest_unit_that_fits(ms, words):
    assert duration(ms) == words


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (0, "14:15 CET"),
        (1, "14:16 CET"),
        (60_000, "14:16 CET"),
        (60_001, "14:17 CET"),
        (9 * 3_600_000 + 45 * 60_000, "2026-03-03 00:00 CET"),
        (28 * 86_400_000, "2026-03-30 15:15 CEST"),
    ],
)
def test_what_is_to_come_is_never_shown_too_early(later, words):
    assert upcoming(NOW + later, now=NOW, zone=BERLIN) == words


def test_a_past_moment_is_shown_with_its_date_and_zone():
    assert past(NOW + 59_999, BERLIN) == "2026-03-02 14:15 CET"
    assert past(NOW + 59_999, BERLIN, seconds=True) == "2026-03-02 14:15:59 CET"
    assert past(NOW, UTC) == "2026-03-02 13:15 UTC"
    assert past(NOW, None).startswith("2026-03-0")


def test_programs_get_times_as_iso_8601_in_utc_and_what_is_no_time_is_shown_as_none():
    assert iso(NOW + 7) == "2026-03-02T13:15:00.007Z"
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(None) is iso(1 << 62) is None
    assert past(1 << 62, BERLIN) == upcoming(1 << 62, now=NOW, zone=BERLIN) == "a time beyond all calendars"


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (-5, "0 s"),
        (59_999, "59 s"),
        (60_000, "1 min"),
        (302_000, "5 min 2 s"),
        (3_600_000, "1 h"),
        (7_500_000, "2 h 5 min"),
        (86_399_999, "23 h 59 min"),
        (4 * 86_400_000 + 3 * 3_600_000 + 5, "4 d 3 h"),
        (400 * 86_400_000, "400 d"),
    ],
)
def test_an_age_is_shown_in_its_two_largest_units(ms, words):
    assert age(ms) == words


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 events"), (1, "1 event"), (2.5, "2.5 events"), (1_234_567, "1234567 events")]
)
def test_a_number_is_shown_whole_with_its_noun(number, words):
    assert counted(number, "event") == words


@pytest.mark.parametrize(
    ("words", "shown"),
    [("learner 42 (at Example University)", "Learner 42 (at Example University)"), ("42", "42"), ("", "")],
)
def test_a_sentence_begins_with_a_capital_letter_and_names_keep_theirs(words, shown):
    assert capitalized(words) == shown

"""How ``quarantine list`` counts what is alike."""

from datetime import UTC

import pytest

from daemon.cli.quarantine_page import print_events
from models.quarantine import EventGroup

BAD = "points_earned is not a number: 'lots' (user_id='ada {}', course_id='c', usage_id='p')"


def group(number, reason, course="c"):
    return EventGroup(number, "score.changed", None, course, reason, newest=number)


def test_reasons_that_differ_in_what_they_quote_of_the_event_are_one(capsys):
    groups = [group(50, "unknown consumer 'x'"), *(group(number, BAD.format(number)) for number in range(1, 21))]
    print_events([], [*groups, group(7, BAD.format(7), "d")], 267, UTC, cut=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:6] == [
        "217 events: points_earned is not a number",
        "  210 score.changed in course c (newest 20)",
        "  7 score.changed in course d (newest 7)",
        "",
        "50 events: unknown consumer 'x'",
        "  50 score.changed in course c (newest 50)",
    ]


@pytest.mark.parametrize("reason", ["unknown type 'score.chnged'; known: launch", "unknown consumer 'other': add it"])
def test_what_distinguishes_a_reason_from_another_stays(capsys, reason):
    print_events([], [group(2, reason), group(1, "another")], 3, UTC, cut=False)
    assert capsys.readouterr().out.startswith(f"2 events: {reason}\n")

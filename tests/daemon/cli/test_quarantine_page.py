"""How ``quarantine list`` counts what is alike."""

from datetime import UTC

import pytest

from daemon.cli.quarantine import show_refused
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


def test_a_value_at_the_end_of_a_reason_is_no_part_of_it(capsys):
    said = "modified lies more than an hour ahead of the entry"
    groups = [group(number, f"{said}: '2036-01-01T00:00:0{number}Z'") for number in range(1, 9)]
    print_events([], [*groups, group(5, 'modified has no time zone: "it\'s"')], 41, UTC, cut=False)
    counted = [line for line in capsys.readouterr().out.splitlines() if " events: " in line]
    assert counted == [f"36 events: {said}", "5 events: modified has no time zone"]


def test_a_replay_counts_many_refusals_by_what_is_wrong(capsys):
    show_refused({BAD.format(number): [number] for number in range(1, 51)} | {"unknown consumer 'x'": [60]})
    assert capsys.readouterr().err.splitlines() == [
        "50 events stay in quarantine, such as event 1: points_earned is not a number",
        "1 event stays in quarantine, such as event 60: unknown consumer 'x'",
    ]


def test_a_replay_names_a_few_refusals_one_by_one_with_the_whole_reason(capsys):
    show_refused({BAD.format(1): [1, 2]})
    assert capsys.readouterr().err.splitlines() == [
        f"event {number} stays in quarantine: {BAD.format(1)}" for number in (1, 2)
    ]


@pytest.mark.parametrize(
    "reason",
    [
        "unknown type 'score.chnged'; known: launch",
        "unknown type \": 'x'\"; known: launch",
        "unknown consumer 'other': add it",
    ],
)
def test_what_distinguishes_a_reason_from_another_stays(capsys, reason):
    print_events([], [group(2, reason), group(1, "another")], 3, UTC, cut=False)
    assert capsys.readouterr().out.startswith(f"2 events: {reason}\n")

"""The status document: its keys, and what it computes."""

import pytest

from daemon.web.snapshot import Snapshot, render
from models.members import Members
from models.queries.status import CampusStatus, IdleConsumer, Rate, Status
from models.states import STATES

NOW = 1_767_268_800_000  # 2026-01-01 12:00:00 UTC
WHERE = "https://campus.example:443"
NO_RATE = {"last_minute": 0, "last_10_minutes": 0}


RUNNING = Members(1, NOW)


def shot(*campuses, daemons=RUNNING, **more):
    return Snapshot(NOW, Status(dict.fromkeys(STATES, 0), list(campuses), 0), 0, daemons, **more)


def test_the_document_has_the_shape_that_others_rely_on():
    quiet = CampusStatus("campus", WHERE, state="probing")
    busy = CampusStatus("other", WHERE, "up", 3, 1, NOW - 1_500, NOW - 250, "no such user", NOW - 500, NOW - 9_000)
    status = Status(dict.fromkeys(STATES, 0) | {"due": 3, "parked": 1}, [quiet, busy], 4)
    members = Members(1, NOW, ("redis: away", "redis is full"))
    seen = Snapshot(
        *(NOW, status, 5, members),
        rates={("other", WHERE): Rate(6.0, 2.5)},
        troubles=["redis is full", "disk is full"],
        idle=[IdleConsumer("new", False), IdleConsumer("old", True)],
    )
    assert render(seen) == {
        "assignments": {"clean": 0, "due": 3, "waiting": 0, "claimed": 0, "parked": 1, "disabled": 0},
        "oldest_due_seconds": 1.5,
        "oldest_due": "2026-01-01T11:59:58.500Z",
        "oldest_parked": "2026-01-01T11:59:51.000Z",
        "accepted_per_minute": {"last_minute": 6.0, "last_10_minutes": 2.5},
        "stream_lag": 5,
        "quarantined": 4,
        "daemons": {"running": 1, "last_seen": None},
        "troubles": ["redis is full", "disk is full", "redis: away"],
        "campuses": [
            {
                "consumer": "campus",
                "origin": WHERE,
                "state": "probing",
                "due": 0,
                "parked": 0,
                "oldest_due": None,
                "accepted_per_minute": NO_RATE,
                "seconds_left": 0,
                "last_success": None,
                "last_error": None,
                "last_error_at": None,
                "succeeded_since": False,
            },
            {
                "consumer": "other",
                "origin": WHERE,
                "state": "up",
                "due": 3,
                "parked": 1,
                "oldest_due": "2026-01-01T11:59:58.500Z",
                "accepted_per_minute": {"last_minute": 6.0, "last_10_minutes": 2.5},
                "seconds_left": 30.0,
                "last_success": "2026-01-01T11:59:59.750Z",
                "last_error": "no such user",
                "last_error_at": "2026-01-01T11:59:59.500Z",
                "succeeded_since": True,
            },
        ],
        "without_launch": [{"consumer": "new", "state": "up"}, {"consumer": "old", "state": "paused"}],
    }


@pytest.mark.parametrize(("oldest", "seconds"), [(None, 0), (NOW, 0), (NOW + 5, 0), (NOW - 1, 0.001)])
def test_the_oldest_due_grade_is_shown_in_seconds(oldest, seconds):
    assert render(shot(CampusStatus("campus", WHERE, oldest_due=oldest)))["oldest_due_seconds"] == seconds


@pytest.mark.parametrize(
    ("daemons", "seen"), [(Members(2, NOW - 5), None), (Members(0, NOW - 500), "2026-01-01T11:59:59.500Z")]
)
def test_the_last_daemon_has_its_time_once_none_runs(daemons, seen):
    assert render(shot(daemons=daemons))["daemons"] == {"running": daemons.alive, "last_seen": seen}


@pytest.mark.parametrize(
    ("state", "due", "waited_ms", "rate", "left"),
    [
        ("up", 0, None, Rate(), 0.0),
        ("up", 30, 1_000, Rate(60.0, 10.0), 30.0),
        ("throttled", 30, 600_000, Rate(0.0, 10.0), 180.0),
        ("up", 30, 599_999, Rate(0.0, 10.0), None),
        ("up", 2, 0, Rate(0.0, 0.2), None),
        ("up", 30, 1_000, Rate(), None),
        ("down", 30, 600_000, Rate(60.0, 10.0), None),
        ("paused", 30, 600_000, Rate(60.0, 10.0), None),
    ],
)
def test_the_time_left_is_at_a_rate_of_a_time_with_work_while_a_campus_takes_grades(state, due, waited_ms, rate, left):
    campus = CampusStatus("campus", WHERE, state, due, oldest_due=None if waited_ms is None else NOW - waited_ms)
    assert shot(campus, rates={("campus", WHERE): rate}).seconds_left(campus) == left

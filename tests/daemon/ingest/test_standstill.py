"""A position that does not move although entries wait."""

import pytest

from actors.metrics import Metrics
from daemon.ingest.standstill import MAX_BETWEEN, STANDSTILL, Standstill
from models.stream_position import Position
from tests.daemon.ingest.reading import logged

HERE, THERE, ANEW = Position(0, "5-0", "k"), Position(0, "6-0", "k"), Position(1, "5-0", "k")


class Watched:
    """Observed every ten seconds."""

    def __init__(self):
        self.seconds, self.excused = 0.0, False
        self.standstill = Standstill(lambda: self.seconds, Metrics("test"), lambda: self.excused)

    def see(self, *seen, later=MAX_BETWEEN):
        for position, waiting in seen:
            self.seconds += later
            self.standstill.observe(position, waiting)
        return self.standstill.trouble


@pytest.fixture
def watched():
    return Watched()


def test_it_is_said_once_after_half_a_minute_and_once_when_it_is_over(watched):
    with logged() as logs:
        assert watched.see((HERE, 0), (HERE, 3), (HERE, 3)) is None
        assert "3 events to apply" in watched.see((HERE, 3))
        assert "4 events to apply" in watched.see(*[(HERE, 4)] * 5)
        assert watched.see((THERE, 2)) is None
    assert STANDSTILL == 30
    assert [(line["log_level"], line["event"]) for line in logs] == [
        ("error", "intake is stuck"),
        ("info", "intake goes on"),
    ]


@pytest.mark.parametrize(
    "between",
    [(THERE, 3), (ANEW, 3), (HERE, 0), (None, 3)],
    ids=["another daemon moved it", "a new epoch", "nothing waits", "the row is gone"],
)
def test_the_time_counts_from_when_all_was_well(watched, between):
    assert watched.see((HERE, 3), (HERE, 3), (HERE, 3), between) is None
    position = between[0] or HERE
    assert watched.see(*[(position, 3)] * 2) is None
    assert watched.see(*[(position, 3)] * 2) is not None


def test_the_first_entry_is_not_applied_either(watched):
    assert watched.see(*[(None, 3)] * 3) is not None


def test_while_redis_does_not_say_nothing_is_claimed_and_nothing_is_taken_back(watched):
    assert watched.see((HERE, 3), *[(HERE, None)] * 10) is None
    assert watched.see(*[(HERE, 3)] * 3) is not None
    assert watched.see(*[(HERE, None)] * 10) is not None


def test_a_daemon_that_was_frozen_saw_nothing_meanwhile(watched):
    watched.see((HERE, 0))
    assert watched.see((HERE, 3), later=3600.0) is None
    assert watched.see((HERE, 3)) is None
    assert watched.see((HERE, 3)) is not None


def test_a_daemon_that_may_not_do_intake_is_not_stuck(watched):
    watched.see(*[(HERE, 3)] * 5)
    watched.excused = True
    assert watched.see((HERE, 3)) is None
    assert watched.see(*[(HERE, 3)] * 5) is None

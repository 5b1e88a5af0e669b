"""Nothing is sent before what stood in the stream at start was applied, nor after a restore until it is again."""

import pytest

from daemon.ingest.catch_up import CatchUp
from daemon.ingest.stream import STREAM_START, Look


def saw(backlog, position, last, *, epoch=0, entries=None):
    """One look; by default it holds entries exactly if some must be left."""
    if entries is None:
        entries = position != last
    backlog.observe(epoch, position, Look([(last, {})] if entries else [], last, None, at_position=False))
    return backlog.applied


def test_it_is_closed_before_anybody_looked():
    assert CatchUp().applied is False


def test_an_empty_stream_is_no_backlog():
    assert saw(CatchUp(), STREAM_START, STREAM_START)


def test_it_opens_when_the_position_has_reached_the_end_as_it_stood_at_start():
    backlog = CatchUp()
    assert not saw(backlog, "1-0", "5-0")
    assert not saw(backlog, "4-9", "9-0")
    assert saw(backlog, "5-0", "9-0")


def test_entries_that_come_later_are_not_waited_for():
    backlog = CatchUp()
    assert saw(backlog, "5-0", "5-0")
    assert saw(backlog, "5-0", "9-0")


def test_it_opens_when_nothing_is_left_between():
    assert saw(CatchUp(), "3-0", "5-0", entries=False)


@pytest.mark.parametrize("lower", [STREAM_START, "4-9", "4-10"])
def test_it_closes_when_the_position_falls_back_and_waits_for_the_end_as_it_stands_then(lower):
    backlog = CatchUp()
    assert saw(backlog, "5-0", "5-0")
    assert not saw(backlog, lower, "9-0")
    assert not saw(backlog, "5-0", "11-0")
    assert saw(backlog, "9-0", "11-0")


def test_it_closes_each_time_that_the_position_falls_back():
    backlog = CatchUp()
    for _ in range(3):
        assert saw(backlog, "5-0", "5-0")
        assert not saw(backlog, "2-0", "5-0")


def test_falling_back_twice_on_the_way_is_waited_for_too():
    backlog = CatchUp()
    assert not saw(backlog, "5-0", "9-0")
    assert not saw(backlog, "3-0", "9-0")
    assert not saw(backlog, "8-0", "12-0")
    assert saw(backlog, "9-0", "12-0")


def test_it_closes_when_the_epoch_falls_back():
    backlog = CatchUp()
    assert saw(backlog, "5-0", "5-0", epoch=2)
    assert not saw(backlog, "8-0", "9-0", epoch=1)


def test_a_reset_of_the_stream_is_no_restore_of_the_database():
    backlog = CatchUp()
    assert saw(backlog, "5-0", "5-0")
    assert saw(backlog, STREAM_START, "2-0", epoch=1)


def test_a_reset_while_it_is_closed_opens_once_the_new_stream_is_read():
    backlog = CatchUp()
    assert not saw(backlog, "1-0", "5-0")
    assert not saw(backlog, STREAM_START, "2-0", epoch=1)
    assert saw(backlog, "2-0", "2-0", epoch=1)


def test_ids_are_compared_as_numbers():
    backlog = CatchUp()
    assert not saw(backlog, "9-0", "10-0")
    assert saw(backlog, "10-0", "10-0")
    assert saw(backlog, "10-9", "10-10", entries=True)

"""Nothing is sent before intake has caught up: at start, and again after the database was restored."""

import pytest

from daemon.ingest.catch_up import CatchUp
from daemon.ingest.stream import STREAM_START, StreamRead


def observe(catch_up, epoch, position, last):
    """The stream has entries left exactly if the position is not the last one."""
    entries = [(last, {})] if position != last else []
    catch_up.observe(epoch, position, StreamRead(entries, last, None, at_position=False))


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param([(STREAM_START, STREAM_START, True)], id="an empty stream"),
        pytest.param([("1-0", "5-0", False), ("4-9", "9-0", False), ("5-0", "9-0", True)], id="the end at start"),
        pytest.param([("5-0", "5-0", True), ("5-0", "9-0", True)], id="later entries do not matter"),
        pytest.param([("5-0", "9-0", False), ("3-0", "9-0", False), ("8-0", "12-0", False), ("9-0", "12-0", True)]),
        pytest.param([("9-0", "10-0", False), ("10-0", "10-0", True), ("10-9", "10-10", True)], id="ids are numbers"),
        *(
            pytest.param(
                [("5-0", "5-0", True), (lower, "9-0", False), ("5-0", "11-0", False), ("9-0", "11-0", True)],
                id=f"a position that falls back to {lower}",
            )
            for lower in (STREAM_START, "4-9", "4-10")
        ),
        pytest.param([("5-0", "5-0", True), ("2-0", "5-0", False)] * 3, id="a position that falls back repeatedly"),
    ],
)
def test_the_position_must_reach_the_end_as_it_was_at_start_or_after_it_fell_back(looks):
    catch_up = CatchUp()
    assert not catch_up.applied
    for position, last, applied in looks:
        observe(catch_up, 0, position, last)
        assert catch_up.applied is applied


def test_it_is_applied_when_no_entry_is_left_between():
    catch_up = CatchUp()
    catch_up.observe(0, "3-0", StreamRead([], "5-0", None, at_position=False))
    assert catch_up.applied


@pytest.mark.parametrize(
    ("before", "after", "applied"),
    [
        pytest.param((2, "5-0", "5-0"), (1, "8-0", "9-0"), False, id="the epoch falls back"),
        pytest.param((0, "5-0", "5-0"), (1, STREAM_START, "2-0"), True, id="a reset of the stream is no restore"),
        pytest.param((0, "1-0", "5-0"), (1, STREAM_START, "2-0"), False, id="a reset during catch-up"),
        pytest.param((0, "1-0", "5-0"), (1, "2-0", "2-0"), True, id="the new stream was read"),
    ],
)
def test_epochs_come_before_positions(before, after, applied):
    catch_up = CatchUp()
    observe(catch_up, *before)
    observe(catch_up, *after)
    assert catch_up.applied is applied

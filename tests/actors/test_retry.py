"""When to try again."""

from datetime import timedelta

import pytest

from actors.retry import (
    FIRST,
    LONGEST,
    MAX_ATTEMPTS,
    UNEXPLAINED_TRIES,
    UNEXPLAINED_WAITS,
    wait_before,
    wait_unexplained,
)


def test_the_ceiling_doubles_up_to_the_longest_wait():
    ceilings = [wait_before(attempt, jitter=1.0) for attempt in range(1, 15)]
    assert ceilings[:4] == [FIRST, FIRST * 2, FIRST * 4, FIRST * 8]
    assert ceilings[-1] == LONGEST
    assert ceilings == sorted(ceilings)


def test_the_jitter_is_full():
    assert wait_before(3, jitter=0.0) == timedelta(0)
    assert wait_before(3, jitter=0.5) == FIRST * 2


def test_without_a_jitter_handed_in_it_is_random_within_the_ceiling():
    waits = {wait_before(5) for _ in range(20)}
    assert len(waits) > 1
    assert all(timedelta(0) <= wait <= FIRST * 16 for wait in waits)


def test_what_the_lms_asked_for_is_a_floor():
    assert wait_before(1, asked=600, jitter=1.0) == timedelta(minutes=10)
    assert wait_before(20, asked=600, jitter=1.0) == LONGEST
    assert wait_before(1, asked=None, jitter=0.0) == timedelta(0)


def test_the_attempts_reach_over_a_week_on_average():
    waits = [wait_before(attempt, jitter=0.5) for attempt in range(1, MAX_ATTEMPTS)]
    assert sum(waits, timedelta()) > timedelta(days=7)


def test_a_huge_number_of_attempts_is_no_trouble():
    assert wait_before(10**9, jitter=1.0) == LONGEST


@pytest.mark.parametrize("wait", [wait_before, wait_unexplained])
def test_retries_are_counted_from_one(wait):
    with pytest.raises(ValueError, match="counted from 1"):
        wait(0)


@pytest.mark.parametrize(("jitter", "hours"), [(0.0, 18), (0.5, 24), (1.0, 30)])
def test_a_refusal_that_nobody_can_explain_is_tried_a_few_times_over_a_day(jitter, hours):
    waits = [wait_unexplained(attempt, jitter=jitter) for attempt in range(1, UNEXPLAINED_TRIES)]
    assert sum(waits, timedelta()) == timedelta(hours=hours)
    assert waits == sorted(waits)
    assert waits[0] >= timedelta(minutes=3), "too soon for anything to have changed"


def test_an_unexplained_refusal_after_many_other_attempts_has_the_longest_of_its_waits():
    assert wait_unexplained(10**9, jitter=0.5) == UNEXPLAINED_WAITS[-1]


def test_what_the_lms_asked_for_is_a_floor_of_an_unexplained_refusals_wait_too():
    assert wait_unexplained(1, asked=3600, jitter=1.0) == timedelta(hours=1)
    assert wait_unexplained(6, asked=3600, jitter=0.5) == UNEXPLAINED_WAITS[-1]


def test_without_a_jitter_handed_in_an_unexplained_refusals_wait_is_random_within_a_quarter():
    waits = {wait_unexplained(1) for _ in range(20)}
    assert len(waits) > 1
    assert all(0.75 * UNEXPLAINED_WAITS[0] <= wait <= 1.25 * UNEXPLAINED_WAITS[0] for wait in waits)

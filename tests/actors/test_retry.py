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

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("retry", "ceiling"), [(1, FIRST), (2, FIRST * 2), (4, FIRST * 8), (14, LONGEST), (10**9, LONGEST)]
)
def test_the_ceiling_doubles_up_to_the_longest_wait_and_the_jitter_is_full(retry, ceiling):
    assert [wait_before(retry, asked=None, jitter=jitter) for jitter in (0.0, 0.5, 1.0)] == [
        0 * ceiling,
        ceiling / 2,
        ceiling,
    ]


def test_the_attempts_reach_over_a_week_on_average():
    waits = [wait_before(retry, asked=None, jitter=0.5) for retry in range(1, MAX_ATTEMPTS)]
    assert sum(waits, timedelta()) > timedelta(days=7)


@pytest.mark.parametrize(("jitter", "hours"), [(0.0, 18), (0.5, 24), (1.0, 30)])
def test_an_unexplained_refusal_is_tried_a_few_times_over_a_day(jitter, hours):
    waits = [wait_unexplained(retry, asked=None, jitter=jitter) for retry in range(1, UNEXPLAINED_TRIES)]
    assert sum(waits, timedelta()) == hours * HOUR
    assert waits == sorted(waits)
    assert waits[0] >= timedelta(minutes=3), "too soon for anything to have changed"


def test_an_unexplained_refusal_after_many_other_attempts_has_the_longest_of_its_waits():
    assert wait_unexplained(10**9, asked=None, jitter=0.5) == UNEXPLAINED_WAITS[-1]


@pytest.mark.parametrize(
    ("wait", "longest"), [(wait_before, LONGEST), (wait_unexplained, UNEXPLAINED_WAITS[-1] * 1.25)]
)
def test_what_the_lms_asked_for_is_a_floor(wait, longest):
    assert wait(1, asked=3600, jitter=1.0) == HOUR
    assert wait(20, asked=3600, jitter=1.0) == longest

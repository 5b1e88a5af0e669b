"""How a busy campus's limit falls and grows back: pure."""

from dataclasses import replace
from typing import Any

import pytest

from actors.breaker import MAX_BLOCK_MS, MAX_THROTTLE_PAUSE_MS, ROUNDS_TO_GROW, THROTTLE_PAUSE_MS
from models.campus import Breaker
from tests.actors.test_breaker import KNOWN, NOW, after, signal


def throttled(breaker: Breaker, now: int, **fields: Any) -> Breaker:
    return after(breaker, signal("throttled", **{"claimed_at": now, **fields}), now=now, max_per_campus=8)


def test_a_busy_campus_is_left_alone_for_as_long_as_it_asked():
    breaker = throttled(KNOWN, NOW, after=30.0, error="HTTP 429")
    assert (breaker.blocked_until, breaker.throttled_at) == (NOW + 30_000, NOW)
    assert (breaker.tripped_at, breaker.last_error) == (None, "HTTP 429")


def test_no_answer_blocks_a_campus_for_longer_than_the_bound():
    assert throttled(KNOWN, NOW, after=1e9).blocked_until == NOW + MAX_BLOCK_MS


def test_each_time_it_is_busy_it_gets_half_as_many_and_a_longer_pause():
    breaker, now, limits, waits = KNOWN, NOW, [], []
    for _ in range(7):
        breaker = throttled(breaker, now)
        limits.append(breaker.max_in_flight)
        waits.append(breaker.blocked_until - now)
        now = breaker.blocked_until
    assert limits == [4, 2, 1, 1, 1, 1, 1]
    assert waits[0] == THROTTLE_PAUSE_MS
    assert waits == [2000, 4000, 8000, 16_000, 32_000, MAX_THROTTLE_PAUSE_MS, MAX_THROTTLE_PAUSE_MS]


def test_a_success_makes_the_next_pause_a_short_one_again():
    breaker = throttled(throttled(KNOWN, NOW), NOW + 2000)
    breaker = after(breaker, signal("success"), now=NOW + 10_000, max_per_campus=8)
    assert throttled(breaker, NOW + 11_000).blocked_until == NOW + 11_000 + THROTTLE_PAUSE_MS


def test_answers_to_requests_that_were_under_way_together_halve_it_once():
    breaker = throttled(KNOWN, NOW)
    for late in range(1, 4):
        breaker = throttled(breaker, NOW + late, claimed_at=NOW - 1)
    assert (breaker.max_in_flight, breaker.throttled_at) == (4, NOW)
    assert breaker.trips == 1


def test_a_late_answer_may_lengthen_the_rest_and_never_shortens_it():
    breaker = throttled(KNOWN, NOW, after=30.0)
    assert throttled(breaker, NOW + 1000, claimed_at=NOW - 1, after=60.0).blocked_until == NOW + 61_000
    assert throttled(breaker, NOW + 1000, claimed_at=NOW - 1, after=1.0).blocked_until == NOW + 30_000


def test_a_campus_that_comes_near_its_limit_is_given_time_before_it_complains():
    breaker = after(KNOWN, signal("success", after=3.0), max_per_campus=8)
    assert (breaker.max_in_flight, breaker.blocked_until, breaker.trips) == (4, NOW + 3000, 0)


def test_a_limit_grows_back_by_one_after_some_rounds_of_successes_and_not_beyond_the_operators():
    breaker, limits = throttled(KNOWN, NOW), [4]
    for limit in (4, 5, 6, 7):
        for _ in range(ROUNDS_TO_GROW * limit - 1):
            breaker = after(breaker, signal("success"), max_per_campus=8)
        assert breaker.max_in_flight == limit
        breaker = after(breaker, signal("success"), max_per_campus=8)
        limits.append(breaker.max_in_flight or 8)
    assert limits == [4, 5, 6, 7, 8]
    assert (breaker.max_in_flight, breaker.throttled_at, breaker.successes) == (None, None, 0)
    assert after(breaker, signal("success"), max_per_campus=8) == breaker


def test_a_throttling_begins_the_count_of_successes_anew():
    breaker = throttled(KNOWN, NOW)
    breaker = after(breaker, *[signal("success")] * 5, max_per_campus=8)
    assert breaker.successes == 5
    assert throttled(breaker, NOW + 60_000).successes == 0


@pytest.mark.parametrize(("operators", "expected"), [(16, 4), (8, 4), (2, 1), (1, 1)])
def test_a_limit_is_halved_from_what_it_is_whatever_the_operator_allows(operators, expected):
    breaker = after(replace(KNOWN, max_in_flight=8), signal("throttled"), max_per_campus=operators)
    assert breaker.max_in_flight == expected
    assert after(breaker, signal("success"), max_per_campus=16).max_in_flight == expected, "a larger limit lifts none"


def test_a_smaller_limit_of_the_operator_ends_the_throttling_once_it_is_reached():
    breaker = replace(KNOWN, max_in_flight=2, throttled_at=NOW - 9, successes=7)
    assert after(breaker, signal("success"), max_per_campus=2).max_in_flight is None

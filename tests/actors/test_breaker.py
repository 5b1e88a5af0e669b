"""When a campus's breaker trips and closes, and how a busy campus's limit falls and grows back: pure."""

from dataclasses import replace
from typing import Any

import pytest

from actors.breaker import (
    MAX_BLOCK_MS,
    MAX_PROBE_PAUSE_MS,
    MAX_THROTTLE_PAUSE_MS,
    ROUNDS_TO_GROW,
    THROTTLE_PAUSE_MS,
    next_breaker,
)
from models.campus import MIN_PROBE_PAUSE_MS, SLOW_MS, Breaker, Signal

NOW = 1_700_000_000_000
ONE, OTHER, THIRD = 1, 2, 3
NEW = Breaker(7)
#: Answered before.
KNOWN = replace(NEW, answered_at=NOW - 1_000_000)


def signal(kind: Any, assignment_id: int = ONE, **fields: Any) -> Signal:
    return Signal(kind, **{"campus_id": 7, "assignment_id": assignment_id, "claimed_at": NOW, **fields})


def after(breaker: Breaker, *signals: Signal, now: int = NOW, max_per_campus: int = 4, jitter: float = 0.0) -> Breaker:
    for one in signals:
        breaker = next_breaker(breaker, one, now=now, max_per_campus=max_per_campus, jitter=jitter)
    return breaker


def tripped(now: int = NOW) -> Breaker:
    return after(KNOWN, signal("failure", ONE), signal("failure", OTHER), now=now)


def probed(breaker: Breaker, kind: Any, assignment_id: int = THIRD, **fields: Any) -> Signal:
    """Of a probe of that breaker."""
    return signal(kind, assignment_id, tripped_at=breaker.tripped_at, **fields)


# --- Tripping ---


def test_failures_of_one_assignment_alone_never_trip_it():
    breaker = after(KNOWN, *[signal("failure", ONE)] * 5)
    assert (breaker.tripped_at, breaker.blocked_until) == (None, 0)


def test_failures_of_two_assignments_with_no_success_between_trip_it():
    breaker = tripped()
    assert breaker.tripped_at == NOW
    assert breaker.blocked_until == NOW + MIN_PROBE_PAUSE_MS
    assert (breaker.trips, breaker.last_failed_assignment) == (0, OTHER)


@pytest.mark.parametrize("between", ["success", "throttled"])
def test_a_success_between_keeps_it_closed(between):
    breaker = after(KNOWN, signal("failure", ONE), signal(between, THIRD, answered=True), signal("failure", OTHER))
    assert breaker.tripped_at is None
    assert breaker.last_failed_assignment == OTHER
    assert after(breaker, signal("failure", THIRD)).tripped_at == NOW


def test_an_attempt_that_says_nothing_of_the_campus_changes_nothing():
    breaker = after(KNOWN, signal("failure", ONE))
    assert after(breaker, signal("neutral", OTHER)) == breaker
    assert after(breaker, signal("neutral", OTHER), signal("failure", OTHER)).tripped_at == NOW
    assert after(tripped(), signal("neutral", THIRD)) == tripped()


def test_a_campus_that_is_read_and_comes_near_its_limit_gets_a_rest_and_nothing_else():
    breaker = after(KNOWN, signal("failure", ONE))
    rested = after(breaker, signal("neutral", OTHER, after=3.0))
    assert (rested.blocked_until, rested.max_in_flight, rested.last_failed_assignment) == (NOW + 3000, 2, ONE)
    assert after(tripped(), signal("neutral", THIRD, after=1.0)).tripped_at == NOW


def test_the_last_error_is_kept_for_people_and_a_success_leaves_it():
    breaker = after(KNOWN, signal("failure", error="HTTP 503"))
    assert (breaker.last_error, breaker.last_error_at) == ("HTTP 503", NOW)
    assert after(breaker, signal("success"), now=NOW + 9) == replace(breaker, last_failed_assignment=None)


@pytest.mark.parametrize(
    ("blocked_until", "asked", "pause"),
    [(0, 100.0, 100_000), (0, 1.0, MIN_PROBE_PAUSE_MS), (NOW + 60_000, None, 60_000)],
)
def test_a_campus_that_trips_gets_the_longest_of_its_pauses_and_is_throttled_no_more(blocked_until, asked, pause):
    busy = replace(KNOWN, blocked_until=blocked_until, throttled_at=NOW - 1)
    breaker = after(busy, signal("failure", ONE), signal("failure", OTHER, after=asked))
    assert (breaker.blocked_until, breaker.throttled_at) == (NOW + pause, None)


# --- Probes ---


def test_the_success_of_a_probe_closes_it_and_the_campus_gets_one_request_at_once():
    breaker = tripped()
    closed = after(breaker, probed(breaker, "success"), now=NOW + 20_000)
    assert (closed.tripped_at, closed.blocked_until, closed.trips) == (None, 0, 0)
    assert (closed.max_in_flight, closed.last_failed_assignment) == (1, None)


def test_a_campus_with_a_limit_of_one_has_its_whole_limit_when_it_is_back():
    breaker = tripped()
    assert after(breaker, probed(breaker, "success"), max_per_campus=1).max_in_flight is None


def test_the_late_success_of_a_request_that_was_under_way_closes_it():
    assert after(tripped(), signal("success", THIRD, claimed_at=NOW - 5000)).tripped_at is None


@pytest.mark.parametrize("tripped_at", [None, NOW - 60_000])
def test_the_failure_of_a_request_that_is_no_probe_of_this_trip_changes_nothing(tripped_at):
    breaker = tripped()
    assert after(breaker, signal("failure", THIRD, tripped_at=tripped_at), now=NOW + 10) == breaker


def test_each_failed_probe_makes_the_pause_longer_up_to_a_limit():
    breaker, now, waits = tripped(), NOW, []
    for number in range(1, 10):
        now = breaker.blocked_until
        breaker = after(breaker, probed(breaker, "failure"), now=now)
        assert (breaker.trips, breaker.tripped_at) == (number, NOW)
        waits.append(breaker.blocked_until - now)
    assert waits == [30_000, 60_000, 120_000, 240_000] + [MAX_PROBE_PAUSE_MS] * 5


@pytest.mark.parametrize(
    ("asked", "jitter", "wait"),
    [(None, 0.0, 30_000), (None, 1.0, 33_000), (100.0, 1.0, 100_000), (1e9, 0.0, MAX_BLOCK_MS)],
)
def test_probes_are_spread_by_the_jitter_and_wait_for_as_long_as_the_campus_asked_within_bounds(asked, jitter, wait):
    breaker = tripped()
    assert after(breaker, probed(breaker, "failure", after=asked), jitter=jitter).blocked_until == NOW + wait


def test_a_busy_campus_answers_so_that_a_probe_which_finds_it_busy_closes_the_breaker():
    breaker = tripped()
    busy = after(breaker, probed(breaker, "throttled", after=5.0, answered=True), now=NOW + 20_000)
    assert (busy.tripped_at, busy.blocked_until) == (None, NOW + 25_000)
    assert busy.max_in_flight == 1


def test_a_busy_token_server_is_no_answer_of_the_campus_and_neither_closes_the_breaker_nor_parts_two_failures():
    breaker = tripped()
    busy = after(breaker, probed(breaker, "throttled", after=100.0), now=NOW + 20_000)
    assert (busy.tripped_at, busy.trips, busy.blocked_until) == (NOW, 1, NOW + 120_000)
    between = after(KNOWN, signal("failure", ONE), signal("throttled", THIRD), signal("failure", OTHER))
    assert between.tripped_at == NOW


def test_after_an_outage_two_failures_are_needed_again():
    breaker = tripped()
    closed = after(breaker, probed(breaker, "success"))
    once = after(closed, signal("failure", ONE))
    assert once.tripped_at is None
    assert after(once, signal("failure", OTHER)).tripped_at == NOW


# --- What is measured ---


def test_a_campus_has_answered_with_its_first_answer_whatever_it_says():
    for kind in ("success", "failure", "throttled", "neutral"):
        assert after(NEW, signal(kind, answered=True)).answered_at == NOW
    assert after(NEW, signal("failure")).answered_at is None
    assert after(KNOWN, signal("success", answered=True)) == KNOWN


@pytest.mark.parametrize("before", [False, True])
def test_a_campus_is_slow_whose_last_request_took_more_than_a_second(before):
    breaker = replace(KNOWN, slow=before)
    for duration_ms, slow in ((SLOW_MS, False), (SLOW_MS + 1, True), (None, before)):
        assert after(breaker, signal("success", duration_ms=duration_ms)).slow is slow


def test_a_success_of_a_healthy_campus_changes_nothing_so_that_no_row_is_written():
    assert after(KNOWN, signal("success", answered=True, duration_ms=20)) == KNOWN


# --- Busy campuses ---


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


# --- Its last error ---


@pytest.mark.parametrize(
    ("kind", "last_error"), [("neutral", "down"), ("failure", "said"), ("throttled", "said"), ("success", "said")]
)
def test_while_it_is_tripped_what_is_one_grades_own_is_not_why(kind, last_error):
    breaker = replace(tripped(), last_error="down")
    assert after(breaker, probed(breaker, kind, error="said")).last_error == last_error
    assert after(KNOWN, signal("neutral", error="said")).last_error == "said"

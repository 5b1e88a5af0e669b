"""One clock for all daemons: the database's time of day, carried on by a monotonic clock."""

import time

import pytest

from models.db.clock import Clock

#: Milliseconds by which the database's clock and this machine's may differ, which are the same clock here.
CLOSE = 5_000


class Monotonic:
    """Seconds, moved by the test."""

    def __init__(self, seconds: float = 5_000.25) -> None:
        self.seconds = seconds
        #: By how much each reading moves it.
        self.step = 0.0

    def __call__(self) -> float:
        self.seconds += self.step
        return self.seconds


def test_a_clock_that_was_never_measured_does_not_guess():
    with pytest.raises(RuntimeError, match="before it was measured"):
        Clock().now()


@pytest.mark.parametrize("seconds", [0.0, 5_000.25, 9e6])
async def test_the_clock_has_the_databases_time_whatever_the_monotonic_clock_says(empty_database, seconds):
    clock = Clock(Monotonic(seconds))
    await clock.measure()
    assert abs(clock.now() - time.time() * 1000) < CLOSE


async def test_between_two_measurements_only_the_monotonic_clock_counts(empty_database):
    monotonic = Monotonic()
    clock = Clock(monotonic)
    await clock.measure()
    before = clock.now()
    assert clock.now() == before
    monotonic.seconds += 12.5
    assert clock.now() - before == 12_500


async def test_a_new_measurement_follows_the_database(empty_database):
    monotonic = Monotonic()
    clock = Clock(monotonic)
    await clock.measure()
    # As if this machine had slept: its monotonic clock is an hour behind.
    monotonic.seconds -= 3_600
    assert abs(clock.now() - time.time() * 1000 + 3_600_000) < CLOSE
    await clock.measure()
    assert abs(clock.now() - time.time() * 1000) < CLOSE


async def test_half_of_the_round_trip_is_subtracted(empty_database):
    monotonic = Monotonic()
    monotonic.step = 20.0
    clock = Clock(monotonic)
    await clock.measure()
    monotonic.step = 0.0
    # Asked at 20 s and answered at 40 s: the database's time was that of 30 s.
    assert abs(clock.now() - (time.time() * 1000 + 10_000)) < CLOSE

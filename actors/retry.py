"""When to try again. Pure."""

import random
from datetime import timedelta

#: The ceiling of the first wait; it doubles with each attempt.
FIRST = timedelta(seconds=15)

#: The ceiling of every later wait.
LONGEST = timedelta(hours=6)

#: Attempts until a score is parked. With full jitter a wait is half its ceiling on average: eleven attempts take the
#: first four hours and each further one three hours, so that eighty take eight days and a half.
MAX_ATTEMPTS = 80

#: The waits between the tries of a score that the LMS refuses in words that nobody knows: a day in sum, since most of
#: what passes by itself has passed by then. What is left is somebody's to look at.
UNEXPLAINED_WAITS = (
    timedelta(minutes=5),
    timedelta(minutes=25),
    timedelta(hours=1, minutes=30),
    timedelta(hours=4),
    timedelta(hours=7),
    timedelta(hours=11),
)

#: Tries until such a score is parked.
UNEXPLAINED_TRIES = len(UNEXPLAINED_WAITS) + 1


def wait_before(attempt: int, *, asked: float | None = None, jitter: float | None = None) -> timedelta:
    """
    How long to wait before retry number *attempt* (the first retry is 1).

    Args:
        asked: Seconds that the LMS asked for; a floor, not an answer.
        jitter: 0.0 to 1.0, random unless it is handed in.

    Raises:
        ValueError: *attempt* is below 1.
    """
    _check(attempt)
    ceiling: timedelta = min(FIRST * 2 ** min(attempt - 1, 20), LONGEST)
    return max(ceiling * _share(jitter), timedelta(seconds=asked or 0))


def wait_unexplained(attempt: int, *, asked: float | None = None, jitter: float | None = None) -> timedelta:
    """
    How long to wait before retry number *attempt* (the first is 1) of a score that was refused for no known reason.

    The jitter makes it up to a quarter longer or shorter: these waits are not full of jitter, since a day is meant.
    After the last of :data:`UNEXPLAINED_WAITS` comes no longer one.

    Args:
        asked: Seconds that the LMS asked for; a floor, not an answer.
        jitter: 0.0 to 1.0, random unless it is handed in.

    Raises:
        ValueError: *attempt* is below 1.
    """
    _check(attempt)
    wait = UNEXPLAINED_WAITS[min(attempt, len(UNEXPLAINED_WAITS)) - 1]
    return max(wait * (0.75 + _share(jitter) / 2), timedelta(seconds=asked or 0))


def _check(attempt: int) -> None:
    if attempt < 1:
        raise ValueError(f"retries are counted from 1, not from {attempt}")


def _share(jitter: float | None) -> float:
    return random.random() if jitter is None else jitter  # noqa: S311 - spreads load, guards nothing

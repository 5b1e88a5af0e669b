"""When to try again. Pure."""

from datetime import timedelta

#: The ceiling of the first wait; it doubles with each attempt.
FIRST = timedelta(seconds=15)

#: The ceiling of every later wait.
LONGEST = timedelta(hours=6)

#: Attempts until a score is parked. With full jitter a wait is half its ceiling on average: eleven attempts take the
#: first four hours and each further one three hours, so that eighty take eight days and a half.
MAX_ATTEMPTS = 80

#: The waits between the tries of a score that the LMS refuses for no known reason: a day in sum, since most of what
#: passes by itself has passed by then. What is left needs a person.
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


def wait_before(retry: int, *, asked: float | None, jitter: float) -> timedelta:
    """
    How long to wait before a retry.

    Args:
        retry: The first one is 1.
        asked: Seconds that the LMS asked for; a floor, not an answer.
        jitter: 0.0 to 1.0; spreads the wait from nothing to its ceiling.
    """
    ceiling: timedelta = min(FIRST * 2 ** min(retry - 1, 20), LONGEST)
    return max(ceiling * jitter, timedelta(seconds=asked or 0))


def wait_unexplained(retry: int, *, asked: float | None, jitter: float) -> timedelta:
    """
    How long to wait before a retry of a score that was refused for no known reason; arguments as above.

    The jitter makes it up to a quarter longer or shorter. After the last of :data:`UNEXPLAINED_WAITS` comes no longer
    one.
    """
    wait = UNEXPLAINED_WAITS[min(retry, len(UNEXPLAINED_WAITS)) - 1]
    return max(wait * (0.75 + jitter / 2), timedelta(seconds=asked or 0))

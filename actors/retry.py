"""When to try again. Pure."""

from __future__ import annotations

import random
from datetime import timedelta

#: The ceiling of the first wait; it doubles with each attempt.
FIRST = timedelta(seconds=15)

#: The ceiling of every later wait.
LONGEST = timedelta(hours=6)

#: Attempts until a score is parked. With full jitter a wait is half its ceiling on average: eleven attempts take the
#: first four hours and each further one three hours, so that eighty take eight days and a half.
MAX_ATTEMPTS = 80


def wait_before(attempt: int, *, asked: float | None = None, jitter: float | None = None) -> timedelta:
    """
    How long to wait before retry number *attempt* (the first retry is 1).

    Args:
        asked: Seconds that the LMS asked for; a floor, not an answer.
        jitter: 0.0 to 1.0, random unless it is handed in.

    Raises:
        ValueError: *attempt* is below 1.
    """
    if attempt < 1:
        raise ValueError(f"retries are counted from 1, not from {attempt}")
    ceiling: timedelta = min(FIRST * 2 ** min(attempt - 1, 20), LONGEST)
    share: float = random.random() if jitter is None else jitter  # noqa: S311 - spreads load, guards nothing
    return max(ceiling * share, timedelta(seconds=asked or 0))

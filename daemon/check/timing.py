"""Round trips, and clocks that differ."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from daemon.infra.text import age

#: Seconds, either way. Moodle refuses a signature that is older than 300 s, the strictest of the LMSs that we know.
REFUSED = 300.0
#: Seconds, either way: no network explains these.
SUSPICIOUS = 30.0

_T = TypeVar("_T")


async def quickest(ask: Callable[[], Awaitable[_T]]) -> tuple[float, _T]:
    """The quickest of five round trips, in seconds, and what it brought."""
    trips = []
    for _ in range(5):
        began = time.perf_counter()
        answer = await ask()
        trips.append((time.perf_counter() - began, answer))
    return min(trips, key=lambda trip: trip[0])


def ahead_by_date(offset: float, took: float) -> float:
    """
    Seconds that another machine's clock is ahead of ours; 0 where its ``Date`` may be ours. Pure.

    Args:
        offset: Of the ``Date``, which has whole seconds only, to our time when the answer was there.
        took: Seconds of the round trip in which it was written.
    """
    return 0.0 if -(1 + took) <= offset <= 0 else offset


def clock_difference(ahead: float, other: str) -> str:
    """``its clock agrees with …``, ``is 3 s ahead of …``, ``is 2 h 5 min behind …``. *ahead*: seconds. Pure."""
    if abs(ahead) <= 1:
        return f"its clock agrees with {other}"
    return f"its clock is {age(int(abs(ahead) * 1000))} {'behind' if ahead < 0 else 'ahead of'} {other}"

"""What makes the demo's campuses busy ones."""

from collections.abc import Callable, Hashable, Iterator
from itertools import count, cycle
from typing import Literal

#: Seconds until any answer.
LATENCY = 0.02

#: What becomes of a request: it is ``served``; or it is answered with 503, and its grade is ``lost``, or ``stored`` all
#: the same, which no sender can know.
RequestFate = Literal["served", "lost", "stored"]


def busy(every: int = 10) -> Callable[[Hashable], RequestFate]:
    """
    Turn away one in *every* requests, but never the next one for the same place in the gradebook.

    For every other of these the grade is stored all the same.
    """
    numbers = count(1)
    fates: Iterator[RequestFate] = cycle(("lost", "stored"))
    to_repeat: set[Hashable] = set()

    def decide(place: Hashable) -> RequestFate:
        if next(numbers) % every or place in to_repeat:
            to_repeat.discard(place)
            return "served"
        to_repeat.add(place)
        return next(fates)

    return decide

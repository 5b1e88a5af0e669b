"""Learners at work, and what the campus should hold in the end."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

from daemon.demo.lms.request import RequestRecord
from tests.blackbox.world import Fields, World, launch, score, wire
from tests.fakes.lms import Behaviour, success

#: Seconds between two handfuls of changes.
PACE = 0.1
POSSIBLE = {"problem-1": 10, "problem-2": 10, "problem-3": 20}


@contextmanager
def repeatedly(work: Callable[[], object], pause: float) -> Iterator[None]:
    """Does the work again and again in a thread, with a pause (seconds) before each; raises what it raised."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(pause):
            work()

    with ThreadPoolExecutor(max_workers=1) as pool:
        working = pool.submit(run)
        try:
            yield
        finally:
            stop.set()
    working.result()


class Learners:
    """Learners at work, each with a grade for a problem and one for its chapter; knows what they have earned."""

    def __init__(self, number: int, seed: int) -> None:
        self._random = random.Random(seed)
        self.names = [f"user-{one}" for one in range(number)]
        self._earned: dict[tuple[str, str], int] = {}

    def at_work(self, world: World) -> AbstractContextManager[None]:
        """Scores change all the time, more of them than a campus takes."""
        return repeatedly(lambda: world.add(*self.work(10)), PACE)

    def launches(self, url: str) -> list[Fields]:
        return [
            launch(name, usage, f"{name}-{usage}", url) for name in self.names for usage in ("problem-1", "chapter")
        ]

    def work(self, number: int) -> list[Fields]:
        """So many changes, spread over all."""
        events = []
        for one in range(number):
            name, problem = self.names[one % len(self.names)], self._random.choice(sorted(POSSIBLE))
            earned = self._random.randrange(POSSIBLE[problem] + 1)
            self._earned[name, problem] = earned
            events.append(score(name, problem, earned, POSSIBLE[problem]))
        return events

    def gradebook(self) -> dict[tuple[str, str], str]:
        """What the campus should hold in the end."""
        grades = {}
        for name in self.names:
            earned = [self._earned[name, problem] for problem in POSSIBLE if (name, problem) in self._earned]
            if earned:
                grades["/outcomes", f"{name}-chapter"] = wire(sum(earned), 40)
            if (name, "problem-1") in self._earned:
                grades["/outcomes", f"{name}-problem-1"] = wire(self._earned[name, "problem-1"], 10)
        return grades


def between(least: float, most: float, seed: int) -> Callable[[RequestRecord], Behaviour]:
    """A campus of random latency."""
    chance = random.Random(seed)
    return lambda _record: success(latency=chance.uniform(least, most))

"""The learning tool: learners who work without a pause, and a producer that repeats an event until Redis has it."""

import random
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tests.blackbox.learners import repeatedly
from tests.blackbox.world import COURSE, STREAM, Fields, launch, score, structure, wire
from tests.faults.platforms import FaultPlatform

#: Points of each problem. Many, so that no grade comes twice and the text of each gives its age.
POSSIBLE = 1000
LEARNERS = ("user-0", "user-1", "user-2")
PROBLEMS = ("problem-1", "problem-2", "problem-3")
#: Problem 1 is graded by itself, the chapter as the sum of all three.
LEAF, COMPOSITE = "problem-1", "chapter"
BLOCKS = [
    {"usage_id": COURSE, "parent": None},
    {"usage_id": "chapter", "parent": COURSE},
    *({"usage_id": problem, "parent": "chapter", "points_possible": POSSIBLE} for problem in PROBLEMS),
]
#: Seconds between two changes of scores.
PACE = 0.06
#: Seconds that a server may be away.
PATIENCE = 60.0


class Tool:
    """
    Knows every grade that every learner ever had, in order.

    A grade is named by its sourcedid; one that goes over LTI 1.3 as the one over LTI 1.1 that it equals, with ``@`` and
    the platform after that.

    Args:
        redis_url: Past any proxy: what is tested is the daemon's way to Redis.
        url: The outcome service.
        platforms: Where grades go over LTI 1.3.
    """

    def __init__(self, redis_url: str, url: str, platforms: Sequence[FaultPlatform] = (), *, seed: int) -> None:
        self._random = random.Random(seed)
        again = Retry(ConstantBackoff(PACE), retries=int(PATIENCE / PACE))
        self.redis = redis.Redis.from_url(redis_url, socket_timeout=5, retry=again)
        self._lock = threading.RLock()
        #: Of one change and its event, so that events come in the order of the changes.
        self._speaks = threading.RLock()
        self._earned: dict[tuple[str, str], int] = {}
        #: Whether each score says when it happened, as those of a tool that repeats events must.
        self.says_modified = False
        self._last = datetime.now(UTC)
        #: Entry ids are chosen by the tool then, so many milliseconds behind the time.
        self.behind_ms: int | None = None
        self._added = 0
        #: Outcome service by sourcedid, for those that are not at *url*.
        self.elsewhere: dict[str, str] = {}
        self.url = url
        #: All grades of each name as wire text, oldest first. No text comes twice.
        self.histories: dict[str, list[str]] = {
            f"{name}/{usage}": [] for name in LEARNERS for usage in (LEAF, COMPOSITE)
        }
        self._platforms = {name: platform for platform in platforms for name in platform.sourcedids}
        self.histories |= {name: self.histories[name.partition("@")[0]] for name in self._platforms}
        #: Every score event, in order.
        self.said: list[Fields] = []

    @property
    def newest(self) -> dict[str, str]:
        """What the campus should hold in the end."""
        with self._lock:
            return {sourcedid: history[-1] for sourcedid, history in self.histories.items() if history}

    def beginning(self) -> list[Fields]:
        """The course, a launch for each grade, and a first score on every problem; not said yet."""
        scores = [self._change(name, problem) for name in LEARNERS for problem in PROBLEMS]
        return [structure(blocks=BLOCKS), *map(self._launch, self.histories), *scores]

    def changes(self, number: int) -> list[Fields]:
        """So many changes, spread over all, that are not said yet."""
        return [self._change(self._random.choice(LEARNERS), self._random.choice(PROBLEMS)) for _ in range(number)]

    def come_back(self, *sourcedids: str) -> None:
        """Learners launch again, which ends their grades' backoff."""
        now = datetime.now(UTC).isoformat()
        self.say(*({**self._launch(name), "modified": now} for name in sourcedids))

    def change(self, sourcedid: str | None = None) -> None:
        """A score changes: one that moves the grade of *sourcedid* (for a chapter, that grade alone), or any."""
        name, _, usage = (sourcedid or self._random.choice(LEARNERS)).partition("@")[0].partition("/")
        problems = {LEAF: PROBLEMS[:1], COMPOSITE: PROBLEMS[1:]}.get(usage, PROBLEMS)
        with self._speaks:
            self.say(self._change(name, self._random.choice(problems)))

    def silent(self) -> AbstractContextManager[object]:
        """No score changes by :meth:`at_work`, and none has changed that was not said."""
        return self._speaks

    def at_work(self) -> AbstractContextManager[None]:
        """Scores change all the time."""
        return repeatedly(self.change, PACE)

    def say(self, *events: Fields) -> None:
        """Put events onto the stream; Redis may be away for a while."""
        for event in events:
            if self.behind_ms is None:
                self.redis.xadd(STREAM, dict(event))
                continue
            with self._lock:
                self._added += 1
                entry_id = f"{int(time.time() * 1000) - self.behind_ms}-{self._added}"
                self.redis.xadd(STREAM, dict(event), id=entry_id)

    def _change(self, name: str, problem: str) -> Fields:
        with self._lock:
            event = score(name, problem, self._new_points(name, problem), POSSIBLE)
            if self.says_modified:
                # No two at the same time: their order must be known however they arrive.
                self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
                event["modified"] = self._last.isoformat()
            self.said.append(event)
            return event

    def _new_points(self, name: str, problem: str) -> int:
        """Up or down, but to grades that were not there before."""
        leaf, composite = self.histories[f"{name}/{LEAF}"], self.histories[f"{name}/{COMPOSITE}"]
        while True:
            points = self._random.randrange(POSSIBLE + 1)
            earned = {**{one: self._earned.get((name, one), 0) for one in PROBLEMS}, problem: points}
            own, whole = wire(points, POSSIBLE), wire(sum(earned.values()), POSSIBLE * len(PROBLEMS))
            if whole not in composite and not (problem == LEAF and own in leaf):
                break
        self._earned[name, problem] = points
        composite.append(whole)
        if problem == LEAF:
            leaf.append(own)
        return points

    def _launch(self, name: str) -> Fields:
        if name in self._platforms:
            return self._platforms[name].launch(name)
        return launch(*name.split("/"), name, self.elsewhere.get(name, self.url))

"""Learners of a campus that moves from LTI 1.1 to 1.3 while their scores change, and every grade that they ever had."""

import random
import threading
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta

from daemon.demo.platform.tokens import AgsScope
from tests.blackbox.learners import repeatedly
from tests.blackbox.world import COURSE, KEY, SECRET, Fields, World, launch, score, structure, wire
from tests.fakes.moving import MovingLms
from tests.fakes.platform import RecordingPlatform
from tests.fakes.thread import in_thread

CLIENT = "client-7"
#: Points of each problem. Many, so that no grade comes twice and the text of each gives its age.
POSSIBLE = 10_000
#: The problems of what is graded: one by itself, and the chapter as the sum of both.
PROBLEMS = {"problem-1": ("problem-1",), "chapter": ("problem-1", "problem-2")}
BLOCKS = [
    {"usage_id": COURSE, "parent": None},
    {"usage_id": "chapter", "parent": COURSE},
    *({"usage_id": problem, "parent": "chapter", "points_possible": POSSIBLE} for problem in PROBLEMS["chapter"]),
]
#: Seconds between two changes of scores.
PACE = 0.05

Pair = tuple[str, str]


@contextmanager
def moving_campus() -> Iterator[tuple[RecordingPlatform, MovingLms]]:
    """Both sides of one gradebook, each to be sent nothing wrong."""

    @asynccontextmanager
    async def both() -> AsyncIterator[tuple[RecordingPlatform, MovingLms]]:
        async with RecordingPlatform() as platform, MovingLms(platform, keys={KEY: SECRET}) as lms:
            yield platform, lms

    with in_thread(both()) as (platform, lms):
        yield platform, lms
    assert (platform.faults, lms.faults) == ([], [])


class MovingLearners:
    """Each has a grade for a problem or for its chapter, in a column that both versions of LTI write."""

    def __init__(self, world: World, platform: RecordingPlatform, lms: MovingLms, number: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.pairs = [(f"user-{one}", tuple(PROBLEMS)[one % 2]) for one in range(number)]
        #: Whose scores change only when a test says so.
        self.quiet: Collection[str] = ()
        #: All grades of each learner's block, as wire text, the oldest first. No text comes twice.
        self.histories: dict[Pair, list[str]] = {pair: [] for pair in self.pairs}
        self._earned = {pair: dict.fromkeys(PROBLEMS[pair[1]], 0) for pair in self.pairs}
        self._lock = threading.Lock()
        self._world, self._platform, self._lms = world, platform, lms
        self.columns = {usage: platform.add_line_item(label=usage) for usage in PROBLEMS}
        for name, usage in self.pairs:
            lms.share("/outcomes", sourcedid((name, usage)), self.columns[usage], sub(name))

    def newest(self) -> dict[tuple[str, str], str]:
        """What the gradebook should hold in the end, by the line item's path and the platform's user id."""
        with self._lock:
            return {self.cell(pair): history[-1] for pair, history in self.histories.items()}

    def cell(self, pair: Pair) -> tuple[str, str]:
        return self._platform.column(self.columns[pair[1]]).path, sub(pair[0])

    def shown(self, pair: Pair) -> list[int]:
        """The ages of all grades that people saw, in order: places in :attr:`histories`."""
        history = self._platform.gradebook.history.copy()
        cell, ages = self.cell(pair), self.histories[pair]
        return [ages.index(str(one.grade)) for one in history if (one.path, one.user_id) == cell]

    def begin(self) -> None:
        """The course, a launch over LTI 1.1 for each grade, and a first score on every problem."""
        self._world.add(structure(blocks=BLOCKS), *(self._over_11(pair) for pair in self.pairs))
        self._world.add(*(self._change(pair, problem) for pair in self.pairs for problem in PROBLEMS[pair[1]]))

    def at_work(self) -> AbstractContextManager[None]:
        """Scores change all the time."""
        return repeatedly(self._work, PACE)

    def change(self, pair: Pair) -> None:
        """One of the scores changes that make the learner's grade."""
        self._world.add(self._change(pair, self.chance.choice(PROBLEMS[pair[1]])))

    def launch_over_11(self, pair: Pair, *, earlier: timedelta | None = None) -> None:
        """*earlier*: it happened so long ago, and comes only now; its sourcedid is another one, as Moodle has it."""
        late = {} if earlier is None else {"modified": (datetime.now(UTC) - earlier).isoformat()}
        self._world.add(self._over_11(pair, **late))

    def launch_over_13(self, pair: Pair) -> None:
        """A launch that names the LTI 1.1 consumer and link of before."""
        name, usage = pair
        self._world.add(
            {
                "type": "launch",
                "issuer": self._platform.issuer,
                "client_id": CLIENT,
                "lti_user_id": sub(name),
                "lineitem": self.columns[usage],
                "scopes": f"{AgsScope.SCORE} {AgsScope.RESULTS}",
                "user_id": name,
                "course_id": COURSE,
                "usage_id": usage,
                "resource_link_id": f"new link of {usage}",
                "oauth_consumer_key": KEY,
                "lti1p1_resource_link_id": f"link of {usage}",
            }
        )

    def _over_11(self, pair: Pair, **more: str) -> Fields:
        name, usage = pair
        own = f"{sourcedid(pair)}/another" if more else sourcedid(pair)
        return launch(name, usage, own, self._lms.url(), resource_link_id=f"link of {usage}", **more)

    def _work(self) -> None:
        pair = self.chance.choice(self.pairs)
        if pair[0] not in self.quiet:
            self.change(pair)

    def _change(self, pair: Pair, problem: str) -> Fields:
        """Up or down, but to a grade that was not there before."""
        with self._lock:
            history, text = self.histories[pair], ""
            while not text or text in history:
                earned = self._earned[pair] | {problem: self.chance.randrange(POSSIBLE + 1)}
                text = wire(sum(earned.values()), POSSIBLE * len(earned))
            self._earned[pair] = earned
            history.append(text)
            return score(pair[0], problem, earned[problem], POSSIBLE)


def sourcedid(pair: Pair) -> str:
    """As the campus knows it over LTI 1.1."""
    return "/".join(pair)


def sub(name: str) -> str:
    """A learner as the platform calls them."""
    return f"sub of {name}"

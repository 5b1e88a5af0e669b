"""
Sends the own trees of the learners whose scores a sweep has read.

A worker of the platform sends them after each answer, unless Redis is away, or it dies. To read one takes the platform
far longer than a score: they are noted in Redis, and read when the scores are sent, for a limited time in each sweep.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime

import redis
from opaque_keys.edx.keys import CourseKey

from openedx_passbackd import counters, own_trees
from openedx_passbackd.assignments import learners
from openedx_passbackd.events import Event
from openedx_passbackd.keys import course_of
from openedx_passbackd.marks import Names

log = logging.getLogger(__name__)

#: Learners and courses whose newest score is kept, some 200 bytes each.
REMEMBERED = 100_000
#: Learners whose accounts are read at once.
PAGE = 100


class LearnerTrees:
    """A learner in a course is a text of both, and each has the time of the newest score, in seconds."""

    def __init__(self, client: redis.Redis, stream: str, remembered: int = REMEMBERED) -> None:
        self._client = client
        self._stream = stream
        self._names = Names(stream)
        self._remembered = remembered
        #: The score up to which this process has sent a learner's tree.
        self._sent: OrderedDict[str, float] = OrderedDict()

    def forget(self) -> None:
        """Read everything again."""
        self._sent.clear()

    def note(self, scores: Iterable[Event], is_per_learner: Callable[[CourseKey], bool]) -> None:
        """Remember whose trees are to be read: of such courses, or with a tree that may have to be taken away."""
        newest: dict[str, float] = {}
        for score in scores:
            name, moment = f"{score['user_id']} {score['course_id']}", _seconds(score)
            if moment > self._sent.get(name, float("-inf")):
                newest[name] = max(moment, newest.get(name, moment))
        pipeline = self._client.pipeline(transaction=False)
        for name in newest:
            user_id, course_id = _split(name)
            pipeline.hexists(self._names.own_trees(user_id), course_id)
        has_own = pipeline.execute()
        due = {
            name: moment
            for (name, moment), has in zip(newest.items(), has_own, strict=True)
            if has or ((key := course_of(_split(name)[1])) is not None and is_per_learner(key))
        }
        if due:
            self._client.zadd(self._names.due_trees, due)

    def send(self, seconds: float) -> int:
        """Send those that were noted, as many as there is time for; how many events that were."""
        ends, sent = time.monotonic() + seconds, 0
        while due := self._client.zrange(self._names.due_trees, 0, PAGE - 1, withscores=True):
            users = learners({_split(name)[0] for name, _ in due})  # type: ignore[union-attr]
            for name, moment in due:  # type: ignore[union-attr]
                if time.monotonic() >= ends:
                    return sent
                user_id, course_id = _split(name)
                if user_id in users:
                    sent += self._send_one(users[user_id], course_id, name, moment)
                self._client.zrem(self._names.due_trees, name)
        return sent

    def _send_one(self, user: object, course_id: str, name: str, moment: float) -> int:
        course_key = course_of(course_id)
        try:
            tree = own_trees.read(user, course_key)  # type: ignore[arg-type]
        except Exception:
            # It must not keep the others back; a sweep tries it again as long as it reads the score.
            log.exception("passbackd: no tree of learner %s (%d)", name, counters.count("own_tree.failed"))
            return 0
        outcome = own_trees.send(self._client, self._stream, tree)
        if outcome is not own_trees.Outcome.OUTDATED:
            self._sent[name] = moment
            self._sent.move_to_end(name)
            if len(self._sent) > self._remembered:
                self._sent.popitem(last=False)
        return int(outcome is own_trees.Outcome.SENT)


def _split(name: str) -> tuple[int, str]:
    user_id, _, course_id = name.partition(" ")
    return int(user_id), course_id


def _seconds(score: Event) -> float:
    return datetime.fromisoformat(score["modified"]).timestamp()

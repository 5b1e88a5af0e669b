"""
The sweep: reads what the platform has committed, and appends what may be missing on the stream.

The platform's own tables are the outbox. A process that dies between its commit and the receivers' append loses
nothing, since the row is read here.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import redis
from django.utils import timezone

from openedx_passbackd import structures
from openedx_passbackd.assignments import as_launch, assignments_after, lti_users, newest_assignment, retired_since
from openedx_passbackd.course_trees import CourseTrees
from openedx_passbackd.events import Event
from openedx_passbackd.keys import course_of
from openedx_passbackd.learner_trees import LearnerTrees
from openedx_passbackd.outbox import Outbox
from openedx_passbackd.scores import Scores
from openedx_passbackd.state import Progress, State

log = logging.getLogger(__name__)

#: How far a sweep goes back before the one before it: a row may become visible long after its time.
OVERLAP = timedelta(minutes=15)
#: The same once in :data:`LONG_EVERY`.
LONG_OVERLAP = timedelta(hours=2)
LONG_EVERY = timedelta(hours=1)
#: How far back the first sweep goes, and the one after the stream was lost.
FIRST = timedelta(hours=24)
#: Rows of assignments that are read again: their ids are given before they are committed.
ASSIGNMENTS_AGAIN = 1000
#: The same in the first sweep, and after the stream was lost with launches that passbackd had not read yet.
ASSIGNMENTS_AFTER_LOSS = 20_000
#: Seconds of a sweep for learners' own trees; the rest waits for the next one, which begins with the new scores.
TREE_SECONDS = 20.0


class Relay:
    """One sweep after the other; nothing in it has to be right about time but the order of its own sweeps."""

    def __init__(
        self,
        client: redis.Redis,
        stream: str,
        *,
        now: Callable[[], datetime] = timezone.now,
        collect: structures.Collect = structures.collected,
        tree_seconds: float = TREE_SECONDS,
    ) -> None:
        self._state = State(client, stream)
        self._outbox = Outbox(client, stream)
        self._trees = CourseTrees(client, self._state.names, self._outbox, collect)
        self._learner_trees = LearnerTrees(client, stream)
        self._tree_seconds = tree_seconds
        self._now = now
        self._collect = collect
        #: The assignments whose learner's scores this process has sent.
        self._known: set[int] = set()

    def sweep(self, since: datetime | None = None) -> int:
        """
        Append what is missing; how many events that were.

        :param since: go at least that far back, and send all assignments.
        :raises redis.RedisError: if Redis did not take everything; the next sweep goes back as far as this one.
        """
        try:
            return self._sweep(since)
        except redis.RedisError:
            # A Redis that crashed may have lost the newest of what it had taken.
            self._forget()
            raise

    def _forget(self) -> None:
        self._outbox.forget()
        self._learner_trees.forget()
        self._known.clear()

    def _sweep(self, since: datetime | None) -> int:
        began = self._now()
        progress = self._state.read()
        if progress.swept_at is None or since is not None:
            self._forget()
        start, is_long = self._start(progress, began, since)
        scores = Scores(self._collect)
        sent = self._trees.send(start, began)
        newest, number = self._assignments(progress, scores, everything=since is not None)
        sent += number
        for page in scores.since(start):
            sent += self._send_scores(page, scores)
        sent += self._learner_trees.send(self._tree_seconds)
        # Last: what was read of a learner before must not follow the retirement.
        for page in retired_since(start):
            sent += self._outbox.send(page)
        self._state.write(
            Progress(began, began if is_long else progress.swept_long_at, max(newest, progress.assignment))
        )
        return sent

    @staticmethod
    def _start(progress: Progress, began: datetime, since: datetime | None) -> tuple[datetime, bool]:
        """From when on this sweep reads, and whether it is a long one."""
        if progress.swept_at is None or progress.swept_long_at is None:
            start, is_long = began - FIRST, True
        elif began - progress.swept_long_at >= LONG_EVERY:
            start, is_long = progress.swept_at - LONG_OVERLAP, True
        else:
            start, is_long = progress.swept_at - OVERLAP, False
        # A later *since* would leave out for good what came after the newest sweep and before it.
        return (start, is_long) if since is None else (min(since, start), True)

    def _assignments(self, progress: Progress, scores: Scores, *, everything: bool) -> tuple[int, int]:
        """
        Launches of the newest rows, or of *everything*, and what the learners of the newest had before.

        The first sweep leaves older rows to the import, and the scores of all but the newest to :data:`FIRST`.

        :return: the newest row, and how many events were sent.
        """
        newest, sent = progress.assignment or newest_assignment(), 0
        recent = max(0, newest - ASSIGNMENTS_AGAIN)
        after = recent if progress.assignment else max(0, newest - ASSIGNMENTS_AFTER_LOSS)
        for page in assignments_after(0 if everything else after):
            names = lti_users(page)
            sent += self._outbox.send([event for row in page if (event := as_launch(row, names))])
            unknown = [row for row in page if row["pk"] > recent and row["pk"] not in self._known]
            # A learner has many assignments in a course, and one look at their scores is enough for all.
            for user_id, course in {(row["user_id"], row["course_key"]) for row in unknown}:
                sent += self._scores_of(user_id, course, scores)
            self._known.update(row["pk"] for row in unknown)
            newest = page[-1]["pk"]
        self._known = {row for row in self._known if row > newest - ASSIGNMENTS_AGAIN}
        return newest, sent

    def _scores_of(self, user_id: int, course: Any, scores: Scores) -> int:
        course_key = course_of(course)
        if course_key is None:
            return 0
        return sum(self._send_scores(page, scores) for page in scores.of_learner(user_id, course_key))

    def _send_scores(self, page: list[Event], scores: Scores) -> int:
        self._learner_trees.note(page, scores.is_per_learner)
        return self._outbox.send(page)

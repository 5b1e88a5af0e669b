"""Sends the structures of the courses in which a campus expects grades, when they change."""

import logging
import time
from datetime import datetime

import redis
from opaque_keys.edx.keys import CourseKey

from openedx_passbackd import counters, structures
from openedx_passbackd.assignments import courses
from openedx_passbackd.events import Event, course_structure
from openedx_passbackd.keys import course_of
from openedx_passbackd.marks import Names
from openedx_passbackd.outbox import Outbox
from openedx_passbackd.platform_names import find

log = logging.getLogger(__name__)

#: Seconds for which a published course is read again and again: the platform collects its structure some time later.
PUBLISHED = 900

#: Said once of each course.
DIFFERS = "passbackd: %s has %s: what each learner is shown of it is read and sent too"


def course_event(course_key: CourseKey, collect: structures.Collect) -> tuple[Event, str, list[str]]:
    """The structure of a course, its digest, and what in it shows learners different problems."""
    # The clock is read before the structure, so that one which was read later never has an older version. A clock of
    # the content would not do: the points of a problem also change when the platform is upgraded.
    version = time.time_ns() // 1_000_000
    structure = collect(course_key)
    tree = structures.blocks(structure, course_key)
    event = course_structure(course_id=str(course_key), version=version, blocks=tree)
    return event, structures.digest(tree), structures.per_learner(structure)


class CourseTrees:
    """The structures that are not on the stream yet."""

    def __init__(self, client: redis.Redis, names: Names, outbox: Outbox, collect: structures.Collect) -> None:
        self._client = client
        self._names = names
        self._outbox = outbox
        self._collect = collect
        self._warned: set[str] = set()

    def send(self, since: datetime, now: datetime) -> int:
        """Send those that are new, were published lately, or whose overview changed since; how many."""
        sent: set[str] = set(self._client.hkeys(self._names.trees))  # type: ignore[arg-type]
        marked: set[str] = set(self._client.zrange(self._names.published, 0, -1))  # type: ignore[arg-type]
        overviews = find("CourseOverview").objects.filter(modified__gte=since) if find("CourseOverview") else None
        changed = set() if overviews is None else {str(key) for key in overviews.values_list("pk", flat=True)}
        graded = {str(key): key for course in courses() if (key := course_of(course)) is not None}
        number = 0
        for course_id, key in sorted(graded.items()):
            if course_id not in sent or course_id in marked or course_id in changed:
                number += self._send_one(course_id, key)
        self._client.zremrangebyscore(self._names.published, "-inf", now.timestamp() - PUBLISHED)
        return number

    def _send_one(self, course_id: str, course_key: CourseKey) -> int:
        try:
            event, digest, differs = course_event(course_key, self._collect)
        except Exception:
            # One broken course must not keep the others' grades back; the next sweep tries it again.
            log.exception("passbackd: no structure of %s (%d)", course_id, counters.count("structure.failed"))
            return 0
        if differs and course_id not in self._warned:
            self._warned.add(course_id)
            log.info(DIFFERS, course_id, ", ".join(differs))
        if self._client.hget(self._names.trees, course_id) == digest:
            return 0
        number = self._outbox.send([event])
        self._client.hset(self._names.trees, course_id, digest)
        return number

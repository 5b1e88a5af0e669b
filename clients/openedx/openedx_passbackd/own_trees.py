"""Learners who are shown other problems than the course holds: of a problem bank, a cohort or a split test."""

import enum
import time
from dataclasses import dataclass
from typing import Any

import redis
from opaque_keys.edx.keys import CourseKey

from openedx_passbackd import structures
from openedx_passbackd.events import Event, course_structure
from openedx_passbackd.marks import Names
from openedx_passbackd.platform_names import find


class Outcome(enum.Enum):
    """What became of a tree."""

    SENT = enum.auto()
    #: The newest tree on the stream is the same, or none was needed.
    KNOWN = enum.auto()
    #: Another process has sent one that it read later.
    OUTDATED = enum.auto()


@dataclass(frozen=True)
class OwnTree:
    """A learner's tree as an event, which has no blocks where the scored problems are those of the course."""

    event: Event
    digest: str
    #: Whether passbackd may need it though nothing is known to have been sent before.
    is_needed: bool


def version_now() -> int:
    """To be taken before anything is read, so that a tree which was read later never has an older one."""
    return time.time_ns() // 1_000_000


def own_tree(user_id: int, course_key: CourseKey, structure: Any, course: Any, version: int) -> OwnTree:
    """*structure*: what the learner is shown of the *course*."""
    blocks = structures.blocks(structure, course_key)
    if structures.scored(blocks) == structures.scored(structures.blocks(course, course_key)):
        blocks = []
    event = course_structure(course_id=str(course_key), version=version, blocks=blocks, user_id=user_id)
    # In such a course a tree may be on record of which Redis has lost the digest.
    return OwnTree(event, structures.digest(blocks), bool(blocks) or bool(structures.per_learner(course)))


def read(user: Any, course_key: CourseKey) -> OwnTree:
    """
    The tree as the platform reads it for the learner's grades; not for a process that serves requests.

    As for any grade, the platform draws a learner's problems of a bank where that was not done before.
    """
    version = version_now()
    # The platform keeps a learner's cohort and more until the end of a request, which never comes here.
    find("RequestCache").clear_all_namespaces()
    data = find("CourseData")(user=user, course_key=course_key)
    # In this order the learner's tree is made out of what was read for the course's.
    course = data.collected_structure
    return own_tree(user.id, course_key, data.structure, course, version)


def send(client: redis.Redis, stream: str, tree: OwnTree) -> Outcome:
    """Append the tree, unless the newest on the stream is the same or was read later."""
    key, course_id = Names(stream).own_trees(int(tree.event["user_id"])), tree.event["course_id"]
    version = tree.event["version"]

    def append(pipeline: Any) -> Outcome:
        stored = pipeline.hget(key, course_id)
        pipeline.multi()
        stored_version, _, digest = (stored or "0:").partition(":")
        if digest == tree.digest or (stored is None and not tree.is_needed):
            return Outcome.KNOWN
        if int(stored_version) >= int(version):
            return Outcome.OUTDATED
        pipeline.xadd(stream, tree.event)
        pipeline.hset(key, course_id, f"{version}:{tree.digest}")
        return Outcome.SENT

    return client.transaction(append, key, value_from_callable=True)  # type: ignore[no-any-return]

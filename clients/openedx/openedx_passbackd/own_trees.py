"""Learners who are shown other problems than the course holds: of a problem bank, a cohort or a split test."""

from typing import Any

import redis
from opaque_keys.edx.keys import CourseKey

from openedx_passbackd import structures
from openedx_passbackd.events import Event, course_structure
from openedx_passbackd.marks import Names
from openedx_passbackd.publisher import Publisher


def send_if_changed(publisher: Publisher, user_id: int, course_key: CourseKey, structure: Any, version: int) -> None:
    """Send a learner's own tree where its scored problems are not the course's, and take away one that now is equal."""
    own = structures.blocks(structure, course_key)
    course = structures.collected(course_key)
    is_common = structures.scored(own) == structures.scored(structures.blocks(course, course_key))
    event = course_structure(
        course_id=str(course_key), version=version, blocks=[] if is_common else own, user_id=user_id
    )
    # In such a course a tree may be on record of which Redis has lost the digest.
    is_needed = not is_common or bool(structures.per_learner(course))
    new = structures.digest([] if is_common else own)
    publisher.run(lambda client: _send(client, publisher.stream, user_id, event, new, is_needed=is_needed), what="tree")


def _send(client: redis.Redis, stream: str, user_id: int, event: Event, new: str, *, is_needed: bool) -> None:
    """*new*: the tree's digest. *is_needed*: also where nothing is known to be sent before."""
    key, course_id = Names(stream).own_trees(user_id), event["course_id"]
    sent = client.hget(key, course_id)
    if sent == new or (sent is None and not is_needed):
        return
    with client.pipeline(transaction=True) as pipeline:
        pipeline.xadd(stream, event)  # type: ignore[arg-type]
        pipeline.hset(key, course_id, new)
        pipeline.execute()

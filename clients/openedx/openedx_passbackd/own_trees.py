"""Learners who are shown other problems than the course holds: of a problem bank, a cohort or a split test."""

from typing import Any

import redis
from opaque_keys.edx.keys import CourseKey

from openedx_passbackd import structures
from openedx_passbackd.events import course_structure
from openedx_passbackd.marks import Names
from openedx_passbackd.publisher import Publisher


def send_if_changed(publisher: Publisher, user_id: int, course_key: CourseKey, structure: Any, version: int) -> None:
    """Send a learner's own tree where its scored problems are not the course's, and take away one that now is equal."""
    own = structures.blocks(structure, course_key)
    common = structures.blocks(structures.collected(course_key), course_key)
    tree = [] if structures.scored(own) == structures.scored(common) else own
    publisher.run(lambda client: _send(client, publisher.stream, user_id, str(course_key), tree, version), what="tree")


def _send(
    client: redis.Redis, stream: str, user_id: int, course_id: str, tree: list[structures.Block], version: int
) -> None:
    sent = Names(stream).own_trees(user_id)
    new = structures.digest(tree) if tree else None
    if client.hget(sent, course_id) == new:
        return
    event = course_structure(course_id=course_id, version=version, blocks=tree, user_id=user_id)
    with client.pipeline(transaction=True) as pipeline:
        pipeline.xadd(stream, event)  # type: ignore[arg-type]
        if new is None:
            pipeline.hdel(sent, course_id)
        else:
            pipeline.hset(sent, course_id, new)
        pipeline.execute()

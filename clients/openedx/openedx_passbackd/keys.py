"""Ids of courses and blocks, in the one spelling in which passbackd gets them."""

import logging

from opaque_keys.edx.keys import CourseKey, LearningContextKey, UsageKey

from openedx_passbackd import counters

log = logging.getLogger(__name__)


def course_of(course_id: str | LearningContextKey) -> CourseKey | None:
    """The course's key; None for what is no course, such as a library, whose content is scored too."""
    key = LearningContextKey.from_string(course_id) if isinstance(course_id, str) else course_id
    if key.is_course:
        return key.for_branch(None)
    log.info("passbackd: %s is no course and has no grades (%d of this process)", key, counters.count("no_course"))
    return None


def block_of(usage_id: str | UsageKey, course_key: CourseKey) -> UsageKey:
    """The block's key in that course, without a branch and a version of content, which would make it another block."""
    key = UsageKey.from_string(usage_id) if isinstance(usage_id, str) else usage_id
    return key.map_into_course(course_key)

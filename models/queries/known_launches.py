"""Which launches of an import are on record, so that applying them again would change nothing."""

from collections.abc import Sequence
from typing import NamedTuple

from models.consumer import digest
from models.db.sql import Statement

# Any later launch of the cell counts more; one of the same time is this one, unless it says something else.
_KNOWN = Statement(
    """
    SELECT number FROM {given} JOIN lti_consumer ON consumer_key = given.consumer AND issuer IS NULL
    JOIN outcome_service ON lti_consumer_id = lti_consumer.id AND url_digest = given.url
    JOIN graded_assignment ON outcome_service_id = outcome_service.id AND sourcedid_digest = given.sourcedid
    WHERE registered_us > :modified_us OR (registered_us = :modified_us AND disabled_at IS NULL
        AND user_id = given.learner AND course_id = given.course AND usage_id = given.usage
        AND given.lti_user IN ('', lti_user_id))""",
    given="number BIGINT, consumer VARCHAR, url VARCHAR, sourcedid VARCHAR, learner VARCHAR, course VARCHAR, "
    "usage VARCHAR, lti_user VARCHAR",
)


class ImportedLaunch(NamedTuple):
    """A launch over LTI 1.1. *lti_user_id*: None if it does not say."""

    consumer_key: str
    url: str
    sourcedid: str
    user_id: str
    course_id: str
    usage_id: str
    lti_user_id: str | None


async def known_launches(launches: Sequence[ImportedLaunch], *, modified_us: int) -> set[int]:
    """
    The numbers of those, in *launches*, that are on record already, or a later one of the same cell.

    Args:
        modified_us: When all of them were, microseconds since 1970.
    """
    given = [
        {
            "number": number,
            "consumer": one.consumer_key,
            "url": digest(one.url),
            "sourcedid": digest(one.sourcedid),
            "learner": one.user_id,
            "course": one.course_id,
            "usage": one.usage_id,
            "lti_user": one.lti_user_id or "",
        }
        for number, one in enumerate(launches)
    ]
    return {row["number"] for row in await _KNOWN.rows(given=given, modified_us=modified_us)}

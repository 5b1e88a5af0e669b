"""Campuses as support sees them. Reads only; times are milliseconds since 1970."""

from dataclasses import dataclass

from models.db.sql import Statement
from models.queries.views import CampusView, columns_of

#: Addresses of one campus that are listed.
MAX_ORIGINS = 200


@dataclass(frozen=True, slots=True)
class CampusDetail(CampusView):
    """
    All that is known of a campus but its assignments.

    *max_in_flight*: its limit while that is below the configured one. *clock_offset*: seconds that its clock is ahead.
    *failing*: whether its last request failed. *pending*: whether a second secret is tried first. The rest is of
    LTI 1.3, and None where the campus speaks LTI 1.1.
    """

    max_in_flight: int | None
    throttled_at: int | None
    slow: bool
    answered_at: int | None
    clock_offset: int
    last_error: str | None
    last_error_at: int | None
    failing: bool
    guid: str | None
    pending: bool
    issuer: str | None
    client_id: str | None
    deployment_id: str | None
    token_url: str | None
    audience: str | None
    product: str | None


_FLAGS = ("slow", "failing", "pending")
_DETAIL = Statement(f"""
    SELECT {columns_of(CampusView)}, max_in_flight, throttled_at, CASE WHEN slow THEN 1 ELSE 0 END AS slow, answered_at,
        clock_offset, last_error, last_error_at,
        CASE WHEN last_failed_assignment IS NULL THEN 0 ELSE 1 END AS failing, instance_guid AS guid,
        CASE WHEN pending_secret IS NULL THEN 0 ELSE 1 END AS pending, issuer, client_id, deployment_id, token_url,
        token_audience AS audience, product
    FROM campus JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id WHERE campus.id = :id""")

_NAMED = Statement(f"""
    SELECT campus.id AS id, origin FROM campus WHERE lti_consumer_id IN (
        SELECT id FROM lti_consumer WHERE consumer_key = :word
        UNION SELECT id FROM lti_consumer WHERE consumer_name = :word)
    ORDER BY origin, id LIMIT {MAX_ORIGINS}""")

# A campus whose launches are all disabled concerns no one.
_TROUBLED = Statement(f"""
    SELECT {columns_of(CampusView)} FROM campus
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
    WHERE (tripped_at IS NOT NULL OR blocked_until > :now OR paused_at IS NOT NULL) AND EXISTS (
        SELECT 1 FROM graded_assignment
        WHERE graded_assignment.campus_id = campus.id AND version_number > sent_version AND disabled_at IS NULL)
    ORDER BY consumer_name, origin""")


async def campuses_named(word: str) -> list[tuple[int, str]]:
    """The ids and origins of the campuses whose key or name this is, at most :data:`MAX_ORIGINS`."""
    return [(row["id"], row["origin"]) for row in await _NAMED.rows(word=word)]


async def read_troubled_campuses(*, now: int) -> list[CampusView]:
    """The campuses to which grades do not go although some wait. *now*: milliseconds since 1970, the database's."""
    return [CampusView(**row) for row in await _TROUBLED.rows(now=now)]


async def read_campus(campus_id: int, *, now: int) -> CampusDetail | None:
    """One campus; None if there is none of that id. *now*: by the database's clock."""
    row = await _DETAIL.row(id=campus_id, now=now)
    return None if row is None else CampusDetail(**{**row, **{name: bool(row[name]) for name in _FLAGS}})

"""Campuses as support sees them. Reads only; times are milliseconds since 1970."""

from dataclasses import dataclass

from models.db.sql import Statement
from models.queries.views import CampusView, columns_of


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
    product: str | None


_FLAGS = ("slow", "failing", "pending")
_DETAIL = Statement(f"""
    SELECT {columns_of(CampusView)}, max_in_flight, throttled_at, CASE WHEN slow THEN 1 ELSE 0 END AS slow, answered_at,
        clock_offset, last_error, last_error_at,
        CASE WHEN last_failed_assignment IS NULL THEN 0 ELSE 1 END AS failing, instance_guid AS guid,
        CASE WHEN pending_secret IS NULL THEN 0 ELSE 1 END AS pending, issuer, client_id, deployment_id, token_url,
        product
    FROM campus JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id WHERE campus.id = :id""")

_IDS = Statement("""
    SELECT campus.id AS id, consumer_name AS consumer, origin FROM campus
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id""")

# A campus whose launches are all disabled concerns no one.
_TROUBLED = Statement(f"""
    SELECT {columns_of(CampusView)} FROM campus
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
    WHERE (tripped_at IS NOT NULL OR blocked_until > :now OR paused_at IS NOT NULL) AND EXISTS (
        SELECT 1 FROM graded_assignment
        WHERE graded_assignment.campus_id = campus.id AND version_number > sent_version AND disabled_at IS NULL)
    ORDER BY consumer_name, origin""")


async def read_troubled_campuses(*, now: int) -> list[CampusView]:
    """The campuses to which grades do not go although some wait. *now*: milliseconds since 1970, the database's."""
    return [CampusView(**row) for row in await _TROUBLED.rows(now=now)]


async def read_campus(campus_id: int, *, now: int) -> CampusDetail | None:
    """One campus; None if there is none of that id. *now*: by the database's clock."""
    row = await _DETAIL.row(id=campus_id, now=now)
    return None if row is None else CampusDetail(**{**row, **{name: bool(row[name]) for name in _FLAGS}})


async def campus_ids() -> dict[tuple[str, str], int]:
    """The id of each campus, by consumer and origin."""
    return {(row["consumer"], row["origin"]): int(row["id"]) for row in await _IDS.rows()}

"""Campuses as support sees them. Reads only."""

from models.db.sql import Statement
from models.queries.views import CampusView, columns_of

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

"""Courses whose structure is missing, so that grades wait. Reads only."""

from dataclasses import dataclass

from models.db.sql import Statement


@dataclass(frozen=True, slots=True)
class MissingStructure:
    """How many grades wait for the structure of a course. *since*: the first of them; milliseconds since 1970."""

    course_id: str
    number: int
    since: int


# The index has the first words of the condition.
MISSING = Statement("""
    SELECT course_id, COUNT(*) AS number, MIN(waiting_since) AS since FROM graded_assignment
    WHERE waiting_since IS NOT NULL AND parked_at IS NULL AND disabled_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM outcome_service WHERE outcome_service.id = outcome_service_id AND wanted_for IS NOT NULL)
    GROUP BY 1 HAVING MIN(waiting_since) < :before ORDER BY 2 DESC, 1 LIMIT :most""")


async def read_missing_structures(*, before: int, most: int) -> list[MissingStructure]:
    """
    Those for which most grades wait first.

    Args:
        before: A grade waits at least since then; milliseconds since 1970.
        most: Courses at most.
    """
    return [MissingStructure(**row) for row in await MISSING.rows(before=before, most=most)]

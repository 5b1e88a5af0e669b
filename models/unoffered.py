"""
Grades of LTI 1.3 for which the launch offered no scope for scores: they are parked, and no token is asked for.

A platform may refuse the whole request for a token for one scope that it does not give (A+, Sakai). Whatever is parked
for that while launches offer the scope comes back, however the two met: an attempt may have been claimed, or a row been
chosen, before the launch that offers it, and be parked after. Times are milliseconds since 1970 by
:mod:`models.db.clock`.
"""

from models.assignment import SENDABLE
from models.changes import UNPARK_SET
from models.db.sql import CHUNK, Statement
from models.scopes import SCORE_SCOPE

#: Why such a grade is parked.
NOT_OFFERED = f"the launch did not offer the scope {SCORE_SCOPE}"

_OFFERS = "(offered IS NULL OR ' ' || offered || ' ' LIKE '% ' || :scope || ' %')"
_PARK = Statement(f"""
    UPDATE graded_assignment SET parked_at = :now, parked_reason = :reason, parked_scope = 'campus', returns_at = NULL
    WHERE id IN (
        SELECT id FROM graded_assignment
        WHERE campus_id IN (SELECT id FROM campus WHERE lti_consumer_id = :consumer_id) AND {SENDABLE}
            AND outcome_service_id IN (
                SELECT id FROM outcome_service WHERE lti_consumer_id = :consumer_id AND NOT {_OFFERS})
        ORDER BY id {{for_update}})
    RETURNING id""")
# The partial index on these rows has the same words.
_BRING_BACK = Statement(f"""
    WITH unlocked AS MATERIALIZED (
        SELECT graded_assignment.id AS id FROM graded_assignment
        JOIN outcome_service ON outcome_service.id = graded_assignment.outcome_service_id
        WHERE parked_reason = '{NOT_OFFERED}' AND {_OFFERS} LIMIT {CHUNK} {{lock_free:graded_assignment}})
    UPDATE graded_assignment SET {UNPARK_SET} WHERE id IN (SELECT id FROM unlocked) RETURNING id""")


def offers_scores(offered: str | None) -> bool:
    """Whether launches that offered this, separated by blanks, let scores be sent; also where they did not say."""
    return offered is None or SCORE_SCOPE in offered.split()


async def park_unoffered(consumer_id: int, *, now: int) -> int:
    """Park what a platform's launches let nothing be sent of; returns how many there were."""
    return len(await _PARK.rows(consumer_id=consumer_id, scope=SCORE_SCOPE, reason=NOT_OFFERED, now=now))


async def bring_back_offered(*, now: int) -> int:
    """Send what was parked for want of the scope where launches offer it, of all learners; returns how many."""
    number = 0
    while rows := await _BRING_BACK.rows(scope=SCORE_SCOPE, now=now):
        number += len(rows)
    return number

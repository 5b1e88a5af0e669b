"""
The states of assignments and campuses, as SQL. What each means is in :mod:`models.assignment` and :mod:`models.campus`.

Apart from the tables, so that a question about states does not wait for Tortoise.
"""

from typing import Literal

#: Milliseconds for which a grade may be due before its operator should look; the alert's time too.
OVERDUE_MS = 900_000

STATES = ("clean", "due", "waiting", "claimed", "parked", "disabled")

#: ``down``: the breaker is open (tripped), nothing goes there. ``probing``: one request finds out whether it is back.
#: ``throttled``: it asked for fewer requests. ``paused``: by the operator.
CampusState = Literal["up", "throttled", "down", "probing", "paused"]
CAMPUS_STATES: tuple[CampusState, ...] = ("up", "throttled", "down", "probing", "paused")

# The latest of a row's times; the indexes have the same words.
READY_AT = """(CASE WHEN due_at >= not_before AND due_at >= hold_until THEN due_at
    WHEN not_before >= hold_until THEN not_before ELSE hold_until END)"""

#: The state of a row, as in the table of :mod:`models.assignment`.
STATE = f"""CASE
    WHEN disabled_at IS NOT NULL THEN 'disabled'
    WHEN parked_at IS NOT NULL THEN 'parked'
    WHEN version_number <= sent_version THEN 'clean'
    WHEN claimed_until > :now THEN 'claimed'
    WHEN waiting_since IS NOT NULL OR {READY_AT} > :now THEN 'waiting'
    ELSE 'due' END"""

#: A campus's state, as SQL over `campus` and `lti_consumer`.
CAMPUS_STATE = """CASE
    WHEN lti_consumer.paused_at IS NOT NULL THEN 'paused'
    WHEN campus.tripped_at IS NOT NULL AND EXISTS (
        SELECT 1 FROM graded_assignment AS running
        WHERE running.campus_id = campus.id AND running.claimed_until > :now) THEN 'probing'
    WHEN campus.tripped_at IS NOT NULL THEN 'down'
    WHEN campus.blocked_until > :now OR campus.throttled_at IS NOT NULL THEN 'throttled'
    ELSE 'up' END"""

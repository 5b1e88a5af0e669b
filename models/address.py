"""
What an address (an outcome service's URL) has answered, and how rows come back that are parked for its sake.

A refusal without an envelope (HTTP 404 and the like) is about the address. While that is all that is known it may be
the whole campus, so that an acceptance at any address of the campus refutes it; once other addresses of the campus
work it is this address's own, and an acceptance there refutes it. Since no other grade may follow, each address is also
tried again by time, with one row. Times are milliseconds since 1970.
"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Literal

from models.changes import UNPARKED
from models.db.sql import Statement
from models.value_class import value_class

#: Milliseconds after which another acceptance at an untroubled address is noted again.
NOTED_EVERY_MS = 60_000
#: Rows that one transaction brings back at most; the next acceptance brings back more.
MAX_RETURNING = 100

#: Seconds until a parked row is tried again once an acceptance has refuted why, by how often it came back before: the
#: refusal may be the grade's own after all.
RETURN_WAITS = (0, 60, 600, 3_600, 6 * 3_600, 24 * 3_600)
#: A row comes back so often before it stays parked; the first half of these times also by time alone.
MAX_RETURNS = 2 * len(RETURN_WAITS)
#: By time alone a row comes back after twice this at the earliest; twice as late for each attempt that it has had, up
#: to so many.
_RETRY_MS, _DOUBLED = 30_000, 11
#: Milliseconds. A row that came back and is tried within this time says enough of its address.
_SOON_MS = 900_000

#: Whom a refusal of an address concerns. ``campus``: perhaps the whole campus, of which no other address is known to
#: work. ``either``: that, or this address, since another one has taken a grade before. ``new``: an address that has
#: never taken a grade, at a campus of which another one has. ``own``: this address refused before, and another one of
#: the campus has taken a grade since.
RefusedAddress = Literal["campus", "either", "new", "own"]


@value_class()
class AddressAnswer:
    """Whether an address took a grade, or was refused itself, at *at*."""

    service_id: int
    campus_id: int
    at: int
    accepted: bool


# What comes back: the partial index has the same words. Of scope ``course`` once the address accepts, of any other once
# the campus does.
_RETURNING = "campus_id = {campus} AND returns_at IS NOT NULL"

#: Whether an acceptance says something new of its address, or refutes what rows are parked for; as SQL over
#: `graded_assignment`.
WORTH_NOTING = f"""CASE WHEN EXISTS (
        SELECT 1 FROM outcome_service WHERE outcome_service.id = graded_assignment.outcome_service_id
            AND (accepted_at IS NULL OR refused_at IS NOT NULL OR accepted_at + {NOTED_EVERY_MS} < :now))
    OR EXISTS (SELECT 1 FROM graded_assignment AS other
        WHERE other.{_RETURNING.format(campus="graded_assignment.campus_id")}
            AND (other.parked_scope IN ('campus', 'learner')
                OR other.outcome_service_id = graded_assignment.outcome_service_id))
    OR EXISTS (SELECT 1 FROM campus
        WHERE campus.id = graded_assignment.campus_id AND last_failed_assignment IS NOT NULL)
    THEN 1 ELSE 0 END"""

_NOTE = Statement(
    """
    WITH given AS (SELECT * FROM {given}), unlocked AS MATERIALIZED (
        SELECT outcome_service.id AS id FROM given CROSS JOIN outcome_service
        WHERE outcome_service.id = given.service_id {lock_free:outcome_service})
    UPDATE outcome_service SET
        accepted_at = CASE WHEN given.accepted THEN given.at ELSE accepted_at END,
        refused_at = CASE WHEN given.accepted THEN NULL ELSE COALESCE(refused_at, given.at) END
    FROM given
    WHERE outcome_service.id = given.service_id AND outcome_service.id IN (SELECT id FROM unlocked)
    RETURNING outcome_service.id""",
    given="service_id BIGINT, at BIGINT, accepted BOOLEAN",
)

# The version grows, so that a repeated finish of the refused attempt does not park the row again. The attempts stay: a
# row that has had them all gets one more each time that it comes back.
_WITHDRAW = Statement(
    f"""
    WITH given AS (SELECT * FROM {{given}}), unlocked AS MATERIALIZED (
        SELECT graded_assignment.id AS id FROM given CROSS JOIN graded_assignment
        WHERE graded_assignment.{_RETURNING.format(campus="given.campus_id")}
            AND (parked_scope IN ('campus', 'learner') OR graded_assignment.outcome_service_id = given.service_id)
            AND parked_at <= given.at
        LIMIT {MAX_RETURNING} {{lock_free:graded_assignment}})
    UPDATE graded_assignment SET version_number = version_number + 1, due_at = :now,
        address_refusals = address_refusals + 1, not_before = returns_at, {UNPARKED}
    WHERE id IN (SELECT id FROM unlocked) RETURNING id""",
    given="service_id BIGINT, campus_id BIGINT, at BIGINT",
)

# Of each address the row that has been parked longest, once the latest of them may be tried again, and none is. All of
# an address count as one, so that a dead one is not asked once for each learner; but a row that is parked for its own
# timestamps says nothing of others, and comes back alone.
_TRY_AGAIN = Statement(f"""
    WITH parked AS (
        SELECT id, outcome_service_id, own_id, address_refusals,
            ROW_NUMBER() OVER (PARTITION BY outcome_service_id, own_id ORDER BY parked_at, id) AS place,
            CASE WHEN returns_at > parked_at + ({_RETRY_MS} << least_attempts) THEN returns_at
                ELSE parked_at + ({_RETRY_MS} << least_attempts) END AS again_at
        FROM (
            SELECT id, outcome_service_id, address_refusals, parked_at, returns_at,
                CASE WHEN overtaken > 0 AND parked_scope = 'learner' THEN id ELSE 0 END AS own_id,
                CASE WHEN attempts > {_DOUBLED} THEN {_DOUBLED} ELSE attempts END AS least_attempts
            FROM graded_assignment WHERE returns_at IS NOT NULL AND disabled_at IS NULL) AS returning_ones
    ), ready AS (
        SELECT outcome_service_id, own_id, MAX(address_refusals) AS times FROM parked
        GROUP BY outcome_service_id, own_id
        HAVING MAX(again_at) <= :now AND MAX(address_refusals) < {len(RETURN_WAITS)}
    ), unlocked AS MATERIALIZED (
        SELECT graded_assignment.id AS id, ready.times AS times FROM parked
        JOIN ready ON ready.outcome_service_id = parked.outcome_service_id AND ready.own_id = parked.own_id
        JOIN graded_assignment ON graded_assignment.id = parked.id
        WHERE parked.place = 1 AND graded_assignment.returns_at IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM graded_assignment AS tried
            WHERE tried.outcome_service_id = parked.outcome_service_id AND tried.address_refusals > 0
                AND tried.version_number > tried.sent_version AND tried.parked_at IS NULL
                AND tried.disabled_at IS NULL
                AND (tried.claimed_until IS NOT NULL OR tried.not_before <= :now + {_SOON_MS}))
        {{lock_free:graded_assignment}})
    UPDATE graded_assignment SET version_number = version_number + 1, address_refusals = unlocked.times + 1,
        {UNPARKED}
    FROM unlocked WHERE graded_assignment.id = unlocked.id RETURNING graded_assignment.id""")

_WHOSE = Statement("""
    SELECT accepted_at, refused_at, (
        SELECT MAX(other.accepted_at) FROM outcome_service AS other
        WHERE other.campus_id = outcome_service.campus_id AND other.id <> outcome_service.id) AS elsewhere_at
    FROM outcome_service WHERE id = :id""")


async def note_answers(answers: Iterable[AddressAnswer], *, now: int) -> None:
    """
    Note what addresses answered, and bring back rows for which an acceptance refutes why they are parked.

    Runs within the transaction that finishes the attempts. Waits for no lock: what another transaction holds is left to
    the next answer.
    """
    newest: dict[int, AddressAnswer] = {}
    for answer in sorted(answers, key=lambda one: one.at):
        newest[answer.service_id] = answer
    if not newest:
        return
    await _NOTE.rows(given=[asdict(one) for one in newest.values()])
    accepted = [asdict(one) for one in newest.values() if one.accepted]
    if accepted:
        await _WITHDRAW.rows(given=accepted, now=now)


async def whose_refusal(outcome_service_id: int) -> RefusedAddress:
    """Whom a refusal of this address concerns, by what it and the campus's other addresses answered before."""
    row = await _WHOSE.row(id=outcome_service_id)
    if row is None or row["elsewhere_at"] is None:
        return "campus"
    if row["refused_at"] is not None and row["elsewhere_at"] > row["refused_at"]:
        return "own"
    return "new" if row["accepted_at"] is None else "either"


async def try_again(*, now: int) -> int:
    """
    Bring back one parked row of each address that is to be tried again by time, and each that is parked for its own
    timestamps. Returns how many.
    """
    return len(await _TRY_AGAIN.rows(now=now))

"""The grades of all learners of an activity or a course, in groups, for support. Reads only."""

from dataclasses import dataclass, fields

from models.db.sql import MAX_ID, Statement
from models.delivery import HELD, OVERRULED, UNGRADED, DeliveryRecord
from models.queries.filter import AssignmentFilter
from models.queries.ledger import ledgers
from models.queries.views import WITH_CAMPUS, CampusView, columns_of
from models.states import READY_AT, STATE

#: Groups that are read, and learners that are shown one by one.
MAX_ACTIVITY_GROUPS, MAX_EACH = 200, 20

# Of what was acknowledged without a score, by the newest record of what the campus holds, as
# :class:`daemon.why.known.Known` looks at it. Few have a record that matters, and many attempted nothing.
_WHY_UNSCORED = f"""COALESCE(CASE WHEN EXISTS (
        SELECT 1 FROM delivery WHERE assignment_id = grade.id AND ({UNGRADED})) THEN (
        SELECT CASE WHEN code_major = '{OVERRULED}' THEN 'overruled'
            WHEN result = 'accepted' AND score = '' THEN 'cleared' END
        FROM delivery WHERE assignment_id = grade.id AND version >= learner_version
            AND result IN ('accepted', 'overtaken') ORDER BY delivery.id DESC LIMIT 1) END, 'nothing attempted')"""

# Why a grade is where it is, as :mod:`daemon.why.waiting` looks at it.
_WHY = f"""CASE WHEN disabled_at IS NOT NULL THEN 'disabled' WHEN parked_at IS NOT NULL THEN 'parked'
    WHEN version_number <= sent_version AND sent_score IS NULL THEN {_WHY_UNSCORED}
    WHEN version_number <= sent_version AND sent_at IS NULL THEN 'taken over'
    WHEN version_number <= sent_version THEN 'acknowledged'
    WHEN claimed_until > :now THEN 'claimed'
    WHEN EXISTS (SELECT 1 FROM outcome_service
        WHERE outcome_service.id = outcome_service_id AND wanted_for IS NOT NULL) THEN 'line item'
    WHEN waiting_since IS NOT NULL THEN 'structure'
    WHEN hold_until > :now THEN 'held' WHEN not_before > :now AND attempts > 0 THEN 'retrying'
    WHEN due_at > :now THEN 'later' WHEN overtaken > 0 THEN 'overtaken'
    WHEN not_before > :now THEN 'put off' ELSE 'due' END"""

_MOMENT = f"""CASE WHEN disabled_at IS NOT NULL THEN disabled_at WHEN parked_at IS NOT NULL THEN parked_at
    WHEN version_number <= sent_version THEN sent_at WHEN claimed_until > :now THEN claimed_at
    WHEN waiting_since IS NOT NULL THEN waiting_since ELSE {READY_AT} END"""


@dataclass(frozen=True, slots=True)
class ActivityGroup(CampusView):
    """Grades of one block at one campus that are where they are for the same reason."""

    course_id: str
    usage_id: str
    state: str
    #: ``disabled``, ``parked``, ``nothing attempted``, ``overruled``, ``cleared``, ``taken over``, ``acknowledged``,
    #: ``claimed``, ``line item``, ``structure``, ``held``, ``retrying``, ``later``, ``overtaken``, ``put off`` or
    #: ``due``.
    why: str
    parked_scope: str | None
    parked_reason: str | None
    number: int
    #: The first and the last of them: when it became so, or, for what waits, when it goes on. Milliseconds since 1970.
    first_at: int | None
    last_at: int | None
    #: One of them.
    example: int
    #: Of what is retried: how the example's last attempt ended, if it is on record.
    failure: DeliveryRecord | None = None


def groups_statement(wanted: AssignmentFilter, looked: int | None = None) -> Statement:
    """The statement of :func:`read_activity`."""
    # In the order of an index: a limit alone makes PostgreSQL hope for a short look through the whole table.
    first = f"{wanted.condition} {'' if looked is None else 'ORDER BY usage_id, id LIMIT :looked'}"
    own = ", ".join(
        f"grouped.{field.name} AS {field.name}"
        for field in fields(ActivityGroup)[len(fields(CampusView)) :]
        if field.name != "failure"
    )
    # With a limit PostgreSQL works out each grade's words once.
    return Statement(f"""
        SELECT {columns_of(CampusView)}, {own}
        FROM (
            SELECT campus_id, course_id, usage_id, state, why, parked_scope, parked_reason,
                COUNT(*) AS number, MIN(moment) AS first_at, MAX(moment) AS last_at, MIN(id) AS example
            FROM (
                SELECT id, campus_id, course_id, usage_id, {STATE} AS state, {_WHY} AS why, parked_scope,
                    parked_reason, {_MOMENT} AS moment
                FROM (SELECT * FROM graded_assignment WHERE {first}) AS grade
                LIMIT {MAX_ID}
            ) AS each_grade
            GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 8 DESC, 11 LIMIT {MAX_ACTIVITY_GROUPS + 1}
        ) AS grouped
        {WITH_CAMPUS.replace("graded_assignment", "grouped")} ORDER BY grouped.number DESC, example""")


async def read_activity(wanted: AssignmentFilter, *, now: int, looked: int | None = None) -> list[ActivityGroup]:
    """
    The groups of some grades, the largest first; one more than is shown, if there are more.

    Args:
        looked: Grades of which groups are made, at most: the first by activity and id; None: of all.
    """
    rows = await groups_statement(wanted, looked).rows(**wanted.parameters, now=now, looked=looked)
    shown = rows[:MAX_ACTIVITY_GROUPS]
    failures = await _failures([row["example"] for row in shown if row["why"] == "retrying"])
    return [
        ActivityGroup(**{**row, "number": int(row["number"]), "failure": failures.get(row["example"])}) for row in rows
    ]


async def _failures(examples: list[int]) -> dict[int, DeliveryRecord]:
    newest = {one: lines[0] for one, (lines, _) in (await ledgers(examples)).items() if lines}
    return {one: line for one, line in newest.items() if line.result not in HELD}


async def read_learners(course_id: str, usage_id: str | None) -> list[str]:
    """The learners of a course or a block who have a graded assignment there: up to :data:`MAX_EACH`, and one more."""
    given = {} if usage_id is None else {"usage_id": usage_id}
    statement = Statement(f"""
        SELECT DISTINCT user_id FROM graded_assignment
        WHERE course_id = :course_id {"" if usage_id is None else "AND usage_id = :usage_id"}
        ORDER BY 1 LIMIT {MAX_EACH + 1}""")
    return [row["user_id"] for row in await statement.rows(course_id=course_id, **given)]

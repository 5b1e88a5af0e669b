"""
What is on record about a learner's grades, for people who ask. Reads only: a role that may do no more can use it.

Every statement goes by an index, and of ledger, quarantine and stale events no more is read than somebody would look
at: the help desk asks while the daemon works, of a ledger with millions of lines. Orders are by sums (``at + 0``): by
the bare column PostgreSQL would rather walk the whole of its index than sort a few rows.
"""

from dataclasses import dataclass, fields
from typing import Any

from models.assignment import STATE
from models.campus import CAMPUS_STATE, CampusState
from models.consumer import digest
from models.db.sql import Statement
from models.quarantine import fields_of
from models.retired_user import digest_of
from models.stream_position import Position

#: Lines of the ledger, and events of each kind, that are read.
MAX_LINES, MAX_EVENTS = 50, 50
#: Entries of quarantine that are looked through for one that names no learner.
MAX_RECENT = 500


@dataclass(frozen=True, slots=True)
class Query:
    """Whose grades, and which of them. What is None is not asked about."""

    user_id: str | None = None
    course_id: str | None = None
    usage_id: str | None = None
    #: The campus's own id of the learner.
    lti_user_id: str | None = None
    sourcedid: str | None = None


@dataclass(frozen=True, slots=True)
class AssignmentView:
    """One assignment with its campus. Times are milliseconds since 1970."""

    id: int
    user_id: str
    course_id: str
    usage_id: str
    lti_user_id: str | None
    context_title: str | None
    resource_link_title: str | None
    entry_id: str | None
    note: str
    composite: bool
    #: As in :data:`models.assignment.STATES`.
    state: str
    version_number: int
    sent_version: int
    sent_score: str | None
    sent_at: int | None
    due_at: int
    pending_since: int | None
    not_before: int
    hold_until: int
    claimed_at: int | None
    claimed_until: int | None
    attempts: int
    parked_at: int | None
    parked_reason: str | None
    parked_scope: str | None
    disabled_at: int | None
    waiting_since: int | None
    consumer: str
    origin: str
    paused_at: int | None
    campus_state: CampusState
    #: When the campus's breaker tripped; None while it is closed.
    tripped_at: int | None
    blocked_until: int
    #: Why it is down or blocked, in its words; empty where it gave none.
    campus_error: str


@dataclass(frozen=True, slots=True)
class AttemptView:
    """A line of the ledger. *at*: milliseconds since 1970."""

    at: int
    attempt: int
    version: int
    entry_id: str | None
    score: str | None
    clamped: bool
    result: str
    http_status: int | None
    code_major: str | None
    description: str
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event in quarantine. *at*: milliseconds since 1970; course and block as far as they can be read."""

    user_id: str | None
    entry_id: str
    at: int
    type: str
    reason: str
    course_id: str | None = None
    usage_id: str | None = None


@dataclass(frozen=True, slots=True)
class Late:
    """Events of one type about one block that were stale: how many, and the last of them."""

    user_id: str
    course_id: str
    usage_id: str
    type: str
    number: int
    entry_id: str
    #: Microseconds since 1970: of when it was, by what it said.
    modified_us: int
    #: Milliseconds since 1970: when it was read.
    at: int


_COLUMNS = """graded_assignment.id AS id, user_id, course_id, usage_id, lti_user_id, context_title,
    resource_link_title, entry_id, note, composite, version_number, sent_version, sent_score, sent_at, due_at,
    pending_since, not_before, hold_until, claimed_at, claimed_until, attempts, parked_at, parked_reason, parked_scope,
    disabled_at, waiting_since"""

_FIND = f"""
    SELECT {_COLUMNS}, {STATE} AS state, consumer_name AS consumer, campus.origin AS origin, paused_at,
        {CAMPUS_STATE} AS campus_state, tripped_at, blocked_until,
        CASE WHEN tripped_at IS NULL AND last_error_at < throttled_at THEN '' ELSE COALESCE(last_error, '') END
            AS campus_error
    FROM graded_assignment
    JOIN campus ON campus.id = graded_assignment.campus_id
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
    WHERE """

# The words of the index on `lti_user_id` are in the migrations. Of a column that is compared as it is SQLite knows the
# value, puts it into the index's words too, and then sees no column there for which it could use the index.
_CONDITIONS = {
    "user_id": "user_id = :user_id",
    "course_id": "course_id = :course_id",
    "usage_id": "usage_id = :usage_id",
    "lti_user_id": "substr(lti_user_id, 1, 200) = substr(:lti_user_id, 1, 200) AND lti_user_id || '' = :lti_user_id",
    "sourcedid": "sourcedid_digest = :sourcedid",
}

_TRIED = ", ".join(field.name for field in fields(AttemptView))

_LINES = Statement(f"""
    SELECT {_TRIED} FROM delivery WHERE assignment_id = :id ORDER BY at + 0 DESC, id DESC LIMIT :most""")

_SENT = Statement(f"""
    SELECT {_TRIED} FROM delivery WHERE assignment_id = :id AND result = 'accepted' AND at = :sent_at
    ORDER BY id + 0 DESC LIMIT 1""")

_EVENT = "user_id, entry_id, at, type, reason, content"

_REJECTED = Statement(f"""
    SELECT {_EVENT} FROM quarantined_event WHERE user_id = :user_id ORDER BY at + 0 DESC, id DESC LIMIT :most""")

_RECENT = Statement(f"SELECT {_EVENT}, sourcedid_digest FROM quarantined_event ORDER BY at DESC LIMIT :most")

_LATE = Statement("""
    SELECT user_id, course_id, usage_id, type, number, entry_id, modified_us, at
    FROM stale_event WHERE user_id = :user_id ORDER BY at + 0 DESC, id DESC LIMIT :most""")

_IS_KNOWN = Statement("""
    SELECT CASE WHEN EXISTS (SELECT 1 FROM graded_assignment WHERE user_id = :user_id)
        OR EXISTS (SELECT 1 FROM score WHERE user_id = :user_id)
        OR EXISTS (SELECT 1 FROM stale_event WHERE user_id = :user_id) THEN 1 ELSE 0 END AS known""")

_POSITION = Statement("SELECT epoch, position, digest_key FROM intake WHERE id = 1")
_RETIRED = Statement("SELECT retired_us FROM retired_user WHERE digest = :digest")


async def find(asked: Query, *, now: int) -> list[AssignmentView]:
    """
    The assignments that fit all that is asked, by course, block and id.

    Args:
        now: Milliseconds since 1970 by the database's clock; states are those of this moment.

    Raises:
        ValueError: Neither learner nor sourcedid is given: no index leads there.
    """
    statement, parameters = finding(asked)
    return [_found(row) for row in await statement.rows(now=now, **parameters)]


_WHICH = Statement("SELECT user_id, course_id, usage_id FROM graded_assignment WHERE id = :id")


async def asked_of(assignment_id: int) -> Query | None:
    """Whose grade, and of what, an assignment is, as the log and the commands name them; None if it is not there."""
    row = await _WHICH.row(id=assignment_id)
    return None if row is None else Query(**row)


def finding(asked: Query) -> tuple[Statement, dict[str, str]]:
    """The statement of :func:`find`, and its parameters but ``now``. Raises the same."""
    if asked.user_id is None and asked.lti_user_id is None and asked.sourcedid is None:
        raise ValueError("whose grades? give a user_id, an lti_user_id or a sourcedid")
    given: dict[str, str] = {name: value for name in _CONDITIONS if (value := getattr(asked, name)) is not None}
    if "sourcedid" in given:
        given["sourcedid"] = digest(given["sourcedid"])
    conditions = " AND ".join(_CONDITIONS[name] for name in given)
    return Statement(f"{_FIND} {conditions} ORDER BY course_id, usage_id, graded_assignment.id"), given


def _found(row: dict[str, Any]) -> AssignmentView:
    return AssignmentView(**{**row, "composite": bool(row["composite"])})


def _tried(row: dict[str, Any]) -> AttemptView:
    return AttemptView(**{**row, "clamped": bool(row["clamped"])})


async def ledger(assignment_id: int) -> tuple[list[AttemptView], bool]:
    """The newest lines, the newest first, and whether there are more."""
    rows = await _LINES.rows(id=assignment_id, most=MAX_LINES + 1)
    return [_tried(row) for row in rows[:MAX_LINES]], len(rows) > MAX_LINES


async def line_of_sent(found: AssignmentView) -> AttemptView | None:
    """The line of the grade that the campus acknowledged last: its row and its line were written as one."""
    if found.sent_at is None:
        return None
    row = await _SENT.row(id=found.id, sent_at=found.sent_at)
    return None if row is None else _tried(row)


async def rejected(user_id: str) -> list[Rejected]:
    """What is in quarantine about a learner, the newest first."""
    return [_rejected(row) for row in await _REJECTED.rows(user_id=user_id, most=MAX_EVENTS)]


async def rejected_lately(asked: Query) -> list[Rejected]:
    """What is in quarantine about a sourcedid or a campus's learner, of what came there last, the newest first."""
    key = None if asked.sourcedid is None else digest(asked.sourcedid)
    lti_user_id = None if asked.lti_user_id is None else asked.lti_user_id.encode()
    return [
        _rejected(row)
        for row in await _RECENT.rows(most=MAX_RECENT)
        if (key is not None and row["sourcedid_digest"] == key)
        or (lti_user_id is not None and fields_of(row["content"]).get(b"lti_user_id") == lti_user_id)
    ][:MAX_EVENTS]


def _rejected(row: dict[str, Any]) -> Rejected:
    said = fields_of(row["content"])
    course, block = said.get(b"course_id"), said.get(b"usage_id")
    return Rejected(
        user_id=row["user_id"],
        entry_id=row["entry_id"],
        at=row["at"],
        type=row["type"],
        reason=row["reason"],
        course_id=None if course is None else course.decode(errors="replace"),
        usage_id=None if block is None else block.decode(errors="replace"),
    )


async def late(user_id: str) -> list[Late]:
    """What came too late about a learner, the newest first."""
    return [Late(**row) for row in await _LATE.rows(user_id=user_id, most=MAX_EVENTS)]


async def is_known(user_id: str) -> bool:
    """Whether any launch or score of this learner was ever applied and is still on record."""
    row = await _IS_KNOWN.row(user_id=user_id)
    return row is not None and bool(row["known"])


async def retired_us(user_id: str) -> int | None:
    """As of when a learner was retired, in microseconds since 1970; None for one who was not."""
    row = await _POSITION.row()
    if row is None:
        return None
    position = Position(row["epoch"], row["position"], row["digest_key"])
    retired = await _RETIRED.row(digest=digest_of(user_id, position))
    return None if retired is None else int(retired["retired_us"])

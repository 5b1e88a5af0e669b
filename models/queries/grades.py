"""
What is on record about a learner's grades, for support. Reads only, for a role that may do no more.

The daemon works meanwhile, so every statement uses an index and has a limit. Orders are by sums (``at + 0``): for the
bare column PostgreSQL would scan its whole index rather than sort a few rows.
"""

from dataclasses import dataclass, field
from typing import Any

from models.consumer import digest
from models.db.sql import Statement
from models.quarantine import MAX_LEARNER, fields_of
from models.queries.views import WITH_CAMPUS, AssignmentView, columns_of
from models.retired_user import retired_since
from models.stale_event import SOURCEDID_MOVED, StaleEvent
from models.stream_position import known_position

#: Grades, and events of a learner or a course of each kind, that are read.
MAX_GRADES, MAX_EVENTS = 200, 500


@dataclass(frozen=True, slots=True)
class Query:
    """Whose grades, and which of them; None filters nothing out."""

    user_id: str | None = None
    course_id: str | None = None
    usage_id: str | None = None
    #: The campus's own id of the learner.
    lti_user_id: str | None = None
    sourcedid: str | None = None
    #: The campus: what it calls a learner, and its sourcedids, may be another's at another campus.
    consumer_key: str | None = None
    #: One of their assignments.
    assignment_id: int | None = field(default=None, kw_only=True)


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


_FLAGS = ("composite", "wants_line_item")

_FIND = f"""
    SELECT {columns_of(AssignmentView)}
    FROM graded_assignment
    {WITH_CAMPUS}
    WHERE """

_PENDING_FIRST = """CASE WHEN version_number > sent_version AND disabled_at IS NULL THEN 0 ELSE 1 END,
    course_id, usage_id, graded_assignment.id"""

# The index on `lti_user_id` is of `substr(...)`. If the bare column equalled a value, SQLite would put the value into
# `substr` too, and could not use the index any more.
_CONDITIONS = {
    "user_id": "user_id = :user_id",
    "course_id": "course_id = :course_id",
    "usage_id": "usage_id = :usage_id",
    "lti_user_id": "substr(lti_user_id, 1, 200) = substr(:lti_user_id, 1, 200) AND lti_user_id || '' = :lti_user_id",
    "sourcedid": "sourcedid_digest = :sourcedid",
    "consumer_key": "lti_consumer.consumer_key = :consumer_key",
    "assignment_id": "graded_assignment.id = :assignment_id",
}

_BY = {
    column: Statement(f"""
        SELECT id, user_id, entry_id, at, type, reason, content, consumer_key FROM quarantined_event
        WHERE {column} = :value ORDER BY at + 0 DESC, id DESC LIMIT :most""")
    for column in ("user_id", "lti_user_id", "sourcedid_digest", "course_id")
}

_LATE, _MOVED = (
    Statement(f"""
        SELECT * FROM stale_event WHERE user_id = :user_id AND type {compared} '{SOURCEDID_MOVED}'
        ORDER BY at + 0 DESC, id DESC LIMIT :most""")
    for compared in ("<>", "=")
)

_IS_KNOWN = Statement("""
    SELECT CASE WHEN EXISTS (SELECT 1 FROM graded_assignment WHERE user_id = :user_id)
        OR EXISTS (SELECT 1 FROM score WHERE user_id = :user_id)
        OR EXISTS (SELECT 1 FROM stale_event WHERE user_id = :user_id) THEN 1 ELSE 0 END AS known""")

_PLACE = Statement("SELECT user_id, course_id, usage_id FROM graded_assignment WHERE id = :id")


async def find_grades(asked: Query, *, now: int) -> list[AssignmentView]:
    """
    The assignments for which all that is asked holds, by course, block and id.

    Of more than :data:`MAX_GRADES` those that the campus has not acknowledged first, and one more than that.

    Args:
        now: Milliseconds since 1970 by the database's clock; states are those of this moment.

    Raises:
        ValueError: Neither learner nor sourcedid is given: no index leads there.
    """
    statement, parameters = find_statement(asked)
    rows = await statement.rows(now=now, **parameters)
    found = [AssignmentView(**{**row, **{name: bool(row[name]) for name in _FLAGS}}) for row in rows]
    return sorted(found[:MAX_GRADES], key=lambda one: (one.course_id, one.usage_id, one.id)) + found[MAX_GRADES:]


async def asked_of(assignment_id: int) -> Query | None:
    """The query for an assignment's learner, course and block; None if there is no such assignment."""
    row = await _PLACE.row(id=assignment_id)
    return None if row is None else Query(**row)


def find_statement(asked: Query) -> tuple[Statement, dict[str, Any]]:
    """The statement of :func:`find_grades`, and its parameters but ``now``. Raises the same."""
    if asked.user_id is None and asked.lti_user_id is None and asked.sourcedid is None:
        raise ValueError("whose grades? give a user_id, an lti_user_id or a sourcedid")
    given: dict[str, Any] = {name: value for name in _CONDITIONS if (value := getattr(asked, name)) is not None}
    if "sourcedid" in given:
        given["sourcedid"] = digest(given["sourcedid"])
    conditions = " AND ".join(_CONDITIONS[name] for name in given)
    return Statement(f"{_FIND} {conditions} ORDER BY {_PENDING_FIRST} LIMIT {MAX_GRADES + 1}"), given


async def rejected(user_id: str) -> tuple[list[Rejected], bool]:
    """A learner's events in quarantine, the newest first, and whether there are more than :data:`MAX_EVENTS`."""
    return await _quarantined("user_id", user_id)


async def rejected_by_name(asked: Query) -> tuple[list[Rejected], bool]:
    """Those of a sourcedid or a campus's learner, likewise."""
    names = {
        "sourcedid_digest": None if asked.sourcedid is None else digest(asked.sourcedid),
        "lti_user_id": asked.lti_user_id and asked.lti_user_id[:MAX_LEARNER],
    }
    read = [await _BY[name].rows(value=value, most=MAX_EVENTS + 1) for name, value in names.items() if value]
    found = {row["id"]: _rejected(row) for rows in read for row in rows if _is_of(row, asked)}
    ordered = sorted(found.items(), key=lambda one: (one[1].at, one[0]), reverse=True)
    return [event for _, event in ordered[:MAX_EVENTS]], any(len(rows) > MAX_EVENTS for rows in read)


def _is_of(row: dict[str, Any], asked: Query) -> bool:
    """Whether an event that was found is of the campus, and of the learner's whole name there."""
    name = asked.lti_user_id or ""
    is_whole = len(name) <= MAX_LEARNER or fields_of(row["content"]).get(b"lti_user_id") == name.encode()
    return is_whole and asked.consumer_key in (None, row["consumer_key"])


async def rejected_launches(course_id: str, usage_id: str | None) -> tuple[list[Rejected], bool]:
    """Those launches of a course or of one of its blocks, likewise; more may be other events of the course."""
    events, more = await _quarantined("course_id", course_id)
    return [one for one in events if one.type == "launch" and usage_id in (None, one.usage_id)], more


async def _quarantined(column: str, value: str) -> tuple[list[Rejected], bool]:
    rows = await _BY[column].rows(value=value[:MAX_LEARNER], most=MAX_EVENTS + 1)
    return [_rejected(row) for row in rows[:MAX_EVENTS]], len(rows) > MAX_EVENTS


def _rejected(row: dict[str, Any]) -> Rejected:
    event = fields_of(row["content"])
    where = [event.get(name) for name in (b"course_id", b"usage_id")]
    course_id, usage_id = [None if value is None else value.decode(errors="replace") for value in where]
    return Rejected(row["user_id"], row["entry_id"], row["at"], row["type"], row["reason"], course_id, usage_id)


async def late(user_id: str) -> list[StaleEvent]:
    """A learner's newest :data:`MAX_EVENTS` stale events, the newest first."""
    return [StaleEvent(**row) for row in await _LATE.rows(user_id=user_id, most=MAX_EVENTS)]


async def moved_away(user_id: str) -> list[StaleEvent]:
    """Where a newer launch gave a learner's sourcedid to another learner, the newest first."""
    return [StaleEvent(**row) for row in await _MOVED.rows(user_id=user_id, most=MAX_EVENTS)]


async def is_known(user_id: str) -> bool:
    """Whether any launch or score of this learner was ever applied and is still on record."""
    row = await _IS_KNOWN.row(user_id=user_id)
    return row is not None and bool(row["known"])


async def retired_us(user_id: str) -> int | None:
    """As of when a learner was retired, in microseconds since 1970; None for one who was not."""
    position = await known_position()
    retired = {} if position is None else await retired_since([user_id], position)
    return retired[user_id].modified_us if user_id in retired else None

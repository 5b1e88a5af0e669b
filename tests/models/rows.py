"""Rows for the tests of the models, made and read without the statements under test."""

from typing import Any

from models.assignment import GradedAssignment
from models.campus import OutcomeService, ensure_campus
from models.consumer import LtiConsumer, digest, origin
from models.db.sql import Statement

LEARNER, COURSE, BLOCK, PROBLEM = "learner", "course", "block", "problem"
URL = "https://campus.example/outcomes"
#: Every table, in an order in which they can be emptied.
TABLES = (
    "delivery",
    "shown_score",
    "graded_assignment",
    "orphaned_claim",
    "outcome_service",
    "campus",
    "heartbeat",
    "clock_watch",
    "lti_consumer",
    "score",
    "course_structure",
    "learner_structure",
    "quarantined_event",
    "stale_event",
    "retired_user",
    "left_cell",
    "retired_name",
    "intake",
    "keys_used",
    "tool_key",
    "action",
    "web_user",
)
#: The times that a claim must wait for.
TIMES = ("due_at", "not_before", "hold_until", "claimed_until")

_CLEAR = [Statement(f"DELETE FROM {table}") for table in TABLES]
_ROW = Statement("SELECT * FROM graded_assignment WHERE id = :id")
_ROWS = Statement("""
    SELECT graded_assignment.*, lis_outcome_service_url AS url, consumer_key, origin FROM graded_assignment
    JOIN outcome_service ON outcome_service.id = outcome_service_id
    JOIN campus ON campus.id = graded_assignment.campus_id
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id ORDER BY graded_assignment.id""")
_CAMPUSES = Statement("""
    SELECT campus.*, paused_at, consumer_key FROM campus JOIN lti_consumer ON lti_consumer.id = lti_consumer_id
    ORDER BY campus.id""")
_CLAIMS = Statement("""
    SELECT campus_id, claimed_until FROM graded_assignment WHERE claimed_until IS NOT NULL
    UNION ALL SELECT campus.id, claimed_until FROM orphaned_claim
    JOIN lti_consumer ON lti_consumer.consumer_key = orphaned_claim.consumer_key
    JOIN campus ON campus.lti_consumer_id = lti_consumer.id AND campus.origin = orphaned_claim.origin
    WHERE claimed_until > 0""")
_LINES = Statement("SELECT * FROM delivery WHERE assignment_id = :id ORDER BY id")


async def empty_tables() -> None:
    """Delete all that is stored."""
    for statement in _CLEAR:
        await statement.rows()


async def make_service(name: str = "campus", url: str = URL) -> OutcomeService:
    """An address of a consumer, which is made if it is new."""
    key = "key" if name == "campus" else name
    values = {"consumer_key": key, "consumer_secret": "secret"}
    consumer, _ = await LtiConsumer.get_or_create(values, consumer_name=name)
    campus_id = await ensure_campus(consumer.id, origin(url))
    return await OutcomeService.create(
        lti_consumer=consumer, campus_id=campus_id, lis_outcome_service_url=url, url_digest=digest(url)
    )


async def make_assignment(service: OutcomeService | None = None, **columns: Any) -> int:
    """A leaf that is dirty and due since ever, unless *columns* say otherwise; its id."""
    service = service or await OutcomeService.first() or await make_service()
    address = columns.pop("lis_result_sourcedid", f"sourcedid-{await GradedAssignment.all().count()}")
    values = {
        "user_id": LEARNER,
        "course_id": COURSE,
        "usage_id": BLOCK,
        "registered_us": 0,
        "composite": False,
        "due_at": 0,
        **columns,
    }
    assignment = await GradedAssignment.create(
        outcome_service=service,
        campus_id=service.campus_id,
        lis_result_sourcedid=address,
        sourcedid_digest=digest(address),
        **values,
    )
    return assignment.id


async def read_row(assignment_id: int) -> dict[str, Any]:
    """Every column, as the database has it."""
    row = await _ROW.row(id=assignment_id)
    assert row is not None, "the row is gone"
    return row


async def read_rows() -> list[dict[str, Any]]:
    """Every column of every row, and ``url``, ``consumer_key`` and ``origin`` of where it goes, in the order of ids."""
    return await _ROWS.rows()


def address_of(row: dict[str, Any]) -> tuple[str, str]:
    """Where the grade of a row of :func:`read_rows` goes: URL and sourcedid."""
    return row["url"], row["lis_result_sourcedid"]


def campus_of(row: dict[str, Any]) -> tuple[str, str]:
    """The campus of a row of :func:`read_rows` or :func:`read_campuses`: consumer key and origin."""
    return row["consumer_key"], row["origin"]


async def read_campuses() -> list[dict[str, Any]]:
    """Every column of every campus, and ``paused_at`` and ``consumer_key`` of its consumer, in the order of ids."""
    return await _CAMPUSES.rows()


async def read_claims() -> list[dict[str, Any]]:
    """``campus_id`` and ``claimed_until`` of every claim, orphaned ones too."""
    return await _CLAIMS.rows()


async def read_lines(assignment_id: int) -> list[dict[str, Any]]:
    """The assignment's ledger, in the order of writing."""
    return await _LINES.rows(id=assignment_id)


async def changes(assignment_id: int, before: dict[str, Any]) -> dict[str, Any]:
    """The columns that differ from *before*, with their new values."""
    after = await read_row(assignment_id)
    return {name: value for name, value in after.items() if value != before[name]}


def may_come_due(row: dict[str, Any]) -> bool:
    """Whether only time, a claim or its campus holds the row back."""
    out = (row["parked_at"], row["disabled_at"], row["waiting_since"])
    return row["version_number"] > row["sent_version"] and all(since is None for since in out)


def check_order(row: dict[str, Any], before: dict[str, Any]) -> None:
    """What holds of a row after every step."""
    for column in ("version_number", "sent_version", "forced_version", "hold_until"):
        assert row[column] >= before[column], f"{column} went back"
    assert row["version_number"] >= max(row["sent_version"], row["forced_version"])
    assert row["attempts"] >= 0
    if row["parked_at"] is not None or row["waiting_since"] is not None:
        assert row["version_number"] == row["claimed_version"], "stuck: parked or waiting with an untried version"

"""The delivery records of assignments, for support. Reads only, by the assignments' index."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from models.db.sql import Statement
from models.delivery import DeliveryRecord
from models.queries.views import AssignmentView

#: Delivery records of each assignment that are read.
MAX_LINES = 50

_NAMES = tuple(field.name for field in fields(DeliveryRecord))

# What is of older versions is another learner's.
_OF_LEARNER = "version >= (SELECT learner_version FROM graded_assignment WHERE graded_assignment.id = given.id)"

# Of several assignments PostgreSQL would rather join whole tables. Orders are by sums (`at + 0`): for the bare column
# it would scan its whole index rather than sort a few rows.
_NEWEST = """
    SELECT newest.* FROM {{given}} CROSS JOIN LATERAL (
        SELECT * FROM delivery WHERE assignment_id = given.id AND {of_learner} AND {where}
        ORDER BY {order} + 0 DESC, delivery.id DESC LIMIT :most) AS newest
    ORDER BY assignment_id, {order} DESC, newest.id DESC"""
_NEWEST_OF_SQLITE = """
    SELECT * FROM (
        SELECT delivery.*,
            ROW_NUMBER() OVER (PARTITION BY assignment_id ORDER BY {order} DESC, delivery.id DESC) AS place
        FROM {{given}} CROSS JOIN delivery
        WHERE assignment_id = given.id AND {of_learner} AND {where}
    ) AS numbered WHERE place <= :most ORDER BY assignment_id, place"""


def _newest(given: str, *, order: str, where: str = "1 = 1") -> Statement:
    words = {"of_learner": _OF_LEARNER, "order": order, "where": where}
    return Statement(_NEWEST.format(**words), sqlite=_NEWEST_OF_SQLITE.format(**words), given=given)


_LINES = _newest("id BIGINT", order="at")
_SENT = _newest(
    "id BIGINT, sent_version BIGINT", order="version", where="result = 'accepted' AND version <= given.sent_version"
)


async def ledgers(assignment_ids: Sequence[int]) -> dict[int, tuple[tuple[DeliveryRecord, ...], bool]]:
    """Of each assignment its newest delivery records, the newest first, and whether there are more."""
    rows = await _LINES.rows(given=[{"id": one} for one in assignment_ids], most=MAX_LINES + 1)
    found: dict[int, list[DeliveryRecord]] = {one: [] for one in assignment_ids}
    for row in rows:
        found[row["assignment_id"]].append(_record(row))
    return {one: (tuple(lines[:MAX_LINES]), len(lines) > MAX_LINES) for one, lines in found.items()}


async def lines_of_sent(found: Iterable[AssignmentView]) -> dict[int, DeliveryRecord]:
    """Of each assignment the record of the grade that the campus acknowledged last; without those that have none."""
    given = [{"id": one.id, "sent_version": one.sent_version} for one in found if one.sent_at is not None]
    return {row["assignment_id"]: _record(row) for row in await _SENT.rows(given=given, most=1)}


def _record(row: dict[str, Any]) -> DeliveryRecord:
    return DeliveryRecord(**{**{name: row[name] for name in _NAMES}, "clamped": bool(row["clamped"])})

"""What ``why --json`` prints. Pure."""

from collections.abc import Iterable
from typing import Any

from actors.grade import Grade, wire_score
from daemon.infra.text import iso
from daemon.why.absent import absence
from daemon.why.known import Absent, Explanation, Known, Terms
from daemon.why.words import reason
from models.delivery import DeliveryRecord
from models.queries.grades import Rejected
from models.stale_event import StaleEvent


def document(answer: Explanation, terms: Terms) -> list[dict[str, Any]]:
    """
    An object an assignment, or one that says why there is none.

    Times are ISO 8601 in UTC, scores numbers. ``quarantined`` and ``stale`` hold what concerns the object's learner and
    course. What is not on record is null.
    """
    if answer.absent is not None:
        return [_nothing(answer.absent, answer, terms)]
    return [_assignment(known, answer, terms) for known in answer.known]


def _assignment(known: Known, answer: Explanation, terms: Terms) -> dict[str, Any]:
    row = known.row
    return {
        "assignment_id": row.id,
        "user_id": row.user_id,
        "course_id": row.course_id,
        "usage_id": row.usage_id,
        "consumer": row.consumer,
        "kind": "composite" if row.composite else "leaf",
        "state": row.state,
        "version_number": row.version_number,
        "sent_version": row.sent_version,
        "score": float(wire_score(known.grade)[0]) if isinstance(known.grade, Grade) else None,
        "sent_score": _number(row.sent_score),
        "sent_at": iso(row.sent_at),
        "due_at": iso(row.due_at),
        "reason": reason(known, terms),
        "deliveries": [_delivery(line) for line in known.lines],
        "course_title": row.context_title,
        "activity_title": row.resource_link_title,
        "lti_user_id": row.lti_user_id,
        "origin": row.origin,
        "campus_state": row.campus_state,
        "entry_id": row.entry_id,
        "more_deliveries": known.more_lines,
        **_events(
            [
                event
                for event in answer.rejected
                if event.user_id == row.user_id and event.course_id in (None, row.course_id)
            ],
            [event for event in answer.late if (event.user_id, event.course_id) == (row.user_id, row.course_id)],
        ),
    }


def _nothing(absent: Absent, answer: Explanation, terms: Terms) -> dict[str, Any]:
    asked = absent.asked
    state, why = absence(absent, answer.rejected, terms)
    return {
        "assignment_id": None,
        "user_id": asked.user_id,
        "course_id": asked.course_id,
        "usage_id": asked.usage_id,
        "consumer": None,
        "kind": None,
        "state": state,
        "version_number": None,
        "sent_version": None,
        "score": None,
        "sent_score": None,
        "sent_at": None,
        "due_at": None,
        "reason": why,
        "deliveries": [],
        **_events(answer.rejected, answer.late),
    }


def _delivery(line: DeliveryRecord) -> dict[str, Any]:
    return {
        "at": iso(line.at),
        "attempt": line.attempt,
        "version": line.version,
        "score": _number(line.score),
        "result": line.result,
        "http_status": line.http_status,
        "code_major": line.code_major,
        "description": line.description,
        "duration_ms": line.duration_ms,
        "clamped": line.clamped,
        "entry_id": line.entry_id,
    }


def _events(rejected: Iterable[Rejected], late: Iterable[StaleEvent]) -> dict[str, Any]:
    return {
        "quarantined": [{**_event(event), "reason": event.reason} for event in rejected],
        "stale": [
            {**_event(event), "number": event.number, "modified": iso(event.modified_us // 1000)} for event in late
        ],
    }


def _event(event: Rejected | StaleEvent) -> dict[str, Any]:
    return {
        "at": iso(event.at),
        "entry_id": event.entry_id,
        "type": event.type,
        "course_id": event.course_id,
        "usage_id": event.usage_id,
    }


def _number(wire: str | None) -> float | None:
    return None if wire is None else float(wire)

"""What ``why --json`` prints. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from actors.compute_grade import Grade, wire_score
from daemon.infra.text import iso
from daemon.why.absent import absence, launches_words, who_acts
from daemon.why.advice import Who
from daemon.why.known import Absent, Explanation, Known, Part, Terms
from daemon.why.outlook import is_alarming, outlook, trouble_first
from daemon.why.points import MAX_PARTS, percent
from daemon.why.words import reason
from models.delivery import DeliveryRecord
from models.queries.grades import Rejected
from models.stale_event import StaleEvent

# The keys of each object, in their order.
_ALWAYS = (
    *("assignment_id", "user_id", "course_id", "usage_id", "consumer", "kind", "protocol", "state"),
    *("version_number", "sent_version", "score", "sent_score", "sent_at", "due_at", "reason", "deliveries"),
)
_OF_ROW = (
    *("user_id", "course_id", "usage_id", "consumer", "protocol", "state", "version_number", "sent_version"),
    *("lti_user_id", "origin", "campus_state", "entry_id"),
)
_OF_DELIVERY = (
    *("at", "attempt", "version", "score", "result", "http_status", "code_major", "description", "duration_ms"),
    *("clamped", "entry_id"),
)
_OF_EVENT = ("at", "entry_id", "type", "course_id", "usage_id")


def document(answer: Explanation, terms: Terms) -> list[dict[str, Any]]:
    """
    An object an assignment, or one that says why there is none.

    Times are ISO 8601 in UTC, scores numbers. ``quarantined``, ``stale`` and ``moved_away`` hold what concerns the
    object's learner and course. What is not on record is null. Trouble comes first.
    """
    if answer.absent is not None:
        return [_nothing(answer.absent, answer, terms)]
    ordered = sorted(answer.known, key=lambda known: trouble_first(known, terms))
    return [
        *launches_document(answer.launches, terms, more=answer.rejected_more),
        *(_assignment(known, answer, terms) for known in ordered),
    ]


def launches_document(launches: Sequence[Rejected], terms: Terms, *, more: bool) -> list[dict[str, Any]]:
    """An object for the launches of an activity that are in quarantine, besides what is registered; none for none."""
    if not launches:
        return []
    blocks = {event.usage_id for event in launches}
    return [
        {
            **dict.fromkeys(_ALWAYS),
            "course_id": launches[0].course_id,
            "usage_id": launches[0].usage_id if len(blocks) == 1 else None,
            "state": "quarantined",
            "reason": launches_words(launches, more=more),
            "deliveries": [],
            "number": len(launches),
            **_nobodys("operator", terms),
            **_events(launches, (), ()),
        }
    ]


def _assignment(known: Known, answer: Explanation, terms: Terms) -> dict[str, Any]:
    row = known.row
    return {
        **dict.fromkeys((*_ALWAYS, "course_title", "activity_title")),
        **_fields(row, _OF_ROW),
        "assignment_id": row.id,
        "kind": "composite" if row.composite else "leaf",
        "score": float(wire_score(known.grade)[0]) if isinstance(known.grade, Grade) else None,
        "sent_score": _number(row.sent_score),
        "sent_at": iso(row.sent_at),
        "due_at": iso(row.due_at),
        "reason": reason(known, terms),
        "deliveries": [_delivery(line) for line in known.lines],
        "course_title": row.context_title,
        "activity_title": row.resource_link_title,
        "more_deliveries": known.more_lines,
        "more_grades": answer.more_known,
        **_grade(known),
        **_ahead(known, terms),
        **_events(
            [
                event
                for event in answer.rejected
                if event.user_id == row.user_id and event.course_id in (None, row.course_id)
            ],
            [event for event in answer.late if (event.user_id, event.course_id) == (row.user_id, row.course_id)],
            [event for event in answer.moved if (event.user_id, event.course_id) == (row.user_id, row.course_id)],
        ),
    }


def _grade(known: Known) -> dict[str, Any]:
    """The newest grade in points, and what the campus shows if it was asked."""
    grade = known.grade if isinstance(known.grade, Grade) else None
    shown = known.shown
    return {
        "points_earned": None if grade is None else grade.earned,
        "points_possible": None if grade is None else grade.possible,
        "percent": None if grade is None else percent(grade),
        "answered_at": iso(known.answered_at),
        "parts": [_part(part) for part in known.parts[:MAX_PARTS]],
        "more_parts": max(0, len(known.parts) - MAX_PARTS),
        "campus_shows": None if shown is None else {"score": shown.held, "why_not": shown.why or None},
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "usage_id": part.usage_id,
        "points_earned": part.earned,
        "points_possible": part.possible,
        "modified": iso(part.modified),
        "cleared": part.cleared,
    }


def _ahead(known: Known, terms: Terms) -> dict[str, Any]:
    ahead = outlook(known, terms)
    return {
        "who_acts": ahead.who,
        "next_at": iso(ahead.next_at),
        "trouble": is_alarming(known, terms),
        "daemon_runs": terms.daemon_runs,
        "daemon_troubles": list(terms.daemon_troubles),
        "as_of": iso(terms.now),
    }


def _nothing(absent: Absent, answer: Explanation, terms: Terms) -> dict[str, Any]:
    state, why = absence(absent, answer.rejected, terms)
    return {
        **dict.fromkeys(_ALWAYS),
        **_fields(absent.asked, ("user_id", "course_id", "usage_id")),
        "state": state,
        "reason": why,
        "deliveries": [],
        **_nobodys(who_acts(absent, state, terms), terms),
        **_events(answer.rejected, answer.late, answer.moved),
    }


def _nobodys(who: Who, terms: Terms) -> dict[str, Any]:
    """What is said where there is no assignment."""
    return {
        "who_acts": who,
        "daemon_runs": terms.daemon_runs,
        "daemon_troubles": list(terms.daemon_troubles),
        "as_of": iso(terms.now),
    }


def _delivery(line: DeliveryRecord) -> dict[str, Any]:
    return {**_fields(line, _OF_DELIVERY), "at": iso(line.at), "score": _number(line.score)}


def _events(rejected: Iterable[Rejected], late: Iterable[StaleEvent], moved: Iterable[StaleEvent]) -> dict[str, Any]:
    return {
        "quarantined": [{**_event(event), "reason": event.reason} for event in rejected],
        "stale": [
            {**_event(event), "number": event.number, "modified": iso(event.modified_us // 1000)} for event in late
        ],
        "moved_away": [{**_event(event), "modified": iso(event.modified_us // 1000)} for event in moved],
    }


def _event(event: Rejected | StaleEvent) -> dict[str, Any]:
    return {**_fields(event, _OF_EVENT), "at": iso(event.at)}


def _fields(record: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def _number(wire: str | None) -> float | None:
    return float(wire) if wire else None

"""An assignment and its campus as support sees them: their columns, as a dataclass and as SQL. Reads only."""

from dataclasses import dataclass, fields
from typing import Any

from models.consumer import PROTOCOL, ProtocolName
from models.states import CAMPUS_STATE, STATE, CampusState


@dataclass(frozen=True, slots=True)
class CampusView:
    """The campus of some assignments. Times are milliseconds since 1970."""

    campus_id: int
    consumer: str
    consumer_key: str
    protocol: ProtocolName
    origin: str
    paused_at: int | None
    campus_state: CampusState
    #: When the campus's breaker tripped; None while it is closed.
    tripped_at: int | None
    blocked_until: int
    #: The LMS message for which it is down or blocked; empty where it gave none.
    campus_error: str
    #: When any of its addresses took a grade last, to the minute; None: never.
    accepted_at: int | None


@dataclass(frozen=True, slots=True)
class AssignmentView(CampusView):
    """One assignment with its campus. What was another learner's before is left out."""

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
    #: As in :data:`models.states.STATES`.
    state: str
    version_number: int
    sent_version: int
    forced_version: int
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
    #: Parked for what may pass, and tried again once that is refuted; None: it is not.
    returns_at: int | None
    disabled_at: int | None
    waiting_since: int | None
    #: How often the campus refused the timestamp since its last acceptance, and what it did not take of the request.
    overtaken: int
    omitted: str
    #: Whether the line item is not known yet; then: no look before that, and why the last one failed.
    wants_line_item: bool
    look_at: int
    look_error: str | None
    #: The first version of this learner; 0: it was no other learner's before.
    learner_version: int

    @property
    def is_taken_over(self) -> bool:
        """Whether the score counts as delivered although passbackd has not sent it (:mod:`models.queries.baseline`)."""
        return self.sent_score is not None and self.sent_at is None


_SERVICE = "(SELECT {} FROM outcome_service WHERE outcome_service.id = graded_assignment.outcome_service_id)"

# The columns of :class:`CampusView` and :class:`AssignmentView` that are more than a column's name.
_EXPRESSIONS = {
    "id": "graded_assignment.id",
    "campus_id": "campus.id",
    "state": STATE,
    "consumer": "consumer_name",
    "protocol": PROTOCOL,
    "origin": "campus.origin",
    "campus_state": CAMPUS_STATE,
    "campus_error": """CASE WHEN tripped_at IS NULL AND last_error_at < throttled_at THEN ''
        ELSE COALESCE(last_error, '') END""",
    "accepted_at": "(SELECT MAX(accepted_at) FROM outcome_service WHERE outcome_service.campus_id = campus.id)",
    "sent_score": "CASE WHEN sent_version >= learner_version THEN sent_score END",
    "sent_at": """CASE WHEN sent_version >= learner_version AND (learner_version = 0 OR sent_score IS NOT NULL)
        THEN sent_at END""",
    "wants_line_item": f"CASE WHEN {_SERVICE.format('wanted_for')} IS NULL THEN 0 ELSE 1 END",
    "look_at": _SERVICE.format("look_at"),
    "look_error": _SERVICE.format("look_error"),
}


def columns_of(view: type[Any]) -> str:
    """The columns of a view, a dataclass, for a statement over ``graded_assignment`` and :data:`WITH_CAMPUS`."""
    return ", ".join(f"{_EXPRESSIONS.get(field.name, field.name)} AS {field.name}" for field in fields(view))


#: Joined to ``graded_assignment``.
WITH_CAMPUS = """JOIN campus ON campus.id = graded_assignment.campus_id
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id"""

"""Which assignments a person asks for."""

from dataclasses import asdict, dataclass
from typing import Any

from models.db.sql import all_of


@dataclass(frozen=True, slots=True)
class AssignmentFilter:
    """
    The assignments for which all that is given holds; None filters nothing out.

    *parked_reason*, *parked_scope*: as the assignment has them, word for word. *since_ms*:
    acknowledged or parked from then on; milliseconds since 1970. *at_campus*: the id of its row.
    """

    assignment_id: int | None = None
    user_id: str | None = None
    course_id: str | None = None
    consumer_id: int | None = None
    parked: bool = False
    since_ms: int | None = None
    at_campus: int | None = None
    parked_reason: str | None = None
    parked_scope: str | None = None

    @property
    def condition(self) -> str:
        """As SQL over ``graded_assignment``; its parameters are :attr:`parameters`."""
        return all_of(
            {
                "graded_assignment.id = :assignment_id": self.assignment_id,
                "user_id = :user_id": self.user_id,
                "course_id = :course_id": self.course_id,
                "outcome_service_id IN (SELECT id FROM outcome_service WHERE lti_consumer_id = :consumer_id)": (
                    self.consumer_id
                ),
                "parked_at IS NOT NULL": self.parked or None,
                "(sent_at >= :since_ms OR parked_at >= :since_ms)": self.since_ms,
                "graded_assignment.campus_id = :at_campus": self.at_campus,
                "parked_reason = :parked_reason": self.parked_reason,
                "parked_scope = :parked_scope": self.parked_scope,
            }
        )

    @property
    def parameters(self) -> dict[str, Any]:
        return asdict(self)

"""Which assignments a person asks for."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from models.db.sql import all_of
from models.states import STATE


@dataclass(frozen=True, slots=True)
class AssignmentFilter:
    """
    The assignments for which all that is given holds; None filters nothing out.

    *parked_reason*, *parked_scope*: as the assignment has them, word for word. *since_ms*:
    acknowledged or parked from then on; milliseconds since 1970. *at_campus*: the id of its row. *state*: as in
    :data:`models.states.STATES`, at the moment ``now`` of the statement, which has to have it. *assignment_ids*: some
    of them. *not_clean*: in any state but ``clean``.
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
    usage_id: str | None = None
    state: str | None = None
    assignment_ids: tuple[int, ...] | None = None
    not_clean: bool = False

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
                "usage_id = :usage_id": self.usage_id,
                f"({STATE}) = :state": self.state,
                # What the state says, in the words of an index.
                "parked_at IS NOT NULL AND disabled_at IS NULL": self.state if self.state == "parked" else None,
                f"graded_assignment.id IN ({_listed(self.assignment_ids or ())})": self.assignment_ids,
                "(version_number > sent_version OR parked_at IS NOT NULL OR disabled_at IS NOT NULL)": (
                    self.not_clean or None
                ),
            }
        )

    @property
    def parameters(self) -> dict[str, Any]:
        return asdict(self)

    def course(self) -> str:
        """The course, where there has to be one. Raises :class:`ValueError` where there is none."""
        if self.course_id is None:
            raise ValueError("the grades of which course? no index leads to those of all")
        return self.course_id


def _listed(ids: Collection[int]) -> str:
    """Numbers, which need no parameters; none of none."""
    return ", ".join(str(int(one)) for one in ids) or "NULL"

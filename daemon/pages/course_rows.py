"""What the table of a course's grades and the file of them say of each. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from daemon.why.advice import PEOPLE, about_parked
from models.queries.course_grades import CourseGrade


@dataclass(frozen=True, slots=True)
class RowWords:
    """*percent*: of the score that was acknowledged. *who*, *reason*: who has to act, and why, where it is parked."""

    percent: str
    who: str
    reason: str


def row_words(grade: CourseGrade, accepted: Mapping[int, int]) -> RowWords:
    """*accepted*: as :func:`models.queries.course_grades.read_accepted` gives it."""
    if grade.state != "parked":
        return RowWords(percent_words(grade.sent_score), "", "")
    reason, scope = grade.parked_reason or "", grade.parked_scope or "learner"
    taken_since = accepted.get(grade.campus_id, 0) > (grade.parked_at or 0)
    advice = about_parked(reason, scope, taken_since=taken_since, protocol=grade.protocol)
    return RowWords(percent_words(grade.sent_score), PEOPLE[advice.who], reason)


def percent_words(score: str | None) -> str:
    """A score of one on the wire in per cent, rounded to two decimals; empty where there is none."""
    return f"{round(100 * float(score), 2):.12g}" if score else ""

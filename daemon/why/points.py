"""A grade in points and per cent, and the parts of which it is made. Pure."""

import math

from actors.compute_grade import Grade, wire_score
from actors.protocols.interface import CLEARED
from daemon.infra.text import past
from daemon.why.known import Known, Part, Terms

#: Parts of a unit that are shown to people; ``--json`` has up to :data:`MAX_PARTS`.
MAX_SHOWN_PARTS, MAX_PARTS = 40, 1_000


def points(grade: Grade) -> str:
    """``3 of 8 points, 37.5 %``."""
    share = percent(grade)
    return f"{grade.earned:.12g} of {grade.possible:.12g} points{'' if share is None else f', {share:.12g} %'}"


def percent(grade: Grade) -> float | None:
    """Rounded to two decimals, also beyond 100; None where no points are possible, or next to none."""
    share = 100 * grade.earned / grade.possible if grade.possible else math.inf
    return round(share, 2) if math.isfinite(share) else None


def answered(known: Known, terms: Terms) -> str | None:
    """When the learner answered last, as a sentence; None where that is not known, or there is no grade."""
    at = known.answered_at
    if at is None or not isinstance(known.grade, Grade):
        return None
    return f"The learner's newest score in it is of {past(at, terms.zone)}."


def part_cells(part: Part, terms: Terms) -> tuple[str | None, ...]:
    """Problem, points, and when it was scored."""
    scored = None if part.modified is None else past(part.modified, terms.zone)
    if part.earned is None:
        what = "taken back" if part.cleared else "not attempted"
        return part.usage_id, f"{what}, {part.possible:.12g} possible", scored
    return part.usage_id, f"{part.earned:.12g} of {part.possible:.12g}", scored


def score_words(score: str | None) -> str | None:
    """A score of a delivery record for people; None where it is not known."""
    return "cleared" if score == CLEARED else score


def points_of(score: str, grade: object) -> list[str]:
    """The points of a score on the wire, as a sentence, where it is that of the newest grade."""
    if isinstance(grade, Grade) and wire_score(grade)[0] == score:
        return [f"That is {points(grade)}."]
    return []

"""Counts what the campuses got and compares it with what the learners earned. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from daemon.demo.course import Course
from daemon.demo.learners import CAMPUSES, CampusPlan, Script

#: Scores go over the wire as decimals, of at least four digits: they are equal if they are to the fourth digit.
ROUNDING = Fraction(1, 20_000)


class Arrival(NamedTuple):
    """A request at a campus: the assignment that it is about, the HTTP status answered, and what was wrong with it."""

    sourcedid: str | None
    status: int | None
    fault: str | None = None


class CampusHolds(NamedTuple):
    """What came to a campus, and its gradebook by sourcedid."""

    arrivals: Sequence[Arrival]
    grades: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CampusTally:
    """How the demo went at one campus, in numbers."""

    plan: CampusPlan
    requests: int
    grades: int
    mismatches: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How the demo went, in numbers."""

    #: By the name under which people see it.
    rows: Mapping[str, int]
    campuses: tuple[CampusTally, ...]
    assignments: int
    mismatches: int

    @property
    def right(self) -> int:
        """Assignments, graded or rightly ungraded, that their campus holds as earned."""
        return self.assignments - self.mismatches


def tally(script: Script, course: Course, held: Mapping[CampusPlan, CampusHolds]) -> Tally:
    """Sum up *script* from what the campuses hold."""
    expected = script.expected(course)
    campuses = tuple(_at_campus(plan, script, expected, held[plan]) for plan in CAMPUSES)
    received = [one for holds in held.values() for one in holds.arrivals if one.fault is None]
    composites = {one.sourcedid for one in script.assignments if one.composite}
    wrong = sum(campus.mismatches for campus in campuses)
    rows = {
        "Learners": script.learners,
        "Assignments": len(script.assignments),
        "  on one problem (leaf)": len(script.assignments) - len(composites),
        "  on several (composite)": len(composites),
        "  moved to LTI 1.3": sum(step.kind == "move" for step in script.steps),
        "Score events fed": len(script.attempts("change", "duplicate", "late")),
        "  duplicates": len(script.attempts("duplicate")),
        "  late (out of order)": len(script.attempts("late")),
        "Requests at the campuses": len(received),
        "  answered 503, and retried": sum(one.status == 503 for one in received),
        "  most for one composite": max(
            Counter(one.sourcedid for one in received if one.sourcedid in composites).values(), default=0
        ),
        "Grades earned": sum(score is not None for score in expected.values()),
        "Mismatches": wrong,
    }
    return Tally(rows, campuses, len(script.assignments), wrong)


def _at_campus(
    plan: CampusPlan, script: Script, expected: Mapping[str, Fraction | None], held: CampusHolds
) -> CampusTally:
    own = [one for one in script.assignments if one.campus == plan]
    wrong = mismatches({one.sourcedid: expected[one.sourcedid] for one in own}, held.grades)
    return CampusTally(
        plan,
        requests=sum(one.fault is None for one in held.arrivals),
        grades=len(held.grades),
        mismatches=len(wrong),
    )


def mismatches(expected: Mapping[str, Fraction | None], gradebook: Mapping[str, str]) -> list[str]:
    """The sourcedids whose grade is wrong or missing, or is there although nothing was attempted."""
    wrong = [sourcedid for sourcedid, score in expected.items() if not _same(score, gradebook.get(sourcedid))]
    return wrong + [sourcedid for sourcedid in gradebook if sourcedid not in expected]


def _same(score: Fraction | None, text: str | None) -> bool:
    if score is None or text is None:
        return score is None and text is None
    return abs(Fraction(text) - score) <= ROUNDING

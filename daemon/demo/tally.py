"""Counts what the campus got and compares it with what the learners earned. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from daemon.demo.course import Course
from daemon.demo.learners import Script
from daemon.demo.lms.request import RequestRecord

#: Scores go over the wire as decimals, of at least four digits: they are equal if they are to the fourth digit.
ROUNDING = Fraction(1, 20_000)


@dataclass(frozen=True, slots=True)
class Tally:
    """How the demo went, in numbers."""

    #: By the name under which people see it.
    rows: Mapping[str, int]
    assignments: int
    mismatches: int

    @property
    def right(self) -> int:
        """Assignments, graded or rightly ungraded, that the campus holds as earned."""
        return self.assignments - self.mismatches


def tally(script: Script, course: Course, requests: Sequence[RequestRecord], grades: Mapping[str, str]) -> Tally:
    """Sum up *script* from the *requests* that came to the campus and the *grades* that it holds."""
    received = [one for one in requests if not one.faults]
    composites = {one.sourcedid for one in script.assignments if one.composite}
    expected = script.expected(course)
    wrong = mismatches(expected, grades)
    rows = {
        "Learners": script.learners,
        "Assignments": len(script.assignments),
        "  on one problem (leaf)": len(script.assignments) - len(composites),
        "  on several (composite)": len(composites),
        "Score events fed": len(script.attempts("change", "duplicate", "late")),
        "  duplicates": len(script.attempts("duplicate")),
        "  late (out of order)": len(script.attempts("late")),
        "Requests at the campus": len(received),
        "  answered 503, and retried": sum(one.status == 503 for one in received),
        "  most for one composite": max(
            Counter(one.sourcedid for one in received if one.sourcedid in composites).values(), default=0
        ),
        "Grades earned": sum(score is not None for score in expected.values()),
        "Mismatches": len(wrong),
    }
    return Tally(rows, len(script.assignments), len(wrong))


def mismatches(expected: Mapping[str, Fraction | None], gradebook: Mapping[str, str]) -> list[str]:
    """The sourcedids whose grade is wrong or missing, or is there although nothing was attempted."""
    wrong = [sourcedid for sourcedid, score in expected.items() if not _same(score, gradebook.get(sourcedid))]
    return wrong + [sourcedid for sourcedid in gradebook if sourcedid not in expected]


def _same(score: Fraction | None, text: str | None) -> bool:
    if score is None or text is None:
        return score is None and text is None
    return abs(Fraction(text) - score) <= ROUNDING

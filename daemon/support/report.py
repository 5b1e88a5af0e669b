"""What reconciling finds, for those who show it."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from actors.comparison import COMPARISONS, Comparison
from models.queries.reconcile import Acknowledged


@dataclass(frozen=True, slots=True)
class Mismatch:
    """
    A grade that a campus does not hold as it acknowledged it, or does not show.

    *held*: as the campus wrote it; None where it did not say. *why*: why it does not show it, or why the grade is not
    sent again. *marked*: whether the grade is sent again.
    """

    acknowledged: Acknowledged
    finding: Comparison
    held: str | None
    why: str = ""
    marked: bool = False

    @property
    def is_failure(self) -> bool:
        """Whether the operator has to look: not where the grade is sent again, nor for a learner who has left."""
        return not self.marked and self.finding != "gone"


@dataclass(slots=True)
class CampusReport:
    """
    What was found at one campus.

    *left*: why not all of it was read; empty if it was. *skipped*: how many assignments were not read, by why.
    """

    consumer: str
    origin: str
    skipped: Counter[str]
    left: str = ""
    counts: dict[Comparison, int] = field(default_factory=lambda: dict.fromkeys(COMPARISONS, 0))
    mismatches: list[Mismatch] = field(default_factory=list)

    @property
    def marked(self) -> int:
        """How many grades are sent again."""
        return sum(mismatch.marked for mismatch in self.mismatches)

    @property
    def is_failure(self) -> bool:
        """Whether the campus was not read to its end, or the operator has to look at one of its grades."""
        return bool(self.left) or any(mismatch.is_failure for mismatch in self.mismatches)


def why_kept(acknowledged: str, held: str) -> str:
    """Why a grade is not sent once more that its campus took again and does not show."""
    if not held:
        return f"the campus took {acknowledged} and still shows no grade: it hides or drops it; it is not sent again"
    cause = "a teacher's override, or a penalty of its own"
    if Decimal(held) > Decimal(acknowledged):
        cause = "it keeps the best, or a teacher's override"
    return f"the campus took {acknowledged} and still shows {held}: {cause}; it is not sent again"

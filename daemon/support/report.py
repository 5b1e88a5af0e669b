"""What reconciling finds, for those who show it."""

from collections import Counter
from dataclasses import dataclass, field

from actors.comparison import COMPARISONS, Comparison
from models.queries.reconcile import Acknowledged


@dataclass(frozen=True, slots=True)
class Mismatch:
    """
    A grade that a campus does not hold as it acknowledged it, or does not show.

    *held*: as the campus wrote it; None where it showed none, for the reason *why*. *marked*: whether the grade is sent
    again.
    """

    acknowledged: Acknowledged
    finding: Comparison
    held: str | None
    why: str = ""
    marked: bool = False


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

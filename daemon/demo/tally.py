"""Counts what the campus got and compares it with what the learners earned. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from daemon.demo.learners import Kind, Script
from daemon.demo.lms.request import RequestRecord

#: Scores go over the wire as decimals, of at least four digits: they are equal if they are to the fourth digit.
ROUNDING = Fraction(1, 20_000)


@dataclass(frozen=True, slots=True)
class Tally:
    """How the play went, in numbers."""

    learners: int
    leaves: int
    composites: int
    #: Score events put on the stream, duplicates and late ones included.
    events: int
    duplicates: int
    late: int
    #: Requests that the campus found good, whatever it then answered.
    requests: int
    answered_503: int
    #: Requests that repeated one that had been answered 503.
    retried: int
    #: Changes under composites that needed no request of their own.
    saved: int
    #: For the composite with the most: its requests, less retries.
    most_per_composite: int
    #: Lines of the gradebook that should hold a grade.
    grades: int
    mismatches: int

    @property
    def right(self) -> int:
        """The assignments, graded or rightly ungraded, that stand as they should."""
        return self.leaves + self.composites - self.mismatches


def tally(script: Script, requests: Sequence[RequestRecord], grades: Mapping[str, str]) -> Tally:
    """Sum up the play of *script* from the *requests* that came to the campus and the *grades* that it holds."""
    received = [one for one in requests if not one.faults]
    tries = Counter(one.sourcedid for one in received)
    retries = _retries(received)
    composites = [a.sourcedid for a in script.assignments if a.composite]
    changes = script.changes_under()
    first_tries = {sourcedid: tries[sourcedid] - retries[sourcedid] for sourcedid in composites}
    earned = script.earned()
    return Tally(
        learners=script.learners,
        leaves=len(script.assignments) - len(composites),
        composites=len(composites),
        events=len(script.attempts(Kind.CHANGE, Kind.DUPLICATE, Kind.LATE)),
        duplicates=len(script.attempts(Kind.DUPLICATE)),
        late=len(script.attempts(Kind.LATE)),
        requests=len(received),
        answered_503=sum(one.status == 503 for one in received),
        retried=retries.total(),
        saved=sum(changes[sourcedid] - first_tries[sourcedid] for sourcedid in composites),
        most_per_composite=max(first_tries.values(), default=0),
        grades=sum(score is not None for score in earned.values()),
        mismatches=len(mismatches(earned, grades)),
    )


def mismatches(earned: Mapping[str, Fraction | None], gradebook: Mapping[str, str]) -> list[str]:
    """Name the sourcedids whose grade is wrong or missing, or is there though nothing was tried."""
    wrong = [sourcedid for sourcedid, score in earned.items() if not _same(score, gradebook.get(sourcedid))]
    return wrong + [sourcedid for sourcedid in gradebook if sourcedid not in earned]


def _same(score: Fraction | None, text: str | None) -> bool:
    if score is None or text is None:
        return score is None and text is None
    return abs(Fraction(text) - score) <= ROUNDING


def _retries(received: Sequence[RequestRecord]) -> Counter[str | None]:
    retries: Counter[str | None] = Counter()
    last: dict[str | None, int | None] = {}
    for one in received:
        retries[one.sourcedid] += last.get(one.sourcedid) == 503
        last[one.sourcedid] = one.status
    return retries

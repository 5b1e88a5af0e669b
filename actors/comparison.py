"""Compares the score that a campus holds with those that were sent. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Literal, Self, get_args

#: What a campus holds. ``equal``: what it acknowledged last. ``rounded``: that, on a scale of its own. ``empty``:
#: nothing. ``outdated``: something that was sent to it earlier. ``modified``: something that was never sent, as after a
#: change by hand. ``kept``: something else than it acknowledged, and the same as before it acknowledged it once more.
#: ``gone``: it does not know the learner any more. ``unreadable``: no number.
Comparison = Literal["equal", "rounded", "empty", "outdated", "modified", "kept", "gone", "unreadable"]
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)

#: LMSs keep points of their own scale, and round: what differs by no more is the same.
TOLERANCE = Decimal("0.00005")
#: Digits before the point that no score has.
LARGE = 6
#: Digits after the point from which on a rounded score differs from others.
FINE = 2
#: Digits after the point of a score as it is sent.
MAX_DIGITS = 6
#: The least score of which one grade alone shows that a campus may call it passed.
PASSED = Decimal("0.5")


def compare(held: str, acknowledged: str, once_sent: Iterable[str]) -> Comparison:
    """
    Compare the text that a campus holds (empty: nothing) with the score that it acknowledged last, and with the scores
    of all requests that may have reached it, as far as there are delivery records.

    Whether what is ``modified`` is ``rounded``, the other grades of the activity show: :class:`Scale`.
    """
    if not held:
        return "empty"
    value = _number(held)
    if value is None:
        return "unreadable"
    if value.adjusted() > LARGE:
        return "modified"  # numbers can be too large to be subtracted
    return "equal" if _same(value, acknowledged) else _other(value, acknowledged, list(once_sent))


def _other(value: Decimal, acknowledged: str, once_sent: Sequence[str]) -> Comparison:
    if any(_same(value, score) for score in once_sent):
        return "outdated"
    digits = _digits(value)
    if digits < FINE or _rounds(value, acknowledged, digits):
        return "modified"
    return "outdated" if any(_rounds(value, score, digits) for score in once_sent) else "modified"


def is_the_same(held: str, other: str) -> bool:
    """Whether what a campus holds is what it showed before, or a score; empty: nothing."""
    value, before = _number(held), _number(other)
    if value is None or before is None or max(value.adjusted(), before.adjusted()) > LARGE:
        return held == other
    return abs(value - before) <= TOLERANCE


def shows(held: str, score: str, once_sent: Iterable[str]) -> bool:
    """
    Whether a campus that holds *held* holds *score*, perhaps rounded, and none of the others.

    *score*, *once_sent*: wire text; what is empty was no score.
    """
    value = _number(held)
    if not score or value is None or value.adjusted() > LARGE:
        return False
    if _same(value, score):
        return True
    if any(_same(value, other) for other in once_sent if other):
        return False
    digits = _digits(value)
    return digits >= FINE and _rounds(value, score, digits)


def was_sent(held: str, once_sent: Iterable[str], *, coarse: bool = False) -> bool:
    """
    Whether what a campus holds may be one of these scores, rounded or not; what is no number may be any.

    With too few digits after the point only an equal one counts, since people give 0, 1 and tenths; unless *coarse*.
    """
    value = _number(held)
    if value is None or value.adjusted() > LARGE:
        return True
    digits, sent = _digits(value), [score for score in once_sent if score]
    fine = coarse or digits >= FINE
    return any(_same(value, score) or (fine and _rounds(value, score, digits)) for score in sent)


@dataclass(frozen=True, slots=True)
class Scale:
    """
    What the grades of one activity at one campus show of its scale.

    *digits*: the most that any has after the point. *whole*: whether all are 0 or 1. *passed*: the least of the scores
    that it shows as 1, *failed*: the greatest of those that it shows as 0; None if it shows none so.
    """

    digits: int = 0
    whole: bool = True
    passed: Decimal | None = None
    failed: Decimal | None = None

    def with_grade(self, held: str, acknowledged: str) -> Self:
        """The scale as one more grade shows it."""
        value = _number(held)
        if value is None or value.adjusted() > LARGE:
            return self
        scale, sent = replace(self, digits=max(self.digits, _digits(value))), Decimal(acknowledged)
        if value not in (0, 1):
            return replace(scale, whole=False)
        if value == sent:
            return scale
        if value == 1:
            return replace(scale, passed=sent if self.passed is None else min(sent, self.passed))
        return replace(scale, failed=sent if self.failed is None else max(sent, self.failed))

    def explains(self, held: str, acknowledged: str) -> bool:
        """
        Whether the campus may show *held* for what it acknowledged.

        It may have rounded or cut it to as many digits as it shows. Or it only says whether the learner has passed: all
        its grades are 0 or 1 then, and no score that it shows as 0 is greater than one that it shows as 1. A 0 counts
        only beside a 1, since a gradebook that was lost may show 0 too; and a 1 without a 0 only for at least half of
        the points.
        """
        value = _number(held)
        if value is None or value.adjusted() > LARGE:
            return False
        if not self.whole:
            return self.digits > 0 and _rounds(value, acknowledged, self.digits)
        if self.failed is None:
            return value == 1 and Decimal(acknowledged) >= PASSED
        return self.passed is not None and self.failed < self.passed


def _rounds(value: Decimal, score: str, digits: int) -> bool:
    """Whether *value* is the score with so many digits after the point, rounded or cut."""
    unit, more = Decimal(1).scaleb(-digits), Decimal(score) - value
    return abs(more) <= unit / 2 or 0 <= more < unit


def _digits(value: Decimal) -> int:
    """
    How many digits after the point a score has, no more than are sent.

    Zeros at the end say nothing beyond the second: LMSs fill up with them.
    """
    written = max(0, -int(value.as_tuple().exponent))
    needed = max(0, -int(value.normalize().as_tuple().exponent))
    return min(max(needed, min(written, FINE)), MAX_DIGITS)


def _same(value: Decimal, score: str) -> bool:
    return abs(value - Decimal(score)) <= TOLERANCE


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None

"""Compares the score that a campus holds with those that were sent. Pure."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Literal, get_args

#: What a campus holds. ``equal``: what it acknowledged last. ``empty``: nothing. ``outdated``: something that was sent
#: to it earlier. ``modified``: something that was never sent, as after a change by hand. ``unreadable``: no number.
Comparison = Literal["equal", "empty", "outdated", "modified", "unreadable"]
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)

#: LMSs keep points of their own scale, and round: what differs by no more is the same.
TOLERANCE = Decimal("0.00005")
#: Digits before the point that no score has.
LARGE = 6


def compare(held: str, acknowledged: str, once_sent: Iterable[str]) -> Comparison:
    """
    Compare the text that a campus holds (empty: nothing) with the score that it acknowledged last, and with the scores
    of all requests that may have reached it, as far as there are delivery records.
    """
    if not held:
        return "empty"
    value = _number(held)
    if value is None:
        return "unreadable"
    if value.adjusted() > LARGE:
        return "modified"  # numbers can be too large to be subtracted
    if _same(value, acknowledged):
        return "equal"
    return "outdated" if any(_same(value, score) for score in once_sent) else "modified"


def _same(value: Decimal, score: str) -> bool:
    return abs(value - Decimal(score)) <= TOLERANCE


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None

"""What a campus holds, beside what it should hold. Pure."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

#: ``equal``: what it acknowledged last. ``empty``: nothing. ``ours``: something that was once sent to it. ``foreign``:
#: something that was never sent, as after a change by hand. ``unreadable``: nobody can tell.
Finding = Literal["equal", "empty", "ours", "foreign", "unreadable"]
FINDINGS: tuple[Finding, ...] = ("equal", "empty", "ours", "foreign", "unreadable")

#: LMSs keep points of their own scale, and round: what differs by no more is the same.
TOLERANCE = Decimal("0.00005")
#: Digits before the point that no score has.
LARGE = 6


def compare(held: str, acknowledged: str, once_sent: Iterable[str]) -> Finding:
    """
    Judge what a campus holds.

    Args:
        held: Its text; empty where it holds nothing.
        acknowledged: The wire text that it acknowledged last.
        once_sent: The wire texts of every request that may have reached it, as far as the ledger remembers.
    """
    if not held:
        return "empty"
    value = _number(held)
    if value is None:
        return "unreadable"
    if value.adjusted() > LARGE:
        return "foreign"  # numbers can be too large to be subtracted
    if _same(value, acknowledged):
        return "equal"
    return "ours" if any(_same(value, score) for score in once_sent) else "foreign"


def _same(value: Decimal, score: str) -> bool:
    return abs(value - Decimal(score)) <= TOLERANCE


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None

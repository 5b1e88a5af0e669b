"""Applies what attempts say of their campuses to the stored breakers, within the transaction that finishes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.campus import Breaker, Signal, read_breakers, save_breakers
from models.clock_watch import is_current


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """A campus's breaker before and after a batch of signals."""

    before: Breaker
    after: Breaker


async def apply_signals(
    signals: Sequence[Signal], next_breaker: Callable[[Breaker, Signal], Breaker], steps: int
) -> list[BreakerChange]:
    """
    Apply the signals to their campuses, in order; campuses that do not change are not locked.

    *steps*: those of the database's clock that the caller knows. If there was another since, none is applied: a campus
    would be blocked until a time that is none.
    """
    if not signals:
        return []

    def changed(breakers: Sequence[Breaker]) -> list[BreakerChange]:
        changes = []
        for before in breakers:
            after = before
            for signal in signals:
                if signal.campus_id == before.campus_id:
                    after = next_breaker(after, signal)
            if after != before:
                changes.append(BreakerChange(before, after))
        return changes

    expected = changed(await read_breakers({signal.campus_id for signal in signals}))
    if not expected or not await is_current(steps):
        return []
    changes = changed(await read_breakers([one.before.campus_id for one in expected], lock=True))
    await save_breakers([one.after for one in changes])
    return changes

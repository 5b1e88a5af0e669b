"""What a first attempt leaves."""

from dataclasses import dataclass

from actors.resolution import CAMPUS_WAIT
from actors.retry import FIRST, UNEXPLAINED_WAITS
from tests.actors.sending import HOLD, Sending
from tests.models.rows import read_row


@dataclass(frozen=True)
class Becomes:
    """What a first attempt leaves. Seconds; *again* and *hold* count from its end."""

    result: str
    sent_version: int = 0
    attempts: int = 1
    #: The least and the most until it may be tried again; None where there is nothing to wait for.
    again: tuple[float, float] | None = None
    hold: float = 0
    #: Whether it must go out again even if the campus had acknowledged the same score before.
    forced: bool = False
    parked: str | None = None


STORED = Becomes("accepted", sent_version=1, attempts=0)
STOPS_THE_CAMPUS = Becomes("misconfigured", attempts=0, again=(CAMPUS_WAIT / 2, CAMPUS_WAIT * 3 / 2))
UNEXPLAINED = Becomes(
    "retried", again=(UNEXPLAINED_WAITS[0].total_seconds() * 3 / 4, UNEXPLAINED_WAITS[0].total_seconds() * 5 / 4)
)


def later(asked: float = 0) -> Becomes:
    return Becomes("retried", again=(asked, max(asked, FIRST.total_seconds())))


def doubt(asked: float = 0, hold: float = HOLD) -> Becomes:
    return Becomes("ambiguous", again=(asked, max(asked, FIRST.total_seconds())), hold=hold, forced=True)


def parked(scope: str) -> Becomes:
    return Becomes("refused", parked=scope)


async def check(sending: Sending, assignment: int, becomes: Becomes) -> None:
    """The row after its first attempt."""
    row, now = await read_row(assignment), sending.now
    assert (row["sent_version"], row["attempts"], row["parked_scope"]) == (
        becomes.sent_version,
        becomes.attempts,
        becomes.parked,
    )
    assert (row["parked_at"], row["claimed_until"]) == (now if becomes.parked else None, None)
    assert row["hold_until"] == (now + becomes.hold * 1000 if becomes.hold else 0)
    assert row["forced_version"] == (1 if becomes.forced else 0)
    if becomes.again is None:
        assert row["not_before"] == 0
    else:
        least, most = becomes.again
        assert now + least * 1000 <= row["not_before"] <= now + most * 1000

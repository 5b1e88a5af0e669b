"""The senders of one assignment's life: what each process remembers of its attempt."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from models.claims import Claim, Lease
from models.delivery import DeliveryResult
from models.finish import Finish, Outcome
from tests.models.campus import Request
from tests.models.claiming import record

MARGIN, DEADLINE, HOLD = 5_000, 15_000, 30_000
LEASE = MARGIN + DEADLINE + HOLD
BACKOFF = 7_000


class Stage(IntEnum):
    """How far a sender has come. READY: every check is passed, and the next thing is the request."""

    CLAIMED, READ, READY, SENT, DECIDED = range(5)


@dataclass(eq=False, slots=True)
class Sender:
    """One attempt, as its process remembers it."""

    claim: Claim
    #: By the database's clock, and in real time.
    lease_until: int
    claimed_at: int
    stage: Stage = Stage.CLAIMED
    text: str = ""
    request: Request | None = None
    end: Finish | None = None

    @property
    def latest(self) -> int:
        """Before this its request lands or never, if it dies: in real time."""
        return self.claimed_at + LEASE

    @property
    def may_crash(self) -> bool:
        """Whether nothing of it can reach the campus after its lease, if it dies now."""
        request = self.request
        if request is None:
            return True
        return request.begun_at < self.latest and (request.landed_at or 0) < self.latest

    def decide(self, outcome: Outcome, result: DeliveryResult | None = None, *, at: Lease, **how: Any) -> None:
        """*at*: what the sender takes for the time."""
        delivery = result and record(self.claim, result, at=at.now, score=self.text)
        how |= {"at": at.now, "steps": at.steps}
        # Rule 4: whenever bytes have left, since a clock that steps lets two hold a claim at once.
        self.end = Finish(self.claim, outcome, delivery=delivery, bytes_left=self.request is not None, **how)
        self.stage = Stage.DECIDED

"""How platforms limit a tool's requests, and what their answers say is left."""

import json
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

from daemon.demo.platform.kind import PlatformReply
from daemon.demo.platform.request import PlatformRequest
from daemon.demo.platform.rules import MICROS_PER_SECOND
from tests.fakes.canvas import UP_FRONT, LeakyBucket


class Meter(Protocol):
    """One platform's limit. Times are microseconds, by the platform's clock."""

    def enter(self, record: PlatformRequest, now: int) -> PlatformReply | None:
        """Count a request; the answer with which it is refused, if it is one too many."""

    def leave(self, record: PlatformRequest, now: int) -> dict[str, str]:
        """The headers of its answer, whether it was refused or not."""


class CreditMeter:
    """D2L's: each call costs credits of a budget that is full again when a minute is over; then 429."""

    def __init__(self, budget: int = 50_000, cost: int = 10, seconds: int = 60) -> None:
        self.budget, self.cost, self.seconds = budget, cost, seconds
        self._spent = 0
        self._began: int | None = None

    def enter(self, record: PlatformRequest, now: int) -> PlatformReply | None:
        if self._began is None or now - self._began >= self.seconds * MICROS_PER_SECOND:
            self._began, self._spent = now, 0
        if self._spent + self.cost > self.budget:
            return PlatformReply(429, json.dumps({"Errors": [{"Message": "Rate limit exceeded"}]}).encode())
        self._spent += self.cost
        return None

    def leave(self, record: PlatformRequest, now: int) -> dict[str, str]:
        passed = (now - (now if self._began is None else self._began)) // MICROS_PER_SECOND
        return {
            "X-Rate-Limit-Remaining": str(self.budget - self._spent),
            "X-Rate-Limit-Reset": str(max(self.seconds - passed, 0)),
        }


class BucketMeter:
    """
    Canvas's leaky bucket: one a client id, token requests too; then 403 with its words.

    *clock*: by which it leaks, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.buckets: defaultdict[str | None, LeakyBucket] = defaultdict(lambda: LeakyBucket(clock))

    def enter(self, record: PlatformRequest, now: int) -> PlatformReply | None:
        bucket = self.buckets[record.client_id]
        bucket.pour(UP_FRONT)
        return PlatformReply(403, b"403 Forbidden (Rate Limit Exceeded)\n", "text/plain") if bucket.full else None

    def leave(self, record: PlatformRequest, now: int) -> dict[str, str]:
        bucket = self.buckets[record.client_id]
        bucket.pour(-UP_FRONT)
        return {"X-Rate-Limit-Remaining": str(bucket.remaining)}

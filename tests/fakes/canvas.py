"""
A Canvas that throttles, as its ``app/middleware/request_throttle.rb`` and ``increment_bucket.lua`` do by default.

A leaky bucket for each tool, over all its URLs. While a request is at work a charge of 50 is in it, so that many at
once fill it; when the request has ended, what it cost is put in instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from aiohttp import web

from daemon.demo.lms.request import RequestRecord
from tests.fakes.lms import Behaviour, RecordingLms, answer

#: What is in the bucket for a request at work.
UP_FRONT = 50.0
#: From here on the bucket counts as full.
HIGH_WATER = 600.0
#: More the bucket never holds.
MAXIMUM = 800.0
#: A second.
LEAK = 10.0

_LIMITED = answer(403, b"403 Forbidden (Rate Limit Exceeded)\n")


class LeakyBucket:
    """How much one tool has asked for lately. *clock*: seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._level = 0.0
        self._at = clock()

    @property
    def full(self) -> bool:
        return self._level >= HIGH_WATER

    @property
    def remaining(self) -> float:
        return HIGH_WATER - self._level

    def pour(self, amount: float) -> None:
        """Let it leak until now, and put in *amount*, which may be negative."""
        now = self._clock()
        leaked = (now - self._at) * LEAK
        self._level, self._at = min(max(self._level - leaked + amount, 0.0), MAXIMUM), now


class ThrottlingCanvas(RecordingLms):
    """One tool's Canvas. A request costs as many units as it takes seconds, all of them CPU and database."""

    bucket: LeakyBucket

    async def __aenter__(self) -> ThrottlingCanvas:
        self.bucket = LeakyBucket()
        return await super().__aenter__()

    async def answer(self, request: web.BaseRequest, record: RequestRecord, answer: Behaviour) -> web.StreamResponse:
        self.bucket.pour(UP_FRONT)
        return await super().answer(request, record, _LIMITED if self.bucket.full else answer)

    async def write(self, request: web.BaseRequest, record: RequestRecord, answer: Behaviour) -> web.StreamResponse:
        cost = time.monotonic() - record.began
        self.bucket.pour(cost - UP_FRONT)
        headers = {"X-Request-Context-Id": str(uuid4()), "X-Rate-Limit-Remaining": str(self.bucket.remaining)}
        if answer is not _LIMITED:
            headers["X-Request-Cost"] = str(cost)
        return await super().write(request, record, replace(answer, headers={**answer.headers, **headers}))

    @property
    def throttled(self) -> list[RequestRecord]:
        """The requests that found the bucket full."""
        return [record for record in self.requests if record.status == _LIMITED.status]

"""LTI 1.3 platforms in memory: requests under way, applied in any order or never, and what each kind's clock does."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime

from actors.response import Response
from daemon.demo.platform.rules import TimeRule
from tests.fakes.platform_kinds import aplus, moodle, moodle_4_5_0_own, openedx, sakai, strict
from tests.models.campus import Campus, Request

#: A column of Moodle 4.5.0 keeps the time of arrival; that a change by hand is final there is another rule's matter.
KINDS: dict[str, Callable[[], TimeRule]] = {
    "strict": lambda: strict().rule,
    "openedx": lambda: openedx().rule,
    "whole seconds": lambda: moodle().rule,
    "arrival": lambda: replace(moodle_4_5_0_own().rule, hand_is_final=False),
    "time ignored": lambda: sakai().rule,
    "best kept": lambda: aplus().rule,
}
_PRODUCTS = {"openedx": "openedx", "whole seconds": "moodle", "arrival": "moodle", "best kept": "aplus"}
#: How a platform words what it refuses for its time.
_REFUSALS = {
    "openedx": {
        "older": (400, b'{"timestamp": ["Score timestamp can only be updated to a later point in time"]}', ""),
        "equal": (400, b'{"timestamp": ["Score already exists for the provided timestamp"]}', ""),
    },
}
_MOODLE = (409, b"[]", "Refusing score with an earlier timestamp")


@dataclass(eq=False, slots=True)
class Post(Request):
    """One score on its way. *stamp*: microseconds. *is_late*: no answer is read."""

    stamp: int = 0
    bearer: str = ""
    answer: Response | None = None


@dataclass(slots=True)
class Platform(Campus):
    """One learner's cell of a platform. *ahead*: milliseconds by which its clock is ahead of real time."""

    kind: str = "strict"
    ahead: int = 0
    held: Decimal | None = None
    since: int | None = None
    by_hand: bool = False
    #: When it last became what it is, in real time.
    changed_at: int = 0
    reads_fail: bool = False
    #: Access tokens that it takes.
    tokens: set[str] = field(default_factory=set)

    @property
    def rule(self) -> TimeRule:
        return KINDS[self.kind]()

    @property
    def product(self) -> str | None:
        return _PRODUCTS.get(self.kind)

    def post(self, token: int, bearer: str, body: bytes, *, now: int) -> Post:
        said = json.loads(body)
        stamp = int(datetime.fromisoformat(said["timestamp"]).timestamp()) * 1_000_000
        text = str(json.loads(body, parse_float=str, parse_int=str)["scoreGiven"])
        request = Post(token, said["userId"], text, now, stamp=stamp, bearer=bearer)
        self.seen.append(request)
        return request

    def apply(self, request: Request, *, now: int) -> None:
        assert isinstance(request, Post)
        assert request.under_way
        assert request.limit is None or now < request.limit
        request.landed_at = now
        request.answer = self._answered(request, now)

    def _answered(self, request: Post, now: int) -> Response:
        if request.bearer not in self.tokens:
            return self.response(401, b"{}", now=now)
        score = Decimal(request.text)
        decided = self.rule.decide(self.held, self.since, score, request.stamp, by_hand=self.by_hand)
        if decided in ("older", "equal"):
            status, body, reason = _REFUSALS.get(self.kind, {}).get(decided, _MOODLE)
            return self.response(status, body, now=now, reason=reason)
        if decided == "stored":
            self.since = self.rule.time_to_keep(
                since=self.since,
                timestamp=request.stamp,
                now=(now + self.ahead) * 1000,
                same_score=self.held == score,
            )
            self.held, self.by_hand, self.changed_at = score, False, now
        return self.response(200, b"{}", now=now)

    def grade_by_hand(self, *, now: int) -> None:
        """A person's grade, which no daemon ever sends."""
        self.held, self.by_hand, self.changed_at = Decimal("0.123456"), True, now
        if self.rule.hand_moves_time:
            self.since = self.rule.rounded((now + self.ahead) * 1000)

    def results(self, user_id: str, *, now: int) -> Response:
        row = {"userId": user_id, "resultScore": float(self.held or 0), "resultMaximum": 1}
        return self.response(200, json.dumps([] if self.held is None else [row]).encode(), now=now)

    def response(self, status: int, body: bytes, *, now: int, reason: str = "") -> Response:
        date = format_datetime(datetime.fromtimestamp((now + self.ahead) // 1000, UTC), usegmt=True)
        headers = {"Date": date, "Content-Type": "application/json"}
        return Response(status, headers, body, 0.0, reason=reason)

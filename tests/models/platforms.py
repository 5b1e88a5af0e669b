"""LTI 1.3 platforms in memory: requests under way, applied in any order or never, and what each kind's clock does."""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime

from actors.protocols.interface import CLEARED
from actors.response import Response
from daemon.demo.platform.rules import TimeRule
from tests.fakes.platform_kinds import aplus, moodle, moodle_4_5_0_own, openedx, sakai, strict
from tests.models.campus import Campus, Request

ISSUER = "https://platform.example"
ITEMS = (f"{ISSUER}/items/1", f"{ISSUER}/items/2")

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
    """One score on its way. *stamp*: microseconds."""

    stamp: int = 0
    bearer: str = ""
    answer: Response | None = None
    is_stored: bool = False
    #: When its answer was made that was read; None: none was.
    answered_at: int | None = None


@dataclass(slots=True)
class Cell:
    """What one line item holds of the learner. *since*: microseconds, as the platform keeps it."""

    held: Decimal | None = None
    since: int | None = None
    by_hand: bool = False


@dataclass(slots=True)
class Platform(Campus):
    """A platform with one learner. *ahead*: milliseconds by which its clock is ahead of real time."""

    kind: str = "strict"
    ahead: int = 0
    #: By the line item's URL, and where the learner's grade belongs now.
    cells: defaultdict[str, Cell] = field(default_factory=lambda: defaultdict(Cell))
    item: str = ITEMS[0]
    reads_fail: bool = False
    #: Access tokens that it takes.
    tokens: set[str] = field(default_factory=set)

    @property
    def cell(self) -> Cell:
        return self.cells[self.item]

    @property
    def held(self) -> Decimal | None:
        return self.cell.held

    @property
    def by_hand(self) -> bool:
        return self.cell.by_hand

    @property
    def rule(self) -> TimeRule:
        return KINDS[self.kind]()

    @property
    def product(self) -> str | None:
        return _PRODUCTS.get(self.kind)

    def post(self, token: int, bearer: str, item: str, body: bytes, *, now: int) -> Post:
        said = json.loads(body)
        stamp = int(datetime.fromisoformat(said["timestamp"]).timestamp()) * 1_000_000
        text = str(json.loads(body, parse_float=str, parse_int=str).get("scoreGiven", CLEARED))
        request = Post(token, item, text, now, stamp=stamp, bearer=bearer)
        self.seen.append(request)
        return request

    def apply(self, request: Request, *, now: int) -> None:
        assert isinstance(request, Post)
        assert request.under_way
        assert request.limit is None or now < request.limit
        request.landed_at = now
        request.answer = self._answered(request, self.cells[str(request.address)], now)

    def _answered(self, request: Post, cell: Cell, now: int) -> Response:
        if request.bearer not in self.tokens:
            return self.response(401, b"{}", now=now)
        score = None if request.text == CLEARED else Decimal(request.text)
        decided = self.rule.decide(cell.held, cell.since, score, request.stamp, by_hand=cell.by_hand)
        if decided in ("older", "equal"):
            status, body, reason = _REFUSALS.get(self.kind, {}).get(decided, _MOODLE)
            return self.response(status, body, now=now, reason=reason)
        if decided == "stored":
            cell.since = self.rule.time_to_keep(
                since=cell.since,
                timestamp=request.stamp,
                now=(now + self.ahead) * 1000,
                same_score=cell.held == score,
            )
            cell.held, cell.by_hand = score, False
        request.is_stored = True
        return self.response(200, b"{}", now=now)

    def grade_by_hand(self, *, now: int) -> None:
        """A person's grade, which no daemon ever sends."""
        self.cell.held, self.cell.by_hand = Decimal("0.123456"), True
        if self.rule.hand_moves_time:
            self.cell.since = self.rule.rounded((now + self.ahead) * 1000)

    def results(self, item: str, user_id: str, *, now: int) -> Response:
        held = self.cells[item].held
        row = {"userId": user_id, "resultScore": float(held or 0), "resultMaximum": 1}
        return self.response(200, json.dumps([] if held is None else [row]).encode(), now=now)

    def response(self, status: int, body: bytes, *, now: int, reason: str = "") -> Response:
        date = format_datetime(datetime.fromtimestamp((now + self.ahead) // 1000, UTC), usegmt=True)
        headers = {"Date": date, "Content-Type": "application/json"}
        return Response(status, headers, body, 0.0, reason=reason)

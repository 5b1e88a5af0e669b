"""
A model of one assignment's life at an LTI 1.3 platform: the real attempts, and steps that a driver chooses.

What it takes for granted is what :mod:`tests.models.life` does: a request that was given up lands within the hold, one
of a sender that died lands before the lease is over.
"""

from collections import Counter
from decimal import Decimal
from typing import Any

from actors.access import SCORE_SCOPE
from actors.errors import Ambiguous
from actors.metrics import Metrics
from models.campus import Campus as CampusRow
from models.campus import OutcomeService
from models.changes import Change, Debounce, change, force_resend, unpark
from models.consumer import LtiConsumer
from models.delivery import Delivery
from models.rescue import rescue
from tests.models.platform_daemons import PlatformDaemon, SimulatedTokens
from tests.models.platforms import Platform, Post
from tests.models.rows import BLOCK, COURSE, LEARNER, check_order, make_assignment, make_service, may_come_due, read_row
from tests.models.scores import apply_score
from tests.models.simulated_daemons import HOLD, Attempt, Stage, Time

#: The most requests for one version of a grade.
MAX_POSTS = 20
OFFERED = f"{SCORE_SCOPE} https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly"
_DEBOUNCE = Debounce(delay_ms=0, ceiling_ms=0)


class PlatformLife:
    """The assignment, the daemons and the platform."""

    def __init__(self, logs: list[Any]) -> None:
        self.time = Time()
        self.campus = Platform()
        self.tokens = SimulatedTokens(self.campus)
        self.attempts: list[Attempt] = []
        self._calls: list[Any] = []
        self._logs = logs
        self._metrics = Metrics("platforms")
        self.points = 0
        self.posts: Counter[int] = Counter()
        self.versions: dict[int, int] = {}
        #: Whether a person's grade may stay: nothing was ordered after it.
        self.person_may_win = False

    async def begin(self, kind: str, *, ahead: int, can_read: bool) -> None:
        self.campus.kind, self.campus.ahead = kind, ahead
        service = await make_service(url="https://platform.example/items/1")
        values = {"issuer": "https://platform.example", "client_id": "key", "token_url": "https://platform.example/t"}
        await LtiConsumer.all().update(**values, product=self.campus.product, consumer_secret="")
        await OutcomeService.filter(id=service.id).update(offered=OFFERED if can_read else SCORE_SCOPE)
        await CampusRow.all().update(answered_at=1)
        self.consumer_id = service.lti_consumer_id
        self.id = await make_assignment(lis_result_sourcedid="user", version_number=0, due_at=0)
        self.before = await read_row(self.id)
        self.daemon = self._daemon()

    def _daemon(self) -> PlatformDaemon:
        settings: dict[str, Any] = {"max_per_campus": 4, "logs": self._logs, "tokens": self.tokens}
        return PlatformDaemon(self.time, self.campus, self._metrics, [], **settings)

    @property
    def real(self) -> int:
        return self.time.real

    @property
    def newest(self) -> Decimal:
        """What is to be held: scores go up and down."""
        return Decimal(self.points * 7 % 100) / 100

    # --- Changes ---

    async def score(self) -> None:
        self.points += 1
        points = (float(self.newest * 100), 100.0)
        await apply_score(LEARNER, COURSE, BLOCK, points=points, modified_us=self.real * 1000 + self.points)
        await change([Change(self.id, "leaf", scored_at=self.real)], now=self.real, debounce=_DEBOUNCE)

    async def force(self) -> None:
        assert await force_resend(self.id, now=self.real)
        self.person_may_win = False

    def grade_by_hand(self) -> None:
        self.campus.grade_by_hand(now=self.real)
        self.person_may_win = True

    def pass_time(self, milliseconds: int) -> None:
        self.time.real += milliseconds
        self.campus.lose_what_is_late(self.real)

    async def rescue(self) -> None:
        await rescue(now=self.real)

    # --- Attempts ---

    async def claim(self) -> Attempt | None:
        row = await read_row(self.id)
        has_token = self.tokens.usable(self.consumer_id, SCORE_SCOPE) is not None
        call = await self.daemon.receive([self.id])
        assert has_token or not call.attempts, "claimed without a token"
        self._calls.append(call)
        for attempt in call.attempts:
            after = await read_row(self.id)
            self.attempts.append(attempt)
            if row["version_number"] in self.versions.values():
                assert after["stamp"] == row["stamp"], "a repeat has another stamp"
            else:
                campus = await CampusRow.get()
                assert after["stamp"] > row["stamp"], "a version has no later stamp"
                by_campus = (row["changed_at"] or 0) // 1000 + campus.clock_offset
                assert after["stamp"] >= by_campus, "a stamp by another clock than the campus's"
            self.versions[attempt.token] = row["version_number"]
        return call.attempts[0] if call.attempts else None

    async def fetch_token(self) -> None:
        await self.tokens.fetch(self.consumer_id, SCORE_SCOPE)

    async def go_on(self, attempt: Attempt, said: Any = None) -> None:
        began = attempt.request
        await attempt.go_on(said)
        if attempt.request is not None and began is None:
            version = self.versions[attempt.token]
            self.posts[version] += 1
            assert self.posts[version] <= MAX_POSTS, "it loops"
        if attempt.stage == Stage.OVER:
            self.attempts.remove(attempt)
            await self._check_overtaken(attempt)
        if attempt.next is not None:
            self.attempts.append(attempt.next)
            self.versions[attempt.next.token] = (await read_row(self.id))["claimed_version"]

    async def _check_overtaken(self, attempt: Attempt) -> None:
        row = await read_row(self.id)
        line = await Delivery.get_or_none(assignment_id=self.id, claim_token=attempt.token)
        if line is not None and line.result == "overtaken" and row["sent_version"] < line.version:
            assert row["forced_version"] >= line.version, "overtaken, and not forced"

    async def answer(self, attempt: Attempt) -> None:
        request = attempt.request
        assert isinstance(request, Post)
        if request.landed_at is None:
            self.campus.apply(request, now=self.real)
        await self.go_on(attempt, request.answer)

    async def lose_answer(self, attempt: Attempt) -> None:
        request = attempt.request
        assert request is not None
        if request.under_way:
            request.limit = self.real + HOLD
        await self.go_on(attempt, Ambiguous("no answer"))

    def crash(self, attempt: Attempt) -> None:
        """Another daemon, which has all of its connections free, makes the next attempts."""
        assert attempt.may_crash
        self.attempts.remove(attempt)
        self.daemon = self._daemon()
        request = attempt.request
        if request is not None and request.under_way:
            request.limit = min(request.limit or attempt.latest, attempt.latest)
            self.campus.lose_what_is_late(self.real)

    async def meet(self, attempt: Attempt) -> None:
        """Let it come to its end, with an answer, and those that are handed over after it."""
        following: Attempt | None = attempt
        while following is not None:
            while following.stage != Stage.OVER:
                await (self.answer(following) if following.stage == Stage.SENT else self.go_on(following))
            following = following.next

    # --- What must hold ---

    async def look(self) -> None:
        row = await read_row(self.id)
        check_order(row, self.before)
        assert row["stamp"] >= self.before["stamp"], "the stamp went back"
        self.before = row

    def land(self, late: Post) -> None:
        assert late.limit is not None
        self.time.real = max(self.real, late.limit - 1)
        self.campus.apply(late, now=self.real)

    async def settle(self) -> None:
        """Without faults from now on; a row that was parked for what was lost is launched again."""
        self.tokens.fails = self.campus.reads_fail = False
        for attempt in list(self.attempts):
            await self.meet(attempt)
        while (late := self.campus.next_to_land()) is not None:
            self.land(late)  # type: ignore[arg-type]
        for _ in range(60):
            row = await read_row(self.id)
            if row["version_number"] == row["sent_version"] and row["claimed_until"] is None:
                break
            if row["parked_at"] is not None:
                await unpark(self.id, now=self.real)
                row = await read_row(self.id)
            assert may_come_due(row), "stuck"
            await CampusRow.all().update(blocked_until=0, tripped_at=None)
            times = (row[name] or 0 for name in ("due_at", "not_before", "hold_until", "claimed_until"))
            self.pass_time(max(0, max(times) - self.real))
            await self.rescue()
            await self.fetch_token()
            attempt = await self.claim()
            if attempt is not None:
                await self.meet(attempt)
        else:
            raise AssertionError("it never settles")
        await self.check_settled()

    async def check_settled(self) -> None:
        if not self.points:
            return
        if self.campus.by_hand and self.person_may_win:
            return
        if self.campus.rule.keeps_best:
            assert self.campus.held is not None
            assert self.campus.held >= self.newest, "the best is not kept"
            return
        assert not self.campus.by_hand, "a resend by force left a person's grade"
        assert self.campus.held == self.newest, "stale"

    async def close(self) -> None:
        for call in self._calls:
            await call.vanish()

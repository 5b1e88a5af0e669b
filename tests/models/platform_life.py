"""
A model of one assignment's life at an LTI 1.3 platform: the real attempts and intake, and steps that a driver chooses.

What it takes for granted is what :mod:`tests.models.life` does: a request that was given up lands within the hold, one
of a sender that died lands before the lease is over. And that to restore a database takes longer than that, and the
stream still has what came since the backup.
"""

from collections import Counter
from decimal import Decimal
from typing import Any

from actors.errors import Ambiguous
from actors.protocols.interface import CLEARED
from models.assignment import GradedAssignment
from models.campus import Campus as CampusRow
from models.changes import unpark
from models.delivery import Delivery
from models.orphaned_claim import prune_orphans
from models.rescue import rescue
from models.scopes import RESULT_SCOPE, SCORE_SCOPE
from tests.models.platform_daemons import PlatformDaemon, SimulatedTokens
from tests.models.platform_tool import PlatformTool
from tests.models.platforms import Post
from tests.models.rows import check_order, may_come_due, read_row
from tests.models.simulated_daemons import HOLD, Attempt, Stage

#: The most requests for one version of a grade.
MAX_POSTS = 20
#: Seconds by which a platform's clock may be elsewhere than it is known to be.
_TOLERANCE = 3


class PlatformLife(PlatformTool):
    """The assignment, the daemons and the platform."""

    def __init__(self, logs: list[Any]) -> None:
        super().__init__(logs)
        self.tokens = SimulatedTokens(self.campus)
        self.attempts: list[Attempt] = []
        self._calls: list[Any] = []
        #: By how often the database was restored, and version.
        self.posts: Counter[tuple[int, int]] = Counter()
        self.versions: dict[int, tuple[int, int]] = {}

    async def begin(self, kind: str, *, ahead: int, can_read: bool, composite: bool = False) -> None:
        self.campus.kind, self.campus.ahead = kind, ahead
        scopes = f"{SCORE_SCOPE} {RESULT_SCOPE}" if can_read else SCORE_SCOPE
        await self.begin_tool(composite=composite, scopes=scopes)
        await CampusRow.all().update(answered_at=1)
        self.id = (await GradedAssignment.get()).id
        self.before = await read_row(self.id)
        self.daemon = self._daemon()

    def _daemon(self) -> PlatformDaemon:
        settings: dict[str, Any] = {"max_per_campus": 4, "logs": self._logs, "tokens": self.tokens}
        return PlatformDaemon(
            self.time, self.campus, self._metrics, [], may_send=lambda: self.catch_up.applied, **settings
        )

    async def rescue(self) -> None:
        """What a daemon does before it dispatches; also once before it knows of the last step of the clock."""
        clock = self.daemon.clock
        if not clock.is_current:
            assert await rescue(now=clock.now(), steps=clock.steps) == 0, "rescued by a clock that has stepped"
            clock.look()
        await rescue(now=clock.now(), steps=clock.steps)
        await prune_orphans(now=clock.now(), steps=clock.steps)

    async def wait_until_due(self) -> None:
        row = await read_row(self.id)
        if may_come_due(row):
            self.pass_time(max(0, row["due_at"] - self.time.ms))

    async def restore(self, *, land: bool, restarts: bool = False) -> None:
        if restarts:
            for attempt in [one for one in self.attempts if one.may_crash]:
                self.crash(attempt)
        await super().restore(land=land)
        self.daemon.clock.look()
        if restarts:
            self._start_intake()

    # --- Attempts ---

    async def claim(self) -> Attempt | None:
        row = await read_row(self.id)
        has_token = self.tokens.usable(self.consumer_id, SCORE_SCOPE) is not None
        if not self.daemon.clock.is_current:
            self._calls.append(await self.daemon.receive([self.id]))
            assert not self._calls[-1].attempts, "claimed by a clock that has stepped"
            self.daemon.clock.look()
        call = await self.daemon.receive([self.id])
        assert has_token or not call.attempts, "claimed without a token"
        assert self.catch_up.applied or not call.attempts, "claimed before intake has caught up"
        self._calls.append(call)
        for attempt in call.attempts:
            self.attempts.append(attempt)
            version = (self.restores, row["version_number"])
            await self._check_stamp(row, is_new=version not in self.versions.values())
            self.versions[attempt.token] = version
        return call.attempts[0] if call.attempts else None

    async def _check_stamp(self, before: dict[str, Any], *, is_new: bool) -> None:
        """Of the version that was just claimed."""
        row, campus = await read_row(self.id), await CampusRow.get()
        if before["stamped_version"] == before["version_number"]:
            assert row["stamp"] == before["stamp"], "a repeat has another stamp"
            return
        assert is_new, "a version is stamped twice"
        assert row["stamp"] > before["stamp"], "a version has no later stamp"
        by_campus = (row["changed_at"] or 0) // 1000 + campus.clock_offset
        assert row["stamp"] >= by_campus, "a stamp by another clock than the campus's"
        least = before["stamp"] + 1
        assert row["stamp"] <= max(least, self.time.ms // 1000 + campus.clock_offset), "a stamp in the future"
        if self.knows_clock:
            here = (self.real + self.campus.ahead) // 1000
            assert row["stamp"] <= max(least, here + _TOLERANCE), "a stamp in the platform's future"

    async def fetch_token(self) -> None:
        await self.tokens.fetch(self.consumer_id, SCORE_SCOPE)

    async def go_on(self, attempt: Attempt, said: Any = None) -> None:
        began, before = attempt.request, await read_row(self.id)
        if not attempt.daemon.clock.is_current:
            await self.was_looked_at()
        await attempt.go_on(said)
        if attempt.request is not None and began is None:
            self._count(attempt, before)
        if attempt.stage == Stage.OVER:
            self.attempts.remove(attempt)
            await self._check_end(attempt, before)
        if attempt.next is not None:
            self.attempts.append(attempt.next)
            row = await read_row(self.id)
            self.versions[attempt.next.token] = (self.restores, row["claimed_version"])

    def _count(self, attempt: Attempt, row: dict[str, Any]) -> None:
        version = self.versions[attempt.token]
        self.posts[version] += 1
        assert self.posts[version] <= MAX_POSTS, "it loops"
        if attempt.text == CLEARED and row["claim_token"] == attempt.token:
            known = row["sent_score"] is not None or row["forced_version"] > row["sent_version"]
            assert known, "cleared, though nothing of ours was accepted"

    async def _check_end(self, attempt: Attempt, before: dict[str, Any]) -> None:
        row, request = await read_row(self.id), attempt.request
        line = await Delivery.get_or_none(assignment_id=self.id, claim_token=attempt.token)
        if before["claim_token"] != attempt.token:
            if request is not None:
                assert row["ordered_version"] > before["version_number"], "fenced, and nothing is ordered"
                self.is_ordered = True
            return
        assert isinstance(request, Post | None)
        if line is not None and line.result == "overtaken" and row["sent_version"] < line.version:
            assert row["forced_version"] >= line.version, "overtaken, and not forced"
        if line is not None and line.result in ("accepted", "overtaken") and request is not None:
            self.knows_clock = request.answered_at == self.real and attempt.daemon.clock.is_current
            if request.is_stored and request.answered_at is not None:
                assert row["stamp"] >= (request.answered_at + self.campus.ahead) // 1000, "accepted, and not lifted"

    async def answer(self, attempt: Attempt) -> None:
        request = attempt.request
        assert isinstance(request, Post)
        if request.landed_at is None:
            self.campus.apply(request, now=self.real)
        request.answered_at = request.landed_at
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
        await self.intake()
        for attempt in list(self.attempts):
            await self.meet(attempt)
        while (late := self.campus.next_to_land()) is not None:
            self.land(late)  # type: ignore[arg-type]
        for _ in range(60):
            row = await read_row(self.id)
            if row["version_number"] == row["sent_version"] and row["claimed_until"] is None:
                break
            if row["parked_at"] is not None:
                await unpark(self.id, now=self.time.ms)
                row = await read_row(self.id)
            assert may_come_due(row), "stuck"
            await CampusRow.all().update(blocked_until=0, tripped_at=None)
            times = (row[name] or 0 for name in ("due_at", "not_before", "hold_until", "claimed_until"))
            self.pass_time(max(0, max(times) - self.time.ms))
            await self.rescue()
            await self.fetch_token()
            attempt = await self.claim()
            if attempt is not None:
                await self.meet(attempt)
        else:
            raise AssertionError("it never settles")
        self.check_settled(row)

    def check_settled(self, row: dict[str, Any]) -> None:
        if not self.scores or (self.campus.by_hand and self._person_may_win(row)):
            return
        if self.campus.rule.keeps_best:
            held = -1 if self.campus.held is None else self.campus.held
            assert self.newest is None or held >= self.newest, "the best is not kept"
            return
        assert not self.campus.by_hand, "a person's earlier grade is left"
        assert self.campus.held == self.newest, "stale"

    def _person_may_win(self, row: dict[str, Any]) -> bool:
        """An order replaces a person's grade; a later score does, unless it is the one that was acknowledged before."""
        if self.is_ordered:
            return False
        newest = self.newest
        return not self.is_later or newest is None or (row["sent_score"] and Decimal(row["sent_score"]) == newest)

    async def close(self) -> None:
        for call in self._calls:
            await call.vanish()

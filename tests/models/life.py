"""
A model of one assignment's life: senders that are slow, freeze and crash around the real statements.

Each method is one step; whoever drives it chooses the steps and their order. Time is two numbers that the driver moves:
what the database's clock says, and how long it has really been; the clock may step, and requests land by the other one.
What a sender does is the daemon's walk: claim, read the score in a later statement, look whether the send is still
worth it, check the margin, send, end. Between any two of these it may be slow or frozen, and others act.

What the model takes for granted, since the lease is made of it: a request that began within the margin lands before
its sender's lease is over; one that was given up lands within the hold. A frozen sender may send later than that, but
then it lives on and ends its attempt: of a request that was sent late by somebody who never comes back nobody can know.
And since leases and holds are times by the database's clock: while that clock steps forward, no request is under way
whose sender is gone or has given it up, and nobody whose lease the step cut short goes away without ending.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from models.attempt import (
    Accepted,
    Claim,
    Empty,
    End,
    Parked,
    Released,
    Retried,
    Uncertain,
    Unchanged,
    Waiting,
    claim,
    end,
    is_superseded,
)
from tortoise.transactions import in_transaction

from models.assignment import (
    Debounce,
    GradedAssignment,
    Wake,
    bump,
    bump_block,
    bump_waiting,
    forget_wake,
    hurry,
    redo,
    revive,
    sweep,
    wake_bumped,
)
from models.consumer import digest
from models.delivery import Line, Result
from models.score import apply_score, read_scores
from tests.models.campus import Campus, Request
from tests.models.rows import BLOCK, COURSE, LEARNER, PROBLEM, make_assignment, read_lines, read_row

if TYPE_CHECKING:
    from collections.abc import Iterable

MARGIN, DEADLINE, HOLD = 5_000, 15_000, 30_000
LEASE = MARGIN + DEADLINE + HOLD
BACKOFF = 7_000
DEBOUNCE = Debounce(delay_ms=20_000, ceiling_ms=60_000)
#: The times that a claim must wait for.
TIMES = ("due_at", "not_before", "hold_until", "claimed_until")
#: Rounds after which a row without faults must be at rest.
PATIENCE = 40


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
    how: End | None = None
    result: Result | None = None
    #: Whether the database's clock stepped over the end of its lease.
    cut_short: bool = False

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
        return not self.cut_short and request.begun_at < self.latest and (request.landed_at or 0) < self.latest

    @property
    def redo_if_fenced(self) -> bool:
        """Rule 4: whenever bytes have left, since a clock that steps lets two hold a claim at once."""
        return self.request is not None

    def decide(self, how: End, result: Result | None = None) -> None:
        self.how, self.result, self.stage = how, result, Stage.DECIDED


class Life:
    """One assignment, its campus and its senders; the row is in the database that is open."""

    def __init__(self, *, composite: bool) -> None:
        self.composite = composite
        self.problem = PROBLEM if composite else BLOCK
        #: By the database's clock, and how far that is ahead of real time.
        self.now = 1_000_000
        self.ahead = 0
        self.campus = Campus()
        self.address = "address-0"
        # The truth: the newest score, and where the course has the problem.
        self.newest: str | None = None
        self.scored_us = 0
        self.attached = True
        self.block_known = True

        self.senders: list[Sender] = []
        self.ended: list[Sender] = []
        self.wakes: list[Wake] = []
        #: By token: until when claims that were neither ended nor taken over are somebody's alone, by the database.
        self.leases: dict[int, int] = {}
        self.newest_token = 0
        #: Who had claimed last when something came that takes a row back into the race.
        self.revived_at: int | None = None
        self.claims = 0
        #: What the campus acknowledged last.
        self.acknowledged: str | None = None
        self.before: dict[str, Any] = {}

    async def start(self) -> None:
        """The launch."""
        self.id = await make_assignment(
            composite=self.composite, due_at=self.now, lis_result_sourcedid=self.address, claim_token=None
        )
        self.before = await read_row(self.id)

    @property
    def real(self) -> int:
        """The time that passes for requests."""
        return self.now - self.ahead

    @property
    def kind(self) -> Any:
        return "composite" if self.composite else "leaf"

    @property
    def to_send(self) -> str | None:
        return self.newest if self.attached and self.block_known else None

    # --- What the course and its people do ---

    async def score(self, text: str) -> None:
        self.scored_us += 2
        async with in_transaction():
            applied, changed = await self._apply(text, self.scored_us)
            assert (applied, changed) == (True, text != self.newest)
            if changed:
                await bump(self.id, kind=self.kind, now=self.now, debounce=DEBOUNCE)
                self._was_revived()
        self.newest = text
        await self._wake_bumped()

    async def go_back(self) -> None:
        """The score becomes the one that is most easily taken for what the campus holds."""
        if self.acknowledged not in (None, self.newest):
            await self.score(self.acknowledged)

    async def older_score(self, text: str) -> None:
        """A change that happened before the newest one arrives after it."""
        applied, changed = await self._apply(text, self.scored_us - 1)
        assert not applied
        assert not changed

    async def _apply(self, text: str, modified_us: int) -> tuple[bool, bool]:
        return await apply_score(LEARNER, COURSE, self.problem, points=(float(text), 1.0), modified_us=modified_us)

    async def attach(self, *, attached: bool) -> None:
        """A new structure has the problem below the block, or no longer."""
        self.attached = attached
        await self._structure()

    async def know_block(self, *, known: bool) -> None:
        """A new structure has the block, or no longer."""
        self.block_known = known
        await self._structure()

    async def _structure(self) -> None:
        async with in_transaction():
            await bump_waiting(COURSE, now=self.now, debounce=DEBOUNCE)
            await bump_block(COURSE, BLOCK, kind="composite", now=self.now, debounce=DEBOUNCE)
        self._was_revived()
        await self._wake_bumped()

    async def move(self, address: str) -> None:
        """A launch brings another sourcedid."""
        self.address = address
        async with in_transaction():
            await GradedAssignment.filter(id=self.id).update(
                lis_result_sourcedid=address, sourcedid_digest=digest(address)
            )
            assert await redo(self.id, now=self.now, afresh=True)
        self._was_revived()
        await self._wake_bumped()

    async def redo(self, *, afresh: bool) -> None:
        assert await redo(self.id, now=self.now, afresh=afresh)
        self._was_revived()
        await self._wake_bumped()

    async def revive(self) -> None:
        await revive(self.id, now=self.now)
        self._was_revived()
        await self._wake_bumped()

    def _was_revived(self) -> None:
        self.revived_at = self.newest_token

    async def hurry(self) -> None:
        await hurry(self.id, now=self.now)

    # --- Time and wake-ups ---

    def pass_time(self, milliseconds: int) -> None:
        self.now += milliseconds
        self.campus.lose_what_is_late(self.real)

    def step_clock(self, milliseconds: int) -> None:
        """The database's clock steps, which tells nothing of how much time has passed."""
        if milliseconds > 0:
            assert self.campus.next_to_land() is None
            for sender in self.senders:
                sender.cut_short |= self.now < sender.lease_until <= self.now + milliseconds
        self.now += milliseconds
        self.ahead += milliseconds

    async def wait(self, columns: Iterable[str]) -> None:
        """Let those of the row's times pass."""
        row = await read_row(self.id)
        if in_the_race(row):
            self.pass_time(max([0, *((row[column] or 0) - self.now for column in columns)]))

    async def _wake_bumped(self) -> None:
        wake = await wake_bumped(self.id, now=self.now)
        if wake is not None:
            self.wakes.append(wake)

    async def sweep(self) -> None:
        self.wakes += await sweep(now=self.now, most=10)

    async def deliver_wake(self) -> None:
        """A wake-up arrives, at its time or later."""
        wake = self.wakes.pop(0)
        assert wake.assignment_id == self.id
        self.pass_time(max(0, wake.due_at - self.now))
        if await self.claim() is None:
            await forget_wake(self.id)

    def restart(self) -> None:
        """Every daemon dies; Redis too."""
        self.wakes.clear()
        for sender in list(self.senders):
            if sender.may_crash:
                self.crash(sender)

    # --- The walk ---

    async def claim(self) -> Sender | None:
        self.claims += 1
        token = self.claims * 0x9E3779B97F4A7C15 & (2**63 - 1)
        got = await claim(self.id, token=token, now=self.now, lease_ms=LEASE)
        if got is None:
            return None
        assert all(until <= self.now for until in self.leases.values()), "two claims at once"
        self.leases = {token: self.now + LEASE}
        self.newest_token = token
        assert got.lis_result_sourcedid == self.address
        sender = Sender(got, self.now + LEASE, self.real)
        self.senders.append(sender)
        return sender

    async def go_on(self, sender: Sender, until: Stage) -> None:
        """Take the walk's next steps, until the request is sent at most."""
        while sender.stage < min(until, Stage.SENT):
            if sender.stage == Stage.CLAIMED:
                await self._read(sender)
            elif sender.stage == Stage.READ:
                await self._check(sender)
            else:
                sender.request = self.campus.receive(
                    sender.claim.token, sender.claim.lis_result_sourcedid, sender.text, now=self.real
                )
                sender.stage = Stage.SENT

    async def _read(self, sender: Sender) -> None:
        scores = await read_scores(LEARNER, COURSE, [self.problem] if self.attached else [])
        if not self.block_known:
            sender.decide(Waiting())
        elif not scores:
            sender.decide(Empty())
        else:
            sender.text = f"{scores[self.problem][0]:g}"
            sender.stage = Stage.READ

    async def _check(self, sender: Sender) -> None:
        held = sender.claim
        if not held.must_go_out and sender.text == held.sent_score:
            sender.decide(Unchanged())
        elif held.kind == "composite" and await is_superseded(held, now=self.now):
            sender.decide(Released())
        elif self.real - sender.claimed_at > MARGIN:
            sender.decide(Released(self.now + BACKOFF))
        else:
            sender.stage = Stage.READY

    def apply(self, sender: Sender) -> None:
        """The campus applies the request, and nobody reads its answer."""
        assert sender.request is not None
        self.campus.apply(sender.request, now=self.real)

    def accept(self, sender: Sender) -> None:
        """The campus applies the request, if it has not yet, and its answer is read."""
        assert sender.request is not None
        if sender.request.landed_at is None:
            self.campus.apply(sender.request, now=self.real)
        sender.decide(Accepted(sender.text), "accepted")

    def refuse(self, sender: Sender, *, park: bool) -> None:
        """The campus does not apply the request, says so, and its answer is read."""
        assert sender.request is not None
        sender.request.lost = True
        if park:
            sender.decide(Parked("no such learner", "learner"), "refused")
        else:
            sender.decide(Retried(self.now + BACKOFF), "retried")

    def give_up(self, sender: Sender, *, park: bool) -> None:
        """A time-out, a reset, a 5xx: the request may still land."""
        assert sender.request is not None
        if sender.request.under_way:
            sender.request.limit = self.real + HOLD
        parked = Parked("too many attempts", "campus") if park else None
        sender.decide(Uncertain(self.now + BACKOFF, self.now + HOLD, parked), "ambiguous")

    async def end(self, sender: Sender) -> None:
        self.senders.remove(sender)
        self.ended.append(sender)
        await self._end(sender)
        self.leases.pop(sender.claim.token, None)

    async def end_again(self, sender: Sender) -> None:
        """The commit's answer was lost, and the sender says it once more."""
        await self._end(sender)

    async def _end(self, sender: Sender) -> None:
        assert sender.how is not None
        line = None if sender.result is None else Line(sender.result, score=sender.text)
        ended = await end(sender.claim, sender.how, now=self.now, line=line, redo_if_fenced=sender.redo_if_fenced)
        assert not ended.gone
        assert ended.fenced == (sender.claim.token != self.newest_token)
        if isinstance(sender.how, Accepted) and not ended.fenced:
            self.acknowledged = sender.text
        if ended.wake is not None:
            self.wakes.append(ended.wake)

    def crash(self, sender: Sender) -> None:
        """Nothing of the sender is left but its request, if that is under way: before its lease is over."""
        assert sender.may_crash
        self.senders.remove(sender)
        if sender.request is not None and sender.request.under_way:
            sender.request.limit = min(sender.request.limit or sender.latest, sender.latest)
            self.campus.lose_what_is_late(self.real)

    # --- What must hold ---

    async def look(self) -> dict[str, Any]:
        """
        What holds after every step. Returns the row.

        A clean row is a fresh one, unless somebody who sent has yet to end, and so to tell that he was fenced.
        """
        row, before = await read_row(self.id), self.before
        for column in ("version_number", "sent_version", "forced_version", "hold_until"):
            assert row[column] >= before[column], f"{column} went back"
        assert row["version_number"] >= row["sent_version"]
        assert row["version_number"] >= row["forced_version"]
        assert row["attempts"] >= 0
        if row["parked_at"] is not None or row["waiting_since"] is not None:
            assert row["version_number"] == row["claimed_version"], "stuck: out of the race with an untried version"
            assert self.newest_token != self.revived_at, "stuck: out of the race again without a try"
        if row["version_number"] == row["sent_version"] and not any(sender.request for sender in self.senders):
            self._check_fresh()
        self.before = row
        return row

    async def finish(self, *, goes_back: bool) -> None:
        """No more faults: everybody comes home, and the campus must end up with the newest score."""
        self.wakes.clear()
        for sender in list(self.senders):
            await self._bring_home(sender)
        if goes_back:
            await self.go_back()
        row = await self._settle()
        if row["parked_at"] is None and row["waiting_since"] is None:
            self._check_fresh()
        assert row["waiting_since"] is None or not self.block_known, "stuck: waits for a structure that is there"
        await self._check_ledger()

        # What stood in the way goes away, so that nothing may hide behind it.
        if row["parked_at"] is not None:
            await revive(self.id, now=self.now)
            row = await self._settle()
        if row["waiting_since"] is not None:
            self.block_known = True
            assert await bump_waiting(COURSE, now=self.now, debounce=DEBOUNCE) == 1
            row = await self._settle()
        assert row["sent_version"] == row["version_number"], "stuck"
        self._check_fresh()
        if self.to_send is None:
            await self.go_back()
            await self.know_block(known=True)
            await self.attach(attached=True)
            await self._settle()
            self._check_fresh()
        await self._check_ledger()

        # And a change whose wake-up is lost is found by the sweep alone.
        await self.score("1" if self.newest == "0" else "0")
        row = await self.look()
        self.now = max([self.now, row["wake_until"] or 0, *(row[column] or 0 for column in TIMES)])
        assert [wake.assignment_id for wake in await sweep(now=self.now, most=1)] == [self.id]
        await self._settle()
        self._check_fresh()
        assert await sweep(now=self.now + (1 << 40), most=1) == [], "never quiet"

    async def _bring_home(self, sender: Sender) -> None:
        """A frozen sender thaws and goes on where it was; a request without an answer is given up."""
        at_work = sender.stage < Stage.SENT
        await self.go_on(sender, Stage.SENT)
        if sender.stage == Stage.SENT and sender.request is not None:
            if at_work or sender.request.landed_at is not None:
                self.accept(sender)
            else:
                self.give_up(sender, park=False)
        await self.end(sender)

    async def _settle(self) -> dict[str, Any]:
        """Somebody tries to claim at every time that the row names; what is under way lands at the last moment."""
        for _ in range(PATIENCE):
            row, late = await self.look(), self.campus.next_to_land()
            if not in_the_race(row):
                if late is None:
                    return row
                self._land(late)
                continue
            for when in sorted({max(self.now, row[column] or 0) for column in TIMES}):
                while (late := self.campus.next_to_land()) and (late.limit or 0) <= when - self.ahead + 1:
                    self._land(late)
                self.now = max(self.now, when)
                if sender := await self.claim():
                    break
            else:
                raise AssertionError("stuck: nothing holds the row back, and it cannot be claimed")
            await self.go_on(sender, Stage.SENT)
            if sender.stage == Stage.SENT:
                self.accept(sender)
            await self.end(sender)
        raise AssertionError("never quiet")

    def _land(self, late: Request) -> None:
        assert late.limit is not None
        self.now = max(self.now, late.limit - 1 + self.ahead)
        self.campus.apply(late, now=self.real)

    def _check_fresh(self) -> None:
        if self.to_send is not None:
            assert self.campus.holds.get(self.address) == self.to_send, "stale"

    async def _check_ledger(self) -> None:
        """Every request that the campus saw has its line, and it says what its sender knew."""
        lines = {line["claim_token"]: line for line in await read_lines(self.id)}
        told = {sender.claim.token: sender.result for sender in self.ended}
        for request in self.campus.seen:
            assert request.token in lines, "a request without a line"
            assert lines[request.token]["result"] == told.get(request.token, "unknown")


def in_the_race(row: dict[str, Any]) -> bool:
    """Whether only time holds a claim of the row back."""
    out = (row["parked_at"], row["disabled_at"], row["waiting_since"])
    return row["version_number"] > row["sent_version"] and all(since is None for since in out)

"""
A model of one assignment's life: senders that are slow, freeze and crash around the real statements.

Each method is one step; the driver chooses the steps and their order. Time is two numbers that the driver moves: what
the database's clock says, and how long it has really been; the clock may step, and requests land by the other one.
What a sender does is an attempt of the daemon: claim, read the score in a later statement, look whether the send is
still worth it, check the margin, send, finish. Between any two of these it may be slow or frozen, and others act.

What the model takes for granted, since the lease is made of it: a request that began within the margin lands before
its sender's lease is over; one that was given up lands within the hold. A frozen sender may send later than that, but
then it lives on and finishes its attempt: of a request that was sent late by a sender that never comes back nothing can
be known. And since leases and holds are times by the database's clock: while that clock steps forward, no request is
under way whose sender is gone or has given it up, and no sender whose lease the step cut short goes away without
finishing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from tortoise.transactions import in_transaction

import models.campus
from models.assignment import GradedAssignment
from models.changes import (
    Cause,
    Change,
    Debounce,
    change,
    change_blocks,
    change_waiting,
    clear_backoff,
    force_resend,
    unpark,
)
from models.claims import Claim, Lease, claim, superseded
from models.consumer import digest
from models.delivery import DeliveryRecord, DeliveryResult
from models.dispatch import Share, pick, read_capacity
from models.finishing import Finish, Finished, HandOver, Outcome, finish
from models.rescue import rescue
from models.score import read_scores
from tests.models.campus import Campus, Request
from tests.models.rows import BLOCK, COURSE, LEARNER, PROBLEM, make_assignment, read_lines, read_row
from tests.models.scores import apply_score

MARGIN, DEADLINE, HOLD = 5_000, 15_000, 30_000
LEASE = MARGIN + DEADLINE + HOLD
BACKOFF = 7_000
MAX_PER_CAMPUS = 4
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
    end: Finish | None = None
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

    def decide(self, outcome: Outcome, result: DeliveryResult | None = None, **how: Any) -> None:
        delivery = None
        if result is not None:
            held = self.claim
            delivery = DeliveryRecord(
                held.assignment_id,
                held.token,
                at=held.claimed_at,
                attempt=held.attempt,
                version=held.version,
                result=result,
                score=self.text,
            )
        # Rule 4: whenever bytes have left, since a clock that steps lets two hold a claim at once.
        self.end = Finish(self.claim, outcome, delivery=delivery, bytes_left=self.request is not None, **how)
        self.stage = Stage.DECIDED


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
        #: Whether the row may be claimed anew in the transaction that finishes an attempt.
        self.hands_over = False
        #: Messages under way: when each arrives.
        self.messages: list[int] = []
        #: By token: until when claims that were neither finished nor rescued are valid, by the database's clock.
        self.leases: dict[int, int] = {}
        self.newest_token = 0
        #: The token whose holder finishes the row; None after a rescue.
        self.holder: int | None = None
        #: The newest claim when something came that takes a row out of parking and waiting.
        self.unparked_at: int | None = None
        #: What the campus acknowledged last.
        self.acknowledged: str | None = None
        self.before: dict[str, Any] = {}

    async def start(self) -> None:
        """The launch, at a campus that has answered before and may have several requests."""
        self.id = await make_assignment(composite=self.composite, due_at=self.now, lis_result_sourcedid=self.address)
        await models.campus.Campus.all().update(answered_at=1)
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

    @property
    def lease(self) -> Lease:
        return Lease(now=self.now, began=self.real / 1000, ms=LEASE, second_ms=DEADLINE, max_per_campus=MAX_PER_CAMPUS)

    # --- What the course and its people do ---

    async def score(self, text: str) -> None:
        self.scored_us += 2
        async with in_transaction():
            applied, changed = await self._apply(text, self.scored_us)
            assert (applied, changed) == (True, text != self.newest)
            if changed:
                (dirty,) = await change([Change(self.id, self.kind)], now=self.now, debounce=DEBOUNCE)
                self.messages.append(dirty.due_at)
                self._was_unparked()
        self.newest = text

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
            await change_waiting(COURSE, now=self.now, debounce=DEBOUNCE, cause=Cause())
            await change_blocks(COURSE, {BLOCK: "composite"}, now=self.now, debounce=DEBOUNCE, cause=Cause())
        self._was_unparked()

    async def move(self, address: str) -> None:
        """A launch brings another sourcedid."""
        self.address = address
        async with in_transaction():
            await GradedAssignment.filter(id=self.id).update(
                lis_result_sourcedid=address, sourcedid_digest=digest(address)
            )
            await self.force_resend()

    async def force_resend(self) -> None:
        assert await force_resend(self.id, now=self.now)
        self._was_unparked()

    async def unpark(self) -> None:
        await unpark(self.id, now=self.now)
        self._was_unparked()

    def _was_unparked(self) -> None:
        self.unparked_at = self.newest_token

    async def clear_backoff(self) -> None:
        await clear_backoff(self.id, now=self.now)

    # --- Time and messages ---

    def pass_time(self, milliseconds: int) -> None:
        self.now += milliseconds
        self.campus.lose_what_is_late(self.real)

    def step_clock(self, milliseconds: int) -> None:
        """The database's clock steps, which says nothing of how much time has passed."""
        if milliseconds > 0:
            assert self.campus.next_to_land() is None
            for sender in self.senders:
                sender.cut_short |= self.now < sender.lease_until <= self.now + milliseconds
        self.now += milliseconds
        self.ahead += milliseconds

    async def wait(self, columns: Iterable[str]) -> None:
        """Let those of the row's times pass."""
        row = await read_row(self.id)
        if may_come_due(row):
            self.pass_time(max([0, *((row[column] or 0) - self.now for column in columns)]))

    async def rescue(self) -> None:
        lost = [token for token, until in self.leases.items() if until <= self.now]
        assert await rescue(now=self.now) == len(lost), "a claim is rescued exactly once its lease has run out"
        for token in lost:
            del self.leases[token]
            self.holder = None

    async def dispatch(self) -> bool:
        """One round of the dispatcher; whether it finds the row."""
        await self.rescue()
        row = await read_row(self.id)
        free = [one.free for one in await read_capacity(now=self.now, max_per_campus=MAX_PER_CAMPUS)]
        due = await pick([Share(row["campus_id"], 1) for number in free if number > 0], now=self.now)
        is_due = may_come_due(row) and not row["claimed_until"] and all((row[name] or 0) <= self.now for name in TIMES)
        assert [one.assignment_id for one in due] == [self.id] * is_due, "the dispatcher finds exactly what is due"
        self.messages += [self.now] * is_due
        return is_due

    async def take_message(self) -> None:
        """A message arrives, at its time or later."""
        self.pass_time(max(0, self.messages.pop(0) - self.now))
        await self.claim()

    def restart(self) -> None:
        """Every daemon dies; Redis too."""
        self.messages.clear()
        for sender in list(self.senders):
            if sender.may_crash:
                self.crash(sender)

    # --- An attempt ---

    async def claim(self) -> Sender | None:
        claims = await claim([self.id], self.lease, most=1)
        return self._begin(claims[0]) if claims else None

    def _begin(self, held: Claim) -> Sender:
        assert not self.leases, "two claims at once, or one before the rescue of the other"
        self.leases = {held.token: self.now + LEASE}
        self.newest_token = self.holder = held.token
        assert held.lis_result_sourcedid == self.address
        sender = Sender(held, self.now + LEASE, self.real)
        self.senders.append(sender)
        return sender

    async def go_on(self, sender: Sender, until: Stage) -> None:
        """Take the attempt's next steps, until the request is sent at most."""
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
            sender.decide("waiting", given_back=True)
        elif not scores:
            sender.decide("empty")
        else:
            sender.text = f"{scores[self.problem][0]:g}"
            sender.stage = Stage.READ

    async def _check(self, sender: Sender) -> None:
        held = sender.claim
        if not held.must_go_out and sender.text == held.sent_score:
            sender.decide("unchanged")
        elif held.kind == "composite" and await superseded([held], now=self.now):
            sender.decide("superseded", given_back=True)
        elif self.real - sender.claimed_at > MARGIN:
            sender.decide("released", given_back=True, not_before=self.now + BACKOFF)
        else:
            sender.stage = Stage.READY

    def apply(self, sender: Sender) -> None:
        """The campus applies the request, and its answer is not read."""
        assert sender.request is not None
        self.campus.apply(sender.request, now=self.real)

    def accept(self, sender: Sender) -> None:
        """The campus applies the request, if it has not yet, and its answer is read."""
        assert sender.request is not None
        if sender.request.landed_at is None:
            self.campus.apply(sender.request, now=self.real)
        sender.decide("accepted", "accepted", score=sender.text)

    def refuse(self, sender: Sender, *, park: bool) -> None:
        """The campus does not apply the request, says so, and its answer is read."""
        assert sender.request is not None
        sender.request.lost = True
        if park:
            sender.decide("parked", "refused", parked_scope="learner", parked_reason="no such learner")
        else:
            sender.decide("retried", "retried", not_before=self.now + BACKOFF)

    def give_up(self, sender: Sender, *, park: bool) -> None:
        """A time-out, a reset, a 5xx: the request may still land."""
        assert sender.request is not None
        if sender.request.under_way:
            sender.request.limit = self.real + HOLD
        parked = {"parked_scope": "campus", "parked_reason": "too many attempts"} if park else {}
        sender.decide("in_doubt", "ambiguous", not_before=self.now + BACKOFF, hold_until=self.now + HOLD, **parked)

    async def end(self, sender: Sender) -> None:
        self.senders.remove(sender)
        self.ended.append(sender)
        finished = await self._end(sender, HandOver(self.lease, 1) if self.hands_over else None)
        assert finished.fenced == (sender.claim.token != self.holder)
        if sender.end is not None and sender.end.outcome == "accepted" and not finished.fenced:
            self.acknowledged = sender.text
        self.leases.pop(sender.claim.token, None)
        if finished.next is not None:
            assert not finished.fenced, "a claim that was lost is handed over"
            self._begin(finished.next)

    async def end_again(self, sender: Sender) -> None:
        """The commit's answer was lost, and the sender says it once more."""
        finished = await self._end(sender, None)
        is_known = sender.end is not None and sender.end.delivery is not None
        assert finished.fenced == (sender.claim.token != self.holder and not is_known)

    async def _end(self, sender: Sender, hand_over: HandOver | None) -> Finished:
        assert sender.end is not None
        found, _ = await finish(
            [sender.end], now=self.now, next_breaker=lambda breaker, _: breaker, hand_over=hand_over
        )
        finished = found[sender.end]
        assert not finished.gone
        assert not finished.locked
        return finished

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

        A clean row is a fresh one, unless a sender that sent has yet to finish, and so to learn that it was fenced.
        """
        row, before = await read_row(self.id), self.before
        for column in ("version_number", "sent_version", "forced_version", "hold_until"):
            assert row[column] >= before[column], f"{column} went back"
        assert row["version_number"] >= row["sent_version"]
        assert row["version_number"] >= row["forced_version"]
        assert row["attempts"] >= 0
        if row["parked_at"] is not None or row["waiting_since"] is not None:
            assert row["version_number"] == row["claimed_version"], "stuck: parked or waiting with an untried version"
            assert self.newest_token != self.unparked_at, "stuck: parked or waiting again without a try"
        if row["version_number"] == row["sent_version"] and not any(sender.request for sender in self.senders):
            self._check_fresh()
        self.before = row
        return row

    async def finish(self, *, goes_back: bool) -> None:
        """No more faults: every sender finishes, and the campus must end up with the newest score."""
        self.messages.clear()
        self.hands_over = False
        for sender in list(self.senders):
            await self._bring_home(sender)
        if goes_back:
            await self.go_back()
        row = await self._settle()
        if row["parked_at"] is None and row["waiting_since"] is None:
            self._check_fresh()
        assert row["waiting_since"] is None or not self.block_known, "stuck: waits for a structure that is there"
        await self._check_ledger()

        # What is in the way goes away, so that nothing may hide behind it.
        if row["parked_at"] is not None:
            await unpark(self.id, now=self.now)
            row = await self._settle()
        if row["waiting_since"] is not None:
            self.block_known = True
            assert await change_waiting(COURSE, now=self.now, debounce=DEBOUNCE, cause=Cause()) == 1
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

        # And a change whose message is lost is found by the dispatcher alone.
        await self.score("1" if self.newest == "0" else "0")
        await self.wait(TIMES)
        assert await self.dispatch()
        await self._settle()
        self._check_fresh()
        self.now += 1 << 40
        assert not await self.dispatch(), "never quiet"

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
        """A daemon tries to claim at every time that the row names; what is under way lands at the last moment."""
        for _ in range(PATIENCE):
            row, late = await self.look(), self.campus.next_to_land()
            if not may_come_due(row):
                if late is None:
                    return row
                self._land(late)
                continue
            for when in sorted({max(self.now, row[column] or 0) for column in TIMES}):
                while (late := self.campus.next_to_land()) and (late.limit or 0) <= when - self.ahead + 1:
                    self._land(late)
                self.now = max(self.now, when)
                await self.rescue()
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
        """Every request that the campus saw has its record, with what its sender knew; what was not sent has none."""
        records = {record["claim_token"]: record for record in await read_lines(self.id)}
        ended = {sender.claim.token: sender.end.delivery for sender in self.ended if sender.end is not None}
        for request in self.campus.seen:
            assert request.token in records, "a request without a delivery record"
            delivery = ended.get(request.token)
            assert records[request.token]["result"] == ("unknown" if delivery is None else delivery.result)
        unsent = {token for token, delivery in ended.items() if delivery is None}
        assert not unsent & records.keys(), "a delivery record without a request"


def may_come_due(row: dict[str, Any]) -> bool:
    """Whether only time, or a claim, holds the row back."""
    out = (row["parked_at"], row["disabled_at"], row["waiting_since"])
    return row["version_number"] > row["sent_version"] and all(since is None for since in out)

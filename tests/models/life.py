"""
A model of one assignment's life: senders that are slow, freeze and crash around the real statements.

Each method is one step; the driver chooses the steps and their order. Time is two numbers that the driver moves: what
the database's clock says, and how long it has really been; the clock may step, and requests land by the other one.
What a sender does is an attempt of the daemon: claim, read the score in a later statement, look whether the send is
still worth it, check the margin, send, finish. Between any two of these it may be slow or frozen, and others act.

What the model takes for granted, since the lease is made of it: a request that began within the margin lands before
its sender's lease is over; one that was given up lands within the hold. A frozen sender may send later than that, but
then it lives on and finishes its attempt: of a request that was sent late by a sender that never comes back nothing can
be known. When the database's clock steps, a daemon sees it at once, and others look at it twice a second; an attempt
that has ended before the step, and is committed after it, says what it says by the old time.
"""

from collections.abc import Iterable
from typing import Any

from models.claims import Claim, Lease, claim, superseded
from models.clock_watch import ClockWatch, follow
from models.due import Share, pick, read_capacity
from models.finish import Finished, HandOver
from models.rescue import rescue
from models.score import read_scores
from tests.models.campus import Request
from tests.models.claiming import MAX_PER_CAMPUS, all_ended
from tests.models.life_course import LifeCourse
from tests.models.life_senders import BACKOFF, DEADLINE, HOLD, LEASE, MARGIN, Sender, Stage
from tests.models.rows import COURSE, LEARNER, TIMES, check_order, may_come_due, read_row

#: Milliseconds: no rule has a row wait for longer.
LONGEST_WAIT = 120_000


class Life(LifeCourse):
    """The assignment and its senders."""

    def __init__(self, *, composite: bool) -> None:
        super().__init__(composite=composite)
        self.senders: list[Sender] = []
        self.ended: list[Sender] = []
        #: Whether the row may be claimed anew in the transaction that finishes an attempt.
        self.hands_over = False
        #: By token: until when claims that were neither finished nor rescued are valid, by the database's clock.
        self.leases: dict[int, int] = {}
        #: The token whose holder finishes the row; None after a rescue.
        self.holder: int | None = None

    @property
    def lease(self) -> Lease:
        return self._lease(self.now, self.steps)

    def _lease(self, now: int, steps: int) -> Lease:
        times = {"now": now, "began": self.real / 1000, "ms": LEASE, "second_ms": DEADLINE}
        return Lease(**times, max_per_campus=MAX_PER_CAMPUS, steps=steps)

    # --- Time and messages ---

    def pass_time(self, milliseconds: int) -> None:
        self.now += milliseconds
        self.campus.lose_what_is_late(self.real)

    async def step_clock(self, milliseconds: int) -> None:
        """The database's clock steps, which says nothing of how much time has passed; claims step with it."""
        seen_at, steps = self.now, self.steps
        await self.look_at_clock()
        self.now += milliseconds
        self.ahead += milliseconds
        assert await follow(self._database_now) == milliseconds
        self.steps += 1
        assert not await claim([self.id], self._lease(seen_at, steps), most=1), "claimed by a clock that has stepped"
        assert await rescue(now=seen_at + LEASE, steps=steps) == 0, "rescued by a clock that has stepped"
        for sender in self.senders:
            sender.lease_until += milliseconds if sender.lease_until > min(seen_at, self.now) else 0
        after = seen_at if milliseconds > 0 else self.now
        self.leases = {token: until + milliseconds * (until > after) for token, until in self.leases.items()}
        self.messages = [arrives_at + milliseconds for arrives_at in self.messages]
        self.before = await read_row(self.id)

    async def look_at_clock(self) -> None:
        """Some daemon looks at the clock twice a second."""
        await ClockWatch.filter(id=1).update(seen_at=self.now)

    async def _database_now(self) -> int:
        return self.now

    async def wait(self, columns: Iterable[str]) -> None:
        """Let those of the row's times pass."""
        row = await read_row(self.id)
        if may_come_due(row):
            self.pass_time(max([0, *((row[column] or 0) - self.now for column in columns)]))

    async def rescue(self) -> None:
        lost = [token for token, until in self.leases.items() if until <= self.now]
        assert await rescue(now=self.now, steps=self.steps) == len(lost), (
            "a claim is rescued exactly once its lease has run out"
        )
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
        expected = [self.id] if is_due else []
        assert [one.assignment_id for one in due] == expected, "the dispatcher finds exactly what is due"
        if is_due:
            self.messages.append(self.now)
        return is_due

    async def take_message(self) -> None:
        """A message arrives, at its time or later."""
        self.pass_time(max(0, self.messages.pop(0) - self.now))
        await self.claim()

    async def restart(self) -> None:
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
            sender.decide("waiting", given_back=True, at=self.lease)
        elif not scores:
            sender.decide("empty", at=self.lease)
        else:
            sender.text = f"{scores[self.problem][0]:g}"
            sender.stage = Stage.READ

    async def _check(self, sender: Sender) -> None:
        held = sender.claim
        if not held.must_go_out and sender.text == held.sent_score:
            sender.decide("unchanged", at=self.lease)
        elif held.kind == "composite" and await superseded([held], now=self.now):
            sender.decide("superseded", given_back=True, at=self.lease)
        elif self.real - sender.claimed_at > MARGIN:
            sender.decide("released", given_back=True, not_before=self.now + BACKOFF, at=self.lease)
        else:
            sender.stage = Stage.READY

    def apply(self, sender: Sender) -> None:
        """The campus applies the request, if it has not yet, and its answer is not read."""
        assert sender.request is not None
        if sender.request.landed_at is None:
            self.campus.apply(sender.request, now=self.real)

    def accept(self, sender: Sender) -> None:
        """The campus applies the request, and its answer is read."""
        self.apply(sender)
        sender.decide("accepted", "accepted", score=sender.text, at=self.lease)

    def refuse(self, sender: Sender, *, park: bool) -> None:
        """The campus does not apply the request, says so, and its answer is read."""
        assert sender.request is not None
        sender.request.lost = True
        if park:
            sender.decide("parked", "refused", parked_scope="learner", parked_reason="no such learner", at=self.lease)
        else:
            sender.decide("retried", "retried", not_before=self.now + BACKOFF, at=self.lease)

    def give_up(self, sender: Sender, *, park: bool) -> None:
        """A time-out, a reset, a 5xx: the request may still land."""
        assert sender.request is not None
        if sender.request.under_way:
            sender.request.limit = self.real + HOLD
        parked = {"parked_scope": "campus", "parked_reason": "too many attempts"} if park else {}
        sender.decide(
            "in_doubt", "ambiguous", not_before=self.now + BACKOFF, hold_until=self.now + HOLD, **parked, at=self.lease
        )

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
        await self.look_at_clock()
        finished = (await all_ended([sender.end], now=self.now, hand_over=hand_over))[sender.end]
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
        check_order(row, before)
        assert max(row[name] or 0 for name in TIMES) <= self.now + LONGEST_WAIT, "waits for too long"
        if row["parked_at"] is not None or row["waiting_since"] is not None:
            assert self.newest_token != self.unparked_at, "stuck: parked or waiting again without a try"
        if row["version_number"] == row["sent_version"] and not any(sender.request for sender in self.senders):
            self.check_fresh()
        self.before = row
        return row

    def land(self, late: Request) -> None:
        """What is under way lands at the last moment."""
        assert late.limit is not None
        self.now = max(self.now, late.limit - 1 + self.ahead)
        self.campus.apply(late, now=self.real)

    def check_fresh(self) -> None:
        if self.to_send is not None:
            assert self.campus.holds.get(self.address) == self.to_send, "stale"

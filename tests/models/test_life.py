"""
The promise, tried at random: one assignment, unreliable senders, and the campus must end up with the newest score.

The steps and what must hold are in :mod:`tests.models.life`. The choice of steps is Hypothesis's, the same in every run.
``python -m tests.models.mutants`` takes the rules out of the statements one by one and sees that this notices.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from models.database import open_database
from models.migrate import migrate
from models.statement import Statement, connection, is_postgres
from tests.models.life import BACKOFF, DEADLINE, HOLD, LEASE, MARGIN, Life, Stage
from tests.models.rows import make_service

if TYPE_CHECKING:
    from collections.abc import Coroutine

LEAST_STEPS = 2_500

SCORES = st.sampled_from(["0", "1"])
ADDRESSES = st.sampled_from(["address-0", "address-1"])
WHICH = st.integers(0, 3)
STAGES = st.sampled_from([Stage.READY, Stage.SENT, Stage.SENT, Stage.CLAIMED, Stage.READ])
TIMES = st.sampled_from([1, 1_000, MARGIN, MARGIN + 1, BACKOFF, DEADLINE, HOLD, LEASE])

_CLEAR = [Statement(f"DELETE FROM {table}") for table in ("delivery", "graded_assignment", "score")]


class Stagehand:
    """An open database and a loop of its own, since Hypothesis is not asynchronous; counts the steps."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.steps = 0

    def __enter__(self) -> Stagehand:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.runner.run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()

    def run(self, step: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(step)

    async def _open(self) -> None:
        await migrate(self.url)
        await self.stack.enter_async_context(open_database(self.url))
        await make_service()
        if not is_postgres():
            await connection().execute_query("PRAGMA synchronous = OFF")

    async def clear(self) -> None:
        for statement in _CLEAR:
            await statement.rows()


class Machine(RuleBasedStateMachine):
    """Chooses the steps."""

    def __init__(self, stagehand: Stagehand) -> None:
        super().__init__()
        self.stagehand = stagehand
        self.life: Life | None = None

    def do(self, step: Coroutine[Any, Any, Any]) -> Any:
        return self.stagehand.run(step)

    @initialize(composite=st.booleans(), score=SCORES, delivered=st.booleans())
    def launch(self, composite, score, delivered):
        self.do(self.stagehand.clear())
        self.life = Life(composite=composite)
        self.do(self.life.start())
        self.do(self.life.score(score))
        if delivered:
            self.do(self._deliver())

    @invariant()
    def nothing_goes_back(self):
        if self.life is not None:
            self.stagehand.steps += 1
            self.do(self.life.look())

    def teardown(self):
        if self.life is not None:
            self.do(self.life.finish())

    # --- The course ---

    @rule(text=SCORES)
    def score(self, text):
        self.do(self.life.score(text))

    @rule()
    def the_other_score(self):
        self.do(self.life.score("1" if self.life.newest == "0" else "0"))

    @rule(text=SCORES)
    def stale_event(self, text):
        self.do(self.life.stale_event(text))

    @precondition(lambda self: self.life.composite)
    @rule()
    def problem_comes_or_goes(self):
        self.do(self.life.attach(attached=not self.life.attached))

    @precondition(lambda self: self.life.composite)
    @rule()
    def block_comes_or_goes(self):
        self.do(self.life.know_block(known=not self.life.block_known))

    @rule(address=ADDRESSES)
    def move(self, address):
        if address != self.life.address:
            self.do(self.life.move(address))

    @rule(afresh=st.booleans())
    def redo(self, afresh):
        self.do(self.life.redo(afresh=afresh))

    @rule()
    def revive(self):
        self.do(self.life.revive())

    @rule()
    def hurry(self):
        self.do(self.life.hurry())

    # --- Time and wake-ups ---

    @rule(milliseconds=TIMES)
    def pass_time(self, milliseconds):
        self.life.pass_time(milliseconds)

    @rule()
    def sweep(self):
        self.do(self.life.sweep())

    @precondition(lambda self: self.life.wakes)
    @rule()
    def deliver_wake(self):
        self.do(self.life.deliver_wake())

    @rule()
    def restart(self):
        self.life.restart()

    # --- Senders ---

    @rule(until=STAGES, patient=st.booleans())
    def begin(self, until, patient):
        self.do(self._begin(until, patient=patient))

    async def _begin(self, until, *, patient):
        if patient:
            await self.life.wait_until_claimable()
        sender = await self.life.claim()
        if sender is not None:
            await self.life.go_on(sender, until)
        return sender

    @rule()
    def deliver(self):
        self.do(self._deliver())

    async def _deliver(self):
        sender = await self._begin(Stage.SENT, patient=True)
        if sender is not None:
            if sender.stage == Stage.SENT:
                self.life.accept(sender)
            await self.life.end(sender)

    def _some(self, which, *stages):
        senders = [sender for sender in self.life.senders if sender.stage in stages]
        return senders[which % len(senders)] if senders else None

    @precondition(lambda self: self._some(0, Stage.CLAIMED, Stage.READ, Stage.READY))
    @rule(which=WHICH, until=STAGES)
    def go_on(self, which, until):
        self.do(self.life.go_on(self._some(which, Stage.CLAIMED, Stage.READ, Stage.READY), until))

    @precondition(lambda self: self.life.senders)
    @rule(which=WHICH)
    def freeze_beyond_the_lease(self, which):
        sender = self.life.senders[which % len(self.life.senders)]
        self.life.pass_time(max(0, sender.lease_until - self.life.now))

    @precondition(lambda self: self._some(0, Stage.READY))
    @rule(which=WHICH)
    def send_and_be_accepted(self, which):
        sender = self._some(which, Stage.READY)
        self.do(self.life.go_on(sender, Stage.SENT))
        self.life.accept(sender)

    @precondition(lambda self: self._some(0, Stage.SENT))
    @rule(which=WHICH, ends=st.booleans())
    def accept(self, which, ends):
        self._answer(which, ends, self.life.accept)

    @precondition(lambda self: self._some(0, Stage.SENT))
    @rule(which=WHICH, park=st.booleans(), ends=st.booleans())
    def refuse(self, which, park, ends):
        if self._some(which, Stage.SENT).request.landed_at is None:
            self._answer(which, ends, lambda sender: self.life.refuse(sender, park=park))

    @precondition(lambda self: self._some(0, Stage.SENT))
    @rule(which=WHICH, park=st.booleans(), ends=st.booleans())
    def give_up(self, which, park, ends):
        self._answer(which, ends, lambda sender: self.life.give_up(sender, park=park))

    def _answer(self, which, ends, answer):
        sender = self._some(which, Stage.SENT)
        answer(sender)
        if ends:
            self.do(self.life.end(sender))

    @precondition(lambda self: self._some(0, Stage.DECIDED))
    @rule(which=WHICH)
    def end(self, which):
        self.do(self.life.end(self._some(which, Stage.DECIDED)))

    @precondition(lambda self: self.life.ended)
    @rule(which=WHICH)
    def end_again(self, which):
        self.do(self.life.end_again(self.life.ended[-1 - which % len(self.life.ended)]))

    @precondition(lambda self: any(sender.may_crash for sender in self.life.senders))
    @rule(which=WHICH)
    def crash(self, which):
        senders = [sender for sender in self.life.senders if sender.may_crash]
        self.life.crash(senders[which % len(senders)])

    @precondition(lambda self: self.life.campus.under_way())
    @rule(which=WHICH)
    def land(self, which):
        requests = self.life.campus.under_way()
        self.life.campus.apply(requests[which % len(requests)], now=self.life.now)

    @precondition(lambda self: self.life.campus.next_to_land())
    @rule()
    def land_at_the_last_moment(self):
        request = self.life.campus.next_to_land()
        self.life.pass_time(request.limit - 1 - self.life.now)
        self.life.campus.apply(request, now=self.life.now)


def test_the_campus_ends_up_with_the_newest_score_whatever_the_senders_do(database_url):
    with Stagehand(database_url) as stagehand:
        run_state_machine_as_test(
            lambda: Machine(stagehand),
            settings=settings(
                max_examples=200,
                stateful_step_count=30,
                deadline=None,
                derandomize=True,
                database=None,
                print_blob=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert stagehand.steps >= LEAST_STEPS

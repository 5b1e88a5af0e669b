"""
The promise, tried at random: one assignment, unreliable senders, and the campus must end up with the newest score.

The steps and what must hold are in :mod:`tests.models.life`. Hypothesis chooses the steps, the same in every run.
``python -m tests.models.mutants`` takes the rules out of the statements one by one and checks that this test notices.
"""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.models.life import Life
from tests.models.life_end import end_well
from tests.models.life_senders import BACKOFF, DEADLINE, HOLD, LEASE, MARGIN, Stage
from tests.models.rows import TIMES
from tests.models.state_machine_runner import WHICH, Machine, play, step

#: On each database.
LEAST_STEPS = 1_200

#: What becomes of an attempt: how far it comes, how the campus answers, and what its sender does then.
FATES: dict[str, tuple[Stage, str, str]] = {
    "stops after its claim": (Stage.CLAIMED, "", "stays"),
    "stops after reading the score": (Stage.READ, "", "stays"),
    "stops before it sends": (Stage.READY, "", "stays"),
    "stops while it sends": (Stage.SENT, "", "stays"),
    "is accepted": (Stage.SENT, "accepts", "ends"),
    "is accepted, then stops": (Stage.SENT, "accepts", "stays"),
    "is accepted, then crashes": (Stage.SENT, "accepts", "crashes"),
    "is applied, and gives up": (Stage.SENT, "applies", "ends"),
    "is applied, and crashes": (Stage.SENT, "applies", "crashes"),
    "is to try again": (Stage.SENT, "delays", "ends"),
    "is refused": (Stage.SENT, "refuses", "ends"),
    "is refused, then stops": (Stage.SENT, "refuses", "stays"),
    "gives up": (Stage.SENT, "is silent", "ends"),
    "gives up, then stops": (Stage.SENT, "is silent", "stays"),
    "gives up for good": (Stage.SENT, "is silent for ever", "ends"),
    "crashes before it sends": (Stage.READY, "", "crashes"),
    "crashes while it sends": (Stage.SENT, "", "crashes"),
}
FATE = st.sampled_from(sorted(FATES))
SCORE = st.sampled_from(["0", "1"])
HOUR, YEAR = 3_600_000, 31_536_000_000
CLOCK = st.sampled_from([by * way for by in (3_000, HOUR, YEAR) for way in (1, -1)])
TIME = st.sampled_from([1, 1_000, MARGIN, MARGIN + 1, BACKOFF, DEADLINE, HOLD, LEASE])
EVENTS = {
    "an equal score": lambda life: life.score(life.newest),
    "an older score": lambda life: life.older_score(life.other),
    "another sourcedid": Life.move,
    "resend by force": Life.force_resend,
    "resend": Life.unpark,
    "backoff cleared": Life.clear_backoff,
    "everything restarts": Life.restart,
}
EVENT = st.sampled_from(sorted(EVENTS))


class LifeMachine(Machine):
    """Chooses the steps."""

    @property
    def life(self) -> Life:
        return self.model

    @step(initialize, composite=st.booleans(), score=SCORE, delivered=st.booleans(), goes_back=st.booleans())
    async def launch(self, composite, score, delivered, goes_back):
        await self.runner.clear()
        self.model = Life(composite=composite)
        self.goes_back = goes_back
        await self.life.start()
        await self.life.score(score)
        if delivered:
            await self._attempt("is accepted")

    def teardown(self):
        if self.model is not None:
            self.runner.run(end_well(self.life, goes_back=self.goes_back))

    # --- The course ---

    @step()
    async def the_other_score(self):
        await self.life.score(self.life.other)

    @step()
    async def the_score_goes_back(self):
        await self.life.go_back()

    @step(event=EVENT)
    async def something_happens(self, event):
        await EVENTS[event](self.life)

    @precondition(lambda self: self.life.composite)
    @step(block=st.booleans())
    async def the_problem_or_the_block_comes_or_goes(self, block):
        if block:
            await self.life.know_block(known=not self.life.block_known)
        else:
            await self.life.attach(attached=not self.life.attached)

    # --- Time and messages ---

    @rule(milliseconds=TIME)
    def time_passes(self, milliseconds):
        self.life.pass_time(milliseconds)

    @step(milliseconds=CLOCK)
    async def the_databases_clock_steps(self, milliseconds):
        await self.life.step_clock(milliseconds)

    @precondition(lambda self: self.life.senders)
    @step(which=WHICH, too_early=st.sampled_from([0, 1]), is_overtaken=st.booleans())
    async def a_lease_passes(self, which, too_early, is_overtaken):
        self.life.pass_time(max(0, self._sender(which).lease_until - self.life.now - too_early))
        await self.life.rescue()
        if is_overtaken:
            await self._attempt_of_another_score("is accepted")

    @step()
    async def lost_claims_are_rescued(self):
        await self.life.rescue()

    @step()
    async def the_dispatcher_comes(self):
        await self.life.dispatch()

    @precondition(lambda self: self.life.messages)
    @step()
    async def a_message_comes(self):
        await self.life.take_message()

    @rule()
    def the_row_is_handed_over_or_no_longer(self):
        self.life.hands_over = not self.life.hands_over

    # --- Senders ---

    @step(fate=FATE, wait_for=st.sampled_from([(), ("due_at", "not_before"), TIMES]))
    async def an_attempt(self, fate, wait_for):
        await self._attempt(fate, wait_for=wait_for)

    @step()
    async def a_good_attempt(self):
        await self._attempt("is accepted")

    @step(fate=st.sampled_from(["gives up", "is applied, and gives up", "is applied, and crashes"]))
    async def an_attempt_in_doubt_and_the_score_goes_back(self, fate):
        await self._attempt_of_another_score(fate)
        await self.life.go_back()

    @step(fate=FATE)
    async def an_attempt_of_another_score(self, fate):
        await self._attempt_of_another_score(fate)

    @step(fate=st.sampled_from(["stops before it sends", "stops while it sends"]))
    async def a_slow_attempt(self, fate):
        await self._attempt_of_another_score(fate)

    @precondition(lambda self: self.life.senders)
    @step(which=WHICH, fate=FATE)
    async def an_attempt_goes_on(self, which, fate):
        await self._meet(self._sender(which), fate)

    @precondition(lambda self: self.life.senders)
    @step(
        which=WHICH,
        fate=st.sampled_from(["is refused", "is accepted", "gives up", "gives up for good"]),
        is_changed=st.booleans(),
    )
    async def an_attempt_is_finished(self, which, fate, is_changed):
        if is_changed:
            await self.life.score(self.life.other)
        await self._meet(self._sender(which), fate)

    def _sender(self, which):
        return self.life.senders[which % len(self.life.senders)]

    async def _attempt_of_another_score(self, fate):
        await self.life.score(self.life.other)
        await self._attempt(fate)

    async def _attempt(self, fate, *, wait_for=TIMES):
        await self.life.wait(wait_for)
        if wait_for == TIMES:
            await self.life.rescue()
        sender = await self.life.claim()
        if sender is not None:
            await self._meet(sender, fate)

    async def _meet(self, sender, fate):
        until, campus, then = FATES[fate]
        await self.life.go_on(sender, until)
        if sender.stage == Stage.SENT:
            match campus:
                case "accepts":
                    self.life.accept(sender)
                case "refuses" | "delays" if sender.request.landed_at is None:
                    self.life.refuse(sender, park=campus == "refuses")
                case "applies" if sender.request.landed_at is None:
                    self.life.apply(sender)
                    if then == "ends":
                        self.life.give_up(sender, park=False)
                case "is silent" | "is silent for ever":
                    self.life.give_up(sender, park=campus == "is silent for ever")
        if then == "crashes" and sender.may_crash:
            self.life.crash(sender)
        elif then != "stays" and sender.stage == Stage.DECIDED:
            await self.life.end(sender)

    @precondition(lambda self: self.life.ended)
    @step(which=WHICH, event=st.one_of(st.none(), EVENT))
    async def an_end_is_committed_again(self, which, event):
        if event is not None:
            await EVENTS[event](self.life)
        await self.life.end_again(self.life.ended[-1 - which % len(self.life.ended)])


def test_the_campus_ends_up_with_the_newest_score_whatever_the_senders_do(shared_url):
    assert play(LifeMachine, shared_url, number=1, runs=80, steps=30) >= LEAST_STEPS

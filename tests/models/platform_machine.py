"""What the steps of a life at an LTI 1.3 platform are made of, and which ones are chosen."""

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.models.platform_life import PlatformLife
from tests.models.platforms import ITEMS, KINDS
from tests.models.rows import read_row
from tests.models.simulated_daemons import Stage
from tests.models.state_machine_runner import WHICH, Machine, step

HOUR, YEAR = 3_600_000, 31_536_000_000
CLOCK = st.sampled_from([by * way for by in (3_000, HOUR, YEAR) for way in (1, -1)])
FATE = st.sampled_from(["answered", "lost", "applied and lost", "crash", "applied and crash", "slow", "sent"])
AHEAD = st.sampled_from([-45_000, -3_000, 0, 0, 1_400, 45_000])


class PlatformMachine(Machine):
    """Chooses the steps of a :class:`tests.models.platform_life.PlatformLife`."""

    #: For one version of a grade, of all runs.
    most_posts = 0

    @step(initialize, kind=st.sampled_from(sorted(KINDS)), ahead=AHEAD, can_read=st.booleans(), composite=st.booleans())
    async def begins(self, kind, ahead, can_read, composite):
        await self.runner.clear()
        life = PlatformLife(self.runner.logs)
        await life.begin(kind, ahead=ahead, can_read=can_read, composite=composite)
        await life.fetch_token()
        self.model = life

    def teardown(self):
        if self.model is not None:
            try:
                self.runner.run(self.model.settle())
                assert not any("exc_info" in entry for entry in self.runner.logs), "a daemon logged a fault"
            finally:
                PlatformMachine.most_posts = max([self.most_posts, *self.model.posts.values()])
                self.runner.run(self.model.close())

    @rule(milliseconds=st.sampled_from([10, 100, 900, 5_000, 31_000]))
    def time_passes(self, milliseconds):
        self.model.pass_time(milliseconds)

    @step()
    async def a_lease_passes(self):
        self.model.pass_time(70_000)
        await self.model.rescue()

    # --- What the tool says ---

    @step()
    async def a_score(self):
        await self.model.score()

    @step()
    async def the_score_that_was_acknowledged_comes_again(self):
        await self._go_back()

    async def _go_back(self):
        acknowledged = (await read_row(self.model.id))["sent_score"]
        if acknowledged is not None and Decimal(acknowledged) * self.model.possible <= 100:
            await self.model.score(int(Decimal(acknowledged) * self.model.possible))

    @step()
    async def a_score_is_cleared(self):
        await self.model.clear()

    @precondition(lambda self: self.model.composite)
    @step(possible=st.sampled_from([100, 200]))
    async def a_structure(self, possible):
        await self.model.structure(possible=possible)

    @step(item=st.sampled_from(ITEMS))
    async def a_launch_perhaps_with_another_line_item(self, item):
        await self.model.launch(item)

    # --- People and servers ---

    @step()
    async def a_resend_by_force(self):
        await self.model.force()

    @rule()
    def a_person_grades(self):
        self.model.grade_by_hand()

    @step(by=CLOCK)
    async def the_databases_clock_steps(self, by):
        await self.model.step_clock(by)

    @step()
    async def a_backup_is_made(self):
        await self.model.back_up()

    @precondition(lambda self: self.model.backup)
    @step(land=st.booleans(), restarts=st.booleans())
    async def the_database_is_restored(self, land, restarts):
        await self.model.restore(land=land, restarts=restarts)

    @step()
    async def intake_reads(self):
        await self.model.intake()

    @rule(fails=st.booleans())
    def reads_fail(self, fails):
        self.model.campus.reads_fail = fails

    @rule(is_noticed=st.booleans())
    def tokens_end(self, is_noticed):
        self.model.campus.tokens.clear()
        if is_noticed:
            self.model.tokens.lose()

    @step()
    async def a_token_comes(self):
        await self.model.fetch_token()

    # --- Attempts ---

    @step(fate=FATE, waits=st.booleans())
    async def an_attempt(self, fate, waits):
        await self._attempt(fate, waits=waits)

    @step(fate=st.sampled_from(["answered", "lost", "applied and crash", "sent"]), waits=st.booleans())
    async def a_score_and_an_attempt(self, fate, waits):
        await self.model.score()
        await self._attempt(fate, waits=waits)

    @step(fate=st.sampled_from(["lost", "applied and lost", "applied and crash", "sent"]))
    async def an_attempt_of_another_score_and_it_goes_back(self, fate):
        await self.model.score()
        await self._attempt(fate, waits=True)
        await self._go_back()

    @step(fate=FATE, by_hand=st.booleans(), goes_back=st.booleans(), land=st.booleans(), restarts=st.booleans())
    async def a_score_is_forgotten_by_a_restore(self, fate, by_hand, goes_back, land, restarts):
        model = self.model
        await model.back_up()
        await model.score()
        await self._attempt(fate, waits=True)
        if by_hand:
            model.grade_by_hand()
        if goes_back:
            await self._go_back()
        await model.restore(land=land, restarts=restarts)

    async def _attempt(self, fate, *, waits):
        if waits:
            await self.model.wait_until_due()
        await self.model.rescue()
        attempt = await self.model.claim()
        if attempt is not None and fate != "slow":
            await self._meet(attempt, fate)

    @precondition(lambda self: self.model.attempts)
    @step(which=WHICH, fate=st.sampled_from(["answered", "lost", "applied and lost", "crash", "sent"]))
    async def an_attempt_goes_on(self, which, fate):
        await self._meet(self.model.attempts[which % len(self.model.attempts)], fate)

    @precondition(lambda self: self.model.attempts)
    @step(which=WHICH, fate=st.sampled_from(["answered", "lost", "crash"]), is_overtaken=st.booleans())
    async def an_attempt_goes_on_after_its_lease(self, which, fate, is_overtaken):
        attempt = self.model.attempts[which % len(self.model.attempts)]
        self.model.pass_time(70_000)
        await self.model.rescue()
        if is_overtaken:
            await self._attempt("answered", waits=True)
        if attempt in self.model.attempts:
            await self._meet(attempt, fate)

    async def _meet(self, attempt, fate):
        model = self.model
        while attempt.stage < Stage.SENT:
            await model.go_on(attempt)
        if attempt.stage == Stage.OVER or fate == "sent":
            return
        if fate.startswith("applied") and attempt.request.under_way:
            model.campus.apply(attempt.request, now=model.real)
        if fate == "answered" and not attempt.request.lost:
            await model.answer(attempt)
        elif fate.endswith("lost") or not attempt.may_crash:
            await model.lose_answer(attempt)
        else:
            model.crash(attempt)

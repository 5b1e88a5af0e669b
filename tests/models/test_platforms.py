"""The newest score is held in the end by each kind of LTI 1.3 platform, whatever senders, clocks and people do."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from structlog.testing import capture_logs

from tests.models.platform_life import PlatformLife
from tests.models.platforms import KINDS
from tests.models.rows import read_row
from tests.models.simulated_daemons import Stage
from tests.models.state_machine_runner import WHICH, Machine, play, step

AHEAD = st.sampled_from([-45_000, -3_000, 0, 0, 1_400, 45_000])


class PlatformMachine(Machine):
    """Chooses the steps of a :class:`tests.models.platform_life.PlatformLife`."""

    @step(initialize, kind=st.sampled_from(sorted(KINDS)), ahead=AHEAD, can_read=st.booleans())
    async def begins(self, kind, ahead, can_read):
        await self.runner.clear()
        life = PlatformLife(self.runner.logs)
        await life.begin(kind, ahead=ahead, can_read=can_read)
        await life.fetch_token()
        self.model = life

    def teardown(self):
        if self.model is not None:
            try:
                self.runner.run(self.model.settle())
            finally:
                self.runner.run(self.model.close())

    @rule(milliseconds=st.sampled_from([10, 100, 900, 5_000, 31_000]))
    def time_passes(self, milliseconds):
        self.model.pass_time(milliseconds)

    @step()
    async def a_lease_passes(self):
        self.model.pass_time(70_000)
        await self.model.rescue()

    @step()
    async def a_score(self):
        await self.model.score()

    @step()
    async def a_resend_by_force(self):
        await self.model.force()

    @rule()
    def a_person_grades(self):
        self.model.grade_by_hand()

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

    @step(fate=st.sampled_from(["answered", "lost", "applied and lost", "crash", "applied and crash", "slow", "sent"]))
    async def an_attempt(self, fate):
        await self._attempt(fate)

    @step(fate=st.sampled_from(["answered", "lost", "applied and crash", "sent"]))
    async def a_score_and_an_attempt(self, fate):
        await self.model.score()
        await self._attempt(fate)

    async def _attempt(self, fate):
        await self.model.rescue()
        attempt = await self.model.claim()
        if attempt is not None and fate != "slow":
            await self._meet(attempt, fate)

    @precondition(lambda self: self.model.attempts)
    @step(which=WHICH, fate=st.sampled_from(["answered", "lost", "applied and lost", "crash", "sent"]))
    async def an_attempt_goes_on(self, which, fate):
        await self._meet(self.model.attempts[which % len(self.model.attempts)], fate)

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


def test_each_kind_of_platform_ends_up_with_the_newest_score(shared_url):
    assert play(PlatformMachine, shared_url, number=1, runs=60, steps=25) > 500


@pytest.mark.parametrize("ahead", [-45_000, 0, 45_000])
@pytest.mark.parametrize("kind", KINDS)
async def test_the_last_of_fifteen_scores_within_a_second_and_a_half_is_held(empty_database, kind, ahead):
    with capture_logs() as logs:
        life = PlatformLife(logs)
        await life.begin(kind, ahead=ahead, can_read=True)
        await life.fetch_token()
        for _ in range(15):
            await life.score()
            attempt = await life.claim()
            if attempt is not None:
                await life.meet(attempt)
            life.pass_time(100)
        await life.settle()
        await life.close()
    assert sum(life.posts.values()) <= 25


@pytest.fixture
async def started(empty_database):
    """Makes the life of a row at a platform that holds a first score."""
    lives = []

    async def start(kind, **how):
        life = PlatformLife(logs)
        lives.append(life)
        await life.begin(kind, **{"ahead": 0, "can_read": True} | how)
        await life.fetch_token()
        await life.score()
        await life.meet(await life.claim())
        life.pass_time(5_000)
        return life

    with capture_logs() as logs:
        yield start
        for life in lives:
            await life.close()


async def _sent(life):
    """A new score, on its way."""
    await life.score()
    attempt = await life.claim()
    while attempt.stage < Stage.SENT:
        await life.go_on(attempt)
    return attempt


async def test_an_older_score_of_ours_that_arrived_later_than_the_newest_was_made_is_overwritten(started):
    life = await started("arrival")
    late = await _sent(life)
    life.pass_time(2_000)
    await life.score()
    life.pass_time(5_000)
    life.campus.apply(late.request, now=life.real)
    await life.lose_answer(late)
    await life.settle()
    assert life.campus.held == life.newest
    assert (await read_row(life.id))["sent_score"] == str(life.newest)


async def test_an_older_score_of_a_sender_that_never_came_back_is_not_taken_for_a_persons(started):
    life = await started("arrival")
    lost = await _sent(life)
    life.pass_time(2_000)
    await life.score()
    life.pass_time(5_000)
    life.campus.apply(lost.request, now=life.real)
    life.crash(lost)
    await life.settle()
    assert life.campus.held == life.newest


async def test_a_persons_later_grade_stays_where_a_sender_never_came_back_before_an_acceptance(started):
    life = await started("strict")
    life.crash(await _sent(life))
    await life.settle()
    await life.lose_answer(await _sent(life))
    life.pass_time(5_000)
    life.grade_by_hand()
    await life.settle()
    assert life.campus.by_hand


@pytest.mark.parametrize("kind", ["strict", "openedx", "whole seconds", "arrival"])
async def test_a_persons_later_grade_stays_though_a_score_was_in_doubt(started, kind):
    life = await started(kind)
    await life.lose_answer(await _sent(life))
    life.pass_time(5_000)
    life.campus.grade_by_hand(now=life.real)
    life.person_may_win = True
    await life.settle()
    assert life.campus.by_hand
    assert (await read_row(life.id))["sent_score"] is None


@pytest.mark.parametrize("kind", ["strict", "openedx", "whole seconds", "arrival"])
async def test_a_resend_by_force_replaces_a_persons_later_grade(started, kind):
    life = await started(kind)
    life.pass_time(1_000_000)
    life.grade_by_hand()
    await life.force()
    await life.settle()
    assert life.campus.held == life.newest
    assert not life.campus.by_hand
    assert life.posts.most_common(1)[0][1] <= 2, "the platform's time is guessed"


@pytest.mark.parametrize("kind", ["strict", "openedx", "whole seconds", "arrival"])
async def test_a_score_replaces_a_persons_earlier_grade_where_the_platforms_clock_is_ahead(empty_database, kind):
    with capture_logs() as logs:
        life = PlatformLife(logs)
        await life.begin(kind, ahead=45_000, can_read=True)
        await life.fetch_token()
        life.grade_by_hand()
        life.pass_time(5_000)
        await life.score()
        await life.settle()
        await life.close()
    assert life.campus.held == life.newest


async def test_a_platform_that_refuses_every_time_gets_few_requests_and_no_attempt_is_spent(started):
    life = await started("strict", can_read=False)
    await life.score()
    began, refusals = life.real, 0
    while refusals < 8:
        row = await read_row(life.id)
        life.pass_time(max(0, row["not_before"] - life.real))
        attempt = await life.claim()
        assert attempt is not None
        while attempt is not None:
            # Each time another person has just stored something with a time far ahead.
            life.campus.since = (life.real + (refusals + 1) * 90_000_000) * 1000
            refusals += 1
            following = attempt
            while following.stage != Stage.OVER:
                await (life.answer(following) if following.stage == Stage.SENT else life.go_on(following))
            attempt = following.next
    assert (await read_row(life.id))["attempts"] == 0
    assert life.real - began > 10_000

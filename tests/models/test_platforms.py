"""The newest score is held in the end by each kind of LTI 1.3 platform, whatever senders, clocks and people do."""

import pytest
from structlog.testing import capture_logs

from tests.models.platform_life import PlatformLife
from tests.models.platform_machine import YEAR, PlatformMachine
from tests.models.platforms import KINDS
from tests.models.rows import read_row
from tests.models.simulated_daemons import Stage
from tests.models.state_machine_runner import play


@pytest.mark.timeout(400)
def test_each_kind_of_platform_ends_up_with_the_newest_score(shared_url):
    assert play(PlatformMachine, shared_url, number=1, runs=30, steps=25) > 300


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
        await life.wait_until_due()
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
    life.grade_by_hand()
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
            life.campus.cell.since = (life.real + (refusals + 1) * 90_000_000) * 1000
            refusals += 1
            following = attempt
            while following.stage != Stage.OVER:
                await (life.answer(following) if following.stage == Stage.SENT else life.go_on(following))
            attempt = following.next
    assert (await read_row(life.id))["attempts"] == 0
    assert life.real - began > 10_000


async def test_a_change_that_was_made_while_the_databases_clock_was_ahead_has_no_timestamp_in_the_future(started):
    life = await started("strict", composite=True)
    await life.step_clock(YEAR)
    await life.structure(possible=200)
    await life.step_clock(-YEAR)
    await life.wait_until_due()
    attempt = await life.claim()
    await life.meet(attempt)
    assert attempt.request.stamp <= life.real * 1000
    assert life.campus.held == life.newest

"""Platforms that meter a tool's requests: it keeps below the limit where it is named, and waits where it is not."""

import pytest

from tests.actors.sending import on_one_engine
from tests.actors.sending13 import ledger, over_lti13
from tests.fakes.ags_tool import CLIENT
from tests.fakes.canvas import HIGH_WATER, UP_FRONT
from tests.fakes.meters import BucketMeter, CreditMeter
from tests.fakes.platform_kinds import canvas, d2l
from tests.models.rows import read_row

pytestmark = on_one_engine

PAUSE = ("is busy and asked for a pause", "It gets grades again at ")


async def test_d2l_is_left_alone_before_its_credits_are_spent_until_they_are_whole_again(empty_database, key):
    async with over_lti13(key, d2l()) as over:
        # The token takes 10, so that 3 scores bring it below 100, and one more at a time may be on its way.
        over.platform.meter = CreditMeter(budget=130)
        leaves = [await over.make_grade(learner=f"learner {number}") for number in range(9)]
        await over.send_all()
        left = [leaf for leaf in leaves if not await ledger(leaf)]
        assert 0 < len(left) < 9
        last = f"learner {leaves.index(left[-1])}"
        await over.check_why("due", *PAUSE, learner=last)
        before = len(over.platform.requests)
        over.sending.tick(55)
        await over.send_all()
        assert len(over.platform.requests) == before, "X-Rate-Limit-Reset says when"
        for _ in range(3):
            over.sending.tick(65)
            await over.send_all()
        assert [await ledger(leaf) for leaf in leaves] == [[("accepted", 200)]] * 9
        await over.check_why("clean", "Sent 0.25 to ", learner=last)
        assert "limit" not in {one.decision for one in over.platform.requests}


async def test_a_429_of_d2l_waits_until_its_credits_are_whole_again(empty_database, key):
    async with over_lti13(key, d2l()) as over:
        over.platform.meter = CreditMeter(budget=10)
        leaf = await over.make_grade()
        await over.send_all()
        assert await ledger(leaf) == [("retried", 429)]
        await over.check_why("waiting", *PAUSE, "HTTP 429: ")
        over.sending.tick(55)
        await over.send_all()
        assert len(over.platform.of("score")) == 1
        over.platform.meter = CreditMeter()
        over.sending.tick(30)
        await over.send_all()
        assert await ledger(leaf) == [("retried", 429), ("accepted", 200)]
        await over.check_why("clean", "Sent 0.25 to ")


async def test_a_d2l_that_gives_no_token_at_its_limit_is_busy_until_it_says(empty_database, key):
    async with over_lti13(key, d2l()) as over:
        over.platform.meter = CreditMeter(budget=0)
        leaf = await over.make_grade()
        await over.send_all()
        await over.check_why("due", *PAUSE, "no access token: HTTP 429: ")
        over.sending.tick(55)
        await over.send_all()
        assert (len(over.platform.of("token")), await ledger(leaf)) == (1, [])
        over.platform.meter = None
        over.sending.tick(30)
        await over.send_all()
        assert await ledger(leaf) == [("accepted", 200)]
        await over.check_why("clean", "Sent 0.25 to ")


@pytest.fixture
def poured():
    """Fills the bucket of the tool, which leaks by the time of the test, up to what is left of it."""

    def pour(over, left: float) -> None:
        meter = BucketMeter(lambda: over.sending.now / 1000)
        meter.buckets[CLIENT].pour(HIGH_WATER - left)
        over.platform.meter = meter

    return pour


async def test_canvas_has_one_bucket_for_tokens_and_scores_and_is_left_alone_when_it_is_nearly_full(
    empty_database, key, poured
):
    async with over_lti13(key, canvas()) as over:
        first, second = await over.make_grade(learner="one"), await over.make_grade(learner="two")
        await over.sending.dispatcher.dispatch()
        await over.sending.dispatcher.close()
        poured(over, UP_FRONT + 1)
        await over.send_once(first)
        assert await ledger(first) == [("accepted", 200)]
        await over.check_why("due", *PAUSE, learner="two")
        await over.send_all()
        assert await ledger(second) == []
        over.sending.tick(2)
        await over.send_all()
        assert await ledger(second) == [("accepted", 200)]
        await over.check_why("clean", "Sent 0.25 to ", learner="two")


async def test_a_full_bucket_of_canvas_costs_no_token_and_no_grade(empty_database, key, poured):
    async with over_lti13(key, canvas()) as over:
        leaf = await over.make_grade()
        poured(over, 0)
        await over.send_all()
        assert ([one.decision for one in over.platform.of("token")], await ledger(leaf)) == (["limit"], [])
        await over.check_why("due", *PAUSE, "Rate Limit Exceeded")
        over.sending.tick(20)
        await over.sending.dispatcher.dispatch()
        await over.sending.dispatcher.close()
        poured(over, 0)
        await over.send_once(leaf)
        assert (await ledger(leaf), (await read_row(leaf))["hold_until"]) == ([("retried", 403)], 0)
        await over.check_why("waiting", *PAUSE, "Rate Limit Exceeded")
        over.sending.tick(120)
        await over.send_all()
        assert await ledger(leaf) == [("retried", 403), ("accepted", 200)]
        await over.check_why("clean", "Sent 0.25 to ")

"""Stopping: no further claim, and what is under way is broken off."""

import asyncio

from tests.actors.campuses import columns, held_by, make_class
from tests.actors.sending import HOLD, results
from tests.models.rows import read_lines, read_row


async def test_stopping_during_a_request_leaves_it_in_doubt_and_gives_the_claim_back(sending, lms, leaf):
    answer_and_end = await held_by(sending, lms, leaf)
    sending.dependencies.abort.set()
    await answer_and_end()
    expected = (None, 1, sending.now + HOLD * 1000)
    assert await columns(leaf, "claimed_until", "forced_version", "hold_until") == expected
    (line,) = await read_lines(leaf)
    assert line["result"] == "ambiguous"
    assert "stopped while waiting for the answer" in line["description"]


async def test_stopping_before_a_request_gives_the_attempt_back(sending, lms, leaf):
    sending.dependencies.abort.set()
    await sending.send(leaf)
    assert lms.requests == []
    assert await columns(leaf, "attempts", "claimed_until", "hold_until", "not_before") == (0, None, 0, 0)
    assert await read_lines(leaf) == []


async def test_after_closing_no_message_claims_anything(sending, lms, leaf):
    sending.outcomes.close()
    await sending.send(leaf)
    assert lms.requests == []
    assert (await read_row(leaf))["claim_token"] is None


async def test_closing_lets_the_request_under_way_end_and_hands_nothing_over(make_sending, lms, campus):
    sending = await make_sending(hands_over=True, max_per_campus=1)
    first, *others = await make_class(campus, 9)
    answer_and_end = await held_by(sending, lms, first)
    sending.outcomes.close()
    await answer_and_end()
    assert await results(first) == ["accepted"]
    assert [await results(one) for one in others] == [[]] * 8


async def test_a_claim_of_a_daemon_that_stops_as_it_is_made_is_worked_off(make_sending, lms, leaf):
    """Claims that are under way when the daemon closes are attempted: they would wait for their lease else."""
    sending = await make_sending()
    passing = asyncio.create_task(sending.send(leaf))
    await asyncio.sleep(0)
    sending.outcomes.close()
    await passing
    assert await results(leaf) == ["accepted"]

"""Leases: late attempts, frozen daemons, and fencing."""

import asyncio

import pytest
import structlog

from actors.lease import MARGIN
from actors.request import PUT_OFF
from tests.actors.campuses import columns, held_by, slowly
from tests.actors.sending import HOLD, LATER, LEASE, SOURCEDID, changed, on_one_engine, results
from tests.fakes import lms as fake
from tests.models.rows import read_lines, read_row


async def test_an_attempt_that_is_too_slow_to_begin_sends_nothing_and_is_put_off_longer_each_time(sending, lms, leaf):
    for times in range(3):
        sending.trees.meanwhile = slowly(sending, MARGIN + 0.001)
        await sending.send(leaf)
        wait = PUT_OFF * 2**times
        assert await columns(leaf, "not_before", "attempts", "claimed_until") == (sending.now + wait * 1000, 0, None)
        assert await columns(leaf, "forced_version", "hold_until") == (0, 0)
        await sending.send(leaf)
        sending.tick(wait)
    assert lms.requests == []
    assert await read_lines(leaf) == []
    sending.trees.meanwhile = slowly(sending, MARGIN)
    await sending.send(leaf)
    assert lms.scores(SOURCEDID) == ["0.5"]

    await changed(leaf, 2, 2, sending.now)
    sending.trees.meanwhile = slowly(sending, MARGIN + 0.001)
    await sending.send(leaf)
    assert (await read_row(leaf))["not_before"] == sending.now + PUT_OFF * 1000


@pytest.fixture
async def frozen(make_sending, leaf):
    """A daemon that froze between its claim and its POST, and what thaws it."""
    daemon, thaw = await make_sending(), asyncio.Event()
    daemon.trees.meanwhile = thaw.wait
    passing = asyncio.create_task(daemon.send(leaf))
    while daemon.trees.meanwhile is not None or not daemon.trees.reads:
        await asyncio.sleep(0.001)

    async def thaw_and_end() -> None:
        thaw.set()
        await passing

    return daemon, thaw_and_end


async def test_a_holder_that_was_frozen_beyond_its_margin_does_not_overlap_the_one_that_took_over(
    make_sending, lms, leaf, frozen
):
    holder, thaw_and_end = frozen
    taker, hold = await make_sending(holder.clock), asyncio.Event()
    taker.tick(LEASE - 0.001)
    assert await taker.rescue() == 0, "taken over before the lease was over"
    await taker.send(leaf)
    assert lms.requests == [], "taken over before the lease was over"
    taker.tick(0.001)
    assert await taker.rescue() == 1
    lms.behave = fake.always(fake.held(hold))
    taking = asyncio.create_task(taker.send(leaf))
    await lms.until(lambda: lms.requests)
    await thaw_and_end()
    hold.set()
    await taking

    assert len(lms.requests) == 1
    assert lms.overlaps() == []
    assert await columns(leaf, "version_number", "sent_version") == (1, 1), "nothing left the holder: no resend"
    assert await results(leaf) == ["accepted"], "no record of the holder's request, which never was"
    assert (holder.value("passback_fenced_total"), taker.value("passback_fenced_total")) == (1, 0)


async def test_a_holder_that_froze_for_less_than_its_lease_sends_nothing_and_gives_its_claim_back(
    make_sending, lms, leaf, frozen
):
    holder, thaw_and_end = frozen
    holder.tick(LEASE - 1)
    await thaw_and_end()
    assert lms.requests == []
    assert (await read_row(leaf))["claimed_until"] is None
    taker = await make_sending(holder.clock)
    taker.tick(PUT_OFF)
    await taker.send(leaf)
    assert await results(leaf) == ["accepted"]


@pytest.mark.parametrize(
    ("behaviour", "result"),
    [
        (fake.held, "accepted"),
        (lambda hold: fake.failure("User not found", hold=hold), "refused"),
        (lambda hold: fake.answer(503, hold=hold, apply=True), "ambiguous"),
    ],
)
async def test_a_holder_whose_answer_came_after_its_lease_has_the_newest_score_sent_again(
    make_sending, lms, leaf, behaviour, result
):
    holder = await make_sending()
    taker = await make_sending(holder.clock)
    answer_and_end = await held_by(holder, lms, leaf, behaviour)
    await changed(leaf, 2, 2, holder.now)
    holder.tick(LEASE)
    assert await taker.rescue() == 1
    await taker.send(leaf)
    assert (await read_row(leaf))["sent_version"] == 2

    with structlog.testing.capture_logs() as logs:
        await answer_and_end()
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("attempt.fenced", "error")]
    assert holder.value("passback_fenced_total") == 1
    row = await read_row(leaf)
    assert (row["version_number"], row["forced_version"], row["sent_version"]) == (3, 3, 2)
    assert await results(leaf) == [result, "accepted"], "the record that was written as unknown is completed"
    if result == "ambiguous":
        assert row["hold_until"] == holder.now + HOLD * 1000
        taker.tick(LATER)
    else:
        assert row["due_at"] == holder.now, "due at once"
    await taker.send(leaf)
    assert [request.score for request in lms.requests] == ["0.5", "1", "1"]
    assert lms.grade(SOURCEDID, "/outcomes") == "1"


async def test_a_holder_that_is_fenced_has_the_grade_sent_again_even_if_it_was_answered_within_its_own_lease(
    make_sending, lms, leaf
):
    """A clock was wrong: the one that took over may have sent before the holder's own request landed."""
    holder, taker = await make_sending(), await make_sending()
    answer_and_end = await held_by(holder, lms, leaf)
    holder.tick(LEASE - 1)
    taker.tick(LEASE)
    assert await taker.rescue() == 1
    await taker.send(leaf)
    await answer_and_end()
    assert holder.value("passback_fenced_total") == 1
    assert await columns(leaf, "version_number", "sent_version", "forced_version") == (2, 1, 2)


@on_one_engine
async def test_the_lease_covers_margin_deadline_and_hold(sending, lms, leaf):
    answer_and_end = await held_by(sending, lms, leaf)
    row = await read_row(leaf)
    assert row["claimed_until"] - row["claimed_at"] == (5 + 10 + 20) * 1000
    await answer_and_end()

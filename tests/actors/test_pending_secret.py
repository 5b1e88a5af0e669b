"""A consumer whose secret is to change: whichever the campus knows, its grades arrive, and none is parked for it."""

import pytest

from actors.lease import MARGIN
from models import consumer_admin
from models.consumer import LtiConsumer
from tests.actors.campuses import columns, held_by, state_of
from tests.actors.sending import HOLD, KEY, LATER, SECRET, SOURCEDID, TIMEOUT, results
from tests.fakes.lms import answer, failure, html
from tests.models.rows import read_row

NEXT = "the-next-secret"


@pytest.fixture
async def pending(leaf):
    await consumer_admin.pend(KEY, NEXT, now=0)
    return leaf


async def secrets() -> tuple[str, str | None]:
    consumer = await LtiConsumer.get(consumer_key=KEY)
    return consumer.consumer_secret, consumer.pending_secret


REFUSALS = {
    "401": answer(401, b"the signature is not valid"),
    "400": answer(400, b"bad request"),
    "a POX failure that is known": failure("Message signature not valid"),
    "a POX failure that is not": failure("something is wrong", status=200),
    "a page": html(503, "broken by a signature"),
}


async def test_the_newest_secret_is_tried_first_and_promoted_when_the_campus_accepts_it(sending, lms, pending):
    lms.keys[KEY] = NEXT
    await sending.send(pending)
    assert lms.grade(SOURCEDID) == "0.5"
    assert len(lms.requests) == 1
    assert await secrets() == (NEXT, None)
    assert await results(pending) == ["accepted"]


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
async def test_a_campus_that_has_not_changed_yet_gets_its_grade_in_the_same_attempt_whatever_its_refusal_looks_like(
    sending, lms, pending, refusal
):
    lms.refusal = refusal
    await sending.send(pending)
    assert lms.grade(SOURCEDID) == "0.5"
    assert [request.verified for request in lms.requests] == [False, True]
    assert await columns(pending, "attempts", "parked_at", "sent_score") == (0, None, "0.5")
    assert await secrets() == (SECRET, NEXT)
    assert await results(pending) == ["accepted"]
    lms.faults.clear()


@pytest.mark.parametrize(
    "behaviour",
    [html(302, headers={"Location": "https://login.example/"}), answer(429), html(200)],
    ids=["302", "429", "a page"],
)
async def test_an_answer_that_says_nothing_of_the_secret_asks_for_no_second_request(sending, lms, pending, behaviour):
    lms.keys[KEY] = NEXT
    lms.behave = lambda _: behaviour
    await sending.send(pending)
    assert len(lms.requests) == 1
    assert await secrets() == (SECRET, NEXT)


async def test_a_campus_that_knows_neither_is_tried_with_both_and_parks_no_grade(sending, lms, campus, pending):
    lms.keys[KEY] = "a third one"
    lms.refusal = answer(400, b"bad request")
    for attempt in range(1, 5):
        await sending.send(pending)
        assert len(lms.requests) == 2 * attempt
        row = await read_row(pending)
        assert (row["parked_at"], row["attempts"]) == (None, 0)
        assert sending.now < row["not_before"] <= sending.now + 120_000
        sending.tick(120)
    assert await state_of(campus, sending.now) == "up", "the failures of one assignment may be its own"
    lms.keys[KEY] = SECRET
    await sending.send(pending)
    assert lms.grade(SOURCEDID) == "0.5"
    assert await secrets() == (SECRET, NEXT)
    lms.faults.clear()


async def test_a_campus_that_breaks_on_both_is_in_doubt(sending, lms, pending):
    lms.keys[KEY] = "a third one"
    lms.refusal = html(503, "broken by a signature")
    await sending.send(pending)
    assert await columns(pending, "attempts", "forced_version", "hold_until") == (1, 1, sending.now + HOLD * 1000)
    lms.faults.clear()


async def test_the_lease_of_a_consumer_with_two_secrets_covers_both_requests(sending, lms, pending):
    lms.keys[KEY] = NEXT
    answer_and_end = await held_by(sending, lms, pending)
    row = await read_row(pending)
    assert row["claimed_until"] - row["claimed_at"] == (MARGIN + 2 * TIMEOUT + HOLD) * 1000
    await answer_and_end()


async def test_a_second_request_that_the_lease_would_not_cover_is_not_begun(sending, lms, pending):
    class Slow:
        """Answers, and lets time pass for the seconds that are given it."""

        def __init__(self, sender, seconds):
            self.sender, self.seconds = sender, seconds

        async def send(self, *arguments, **options):
            response = await self.sender.send(*arguments, **options)
            sending.tick(self.seconds)
            return response

    sender = sending.dependencies.sender
    sending.dependencies.sender = Slow(sender, MARGIN + TIMEOUT + 0.001)
    await sending.send(pending)
    assert len(lms.requests) == 1
    assert await columns(pending, "attempts", "claimed_until", "sent_version") == (0, None, 0)
    sending.tick(LATER)
    sending.dependencies.sender = Slow(sender, MARGIN + TIMEOUT)
    await sending.send(pending)
    assert lms.grade(SOURCEDID) == "0.5"
    lms.faults.clear()

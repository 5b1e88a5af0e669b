"""A consumer whose secret is to change: whichever the campus knows, its grades arrive, and nobody is parked for it."""

from __future__ import annotations

import pytest

from models import consumer_admin
from models.consumer import LtiConsumer
from tests.actors.sending import KEY, LATER, SECRET, SOURCEDID
from tests.fakes.lms import answer, failure, html
from tests.models.rows import read_row

NEXT = "the-next-secret"


@pytest.fixture
async def pending(leaf):
    await consumer_admin.pend(KEY, NEXT)
    return leaf


async def secrets() -> tuple[str, str | None, bool]:
    consumer = await LtiConsumer.get(consumer_key=KEY)
    return consumer.consumer_secret, consumer.pending_secret, bool(consumer.pending_turn)


@pytest.mark.parametrize(
    "refusal",
    [
        answer(401, b"the signature is not valid"),
        answer(400, b"bad request"),
        failure("Message signature not valid"),
        failure("something is wrong", status=200),
    ],
    ids=["401", "400", "a POX failure that is known", "a POX failure that nobody knows"],
)
async def test_a_campus_that_has_changed_gets_its_grade_whatever_its_refusal_looks_like(sending, lms, pending, refusal):
    lms.keys[KEY] = NEXT
    lms.refusal = refusal
    await sending.pass_back(pending)
    row = await read_row(pending)
    assert row["parked_at"] is None
    assert await secrets() == (SECRET, NEXT, True)
    assert row["not_before"] <= sending.now, "the other one is tried at once"
    await sending.pass_back(pending)
    assert lms.grade(SOURCEDID) == "0.5"
    assert await secrets() == (NEXT, None, False)
    lms.faults.clear()


async def test_a_campus_that_has_not_changed_yet_goes_on_with_the_present_secret(sending, lms, pending):
    await sending.pass_back(pending)
    assert lms.grade(SOURCEDID) == "0.5"
    assert await secrets() == (SECRET, NEXT, False)


async def test_a_redirect_says_nothing_of_the_secret(sending, lms, pending):
    lms.behave = lambda _: html(302, headers={"Location": "https://login.example/"})
    await sending.pass_back(pending)
    assert await secrets() == (SECRET, NEXT, False)


async def test_a_campus_that_knows_neither_is_tried_with_both_in_turn_and_parks_nobody(sending, lms, pending):
    lms.keys[KEY] = "a third one"
    lms.refusal = answer(400, b"bad request")
    for _ in range(4):
        await sending.pass_back(pending)
        sending.tick(120)
    assert (await read_row(pending))["parked_at"] is None
    signed = [record.number for record in lms.requests]
    assert len(signed) == 4
    lms.keys[KEY] = SECRET
    for _ in range(2):
        await sending.pass_back(pending)
        sending.tick(120)
    assert lms.grade(SOURCEDID) == "0.5"
    assert await secrets() == (SECRET, NEXT, False)
    lms.faults.clear()


async def test_a_wrong_turn_is_taken_back_by_whatever_fails(sending, lms, pending):
    await LtiConsumer.filter(consumer_key=KEY).update(pending_turn=True)
    lms.refusal = html(503, "broken by a signature")
    await sending.pass_back(pending)
    assert await secrets() == (SECRET, NEXT, False)
    sending.tick(LATER)
    await sending.pass_back(pending)
    assert lms.grade(SOURCEDID) == "0.5"
    lms.faults.clear()

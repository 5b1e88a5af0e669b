"""Asking a campus for a score within its limit."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from actors.read_back import NotReadError, Reader, Reading
from models import consumer_admin
from models.consumer import LtiConsumer
from tests.actors.campuses import breaker_of, columns, held_by, known, make_class, state_of
from tests.actors.sending import HOLD, KEY, PATH, SOURCEDID, just_now, results, scored
from tests.fakes import lms as fake
from tests.fakes.lms import answer, failure, success
from tests.models.rows import make_assignment, read_row


def reader_of(sending) -> Reader:
    return Reader(sending.dependencies.sender, sending.clock, sending.dependencies.settings)


@pytest.fixture
def reader(sending):
    return reader_of(sending)


@asynccontextmanager
async def under_way(reader, lms, leaf, reading: str = ""):
    """A reading that the campus does not answer before this ends."""
    go_on, before = asyncio.Event(), len(lms.requests)
    lms.behave = lambda _: success(hold=go_on)
    task = asyncio.create_task(reader.read(leaf))
    await lms.until(lambda: len(lms.requests) > before)
    yield
    go_on.set()
    assert await task == Reading(reading)


async def test_a_score_is_read_and_nothing_is_written(reader, lms, leaf):
    before = await read_row(leaf)
    assert await reader.read(leaf) == Reading("")
    lms.gradebook["/outcomes", SOURCEDID] = "0.75"
    assert await reader.read(leaf) == Reading("0.75")
    assert [(record.reads, record.path_qs, record.verified) for record in lms.requests] == [(True, PATH, True)] * 2
    assert lms.applied == []
    row = await read_row(leaf)
    kept = {name for name in before if row[name] != before[name]}
    assert kept == {"claim_token", "claimed_at", "claimed_version"}
    assert await results(leaf) == []


NO_SCORE = (
    b"<imsx_POXEnvelopeResponse><imsx_codeMajor>success</imsx_codeMajor><textString>a<b/></textString>"
    b"</imsx_POXEnvelopeResponse>"
)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (failure("readResult is not supported", code_major="unsupported"), "HTTP 200, unsupported: readResult is not"),
        (answer(500, b"<html>broken</html>"), "HTTP 500: broken"),
        (answer(401, b"who are you"), "HTTP 401: who are you"),
        (answer(200, b""), "HTTP 200 without a readable imsx_codeMajor"),
        (success(cut="before"), "the connection was lost"),
        (success(body=NO_SCORE), "its answer holds no readable score"),
    ],
)
async def test_what_cannot_be_read_is_said_in_the_lmss_message_and_trips_no_breaker(
    reader, lms, campus, leaf, said, words
):
    lms.behave = fake.always(said)
    for _ in range(2):
        reading = await reader.read(leaf)
        assert (reading.held, reading.unsupported) == (None, True)
        assert reading.why.startswith(words)
    breaker = await breaker_of(campus)
    assert (breaker.tripped_at, breaker.last_failed_assignment, breaker.blocked_until) == (None, None, 0)


async def test_what_one_learner_cannot_be_read_of_is_not_the_campuss_trouble(reader, lms, leaf):
    lms.behave = fake.always(failure("User not found"))
    assert await reader.read(leaf) == Reading(None, "HTTP 200, failure: User not found", gone=True)
    lms.behave = fake.always(failure("the course is concluded"))
    assert await reader.read(leaf) == Reading(None, "HTTP 200, failure: the course is concluded")


async def test_a_sourcedid_and_a_secret_that_the_campus_repeats_are_redacted(reader, lms, leaf):
    lms.behave = lambda record: failure(f"{record.sourcedid} by {record.headers['Authorization']}")
    reading = await reader.read(leaf)
    assert SOURCEDID not in reading.why
    assert lms.requests[0].nonce not in reading.why


async def test_a_busy_campus_is_left_alone_as_by_the_daemons(reader, sending, lms, campus, leaf):
    lms.behave = lambda _: answer(429, b"slow down", headers={"Retry-After": "30"})
    with pytest.raises(NotReadError, match="slow down"):
        await reader.read(leaf)
    assert await state_of(campus, sending.now) == "throttled"
    with pytest.raises(NotReadError, match="slots"):
        await reader.read(leaf)
    await sending.work_off()
    assert len(lms.requests) == 1


async def test_a_campus_that_comes_near_its_limit_gets_a_rest(reader, sending, lms, campus, leaf):
    lms.behave = lambda _: success(headers={"X-Rate-Limit-Remaining": "50"})
    reading = await reader.read(leaf)
    assert reading.held == ""
    assert await state_of(campus, sending.now) == "throttled"


async def test_a_campus_that_is_down_is_for_probes_alone_and_a_reading_takes_none(reader, lms, campus, leaf, sending):
    await known(campus, tripped_at=sending.now - 100_000, blocked_until=sending.now - 1)
    with pytest.raises(NotReadError, match="the campus is down"):
        await reader.read(leaf)
    assert lms.requests == []
    assert await state_of(campus, sending.now) == "down"
    assert (await read_row(leaf))["claimed_until"] is None, "the claim is given back"


async def test_a_breaker_that_trips_while_a_reading_is_under_way_is_closed_by_no_reading(
    reader, lms, campus, leaf, sending
):
    async with under_way(reader, lms, leaf):
        await known(campus, tripped_at=sending.now, blocked_until=sending.now + 15_000)
    assert await state_of(campus, sending.now) == "down"


async def test_a_reading_takes_one_of_the_campuss_slots(make_sending, lms, campus):
    sending = await make_sending(max_per_campus=1)
    reader = reader_of(sending)
    one, other = await make_class(campus, 2)
    answer_and_end = await held_by(sending, lms, one)
    with pytest.raises(NotReadError, match="all its slots are taken"):
        await reader.read(other)
    await answer_and_end()
    assert (await reader.read(other)).held == ""


async def test_what_is_read_right_now_is_not_sent(reader, sending, lms, leaf):
    async with under_way(reader, lms, leaf):
        await sending.work_off()
        assert len(lms.requests) == 1
    await sending.work_off()
    assert [request.reads for request in lms.requests] == [True, False]


@pytest.mark.parametrize("newest_is_known", [False, True])
async def test_both_secrets_of_a_consumer_are_tried(reader, lms, leaf, newest_is_known):
    await consumer_admin.pend(KEY, "the-next-secret", now=0)
    if newest_is_known:
        lms.keys[KEY] = "the-next-secret"
    assert await reader.read(leaf) == Reading("")
    assert len(lms.requests) == (1 if newest_is_known else 2)
    consumer = await LtiConsumer.get(consumer_key=KEY)
    assert consumer.pending_secret == "the-next-secret", "reading promotes none"
    lms.faults.clear()


async def test_a_sourcedid_that_xml_cannot_carry_is_unreadable(reader, campus, lms):
    await scored(1, 2)
    leaf = await make_assignment(campus, lis_result_sourcedid="a\x0bb", due_at=just_now())
    reading = await reader.read(leaf)
    assert reading.held is None
    assert "cannot carry" in reading.why
    assert not reading.gone
    assert lms.requests == []


async def test_a_reading_that_was_lost_forces_nothing_but_what_its_lease_covers(reader, sending, lms, leaf):
    """Its claim looks like any other, so that it is rescued like any other."""
    await sending.send(leaf)
    async with under_way(reader, lms, leaf, "0.5"):
        sending.tick(10 + 5 + HOLD)
        assert await sending.rescue() == 1
    assert await columns(leaf, "claimed_until", "sent_version") == (None, 1)
    assert await results(leaf) == ["accepted"], "nothing was sent"

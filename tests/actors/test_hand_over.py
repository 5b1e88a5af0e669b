"""The claims that follow an attempt in the same transaction."""

import asyncio

import pytest

from models.assignment import GradedAssignment
from tests.actors.campuses import breaker_of, held_by, known, make_class, other_campus
from tests.actors.sending import PARTITIONS, SOURCEDID, changed, results
from tests.fakes import lms as fake
from tests.models.rows import read_row


@pytest.fixture
async def sending(make_sending):
    return await make_sending(hands_over=True)


async def sent(ids) -> list[int]:
    return [one for one in ids if await results(one)]


async def test_one_message_sends_all_that_is_due_at_its_campus_and_in_its_partition(sending, lms, campus):
    ids = await make_class(campus, 12)
    await sending.send(ids[0])
    partition = [one for one in ids if one % PARTITIONS == ids[0] % PARTITIONS]
    assert await sent(ids) == partition
    assert len(lms.requests) == len(partition) == 3


@pytest.mark.parametrize(("turn", "number"), [(0, 1), (60, 3)])
async def test_claims_follow_for_a_turn_while_campuses_wait_for_connections(make_sending, campus, turn, number):
    sending = await make_sending(turn=turn)
    sending.outcomes.contended = True
    ids = await make_class(campus, 12)
    await sending.send(ids[0])
    assert len(await sent(ids)) == number


async def test_nothing_follows_before_the_stream_is_caught_up_again(sending, lms, campus):
    ids = await make_class(campus, 12)
    answer_and_end = await held_by(sending, lms, ids[0])
    sending.may_send = False
    await answer_and_end()
    assert await sent(ids) == ids[:1]


@pytest.mark.parametrize(("status", "trips"), [(503, True), (429, False)])
async def test_nothing_follows_a_failure_that_trips_the_breaker_or_a_busy_answer(sending, lms, campus, status, trips):
    await known(campus, last_failed_assignment=4711)
    ids = await make_class(campus, 12)
    lms.behave = fake.always(fake.answer(status))
    await sending.send(ids[0])
    assert (await breaker_of(campus)).tripped_at == (sending.now if trips else None)
    assert len(lms.requests) == 1


async def test_a_change_during_the_request_follows_at_once(sending, lms, leaf):
    answer_and_end = await held_by(sending, lms, leaf)
    await changed(leaf, 2, 2, sending.now)
    await answer_and_end()
    assert lms.scores(SOURCEDID) == ["0.5", "1"]
    assert sending.take_messages() == []


async def test_a_grade_that_changed_while_it_was_refused_follows_at_once(sending, lms, leaf):
    answer_and_end = await held_by(sending, lms, leaf, lambda hold: fake.failure("User not found", hold=hold))
    await changed(leaf, 2, 2, sending.now)
    await answer_and_end()
    assert (await read_row(leaf))["parked_at"] is None
    assert lms.scores(SOURCEDID) == ["1"]


async def test_an_assignment_that_several_messages_name_is_attempted_once(sending, lms, leaf):
    await asyncio.gather(sending.send(leaf), sending.send(leaf), sending.send(leaf))
    assert len(lms.requests) == 1
    assert await results(leaf) == ["accepted"]


async def test_a_message_for_what_is_under_way_claims_nothing(sending, lms, leaf):
    answer_and_end = await held_by(sending, lms, leaf)
    row = await read_row(leaf)
    await sending.send(leaf)
    assert await read_row(leaf) == row
    await answer_and_end()
    assert lms.scores(SOURCEDID) == ["0.5"]


async def test_a_launch_that_moves_an_assignment_sends_it_to_its_new_campus(sending, lms, leaf):
    other = await other_campus(lms)
    await GradedAssignment.filter(id=leaf).update(outcome_service_id=other.id, campus_id=other.campus_id)
    await sending.send(leaf)
    assert [(request.path, request.consumer_key) for request in lms.requests] == [("/other", "other")]

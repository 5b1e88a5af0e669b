"""How many requests campuses get at once, of all daemons, with a dispatcher and workers that go on."""

import asyncio

import pytest

from models.campus import SLOW_MS
from models.consumer import LtiConsumer
from tests.actors.campuses import breaker_of, held_by, known, make_class, other_campus, state_of
from tests.actors.sending import KEY, results
from tests.fakes import lms as fake
from tests.fakes.lms import most_at_once


async def all_accepted(ids) -> None:
    async with asyncio.timeout(60):
        while [await results(one) for one in ids] != [["accepted"]] * len(ids):
            await asyncio.sleep(0.02)


# --- The limit ---


@pytest.mark.parametrize("most", [1, 3])
async def test_two_daemons_together_never_send_more_at_once_than_the_limit(make_sending, lms, campus, most):
    first = await make_sending(max_per_campus=most, hands_over=True)
    second = await make_sending(first.clock, max_per_campus=most, hands_over=True)
    ids = await make_class(campus, 24)
    lms.behave = fake.always(fake.success(latency=0.02))
    async with first.at_work(), second.at_work():
        await all_accepted(ids)
    assert len(lms.requests) == len(ids)
    assert most_at_once(lms.requests) == most


@pytest.mark.parametrize("limits", [{"max_per_campus": 3}, {"max_per_campus": 50, "max_connections": 3}])
async def test_a_message_claims_no_more_than_the_campus_has_slots_or_the_daemon_connections(
    make_sending, lms, campus, limits
):
    sending = await make_sending(**limits)
    ids = await make_class(campus, 8)
    await sending.send(*ids)
    assert [len(await results(one)) for one in ids] == [1, 1, 1, 0, 0, 0, 0, 0]
    assert sending.outcomes.free == limits.get("max_connections", 200), "each connection is given back"


async def test_messages_that_come_together_share_the_connections(make_sending, lms, campus):
    sending = await make_sending(max_per_campus=50, max_connections=3)
    ids = await make_class(campus, 12)
    lms.behave = fake.always(fake.success(latency=0.02))
    await asyncio.gather(*(sending.send(one) for one in ids))
    assert most_at_once(lms.requests) <= 3


async def test_two_addresses_at_one_origin_of_one_consumer_share_the_limit(make_sending, lms, campus):
    sending = await make_sending(max_per_campus=1)
    (here,) = await make_class(campus, 1)
    consumer = await LtiConsumer.get(consumer_key=KEY)
    service = await campus.__class__.create(
        lti_consumer=consumer,
        campus_id=campus.campus_id,
        lis_outcome_service_url=lms.url("/second"),
        url_digest="another",
    )
    (there,) = await make_class(service, 1)
    answer_and_end = await held_by(sending, lms, here)
    await sending.send(there)
    assert await results(there) == []
    await answer_and_end()


# --- First contact ---


async def test_a_campus_that_has_not_answered_yet_gets_one_request_at_once(make_sending, lms, campus):
    sending = await make_sending()
    await known(campus, answered_at=None)
    ids = await make_class(campus, 8)
    answer_and_end = await held_by(sending, lms, ids[0])
    await sending.send(*ids)
    await sending.dispatcher.dispatch()
    assert sending.take_messages() == []
    assert len(lms.requests) == 1
    await answer_and_end()
    assert (await breaker_of(campus)).answered_at == sending.now
    lms.behave = fake.always(fake.success(latency=0.05))
    await sending.send(*ids)
    assert most_at_once(lms.requests) == 4


async def test_a_campus_that_comes_back_gets_one_request_at_once_and_then_more(make_sending, lms, campus):
    sending = await make_sending(max_per_campus=2, hands_over=True)
    await known(campus, tripped_at=sending.now - 60_000, blocked_until=sending.now - 1)
    ids = await make_class(campus, 16)
    lms.behave = fake.always(fake.success(latency=0.02))
    async with sending.at_work():
        await all_accepted(ids)
    by_time = sorted(lms.requests, key=lambda request: request.began)
    assert most_at_once(by_time[:4]) == 1, "four successes come first"
    assert most_at_once(by_time) == 2
    assert await state_of(campus, sending.now) == "up"


# --- Slow and unhealthy campuses ---


async def test_slow_campuses_have_at_most_half_of_the_connections_together(make_sending, lms, campus):
    sending = await make_sending(max_connections=6, max_per_campus=4)
    slow = [await other_campus(lms, f"slow-{number}") for number in range(3)]
    await known(*slow, slow=True)
    held = asyncio.Event()
    for service in slow:
        await make_class(service, 6)
    lms.behave = lambda record: fake.held(held) if record.path.startswith("/slow") else fake.success()
    async with sending.at_work():
        await lms.until(lambda: len(lms.requests) == 3)
        assert sending.outcomes.free_for_slow() == 0
        quick = await make_class(campus, 20)
        await all_accepted(quick)
        assert sum(request.path.startswith("/slow") for request in lms.requests) == 3
        held.set()


async def test_the_only_connection_may_go_to_a_slow_campus(make_sending, lms, campus):
    sending = await make_sending(max_connections=1)
    await known(campus, slow=True)
    ids = await make_class(campus, 3)
    async with sending.at_work():
        await all_accepted(ids)


async def test_a_campus_that_keeps_requests_waiting_counts_as_slow_before_it_has_answered(make_sending, lms, campus):
    sending = await make_sending(max_connections=8)
    one, *_ = await make_class(campus, 1)
    assert sending.outcomes.free_for_slow() == 4
    answer_and_end = await held_by(sending, lms, one)
    assert (sending.outcomes.free, sending.outcomes.free_for_slow()) == (7, 4)
    sending.tick(SLOW_MS / 1000 + 0.001)
    assert (sending.outcomes.free, sending.outcomes.free_for_slow()) == (7, 3)
    await answer_and_end()
    assert sending.outcomes.free_for_slow() == 4


@pytest.mark.parametrize("down", [False, True])
async def test_a_campus_that_never_answers_or_is_down_does_not_hold_back_another(make_sending, lms, campus, down):
    sending, held = await make_sending(max_connections=8), asyncio.Event()
    silent = await other_campus(lms, "silent")
    breaker = {"tripped_at": sending.now - 1, "blocked_until": sending.now + 600_000} if down else {}
    await known(silent, **breaker)
    behind = await make_class(silent, 40)
    lms.behave = lambda record: fake.held(held) if record.path == "/silent" else fake.success()
    async with sending.at_work():
        await lms.until(lambda: down or len(lms.requests) == 4)
        healthy = await make_class(campus, 30)
        await all_accepted(healthy)
        assert [await results(one) for one in behind] == [[]] * 40
        assert await state_of(silent, sending.now) == ("down" if down else "up")
        held.set()
    assert sum(request.path == "/silent" for request in lms.requests) == (0 if down else 4)


# --- Connections in turn ---


async def test_contended_connections_go_to_campuses_in_turn(make_sending, lms, campus):
    sending = await make_sending(max_connections=2, max_per_campus=50, hands_over=True)
    services = [campus, *[await other_campus(lms, f"campus-{number}") for number in range(3)]]
    await known(*services[1:])
    many = await make_class(campus, 60)
    few = [one for service in services[1:] for one in await make_class(service, 2)]
    lms.behave = fake.always(fake.success(latency=0.01))
    async with sending.at_work():
        await all_accepted([*few, *many])
    here = [lms.url(request.path_qs) == campus.lis_outcome_service_url for request in lms.requests]
    last = max(number for number, is_here in enumerate(here) if not is_here)
    assert sum(here[last:]) >= 20, "the others got their turns, while so many still waited"
    assert most_at_once(lms.requests) == 2
    assert not sending.outcomes.contended


async def test_one_campus_alone_has_all_connections(make_sending, lms, campus):
    sending = await make_sending(max_connections=6, max_per_campus=50, hands_over=True)
    ids = await make_class(campus, 40)
    lms.behave = fake.always(fake.success(latency=0.03))
    async with sending.at_work():
        await all_accepted(ids)
    assert most_at_once(lms.requests) == 6

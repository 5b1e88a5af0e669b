"""The stored part of the breaker and of throttling: what all daemons see, and what outlives them."""

import asyncio
from dataclasses import replace

import pytest
from tortoise.transactions import in_transaction

from models import consumer_admin
from models.campus import (
    Breaker,
    Campus,
    OutcomeService,
    ensure_campus,
    probe_now,
    probe_soon,
    read_breakers,
    read_state,
    save_breakers,
)
from models.claims import claim, claim_for_reading
from models.consumer import LtiConsumer
from models.queries.status import read_status
from models.states import CAMPUS_STATES
from tests.models.claiming import LEASE, NOW, claimed, ended, lease
from tests.models.rows import make_assignment, make_service

ORIGIN = "https://campus.example:443"
DOWN = {"tripped_at": NOW - 9, "blocked_until": NOW + 9, "last_error": "refused", "last_error_at": NOW - 9}


@pytest.fixture
async def service(empty_database):
    return await make_service()


async def stored(campus_id):
    (breaker,) = await read_breakers([campus_id])
    return breaker


async def state(campus_id, now=NOW):
    """As the status shows it, and as ``reconcile`` reads it."""
    found, _ = await read_state(campus_id, now=now)
    for campus in (await read_status(now=now)).campuses:
        assert campus.state == found
    return found


# --- Campuses ---


async def test_the_first_call_makes_a_campus_and_later_ones_find_it(service):
    consumer = service.lti_consumer_id
    assert await ensure_campus(consumer, ORIGIN) == service.campus_id
    other = await ensure_campus(consumer, "https://elsewhere.example:443")
    assert other == await ensure_campus(consumer, "https://elsewhere.example:443") != service.campus_id
    assert await stored(other) == Breaker(other)
    row = await Campus.get(id=other)
    assert (row.lti_consumer_id, row.origin, row.reading_until) == (consumer, "https://elsewhere.example:443", 0)


async def test_the_same_origin_of_two_consumers_is_two_campuses(service):
    other = await make_service("other")
    assert other.campus_id != service.campus_id
    await Campus.filter(id=service.campus_id).update(**DOWN)
    states = [await read_state(campus_id, now=NOW) for campus_id in (service.campus_id, other.campus_id, 4711)]
    assert states == [("down", "refused"), ("up", ""), ("up", "")]


async def test_many_that_make_a_campus_at_once_make_one(service):
    made = await asyncio.gather(*(ensure_campus(service.lti_consumer_id, "https://new.example:443") for _ in range(9)))
    assert len(set(made)) == 1


async def test_the_campuses_of_a_removed_consumer_go_with_it(service):
    await LtiConsumer.filter(id=service.lti_consumer_id).delete()
    for model in (Campus, OutcomeService):
        assert not await model.exists()


# --- The breaker ---


async def test_breakers_are_stored_and_read_whole_and_each_for_itself(service):
    other = await make_service("other")
    full = Breaker(service.campus_id, 1, 2, 3, 4, 5, 6, 7, True, 8, "nine", 10)
    await save_breakers([full])
    assert await read_breakers([other.campus_id, service.campus_id]) == [full, Breaker(other.campus_id)]
    await save_breakers([replace(full, tripped_at=None, last_error=None), replace(full, campus_id=other.campus_id)])
    assert await stored(service.campus_id) == replace(full, tripped_at=None, last_error=None)
    assert await stored(other.campus_id) == replace(full, campus_id=other.campus_id)
    await save_breakers([])


async def test_a_lock_reads_the_same(service):
    async with in_transaction():
        assert await read_breakers([service.campus_id, 4711], lock=True) == [Breaker(service.campus_id)]


async def test_an_error_that_a_database_cannot_hold_is_stored_without_what_it_refuses(service):
    words = "nul \x00 and \ud800" + "x" * 9_999
    await save_breakers([Breaker(service.campus_id, last_error=words)])
    error = (await stored(service.campus_id)).last_error
    assert error.startswith("nul  and ?x")
    assert len(error) == 2_000


# --- States ---


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, "up"),
        ({"answered_at": 1, "slow": True, "last_error": "no such learner"}, "up"),
        ({"max_in_flight": 2, "throttled_at": NOW - 9}, "throttled"),
        ({"max_in_flight": 2}, "up"),
        ({"blocked_until": NOW + 1}, "throttled"),
        ({"blocked_until": NOW}, "up"),
        (DOWN, "down"),
        (DOWN | {"blocked_until": NOW}, "down"),
        (DOWN | {"throttled_at": 1}, "down"),
    ],
)
async def test_a_campus_is_in_one_state(service, columns, expected):
    await make_assignment()
    await Campus.all().update(**columns)
    assert await state(service.campus_id) == expected
    await LtiConsumer.all().update(paused_at=1)
    assert await state(service.campus_id) == "paused"


async def test_a_campus_is_probing_while_a_request_finds_out_whether_it_is_back(service):
    probe = await make_assignment()
    await Campus.all().update(**DOWN | {"blocked_until": NOW})
    got = await claimed(probe)
    assert got.tripped_at == NOW - 9
    assert await state(service.campus_id) == "probing"
    assert await state(service.campus_id, NOW + LEASE - 1) == "probing"
    assert await state(service.campus_id, NOW + LEASE) == "down", "the probe was lost"
    await ended(got, "released", given_back=True)
    assert await state(service.campus_id) == "down"
    assert {"up", "throttled", "down", "probing", "paused"} == set(CAMPUS_STATES)


# --- Bringing a probe forward ---


@pytest.mark.parametrize("columns", [{"blocked_until": NOW + 3}, {"blocked_until": NOW + 3, "last_error_at": None}])
async def test_a_launch_never_puts_a_probe_off(service, columns):
    await Campus.all().update(**DOWN | {"last_error_at": NOW} | columns)
    await probe_soon(service.campus_id)
    assert (await stored(service.campus_id)).blocked_until <= NOW + 3


async def test_since_when_a_campus_is_down_outlasts_a_correction(service):
    await Campus.all().update(**DOWN | {"tripped_at": NOW - 3_600_000, "blocked_until": NOW + 300_000})
    await probe_now(service.lti_consumer_id, now=NOW)
    campus = await Campus.get()
    assert (campus.tripped_at, campus.blocked_until) == (NOW - 3_600_000 + 1, 0), "another one, for a probe under way"


async def test_neither_a_launch_nor_a_correction_ends_what_a_busy_campus_asked_for_or_changes_another_campus(service):
    other = await make_service("other")
    await Campus.filter(id=service.campus_id).update(blocked_until=NOW + 99_000, throttled_at=NOW, trips=2)
    await Campus.filter(id=other.campus_id).update(**DOWN | {"blocked_until": NOW + 300_000})
    before = await read_breakers([service.campus_id, other.campus_id])
    await probe_soon(service.campus_id)
    await probe_now(service.lti_consumer_id, now=NOW)
    assert await read_breakers([service.campus_id, other.campus_id]) == before


# --- Pausing ---


async def test_a_paused_consumer_gets_nothing_until_it_is_resumed(service):
    leaf = await make_assignment()
    assert await consumer_admin.pause("key", now=NOW)
    assert not await consumer_admin.pause("key", now=NOW + 1)
    assert (await LtiConsumer.get()).paused_at == NOW
    assert await state(service.campus_id) == "paused"
    assert await claim([leaf], lease(), most=1) == []
    assert await claim_for_reading(leaf, lease()) is None
    assert await consumer_admin.resume("key", now=NOW)
    assert not await consumer_admin.resume("key", now=NOW)
    assert await state(service.campus_id) == "up"
    await claimed(leaf)


async def test_a_consumer_that_is_resumed_is_probed_at_once(service):
    await consumer_admin.pause("key", now=NOW)
    await Campus.all().update(**DOWN | {"blocked_until": NOW + 300_000})
    await consumer_admin.resume("key", now=NOW)
    assert (await stored(service.campus_id)).blocked_until == 0

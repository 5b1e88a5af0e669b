"""The state of everything, as ``status`` counts it."""

import pytest

from models.campus import Campus
from models.consumer import LtiConsumer
from models.db.sql import connection, is_postgres
from models.delivery import Delivery
from models.quarantine import QuarantinedEvent
from models.queries.status import (
    _RECENT,
    RATE_LINES,
    RATE_MS,
    STATES,
    IdleConsumer,
    KnownCampus,
    read_campuses,
    read_idle_consumers,
    read_rates,
    read_status,
)
from tests.models.rows import make_assignment, make_service

NOW = 1_000_000
CLEAN = {"version_number": 3, "sent_version": 3, "due_at": NOW - 9}
DIRTY = {"version_number": 4, "sent_version": 3, "due_at": NOW - 9}
CLAIMED = {"claim_token": 7, "claimed_at": NOW - 9, "claimed_version": 4}
PARKED = {"parked_at": NOW - 5, "parked_reason": "", "parked_scope": "learner"}


@pytest.fixture(autouse=True)
async def nothing(empty_database):
    await QuarantinedEvent.all().delete()


async def service(name="campus", url="https://campus.example/o"):
    return await make_service(name, url)


async def test_of_nothing_there_is_none_of_each_state():
    status = await read_status(now=NOW)
    assert status.assignments == dict.fromkeys(STATES, 0)
    assert (status.campuses, status.quarantined, status.oldest_due) == ([], 0, None)


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        (CLEAN, "clean"),
        (CLEAN | {"not_before": NOW + 1}, "clean"),
        (DIRTY, "due"),
        (DIRTY | {"due_at": NOW, "not_before": NOW, "hold_until": NOW}, "due"),
        (DIRTY | CLAIMED | {"claimed_until": NOW}, "due"),
        (DIRTY | {"due_at": NOW + 1}, "waiting"),
        (DIRTY | {"not_before": NOW + 1}, "waiting"),
        (DIRTY | {"hold_until": NOW + 1}, "waiting"),
        (DIRTY | {"waiting_since": NOW - 9}, "waiting"),
        (DIRTY | CLAIMED | {"claimed_until": NOW + 1}, "claimed"),
        (DIRTY | PARKED, "parked"),
        (DIRTY | {"disabled_at": NOW - 5}, "disabled"),
        (CLEAN | {"disabled_at": NOW - 5}, "disabled"),
        (DIRTY | PARKED | {"disabled_at": NOW - 5}, "disabled"),
    ],
)
async def test_every_assignment_is_in_one_state(columns, state):
    await make_assignment(**columns)
    assert (await read_status(now=NOW)).assignments == dict.fromkeys(STATES, 0) | {state: 1}


async def test_a_campus_tells_how_many_are_due_and_parked_and_since_when():
    campus = await service()
    for due_at in (NOW - 5, NOW - 70, NOW - 9):
        await make_assignment(campus, **DIRTY | {"due_at": due_at})
    await make_assignment(campus, **DIRTY | PARKED | {"due_at": NOW - 900})
    await make_assignment(campus, **DIRTY | {"due_at": NOW - 900, "not_before": NOW + 1})
    status = await read_status(now=NOW)
    assert (status.campuses[0].due, status.campuses[0].parked) == (3, 1)
    assert status.campuses[0].oldest_due == status.oldest_due == NOW - 70


async def test_a_consumer_at_two_origins_is_two_campuses_and_at_two_urls_of_one_origin_one():
    for url in ("https://a.example/1", "https://a.example/2", "https://b.example/"):
        await make_assignment(await service(url=url), **DIRTY)
    status = await read_status(now=NOW)
    assert [(campus.consumer, campus.origin, campus.due) for campus in status.campuses] == [
        ("campus", "https://a.example:443", 2),
        ("campus", "https://b.example:443", 1),
    ]


async def test_the_same_origin_of_two_consumers_is_two_campuses_and_the_oldest_of_all_is_told():
    await make_assignment(await service("a"), **DIRTY | {"due_at": NOW - 1})
    await make_assignment(await service("b"), **DIRTY | {"due_at": NOW - 2})
    await make_assignment(await service("c"), **CLEAN)
    status = await read_status(now=NOW)
    assert [(campus.consumer, campus.oldest_due) for campus in status.campuses] == [
        ("a", NOW - 1),
        ("b", NOW - 2),
        ("c", None),
    ]
    assert status.oldest_due == NOW - 2


async def test_the_last_success_is_the_newest_of_any_state():
    campus = await service()
    await make_assignment(campus, **CLEAN, sent_at=NOW - 500)
    await make_assignment(campus, **DIRTY, sent_at=NOW - 100)
    await make_assignment(campus, **CLEAN)
    assert (await read_status(now=NOW)).campuses[0].last_success == NOW - 100


async def test_a_campus_tells_its_state_and_its_last_error_with_its_time():
    for name in ("a", "b"):
        await make_assignment(await service(name), **DIRTY)
        await make_assignment(await service(name, "https://campus.example/p"), **CLEAN)
    broken = {"tripped_at": NOW - 9, "last_error": "time-out", "last_error_at": NOW - 8}
    await Campus.filter(lti_consumer__consumer_name="b").update(**broken)
    campuses = (await read_status(now=NOW)).campuses
    assert [(one.consumer, one.state, one.last_error, one.last_error_at) for one in campuses] == [
        ("a", "up", None, None),
        ("b", "down", "time-out", NOW - 8),
    ]


async def test_a_campus_is_in_use_while_any_of_its_assignments_is_not_disabled():
    campus = await service()
    await make_assignment(campus, **CLEAN, disabled_at=NOW)
    assert [one.in_use for one in (await read_status(now=NOW)).campuses] == [False]
    assert await read_campuses() == []
    await make_assignment(campus, **CLEAN)
    assert [one.in_use for one in (await read_status(now=NOW)).campuses] == [True]
    assert await read_campuses() == [KnownCampus("campus", "https://campus.example:443", "key")]


async def test_a_campus_that_its_assignments_have_left_is_not_told_of():
    await make_assignment(await service("b"), **CLEAN)
    await make_assignment(await service("a"), **CLEAN)
    await service("a", "https://left.example/")
    assert [one.origin for one in (await read_status(now=NOW)).campuses] == ["https://campus.example:443"] * 2
    assert [one.consumer for one in await read_campuses()] == ["a", "b"]


async def test_the_longest_parked_is_told_of_each_campus_and_of_all():
    first, second = await service("a"), await service("b")
    await make_assignment(first, **DIRTY | PARKED)
    await make_assignment(second, **DIRTY | PARKED | {"parked_at": NOW - 70})
    await make_assignment(second, **DIRTY | PARKED | {"parked_at": NOW - 6, "due_at": NOW - 900})
    await make_assignment(second, **DIRTY | PARKED | {"parked_at": NOW - 800, "disabled_at": NOW - 1})
    read = await read_status(now=NOW)
    assert [campus.oldest_parked for campus in read.campuses] == [NOW - 5, NOW - 70]
    assert read.oldest_parked == NOW - 70


# --- The rate ---


async def deliver(assignment_id, *moments, result="accepted"):
    last = await Delivery.all().count()
    await Delivery.bulk_create(
        [
            Delivery(assignment_id=assignment_id, claim_token=last + n, at=at, attempt=1, version=1, result=result)
            for n, at in enumerate(moments)
        ]
    )


async def test_the_rate_counts_what_each_campus_accepted_in_the_last_five_minutes():
    a, b, c = [await make_assignment(await service(name), **CLEAN) for name in "abc"]
    await deliver(a, NOW, NOW - 1, NOW - RATE_MS + 1, NOW - RATE_MS, NOW - 2 * RATE_MS, NOW + 1)
    await deliver(a, NOW - 5, result="refused")
    await deliver(b, NOW - 5, result="retried")
    await deliver(c, NOW - RATE_MS - 5)
    assert await read_rates(now=NOW) == {
        ("a", "https://campus.example:443"): 0.6,
        ("b", "https://campus.example:443"): 0.0,
    }


async def test_the_addresses_of_a_campus_have_one_rate():
    for number in range(2):
        campus = await service(url=f"https://campus.example/{number}")
        await deliver(await make_assignment(campus, **CLEAN), *range(NOW - 10, NOW))
    assert await read_rates(now=NOW) == {("campus", "https://campus.example:443"): 4.0}


async def test_of_a_long_ledger_the_newest_lines_tell_the_rate():
    """Ten a millisecond for longer than is looked at."""
    row = await make_assignment(await service(), **CLEAN)
    await deliver(row, *(NOW - n // 10 for n in range(RATE_LINES + 500)))
    seconds = RATE_LINES / 10 / 1000
    (rate,) = (await read_rates(now=NOW)).values()
    assert rate == pytest.approx(RATE_LINES / seconds * 60, rel=0.01)


async def test_the_rate_is_read_by_the_index_of_the_ledgers_times():
    row = await make_assignment(await service(), **CLEAN)
    await deliver(row, *range(NOW - 5_000, NOW))
    parameters = {"now": NOW, "since": NOW - 10, "most": RATE_LINES}
    if is_postgres():
        await connection().execute_script("ANALYZE delivery")
        text = f"EXPLAIN {_RECENT._postgres}"
    else:
        text = f"EXPLAIN QUERY PLAN {_RECENT._sqlite}"
    plan = await connection().execute_query_dict(text, [parameters[name] for name in _RECENT.names])
    words = "\n".join(str(line) for line in plan)
    assert "idx_delivery_at" in words
    assert "Seq Scan on delivery" not in words


# --- The rest ---


async def test_a_consumer_without_an_assignment_is_idle():
    await make_assignment(await service("busy"), **CLEAN)
    await service("moved away")
    await LtiConsumer.create(consumer_name="never launched", consumer_key="n", consumer_secret="s", paused_at=5)
    assert await read_idle_consumers() == [IdleConsumer("moved away", False), IdleConsumer("never launched", True)]


async def test_quarantined_events_are_counted():
    for number in range(3):
        await QuarantinedEvent.create(epoch=0, entry_id=f"{number}-0", at=NOW, type="unknown", reason="", content=b"")
    assert (await read_status(now=NOW)).quarantined == 3

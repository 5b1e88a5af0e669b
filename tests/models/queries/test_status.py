"""The state of everything, as ``status`` counts it."""

import pytest

from models.campus import Campus
from models.consumer import LtiConsumer
from models.db.sql import connection, is_postgres
from models.delivery import Delivery
from models.quarantine import QuarantinedEvent
from models.queries.status import (
    _RECENT,
    MINUTE_MS,
    RATE_LINES,
    RATE_MS,
    CampusStatus,
    IdleConsumer,
    KnownCampus,
    Rate,
    Status,
    read_campuses,
    read_idle_consumers,
    read_rates,
    read_status,
)
from models.states import STATES
from tests.models.plans import plan
from tests.models.rows import make_assignment, make_service

NOW = 1_000_000
CLEAN = {"version_number": 3, "sent_version": 3, "due_at": NOW - 9}
DIRTY = {"version_number": 4, "sent_version": 3, "due_at": NOW - 9}
CLAIMED = {"claim_token": 7, "claimed_at": NOW - 9, "claimed_version": 4, "claimed_until": NOW + 1}
PARKED = {"parked_at": NOW - 5, "parked_reason": "", "parked_scope": "learner"}


WHERE = "https://campus.example:443"

pytestmark = pytest.mark.usefixtures("empty_database")


async def test_without_assignments_quarantined_events_are_counted_alone():
    assert await read_status(now=NOW) == Status(dict.fromkeys(STATES, 0), [], 0, NOW)
    await QuarantinedEvent.create(epoch=0, entry_id="1-0", at=NOW, type="unknown", reason="", content=b"")
    status = await read_status(now=NOW)
    assert (status.quarantined, status.oldest_due, status.oldest_parked) == (1, None, None)


async def test_assignments_are_counted_by_state():
    rows = {
        "clean": CLEAN,
        "due": DIRTY,
        "waiting": DIRTY | {"due_at": NOW + 1},
        "claimed": DIRTY | CLAIMED,
        "parked": DIRTY | PARKED,
        "disabled": DIRTY | PARKED | {"disabled_at": NOW - 5},
    }
    for number, columns in enumerate(rows.values(), start=1):
        for _ in range(number):
            await make_assignment(**columns)
    expected = {state: number for number, state in enumerate(rows, start=1)}
    assert (await read_status(now=NOW)).assignments == expected


async def test_a_campus_has_the_number_of_due_and_parked_grades_and_the_oldest():
    campus = await make_service()
    for due_at in (NOW - 5, NOW - 70, NOW - 9):
        await make_assignment(campus, **DIRTY | {"due_at": due_at})
    await make_assignment(campus, **DIRTY | PARKED | {"due_at": NOW - 900})
    await make_assignment(campus, **DIRTY | {"due_at": NOW - 900, "not_before": NOW + 1})
    status = await read_status(now=NOW)
    assert (status.campuses[0].due, status.campuses[0].parked) == (3, 1)
    assert status.campuses[0].oldest_due == status.oldest_due == NOW - 70


async def test_a_campus_is_a_consumer_at_an_origin_and_the_longest_due_is_the_oldest_of_all():
    urls = ("https://a.example/1", "https://a.example/2", "https://b.example/")
    services = [await make_service("one", url) for url in urls] + [await make_service("two", urls[0])]
    for age, service in enumerate(services):
        await make_assignment(service, **DIRTY | {"due_at": NOW - age})
    await make_assignment(await make_service("three"), **CLEAN)
    status = await read_status(now=NOW)
    assert [(campus.consumer, campus.origin, campus.due, campus.oldest_due) for campus in status.campuses] == [
        ("one", "https://a.example:443", 2, NOW - 1),
        ("one", "https://b.example:443", 1, NOW - 2),
        ("three", WHERE, 0, None),
        ("two", "https://a.example:443", 1, NOW - 3),
    ]
    assert status.oldest_due == NOW - 3


async def test_the_last_success_is_the_newest_of_any_state():
    campus = await make_service()
    await make_assignment(campus, **CLEAN, sent_at=NOW - 500)
    await make_assignment(campus, **DIRTY, sent_at=NOW - 100)
    await make_assignment(campus, **CLEAN)
    assert (await read_status(now=NOW)).campuses[0].last_success == NOW - 100


async def test_a_campus_has_its_state_and_its_last_error_with_its_time():
    for name in ("a", "b"):
        await make_assignment(await make_service(name), **DIRTY)
        await make_assignment(await make_service(name, "https://campus.example/p"), **CLEAN)
    broken = {"tripped_at": NOW - 9, "last_error": "time-out", "last_error_at": NOW - 8}
    await Campus.filter(lti_consumer__consumer_name="b").update(**broken)
    campuses = (await read_status(now=NOW)).campuses
    assert [(one.consumer, one.state, one.last_error, one.last_error_at) for one in campuses] == [
        ("a", "up", None, None),
        ("b", "down", "time-out", NOW - 8),
    ]


async def test_a_campus_is_in_use_while_any_of_its_assignments_is_not_disabled():
    campus = await make_service()
    await make_service(url="https://left.example/")
    await make_assignment(campus, **CLEAN, disabled_at=NOW)
    assert [one.in_use for one in (await read_status(now=NOW)).campuses] == [False]
    assert await read_campuses() == []
    await make_assignment(campus, **CLEAN)
    assert [one.in_use for one in (await read_status(now=NOW)).campuses] == [True]
    assert await read_campuses() == [KnownCampus("campus", WHERE, "key")]
    await LtiConsumer.filter(consumer_key="key").update(paused_at=NOW)
    assert await read_campuses() == []


async def test_the_longest_parked_is_reported_of_each_campus_and_of_all():
    first, second = await make_service("a"), await make_service("b")
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


async def test_the_rates_count_what_each_campus_accepted_in_the_last_minute_and_in_ten():
    a, b, c = [await make_assignment(await make_service(name), **CLEAN) for name in "abc"]
    await deliver(a, NOW, NOW - 1, NOW - MINUTE_MS, NOW - RATE_MS + 1, NOW - RATE_MS, NOW - 2 * RATE_MS, NOW + 1)
    await deliver(a, NOW - 5, result="refused")
    await deliver(b, NOW - 5, result="retried")
    again = await make_service("a", "https://campus.example/other")
    await deliver(await make_assignment(again, **CLEAN), NOW - 2, NOW - 3)
    await deliver(c, NOW - RATE_MS - 5)
    assert await read_rates(now=NOW) == {("a", WHERE): Rate(4.0, 0.6), ("b", WHERE): Rate(0.0, 0.0)}


async def test_of_many_delivery_records_the_newest_give_the_rate():
    """Ten a millisecond, for longer than is read."""
    row = await make_assignment(await make_service(), **CLEAN)
    await deliver(row, *(NOW - n // 10 for n in range(RATE_LINES + 500)))
    seconds = RATE_LINES / 10 / 1000
    (rate,) = (await read_rates(now=NOW)).values()
    wanted = pytest.approx(RATE_LINES / seconds * 60, rel=0.01)
    assert (rate.last_minute, rate.ten_minutes) == (wanted, wanted)


async def test_the_rate_is_read_by_the_index_of_the_ledgers_times():
    row = await make_assignment(await make_service(), **CLEAN)
    await deliver(row, *range(NOW - 5_000, NOW))
    if is_postgres():
        await connection().execute_script("ANALYZE delivery")
    steps = await plan(_RECENT, now=NOW, since=NOW - 10, minute=NOW - 5, most=RATE_LINES)
    assert "idx_delivery_at" in steps
    assert "Seq Scan on delivery" not in steps


# --- The rest ---


@pytest.mark.parametrize(
    ("success", "error", "since"),
    [(None, 5, False), (5, 6, False), (6, 5, True), (5, 5, True), (5, None, True)],
)
def test_an_error_is_past_once_a_grade_was_accepted_after_it(success, error, since):
    assert CampusStatus("a", WHERE, last_success=success, last_error_at=error).succeeded_since is since


async def test_a_consumer_without_an_assignment_is_idle():
    await make_assignment(await make_service("busy"), **CLEAN)
    await make_service("moved away")
    await LtiConsumer.create(consumer_name="never launched", consumer_key="n", consumer_secret="s", paused_at=5)
    assert await read_idle_consumers() == [IdleConsumer("moved away", False), IdleConsumer("never launched", True)]

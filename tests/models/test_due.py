"""Which campuses have capacity, and which of their rows are picked. On both databases."""

import pytest

from models import consumer_admin
from models.campus import SLOW_MS, Campus
from models.claims import claim
from models.due import Capacity, Due, Share, pick, read_capacity
from tests.models.claiming import CLAIMED, MAX_PER_CAMPUS, NOT_TO_BE_SENT, NOW, campuses_answered, claimed, lease
from tests.models.rows import make_assignment, make_service

DIRTY = {"version_number": 4, "sent_version": 3, "due_at": NOW - 9_000}
#: Tried, and due again at the time that follows.
RETRIED = DIRTY | {"attempts": 1}

pytestmark = pytest.mark.usefixtures("empty_database")


@pytest.fixture
async def campus_id(empty_database):
    """A campus that has answered."""
    service = await make_service()
    await campuses_answered()
    return service.campus_id


async def capacity(now=NOW):
    return await read_capacity(now=now, max_per_campus=MAX_PER_CAMPUS)


async def picked(campus_id, number, now=NOW, *, partitions=1, **share):
    """The ids, in the order in which they were picked."""
    due = await pick([Share(campus_id, number, **share)], now=now, partitions=partitions)
    assert {one.campus_id for one in due} <= {campus_id}
    return [one.assignment_id for one in due]


# --- Capacity ---


async def test_a_campus_with_due_rows_has_its_free_slots(campus_id):
    rows = [await make_assignment(**DIRTY) for _ in range(3)]
    assert await capacity() == [Capacity(campus_id, MAX_PER_CAMPUS, 0, slow=False, trips=None)]
    await claim(rows[:2], lease(), most=2)
    assert await capacity() == [Capacity(campus_id, MAX_PER_CAMPUS - 2, 2, slow=False, trips=None)]


@pytest.mark.parametrize("columns", [DIRTY, RETRIED, DIRTY | {"not_before": NOW}])
async def test_fresh_and_retried_rows_make_a_campus_have_capacity(campus_id, columns):
    await make_assignment(**columns)
    assert [one.campus_id for one in await capacity()] == [campus_id]


@pytest.mark.parametrize("columns", [*NOT_TO_BE_SENT, *CLAIMED])
async def test_a_campus_without_due_rows_has_none(campus_id, columns):
    await make_assignment(**{**DIRTY, **columns})
    assert await capacity() == []
    assert await picked(campus_id, 9) == []


@pytest.mark.parametrize(
    ("columns", "free"),
    [
        ({"blocked_until": NOW + 1}, []),
        ({"tripped_at": NOW, "blocked_until": NOW + 1}, []),
        ({"max_in_flight": 1}, [0]),
        ({"answered_at": None}, [0]),
        ({"tripped_at": NOW}, [0]),
    ],
)
async def test_a_campus_without_a_free_slot_says_so_and_one_that_may_have_no_request_is_left_out(
    campus_id, columns, free
):
    first, _ = [await make_assignment(**DIRTY) for _ in range(2)]
    await claimed(first)
    await Campus.all().update(**columns)
    assert [(found.free, found.in_flight) for found in await capacity()] == [(number, 1) for number in free]


async def test_a_tripped_campus_has_its_failed_probes_counted(campus_id):
    await make_assignment(**DIRTY)
    await Campus.all().update(tripped_at=NOW - 9, trips=3, blocked_until=NOW)
    assert await capacity() == [Capacity(campus_id, 1, 0, slow=False, trips=3)]
    await Campus.all().update(tripped_at=None)
    assert [one.trips for one in await capacity()] == [None]


async def test_a_campus_is_slow_if_its_last_answer_was_or_a_request_takes_long(campus_id):
    first, _ = [await make_assignment(**DIRTY) for _ in range(2)]
    await claimed(first)
    assert [one.slow for one in await capacity(NOW + SLOW_MS)] == [False]
    assert [one.slow for one in await capacity(NOW + SLOW_MS + 1)] == [True]
    await Campus.all().update(slow=True)
    assert [one.slow for one in await capacity()] == [True]


async def test_every_campus_is_for_itself_and_one_that_is_idle_or_paused_is_left_out(campus_id):
    first, _ = [await make_assignment(**DIRTY) for _ in range(2)]
    await claimed(first)
    other, _, paused = [await make_service(name) for name in ("other", "idle", "paused")]
    await campuses_answered()
    for service in (other, paused):
        await make_assignment(service, **DIRTY)
    await consumer_admin.pause("paused", now=NOW)
    await Campus.filter(id=other.campus_id).update(max_in_flight=2)
    found = await capacity(NOW + SLOW_MS + 1)
    assert sorted(found, key=lambda one: one.campus_id) == [
        Capacity(campus_id, MAX_PER_CAMPUS - 1, 1, slow=True, trips=None),
        Capacity(other.campus_id, 2, 0, slow=False, trips=None),
    ]


# --- Picking ---


async def test_those_due_longest_are_picked_and_in_that_order(campus_id):
    due = [NOW - 10, NOW - 30, NOW - 20, NOW - 40]
    rows = [await make_assignment(**{**DIRTY, "due_at": at}, composite=at == NOW - 40) for at in due]
    first, second = await pick([Share(campus_id, 2)], now=NOW)
    assert (first, second) == (Due(rows[3], campus_id, "composite"), Due(rows[1], campus_id, "leaf"))
    assert await picked(campus_id, 9) == [rows[3], rows[1], rows[2], rows[0]]


async def test_the_latest_of_a_rows_times_is_when_it_became_due(campus_id):
    held = await make_assignment(**{**DIRTY, "due_at": NOW - 900}, hold_until=NOW - 1)
    fresh = await make_assignment(**{**DIRTY, "due_at": NOW - 2})
    assert await picked(campus_id, 9) == [fresh, held]


async def test_fresh_and_retried_rows_are_picked_in_turn(campus_id):
    fresh = [await make_assignment(**{**DIRTY, "due_at": NOW - 50 + place}) for place in range(4)]
    retried = [await make_assignment(**{**RETRIED, "due_at": NOW - 90 + place}) for place in range(4)]
    assert await picked(campus_id, 1) == [fresh[0]]
    assert await picked(campus_id, 4) == [fresh[0], retried[0], fresh[1], retried[1]]
    assert await picked(campus_id, 9) == [row for pair in zip(fresh, retried, strict=True) for row in pair]


async def test_where_one_kind_has_run_out_the_other_fills_the_share(campus_id):
    retried = [await make_assignment(**{**RETRIED, "due_at": NOW - 90 + place}) for place in range(4)]
    fresh = await make_assignment(**DIRTY)
    assert await picked(campus_id, 3) == [fresh, *retried[:2]]


async def test_of_a_tripped_campus_the_newest_that_was_not_tried_is_picked_in_its_turn(campus_id):
    tried = await make_assignment(**{**DIRTY, "due_at": 1, "not_before": 5, "attempts": 1})
    old, middle, new = [await make_assignment(**{**DIRTY, "due_at": due}) for due in (2, 3, 4)]
    assert await picked(campus_id, 1) == [old]
    assert await picked(campus_id, 1, newest=True) == [new]
    assert await picked(campus_id, 9, newest=True) == [new, tried]
    assert await picked(campus_id, 9) == [old, tried, middle, new]


async def test_where_all_were_tried_the_newest_is_the_one_tried_longest_ago(campus_id):
    rows = [await make_assignment(**{**RETRIED, "not_before": NOW - 90 + place}) for place in range(3)]
    assert await picked(campus_id, 1, newest=True) == [rows[0]]


async def test_each_campus_gets_its_own_share(campus_id):
    services = [await make_service(name) for name in ("few", "none")]
    rows = [await make_assignment(**DIRTY) for _ in range(5)]
    few = [await make_assignment(services[0], **DIRTY) for _ in range(5)]
    await make_assignment(services[1], **DIRTY)
    due = await pick([Share(campus_id, 3), Share(services[0].campus_id, 2)], now=NOW)
    assert len([one for one in due if one.assignment_id in rows]) == 3
    assert len([one for one in due if one.assignment_id in few]) == 2
    assert len(due) == 5
    assert await pick([], now=NOW) == []


async def test_of_a_partition_only_its_own_are_picked(campus_id):
    rows = [await make_assignment(**{**DIRTY, "due_at": NOW - 90 + place}) for place in range(12)]
    shares = [Share(campus_id, 2, remainder=remainder) for remainder in range(3)]
    due = await pick(shares, now=NOW, partitions=3)
    expected = [row for remainder in range(3) for row in [row for row in rows if row % 3 == remainder][:2]]
    assert sorted(one.assignment_id for one in due) == sorted(expected)


async def test_only_the_first_rows_of_a_campus_are_looked_at_for_those_of_a_partition(campus_id):
    """For one row of two partitions these are 24: four times as many, and 16 more."""

    async def make(number, due_at):
        return await make_assignment(**{**DIRTY, "due_at": due_at}, id=number, lis_result_sourcedid=f"s{number}")

    async def even():
        return await picked(campus_id, 1, partitions=2, remainder=0)

    last = await make(2, NOW - 1)
    for odd in range(1, 1 + 2 * 23, 2):
        await make(odd, NOW - 50)
    assert await even() == [last], "it is the 24th"
    await make(999, NOW - 50)
    assert await even() == []
    assert last in await picked(campus_id, 99)

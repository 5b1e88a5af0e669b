"""Which assignments can be compared with what their campus holds, and sending one again only if nothing changed."""

from dataclasses import replace

import pytest

from models.assignment import GradedAssignment
from models.campus import Campus
from models.clock_watch import ClockWatch
from models.db.clock import Clock
from models.delivery import DeliveryRecord, write_deliveries
from models.queries.filter import AssignmentFilter
from models.queries.reconcile import (
    PAGE,
    RESERVE_MS,
    CampusCensus,
    census,
    force_if_unchanged,
    is_unchanged,
    next_acknowledged,
    once_sent,
    reserve_for_reading,
    sent_beside,
)
from models.shown_score import ShownScore, forget, remember
from tests.models.rows import changes, make_assignment, make_service, read_row

NOW = 1_000_000
CLEAN = {"version_number": 3, "sent_version": 3, "sent_score": "0.5", "sent_at": NOW - 50, "due_at": NOW - 90}
ALL = AssignmentFilter()

pytestmark = pytest.mark.usefixtures("empty_database")


async def clock_at(now: int) -> Clock:
    """A clock that does not move; it knows the steps so far."""
    clock = Clock(lambda: now / 1000)
    clock.adopt(replace(await clock.read(), offset_ms=0.0))
    return clock


async def acknowledged_ids(campus_id: int, wanted: AssignmentFilter = ALL, after: int = 0) -> list[int]:
    return [acknowledged.id for acknowledged in await next_acknowledged(campus_id, wanted, after=after)]


async def test_acknowledged_grades_are_read_by_campus_and_the_rest_is_counted_by_why():
    service, other = await make_service(), await make_service("another")
    here, there = service.campus_id, other.campus_id
    one = await make_assignment(service, **CLEAN)
    two = await make_assignment(service, **CLEAN | {"course_id": "physics"})
    theirs = await make_assignment(other, **CLEAN)
    for columns in (
        {"version_number": 4},
        {"version_number": 4, "parked_at": NOW, "parked_reason": "no", "parked_scope": "course"},
        {"disabled_at": NOW},
        {"sent_score": None},
        {"sent_score": None},
    ):
        await make_assignment(service, **CLEAN | columns)
    left_out = {"on its way": 1, "parked": 1, "switched off": 1, "nothing to send": 2}
    where = "https://campus.example:443"
    of_another = CampusCensus(there, where, "another", 1, {})
    assert await census(ALL) == [of_another, CampusCensus(here, where, "campus", 2, left_out)]
    assert await census(AssignmentFilter(consumer_id=other.lti_consumer_id)) == [of_another]
    assert await acknowledged_ids(here) == [one, two]
    assert await acknowledged_ids(here, after=one) == [two]
    assert await acknowledged_ids(here, AssignmentFilter(course_id="physics")) == [two]
    assert await acknowledged_ids(there) == [theirs]
    assert await acknowledged_ids(there, AssignmentFilter(consumer_id=service.lti_consumer_id)) == []


async def test_many_come_a_page_at_a_time():
    service = await make_service()
    ids = [await make_assignment(service, **CLEAN) for _ in range(PAGE + 1)]
    here = service.campus_id
    assert await acknowledged_ids(here) == ids[:PAGE]
    assert await acknowledged_ids(here, after=ids[PAGE - 1]) == ids[PAGE:]
    assert await acknowledged_ids(here, after=ids[PAGE]) == []


async def test_every_score_of_a_delivery_record_was_once_sent():
    one, other = await make_assignment(**CLEAN), await make_assignment(**CLEAN)
    sent = [("accepted", "0.5"), ("ambiguous", "0.25"), ("unknown", None), ("retried", "0.5")]
    records = [
        DeliveryRecord(one, token, NOW, 1, token, result, score=score) for token, (result, score) in enumerate(sent)
    ]
    await write_deliveries([*records, DeliveryRecord(other, 9, NOW, 1, 1, "accepted", score="0.75")])
    assert sorted(await once_sent(one)) == ["0.25", "0.5"]


async def test_what_the_learners_other_rows_of_the_block_sent_to_the_same_campus_is_known_beside_it():
    here = await make_service("campus", "https://campus.example/outcomes")
    own = await make_assignment(here, **CLEAN)
    others = {
        "0.1": (await make_service("same site", "https://campus.example/lti"), {}),
        "0.2": (await make_service("elsewhere", "https://other.example/lti"), {}),
        "0.3": (here, {"usage_id": "another"}),
        "0.4": (here, {"user_id": "another"}),
    }
    for token, (score, (service, columns)) in enumerate(others.items()):
        other = await make_assignment(service, **CLEAN | {"sent_score": f"{score}5"} | columns)
        lines = [(token, score), (token + 10, ""), (token + 20, None)]
        await write_deliveries(DeliveryRecord(other, one, NOW, 1, 1, "accepted", score=sent) for one, sent in lines)
    assert sorted(await sent_beside(own)) == ["0.1", "0.15"]


async def test_a_grade_is_sent_again_at_once_and_whatever_its_score():
    service = await make_service()
    one = await make_assignment(service, **CLEAN)
    (acknowledged,) = await next_acknowledged(service.campus_id, ALL, after=0)
    before = await read_row(one)
    assert await is_unchanged(acknowledged)
    clock = await clock_at(NOW)
    assert await force_if_unchanged(acknowledged, "0.8", clock)
    assert await changes(one, before) == {"version_number": 4, "forced_version": 4, "ordered_version": 4, "due_at": NOW}
    assert not await is_unchanged(acknowledged)
    assert not await force_if_unchanged(acknowledged, "0.9", clock), "it goes anyway"
    assert (await ShownScore.get()).shown == "0.8"
    assert (await read_row(one))["version_number"] == 4


@pytest.mark.parametrize("columns", [{"version_number": 4}, {"disabled_at": NOW}, {"sent_score": None}])
async def test_what_has_changed_since_it_was_read_is_left_alone(columns):
    service = await make_service()
    one = await make_assignment(service, **CLEAN)
    (acknowledged,) = await next_acknowledged(service.campus_id, ALL, after=0)
    changed = await make_assignment(service, **CLEAN | columns)
    stale = replace(acknowledged, id=changed)
    assert not await is_unchanged(stale)
    assert not await force_if_unchanged(stale, "0.8", await clock_at(NOW))
    assert await is_unchanged(replace(acknowledged, id=one))
    assert not await is_unchanged(replace(acknowledged, id=one, version=2))


async def test_by_a_clock_that_has_stepped_no_time_is_stored():
    service = await make_service()
    one = await make_assignment(service, **CLEAN)
    (acknowledged,) = await next_acknowledged(service.campus_id, ALL, after=0)
    clock, before = await clock_at(NOW), await read_row(one)
    await ClockWatch.create(id=1, seen_at=NOW, steps=1)
    assert not await force_if_unchanged(acknowledged, "0.8", clock)
    await reserve_for_reading(service.campus_id, clock)
    assert await changes(one, before) == {}
    assert not await ShownScore.exists()
    assert (await Campus.get()).reading_until == 0


async def test_a_slot_is_reserved_for_readers_of_one_campus():
    service, other = await make_service(), await make_service("other")
    await reserve_for_reading(service.campus_id, await clock_at(NOW))
    found = {row.id: row.reading_until for row in await Campus.all()}
    assert found == {service.campus_id: NOW + RESERVE_MS, other.campus_id: 0}


# --- What a campus showed before it acknowledged the same score once more ---


async def shown_before(service):
    (acknowledged,) = await next_acknowledged(service.campus_id, ALL, after=0)
    return acknowledged.shown_before, acknowledged.remembered


@pytest.fixture
async def sent_again():
    """An assignment whose campus showed 0.8, and has acknowledged 0.5 once more since."""
    service = await make_service()
    one = await make_assignment(service, **CLEAN)
    await remember(one, 2, "0.8")
    return service, one


async def test_it_is_known_once_the_same_score_is_acknowledged_anew(sent_again):
    service, one = sent_again
    assert await shown_before(service) == ("0.8", True)
    await remember(one, 3, "0.8")
    assert await shown_before(service) == (None, True), "it was not acknowledged since"
    assert await ShownScore.all().count() == 1
    await forget(one)
    assert await shown_before(service) == (None, False)


async def test_it_says_nothing_of_another_score(sent_again):
    service, one = sent_again
    await GradedAssignment.filter(id=one).update(sent_score="0.6")
    assert await shown_before(service) == (None, True)


async def test_it_says_nothing_of_another_cell_of_the_campus(sent_again):
    service, one = sent_again
    await GradedAssignment.filter(id=one).update(sourcedid_digest="other")
    assert await shown_before(service) == (None, True)


async def test_it_goes_with_its_assignment(sent_again):
    await GradedAssignment.filter(id=sent_again[1]).delete()
    assert not await ShownScore.exists()

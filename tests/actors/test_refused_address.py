"""An address that a campus refuses without an envelope, and what an acceptance takes back of that."""

import pytest

from models.address import MAX_RETURNS, RETURN_WAITS, try_again
from models.assignment import GradedAssignment
from models.campus import OutcomeService
from models.consumer import LtiConsumer, digest
from tests.actors.campuses import breaker_of, columns, known, make_class, state_of
from tests.actors.sending import SOURCEDID, results
from tests.fakes import lms as fake
from tests.models.rows import read_row

REFUSALS = (400, 403, 404, 405, 409, 413, 415, 422)


async def another_address(campus: OutcomeService, url: str) -> OutcomeService:
    """Another URL at the same campus."""
    consumer = await LtiConsumer.get(id=campus.lti_consumer_id)
    return await OutcomeService.create(
        lti_consumer=consumer, campus_id=campus.campus_id, lis_outcome_service_url=url, url_digest=digest(url)
    )


@pytest.mark.parametrize("status", REFUSALS)
async def test_a_grade_that_met_a_campus_being_redeployed_comes_back_once_the_address_takes_another(
    sending, lms, campus, leaf, status
):
    await known(campus)
    lms.behave = fake.in_turn(fake.answer(status))
    await sending.send(leaf)
    assert await columns(leaf, "parked_at", "parked_scope") == (sending.now, "campus")
    (other,) = await make_class(campus, 1, due_at=0)
    sending.tick(1)
    await sending.send(other)
    assert (await read_row(leaf))["parked_at"] is None
    await sending.work_off()
    assert lms.scores(SOURCEDID) == ["0.5"]
    assert await columns(leaf, "sent_score", "address_refusals", "returns_at") == ("0.5", 0, None)


async def test_a_grade_whose_own_refusal_it_is_comes_back_ever_later_and_then_no_more(sending, lms, campus, leaf):
    await known(campus)
    lms.behave = lambda request: fake.answer(404) if request.sourcedid == SOURCEDID else fake.success()
    others = iter(await make_class(campus, MAX_RETURNS + 1, due_at=0))
    await sending.send(leaf)
    for number in range(MAX_RETURNS):
        assert await columns(leaf, "parked_scope", "address_refusals") == ("campus", number)
        await sending.send(next(others))
        wait = RETURN_WAITS[min(number, len(RETURN_WAITS) - 1)]
        assert await columns(leaf, "parked_at", "not_before") == (None, sending.now + wait * 1000)
        await GradedAssignment.filter(id=leaf).update(not_before=0)  # the fake LMS refuses a clock that is hours ahead
        await sending.send(leaf)
        assert len(await results(leaf)) == number + 2
    await sending.send(next(others))
    assert await columns(leaf, "parked_at", "returns_at") == (sending.now, None)


async def test_a_large_number_comes_back_in_batches(sending, lms, campus, leaf):
    await known(campus)
    number = 130
    rows = await make_class(campus, number, due_at=0)
    await GradedAssignment.filter(id__in=rows).update(
        parked_at=1, parked_scope="campus", parked_reason="HTTP 404", returns_at=1, address_refusals=1
    )
    await sending.send(leaf)
    left = await GradedAssignment.filter(parked_at__isnull=False).count()
    assert 0 < left < number
    await sending.work_off()
    assert await GradedAssignment.filter(sent_score__isnull=False).count() == number + 1


async def test_what_a_campus_refuses_in_an_envelope_does_not_come_back(sending, lms, campus, leaf):
    await known(campus)
    lms.behave = fake.in_turn(fake.failure("User not found"))
    await sending.send(leaf)
    (other,) = await make_class(campus, 1, due_at=0)
    await sending.send(other)
    assert (await read_row(leaf))["parked_scope"] == "learner"


async def test_an_activitys_own_address_is_that_activitys_and_leaves_the_campus_up(sending, lms, campus, leaf):
    gone = await another_address(campus, lms.url("/gone"))
    lms.behave = lambda request: fake.answer(404) if request.path.startswith("/gone") else fake.success()
    await sending.send(leaf)
    rows = await make_class(gone, 4, due_at=0)
    for row in rows:
        await sending.send(row)
    assert [(await read_row(row))["parked_scope"] for row in rows] == ["course"] * 4
    assert await state_of(campus, sending.now) == "up"
    for row in await make_class(campus, 3, due_at=0):
        await sending.send(row)
    await sending.work_off()
    assert [await results(row) for row in rows] == [["refused"]] * 4, "another address says nothing of this one"
    assert sending.value("passback_parked_total", consumer="campus", scope="course") == 4


async def test_an_activity_that_was_tried_before_the_others_turns_out_to_be_its_own(sending, lms, campus, leaf):
    gone = await another_address(campus, lms.url("/gone"))
    lms.behave = lambda request: fake.answer(404) if request.path.startswith("/gone") else fake.success()
    (row,) = await make_class(gone, 1, due_at=0)
    await sending.send(row)
    assert (await read_row(row))["parked_scope"] == "campus"
    await sending.send(leaf)
    assert (await read_row(row))["parked_at"] is None
    await sending.send(row)
    assert await columns(row, "parked_scope", "address_refusals") == ("course", 1)
    (other,) = await make_class(campus, 1, due_at=0)
    await sending.send(other)
    assert (await read_row(row))["parked_scope"] == "course"
    breaker = await breaker_of(campus)
    assert (breaker.tripped_at, breaker.last_failed_assignment) == (None, None)


async def test_a_campus_all_of_whose_addresses_refuse_is_down(sending, lms, campus, leaf):
    await sending.send(leaf)
    lms.behave = fake.always(fake.answer(404))
    for name in ("one", "two"):
        (row,) = await make_class(await another_address(campus, lms.url(f"/{name}")), 1, due_at=0)
        await sending.send(row)
    assert await state_of(campus, sending.now) == "down"


# --- By time alone ---


async def asked_again(sending, lms, seconds):
    """So much later the dispatcher brings back what is to be tried again by time; returns how many requests follow."""
    lms.keys = None  # the times that it would hold against ours are the real ones
    sending.tick(seconds)
    before = len(lms.requests)
    await try_again(now=sending.now)
    await sending.work_off()
    return len(lms.requests) - before


async def test_the_last_grade_of_a_campus_that_met_a_redeploy_comes_back_by_itself(sending, lms, campus, leaf):
    await known(campus)
    lms.behave = fake.in_turn(fake.answer(404))
    await sending.send(leaf)
    assert await asked_again(sending, lms, 59) == 0
    assert await asked_again(sending, lms, 1) == 1
    assert await columns(leaf, "parked_at", "sent_score", "address_refusals") == (None, "0.5", 0)


async def test_a_grade_at_a_new_address_that_met_a_redeploy_comes_back_by_itself(sending, lms, campus, leaf):
    await known(campus)
    await sending.send(leaf)
    (row,) = await make_class(await another_address(campus, lms.url("/new")), 1, due_at=0)
    lms.behave = fake.in_turn(fake.answer(404))
    await sending.send(row)
    await sending.send(*await make_class(campus, 4, due_at=0))
    assert (await read_row(row))["parked_scope"] == "course"
    assert await asked_again(sending, lms, 60) == 1
    assert await columns(row, "parked_at", "address_refusals") == (None, 0)


async def test_a_grade_that_met_a_rolling_redeploy_twice_comes_back_by_itself(sending, lms, campus, leaf):
    await known(campus)
    (row,) = await make_class(await another_address(campus, lms.url("/a")), 1, due_at=0)
    await sending.send(row)
    await GradedAssignment.filter(id=row).update(version_number=2, forced_version=2)
    lms.behave = lambda request: fake.answer(404) if request.path.startswith("/a") else fake.success()
    for one in (row, leaf, row):
        sending.tick(1)
        await sending.send(one)
    assert (await read_row(row))["parked_scope"] == "course", "another address took a grade between the two refusals"
    lms.behave = fake.always(fake.success())
    assert await asked_again(sending, lms, 3600) == 1
    assert await columns(row, "parked_at", "sent_version") == (None, (await read_row(row))["version_number"])


async def test_a_dead_address_is_asked_ever_more_seldom_with_one_grade_and_then_no_more(sending, lms, campus, leaf):
    await known(campus)
    await sending.send(leaf)
    lms.behave = lambda request: fake.answer(404) if request.path.startswith("/gone") else fake.success()
    rows = await make_class(await another_address(campus, lms.url("/gone")), 20, due_at=0)
    for row in rows:
        await sending.send(row)
    asked = [await asked_again(sending, lms, seconds) for seconds in [60] * 60 + [1800] * 96]
    assert sum(asked) == len(RETURN_WAITS)
    assert max(asked) == 1
    assert sum(asked[:60]) == 3, "within minutes first, then within hours"
    assert await GradedAssignment.filter(id__in=rows, parked_scope="course").count() == 20
    assert await state_of(campus, sending.now) == "up"
    lms.behave = fake.always(fake.success())
    await GradedAssignment.filter(id=rows[0]).update(version_number=9, parked_at=None, returns_at=None)
    await sending.send(rows[0])
    sending.tick(86_400)
    await sending.work_off()
    assert await GradedAssignment.filter(id__in=rows, sent_score=None).count() == 0, "an acceptance frees them still"


async def test_an_address_is_not_asked_again_while_one_of_its_grades_is_on_its_way(sending, lms, campus, leaf):
    await known(campus)
    lms.behave = fake.always(fake.answer(404))
    (other,) = await make_class(campus, 1, due_at=0)
    for row in (leaf, other):
        await sending.send(row)
        await GradedAssignment.filter(id=row).update(not_before=0)
    sending.tick(60)
    assert [await try_again(now=sending.now) for _ in range(3)] == [1, 0, 0]


async def test_what_the_tool_took_back_is_not_tried_again(sending, lms, campus, leaf):
    await known(campus)
    lms.behave = fake.always(fake.answer(404))
    await sending.send(leaf)
    await GradedAssignment.filter(id=leaf).update(disabled_at=sending.now)
    assert await asked_again(sending, lms, 3600) == 0


async def test_the_dispatcher_tries_again_by_time(sending, lms, campus, leaf):
    await known(campus)
    lms.behave = fake.in_turn(fake.answer(404))
    await sending.send(leaf)
    before = sending.now - 60_000
    await GradedAssignment.filter(id=leaf).update(parked_at=before, returns_at=before)
    async with sending.at_work():
        await lms.until(lambda: len(lms.requests) == 2)
    assert lms.scores(SOURCEDID) == ["0.5"]


# --- Whose failure it is ---


async def test_a_dead_activity_whose_address_worked_before_leaves_its_campus_up(sending, lms, campus, leaf):
    await known(campus)
    first, *rows = await make_class(await another_address(campus, lms.url("/a")), 4, due_at=0)
    await sending.send(leaf)
    await sending.send(first)
    lms.behave = lambda request: fake.answer(404) if request.path.startswith("/a") else fake.success()
    await sending.send(*rows)
    assert await state_of(campus, sending.now) == "up"
    assert [(await read_row(row))["parked_scope"] for row in rows] == ["campus"] * 3, "it may yet be the whole campus"


async def test_a_campus_two_of_whose_addresses_refuse_that_worked_before_is_down(sending, lms, campus, leaf):
    await known(campus)
    first, second = await make_class(await another_address(campus, lms.url("/a")), 2, due_at=0)
    (other,) = await make_class(await another_address(campus, lms.url("/b")), 1, due_at=0)
    for row in (leaf, first, other):
        await sending.send(row)
    await GradedAssignment.filter(id=other).update(version_number=2, forced_version=2)
    lms.behave = fake.always(fake.answer(404))
    await sending.send(second)
    await sending.send(other)
    assert await state_of(campus, sending.now) == "down"

"""Grades of which every attempt failed: whose fault it is, and what brings them back."""

import pytest

from actors.retry import UNEXPLAINED_TRIES
from models import consumer_admin
from models.address import try_again
from models.assignment import GradedAssignment
from tests.actors.campuses import columns, known, make_class, state_of
from tests.actors.sending import KEY, SOURCEDID, results
from tests.actors.test_refused_address import another_address
from tests.fakes import lms as fake
from tests.models.rows import read_row

BROKEN = fake.failure("Error writing to database")


@pytest.fixture(autouse=True)
async def at_any_time(lms, campus):
    lms.keys = None  # the times that it would hold against ours are the real ones
    await known(campus)


async def wear_out(sending, *rows, meanwhile=()):
    """All tries of a refusal of unknown reason, over a day; others are sent between the first and the last."""
    others = iter(meanwhile)
    for _ in range(UNEXPLAINED_TRIES):
        for row in rows:
            await sending.send(row)
        sending.tick(4 * 3600)
        await GradedAssignment.filter(id__in=rows).update(not_before=0)
        for other in others:
            await sending.send(other)
            break


async def test_an_outage_in_unknown_words_is_the_campuss_and_ends_with_the_first_acceptance(sending, lms, campus, leaf):
    rows = await make_class(campus, 3, due_at=0)
    lms.behave = fake.always(BROKEN)
    await wear_out(sending, *rows)
    scopes = [(await read_row(row))["parked_scope"] for row in rows]
    assert scopes == ["campus"] * 3
    assert await state_of(campus, sending.now) == "up"
    lms.behave = fake.always(fake.success())
    await sending.send(leaf)
    await sending.work_off()
    assert await GradedAssignment.filter(sent_score=None).count() == 0


async def test_the_outage_of_an_address_in_unknown_words_ends_with_the_first_acceptance_there(
    sending, lms, campus, leaf
):
    broken = await another_address(campus, lms.url("/broken"))
    *rows, later = await make_class(broken, 3, due_at=0)
    elsewhere = await make_class(campus, 3, due_at=0)
    lms.behave = lambda request: BROKEN if request.path.startswith("/broken") else fake.success()
    await wear_out(sending, *rows, meanwhile=elsewhere)
    assert [(await read_row(row))["parked_scope"] for row in rows] == ["course"] * 2
    await sending.send(leaf)
    assert [(await read_row(row))["parked_scope"] for row in rows] == ["course"] * 2
    lms.behave = fake.always(fake.success())
    await sending.send(later)
    await sending.work_off()
    assert await GradedAssignment.filter(id__in=rows, sent_score=None).count() == 0


async def test_a_single_grade_that_a_campus_refuses_is_the_learners_and_stays_parked(sending, lms, campus, leaf):
    others = await make_class(campus, 5, due_at=0)
    lms.behave = lambda request: BROKEN if request.sourcedid == SOURCEDID else fake.success()
    await wear_out(sending, leaf, meanwhile=others[:3])
    assert await columns(leaf, "parked_scope", "returns_at") == ("learner", None)
    for other in others[3:]:
        await sending.send(other)
    sending.tick(7 * 86_400)
    assert await try_again(now=sending.now) == 0
    await sending.work_off()
    assert len(await results(leaf)) == UNEXPLAINED_TRIES


async def test_a_single_grade_at_an_address_of_its_own_is_the_learners_too(sending, lms, campus, leaf):
    (row,) = await make_class(await another_address(campus, lms.url("/own")), 1, due_at=0)
    lms.behave = lambda request: BROKEN if request.path.startswith("/own") else fake.success()
    await wear_out(sending, row, meanwhile=[leaf])
    assert await columns(row, "parked_scope", "returns_at") == ("learner", None)


@pytest.mark.parametrize("by", ["an acceptance", "time"])
async def test_the_only_grade_of_a_campus_that_is_broken_for_a_day_comes_back(sending, lms, campus, leaf, by):
    (other,) = await make_class(campus, 1, due_at=0)
    lms.behave = fake.always(BROKEN)
    await wear_out(sending, leaf)
    assert (await read_row(leaf))["parked_scope"] == "learner"
    lms.behave = fake.always(fake.success())
    if by == "time":
        await GradedAssignment.filter(id=other).delete()
        assert await try_again(now=sending.now) == 1
    else:
        await sending.send(other)
    await sending.work_off()
    assert await columns(leaf, "parked_at", "sent_score") == (None, "0.5")


async def test_a_refusal_of_the_secret_in_unknown_words_is_over_once_the_secret_is_replaced(sending, lms, leaf):
    lms.behave = fake.always(fake.failure("No luck with this caller"))
    await wear_out(sending, leaf)
    assert (await read_row(leaf))["parked_at"] is not None
    await consumer_admin.add("campus", KEY, "another secret", guid=None, now=sending.now)
    lms.behave = fake.always(fake.success())
    await sending.work_off()
    assert await columns(leaf, "parked_at", "sent_score") == (None, "0.5")


@pytest.mark.parametrize("status", [429, 500])
async def test_what_is_worn_out_comes_back_once_the_campus_takes_another_grade_for_one_try_each(
    make_sending, lms, campus, leaf, status
):
    sending = await make_sending(max_attempts=2)
    lms.behave = lambda request: fake.answer(status) if request.sourcedid == SOURCEDID else fake.success()
    others = iter(await make_class(campus, 3, due_at=0))
    for _ in range(2):
        await GradedAssignment.filter(id=leaf).update(not_before=0, hold_until=0)
        await sending.send(leaf)
        sending.tick(60)
    for tries in (2, 3):
        assert await columns(leaf, "parked_scope", "attempts") == ("campus", tries)
        sending.tick(3600)
        await sending.send(next(others))
        await GradedAssignment.filter(id=leaf).update(not_before=0, hold_until=0)
        await sending.send(leaf)
    lms.behave = fake.always(fake.success())
    await sending.send(next(others))
    sending.tick(3600)
    await sending.work_off()
    assert await columns(leaf, "parked_at", "sent_score") == (None, "0.5")

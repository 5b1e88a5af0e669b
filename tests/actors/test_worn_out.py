"""Grades of which every attempt failed: whose fault it is, and what brings them back."""

import pytest

from models.assignment import GradedAssignment
from tests.actors.campuses import columns, known, make_class
from tests.actors.sending import SOURCEDID
from tests.fakes import lms as fake


@pytest.fixture(autouse=True)
async def at_any_time(lms, campus):
    lms.keys = None  # the times that it would hold against ours are the real ones
    await known(campus)


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

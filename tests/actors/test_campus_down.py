"""A campus that is down costs the grades behind it nothing, and gets them all when it is back."""

from typing import Any

import pytest

from actors.errors import TryLater
from models.assignment import GradedAssignment
from tests.actors.campuses import breaker_of, make_class, state_of
from tests.actors.sending import results
from tests.fakes import lms as fake
from tests.models.rows import read_row


class Unreachable:
    """A sender that finds no listener anywhere."""

    async def send(self, *_args: Any, **_options: Any) -> None:
        raise TryLater("no connection to the campus: refused")


DOWN = {
    "503": (fake.answer(503), "ambiguous"),
    "refused": (None, "retried"),
    "another secret": (fake.answer(401), "misconfigured"),
    "not found": (fake.answer(404), "refused"),
}


@pytest.mark.parametrize(("behaviour", "result"), DOWN.values(), ids=DOWN)
async def test_a_campus_that_is_down_spends_no_attempts_of_the_grades_behind_it_and_gets_them_all_when_it_is_back(
    sending, lms, campus, behaviour, result
):
    class_of_five = await make_class(campus, 5)
    sender = sending.dependencies.sender
    if behaviour is None:
        sending.dependencies.sender = Unreachable()
    else:
        lms.behave = fake.always(behaviour)
    await GradedAssignment.filter(id__in=class_of_five).update(due_at=sending.now)
    for _ in range(3):
        for assignment in class_of_five:
            await sending.send(assignment)
    tried = [assignment for assignment in class_of_five if await results(assignment)]
    assert len(tried) == 2, "two failures trip the breaker"
    assert await state_of(campus, sending.now) == "down"
    probed = []
    for number in range(1, 5):
        sending.tick(301)
        await sending.work_off()
        assert (await breaker_of(campus)).trips == number
        probed = [assignment for assignment in class_of_five if await results(assignment)]
    assert len(probed) > 2, "each probe is of another one"
    assert sum([len(await results(assignment)) for assignment in class_of_five]) == 2 + 4, "a probe at a time"
    rows = [await read_row(assignment) for assignment in class_of_five]
    assert [row["attempts"] for row in rows if row["id"] not in tried] == [0, 0, 0]
    assert [row["id"] for row in rows if row["parked_at"]] == (tried if result == "refused" else [])
    assert {name for assignment in probed for name in await results(assignment)} == {result}

    lms.behave = fake.always(fake.success())
    sending.dependencies.sender = sender
    for _ in range(3):
        sending.tick(301)
        await sending.work_off()
    assert await state_of(campus, sending.now) == "up"
    # Also those that were parked for its address, which the acceptance refutes.
    assert {applied.sourcedid for applied in lms.applied} == {row["lis_result_sourcedid"] for row in rows}

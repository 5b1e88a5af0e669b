"""How many attempts ended lately."""

import pytest

from models.delivery import Delivery
from models.queries.pace import Pace, read_pace
from tests.models.rows import make_assignment

pytestmark = pytest.mark.usefixtures("empty_database")

NOW = 10_000_000


async def write(assignment_id, *times):
    for token, at in enumerate(times, 1):
        await Delivery.create(
            assignment_id=assignment_id, claim_token=at * 10 + token, at=at, attempt=1, version=1, result="accepted"
        )


async def test_attempts_are_counted_in_the_step_in_which_they_ended():
    row = await make_assignment()
    await write(row, NOW - 5000, NOW - 4000, NOW - 3999, NOW - 2500, NOW - 1, NOW)
    assert await read_pace(NOW, 4000, 4) == Pace(NOW - 4000, NOW, (2, 1, 0, 2))


async def test_without_any_all_steps_are_empty():
    assert await read_pace(NOW, 3000, 3) == Pace(NOW - 3000, NOW, (0, 0, 0))
    await write(await make_assignment(), NOW - 9000)
    assert await read_pace(NOW, 3000, 3) == Pace(NOW - 3000, NOW, (0, 0, 0))


async def test_attempts_that_two_daemons_wrote_in_another_order_are_never_fewer_than_none():
    row = await make_assignment()
    await write(row, NOW - 500, NOW - 1500, NOW - 400, NOW - 2500)
    assert all(number >= 0 for number in (await read_pace(NOW, 3000, 3)).numbers)


def test_a_step_is_an_equal_part_of_the_whole():
    assert Pace(0, 3_600_000, (0,) * 60).step == 60_000

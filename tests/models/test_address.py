"""Which parked rows come back by time."""

from models.address import RETURN_WAITS, try_again
from tests.models.rows import make_assignment, read_row

NOW = 1_000_000_000


async def parked(**columns):
    return await make_assignment(version_number=2, parked_at=1, returns_at=1, **columns)


async def test_what_is_parked_for_its_own_timestamps_comes_back_by_itself_and_keeps_no_other_row_back(empty_database):
    worn = await parked(parked_scope="learner", overtaken=18, address_refusals=len(RETURN_WAITS))
    others = [await parked(parked_scope="learner", overtaken=12, address_refusals=number) for number in (0, 3)]
    gone = [await parked(parked_scope="course", address_refusals=number) for number in (0, 2)]
    assert await try_again(now=NOW) == 3
    rows = [await read_row(row) for row in (worn, *others, *gone)]
    assert [row["parked_at"] for row in rows] == [1, None, None, None, 1]
    assert [row["address_refusals"] for row in rows] == [len(RETURN_WAITS), 1, 4, 3, 2]

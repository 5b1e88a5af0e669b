"""A stream that lost its newest entries is read again from its start: what arrived first must lose against the rest."""

import pytest

from models.assignment import GradedAssignment
from tests.daemon.ingest.reading import DISABLED, KEY, LAUNCH, RETIRED, SCORE, quarantined, scores

#: A tool that keeps whole seconds gives several events the same time.
SECOND = {"modified": "2026-01-01T12:00:00Z"}


@pytest.fixture
def read_again(intake, client):
    """Takes the newest entries off the stream, as a crashed server does, and lets intake read what is left anew."""

    async def read_again(*, lost):
        entries = await client.xrange(KEY)
        await client.delete(KEY)
        for entry_id, fields in entries[:-lost]:
            await client.xadd(KEY, fields, id=entry_id)
        await intake.read_all()
        assert intake.resets() == 1

    return read_again


@pytest.fixture
def put_in_one_millisecond(intake, put):
    async def put_in_one_millisecond(*events):
        now = intake.clock.now()
        for number, fields in enumerate(events):
            await put(fields, entry_id=f"{now}-{number}")

    return put_in_one_millisecond


async def rows():
    columns = ("user_id", "lis_result_sourcedid", "disabled_at")
    return {
        (user_id, sourcedid, disabled_at is None)
        for user_id, sourcedid, disabled_at in await GradedAssignment.all().values_list(*columns)
    }


@pytest.mark.parametrize("modified", [SECOND, {}], ids=["whole seconds", "one millisecond"])
async def test_of_two_scores_with_one_time_the_later_arrival_stays(
    intake, put_in_one_millisecond, read_again, modified
):
    older, newer = ({**SCORE, **modified, "points_earned": earned} for earned in ("2", "1"))
    await put_in_one_millisecond(LAUNCH, older, newer, SCORE | {"usage_id": "lost"})
    await intake.read_all()
    await read_again(lost=2)
    assert await scores() == {"p": 1, "lost": 1}


@pytest.mark.parametrize("modified", [SECOND, {}], ids=["whole seconds", "one millisecond"])
async def test_of_two_launches_with_one_time_the_later_arrival_stays(
    intake, put_in_one_millisecond, read_again, modified
):
    older, newer = ({**LAUNCH, **modified, "resource_link_id": "l", "lis_result_sourcedid": s} for s in ("s", "t"))
    await put_in_one_millisecond(older, newer, SCORE, SCORE)
    await intake.read_all()
    await read_again(lost=2)
    assert await rows() == {("u", "t", True)}


@pytest.mark.parametrize("modified", [SECOND, {}], ids=["whole seconds", "one millisecond"])
async def test_of_a_launch_and_a_disabling_with_one_time_the_later_arrival_stays(
    intake, put_in_one_millisecond, read_again, modified
):
    moved = {**LAUNCH, **modified, "resource_link_id": "l"}
    await put_in_one_millisecond(moved, DISABLED | modified, moved, SCORE)
    await intake.read_all()
    assert await rows() == {("u", "s", True)}
    await read_again(lost=2)
    assert await rows() == {("u", "s", True)}


@pytest.mark.parametrize("modified", [SECOND, {}], ids=["whole seconds", "one millisecond"])
async def test_a_disabling_that_follows_a_launch_at_the_same_time_is_taken_and_stays(
    intake, put_in_one_millisecond, read_again, modified
):
    await put_in_one_millisecond(LAUNCH | modified, DISABLED | modified, SCORE)
    await intake.read_all()
    assert await rows() == {("u", "s", False)}
    await read_again(lost=1)
    assert await rows() == {("u", "s", False)}


@pytest.mark.parametrize("modified", [SECOND, {}], ids=["whole seconds", "one millisecond"])
async def test_what_follows_a_retirement_at_the_same_time_is_taken_and_stays(
    intake, put_in_one_millisecond, read_again, modified
):
    before = SCORE | {"usage_id": "before"}
    await put_in_one_millisecond(
        before | modified, RETIRED | modified, LAUNCH | modified, SCORE | modified, SCORE | {"usage_id": "lost"}
    )
    await intake.read_all()
    await read_again(lost=1)
    assert await scores() == {"p": 1, "lost": 1}
    assert await rows() == {("u", "s", True)}
    assert await quarantined() == []


async def test_what_is_read_again_changes_no_grade(intake, put_in_one_millisecond, read_again):
    scores_ = [SCORE | SECOND | {"points_earned": str(earned)} for earned in (2, 0, 1)]
    await put_in_one_millisecond(LAUNCH, *scores_, SCORE | {"usage_id": "lost"})
    await intake.read_all()
    version = (await GradedAssignment.get()).version_number
    await read_again(lost=1)
    assert (await GradedAssignment.get()).version_number == version

"""A score that the tool takes back: what that touches, and what comes late. On both databases."""

import pytest

from models.assignment import GradedAssignment
from models.score import read_scores
from models.stale_event import StaleEvent
from tests.daemon.ingest.reading import CLEARED, NOW, RETIRED, versions

pytestmark = pytest.mark.usefixtures("campuses")


@pytest.fixture
def clear(apply):
    async def clear(**changes):
        return await apply(CLEARED | {"usage_id": "unit"}, **changes)

    return clear


async def test_what_is_taken_back_touches_what_the_score_had_touched(structure, clean, score, clear):
    await structure()
    leaf, above, beside = await clean(), await clean("vertical"), await clean("side")
    await score(later=1)
    result, dirty = await clear(later=2)
    assert result == "applied"
    assert {one.assignment_id for one in dirty} == {leaf, above}
    assert await versions() == {leaf: 5, above: 5, beside: 3}
    assert (await GradedAssignment.get(id=leaf)).entry_id == f"{NOW + 2}-0"
    assert await clear(later=3) == ("unchanged", [])
    assert await read_scores("u", "c") == {"unit": None}


async def test_an_older_score_does_not_come_back_and_a_newer_one_does(clean, score, clear):
    assignment = await clean()
    assert (await clear(later=5))[0] == "applied"
    assert await score(later=4) == ("stale", [])
    assert await read_scores("u", "c") == {"unit": None}
    result, (dirty,) = await score(later=6)
    assert (result, dirty.assignment_id, dirty.due_at) == ("applied", assignment, NOW)
    assert await read_scores("u", "c") == {"unit": (1.0, 2.0)}


async def test_an_older_taking_back_is_stale_and_on_record(score, clear):
    await score(later=5)
    assert await clear(later=4) == ("stale", [])
    noted = await StaleEvent.get()
    assert (noted.type, noted.user_id, noted.usage_id, noted.entry_id) == ("score.cleared", "u", "unit", f"{NOW + 4}-0")


async def test_it_goes_out_in_any_case_where_the_database_may_be_an_old_one(clean, clear):
    await clean()
    await clear(force=True)
    row = await GradedAssignment.get()
    assert (row.version_number, row.forced_version) == (4, 4)


async def test_it_is_refused_of_a_learner_who_was_retired_since(apply, clear):
    await apply(RETIRED, later=5)
    assert await clear(later=4) == ("stale", [])
    assert await read_scores("u", "c") == {}


async def test_what_was_taken_back_goes_with_its_learner(apply, clear):
    await clear()
    await apply(RETIRED, later=5)
    assert await read_scores("u", "c") == {}

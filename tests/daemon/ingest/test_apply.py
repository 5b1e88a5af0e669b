"""What each event does to the database, and which assignments it makes dirty."""

import pytest
from tortoise.transactions import in_transaction

from daemon.ingest.parse import read_event
from models.assignment import GradedAssignment
from models.changes import Dirty
from models.score import Score
from models.stale_event import StaleEvent
from models.stream_position import read_position
from tests.daemon.ingest.applying import NOW, versions

pytestmark = pytest.mark.usefixtures("campuses")


# --- Which assignments a score touches ---


@pytest.mark.parametrize(
    ("registered", "found"),
    [
        pytest.param([], 0, id="none registered"),
        pytest.param([{}], 1, id="on the unit"),
        pytest.param([{"usage_id": "vertical"}], 1, id="on the vertical"),
        pytest.param([{}, {"usage_id": "vertical"}], 2, id="on both"),
        pytest.param([{}, {}], 2, id="the unit registered twice"),
        pytest.param([{"usage_id": "course"}], 1, id="on the course"),
        pytest.param([{"usage_id": "side"}, {"usage_id": "nowhere"}], 0, id="on blocks beside"),
        pytest.param([{"user_id": "another"}], 0, id="by another user"),
        pytest.param([{"course_id": "another"}], 0, id="in another course"),
        pytest.param([{}, {"oauth_consumer_key": "other key"}], 2, id="by two consumers"),
    ],
)
async def test_a_score_touches_the_assignments_on_the_problem_and_above(structure, clean, score, registered, found):
    await structure()
    for one in registered:
        await clean(**one)
    result, dirty = await score()
    assert result == "applied"
    assert sum(version == 4 for version in (await versions()).values()) == len(dirty) == found


@pytest.mark.parametrize(("known", "problem"), [(False, "unit"), (True, "unknown problem")])
async def test_without_its_place_in_a_structure_the_problem_itself_is_found(structure, clean, score, known, problem):
    if known:
        await structure()
    leaf, above = await clean(problem), await clean("course")
    await score(problem)
    assert await versions() == {leaf: 4, above: 3}


async def test_a_leaf_is_due_at_once_and_a_composite_after_the_delay(structure, clean, score):
    await structure()
    leaf, above = await clean(), await clean("vertical")
    _, dirty = await score()
    assert sorted(dirty, key=lambda one: one.assignment_id) == [
        Dirty(leaf, "leaf", NOW, first=True),
        Dirty(above, "composite", NOW + 20_000, first=True),
    ]


# --- Versions ---


async def test_each_change_of_points_makes_a_version_and_equal_points_make_none(structure, clean, score):
    await structure()
    assignment, above = await clean(), await clean("course")
    for version, (earned, possible) in enumerate([(1, 2), (2, 2), (1.5, 2), (1.5, 3)], start=4):
        assert (await score(earned=earned, possible=possible))[0] == "applied"
        assert await versions() == {assignment: version, above: version}
    assert await score(earned="1.50", possible=3, later=5) == ("unchanged", [])
    assert await versions() == {assignment: 7, above: 7}


async def test_an_older_score_that_arrives_later_is_stale_and_changes_nothing(clean, score):
    assignment = await clean()
    await score(earned=2, later=10)
    assert await score(earned=1, later=9) == ("stale", [])
    assert (await versions())[assignment] == 4
    assert (await Score.get()).points_earned == 2
    (noted,) = await StaleEvent.all().values("type", "user_id", "usage_id", "entry_id", "number")
    assert noted == {
        "type": "score.changed", "user_id": "learner", "usage_id": "unit", "entry_id": f"{NOW + 9}-0", "number": 1
    }  # fmt: skip


async def test_a_change_names_its_entry_and_is_forced_only_where_the_database_may_be_an_old_one(clean, score):
    assignment = await clean()
    await score(earned=1)
    row = await GradedAssignment.get(id=assignment)
    assert (row.entry_id, row.forced_version) == (f"{NOW}-0", 0)
    await score(earned=2, later=1, force=True)
    row = await GradedAssignment.get(id=assignment)
    assert (row.entry_id, row.forced_version, row.version_number) == (f"{NOW + 1}-0", 5, 5)


async def test_modified_and_not_the_arrival_is_the_order_of_two_changes(clean, score):
    await clean()
    await score(earned=2, later=10, modified="2026-01-01T12:00:00.000002Z")
    assert (await score(earned=1, later=20, modified="2026-01-01T12:00:00.000001Z"))[0] == "stale"
    assert (await score(earned=0, later=30, modified="2026-01-01T12:00:00.000002Z"))[0] == "applied"
    assert (await Score.get()).points_earned == 0


# --- What is to be enqueued ---


async def test_only_the_first_of_two_changes_that_are_not_sent_yet_is_the_first(clean, score):
    await clean()
    _, (first,) = await score(earned=1)
    await GradedAssignment.all().update(pending_since=NOW - 1)
    _, (second,) = await score(earned=2)
    assert (first.first, second.first) == (True, False)


async def test_a_row_whose_turn_comes_forward_is_due_at_once(clean, score):
    assignment = await clean(sent_version=2)
    await GradedAssignment.filter(id=assignment).update(due_at=NOW + 50_000)
    assert await score() == ("applied", [Dirty(assignment, "leaf", NOW, first=True)])


async def test_scores_that_follow_each_other_are_applied_in_order_and_each_makes_a_version(applier, launch):
    await launch()
    raw = {"type": "score.changed", "user_id": "learner", "course_id": "course", "usage_id": "unit"}
    points = [("1", 0), ("2", 5), ("2", 6), ("0", 4)]
    events = []
    for earned, later in points:
        fields = raw | {"points_earned": earned, "points_possible": "2"}
        events.append(read_event(f"{NOW + later}-0", {k.encode(): v.encode() for k, v in fields.items()}))
    async with in_transaction():
        results, dirty = await applier.apply_scores(events, await read_position(), now=NOW)
    assert results == ["applied", "applied", "unchanged", "stale"]
    assert len(dirty) == 1, "two changes, one message"
    row = await GradedAssignment.get()
    assert (row.version_number, row.entry_id) == (3, f"{NOW + 5}-0")
    assert (await Score.get()).points_earned == 2.0
    assert (await StaleEvent.get()).number == 1

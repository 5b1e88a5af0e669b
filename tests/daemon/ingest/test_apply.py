"""What each event does to the database, and who is woken for it."""

from __future__ import annotations

import pytest
from tortoise.transactions import in_transaction

from actors.egress import Egress
from daemon.ingest.events import BadEvent
from daemon.ingest.parse import read_event
from models.assignment import WAKE_MS, GradedAssignment, Wake
from models.registration import RegistrationError
from models.score import Score
from models.stale_event import StaleEvent
from models.stream_position import read_position
from tests.daemon.ingest.applying import COURSE, NOW, row, versions

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
    result, wakes = await score()
    assert result == "applied"
    assert sum(version == 4 for version in (await versions()).values()) == len(wakes) == found


async def test_two_consumers_are_served_each_through_its_own_service(structure, clean, score):
    await structure()
    ids = [
        await clean(lis_result_sourcedid="same"),
        await clean(lis_result_sourcedid="same", oauth_consumer_key="other key"),
    ]
    await score()
    services = [(await row(one)).outcome_service_id for one in ids]
    assert [(await versions())[one] for one in ids] == [4, 4]
    assert services[0] != services[1]


async def test_without_a_structure_the_problem_itself_is_found(clean, score):
    leaf, above = await clean(), await clean("vertical")
    await score()
    assert await versions() == {leaf: 4, above: 3}


async def test_a_problem_that_the_structure_does_not_know_is_found_itself(structure, clean, score):
    await structure()
    leaf, above = await clean("unknown problem"), await clean("course")
    await score("unknown problem")
    assert await versions() == {leaf: 4, above: 3}


async def test_a_leaf_is_due_at_once_and_a_composite_after_the_delay(structure, clean, score):
    await structure()
    leaf, above = await clean(), await clean("vertical")
    _, wakes = await score()
    assert wakes == [Wake(leaf, 4, "leaf", NOW), Wake(above, 4, "composite", NOW + 20_000)]
    assert (await row(above)).wake_until == NOW + 20_000 + WAKE_MS


async def test_a_problem_with_blocks_below_it_is_a_composite(structure, clean, score):
    await structure({**COURSE, "part": "unit"})
    assignment = await clean()
    await score()
    assert (await row(assignment)).composite


# --- Versions ---


async def test_the_version_number_goes_up_by_one_per_change_of_score(structure, clean, score):
    await structure()
    assignment, above = await clean(), await clean("course")
    for earned in (1, 2, 1.5):
        assert (await score(earned=earned))[0] == "applied"
    assert await versions() == {assignment: 6, above: 6}


async def test_an_equal_score_bumps_nothing(clean, score):
    assignment = await clean()
    await score(earned=1)
    assert await score(earned="1.0", later=5) == ("unchanged", [])
    assert (await versions())[assignment] == 4


async def test_other_points_possible_are_a_change(clean, score):
    assignment = await clean()
    await score(possible=2)
    await score(possible=3, later=1)
    assert (await versions())[assignment] == 5


async def test_an_older_score_that_arrives_later_is_stale_and_bumps_nothing(clean, score):
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


async def test_a_score_from_between_two_equal_ones_is_stale(clean, score):
    assignment = await clean()
    await score(earned=2, later=0)
    await score(earned=2, later=10)
    assert await score(earned=1, later=5) == ("stale", [])
    assert (await versions())[assignment] == 4
    assert (await Score.get()).points_earned == 2


async def test_modified_and_not_the_arrival_is_the_order_of_two_changes(clean, score):
    await clean()
    await score(earned=2, later=10, modified="2026-01-01T12:00:00.000002Z")
    assert (await score(earned=1, later=20, modified="2026-01-01T12:00:00.000001Z"))[0] == "stale"
    assert (await score(earned=0, later=30, modified="2026-01-01T12:00:00.000002Z"))[0] == "applied"
    assert (await Score.get()).points_earned == 0


async def test_a_change_takes_a_parked_or_waiting_assignment_back_into_the_race(clean, score):
    assignment = await clean(parked_at=NOW - 5, waiting_since=NOW - 5)
    await score()
    changed = await row(assignment)
    assert (changed.parked_at, changed.waiting_since) == (None, None)


# --- Who is woken ---


async def test_a_row_that_has_a_wake_up_under_way_is_not_woken_again(clean, score):
    await clean()
    _, wakes = await score(earned=1)
    assert len(wakes) == 1
    assert await score(earned=2) == ("applied", [])


async def test_a_composite_whose_grade_is_put_off_is_not_woken_again(structure, clean, score):
    await structure()
    above = await clean("vertical")
    await score(earned=1)
    await GradedAssignment.filter(id=above).update(pending_since=NOW - 10_000)
    assert await score(earned=2) == ("applied", [])


async def test_a_row_whose_turn_comes_forward_is_woken_again(clean, score):
    assignment = await clean(sent_version=2)
    await GradedAssignment.filter(id=assignment).update(due_at=NOW + 50_000, wake_until=NOW + 60_000)
    _, wakes = await score()
    assert wakes == [Wake(assignment, 4, "leaf", NOW)]


@pytest.mark.parametrize(
    "columns",
    [
        {"claim_token": 7, "claimed_until": NOW + 50_000},
        {"not_before": NOW + 1},
        {"hold_until": NOW + 1},
        {"disabled_at": NOW - 1},
    ],
)
async def test_a_row_that_cannot_be_claimed_is_not_woken(clean, score, columns):
    assignment = await clean()
    await GradedAssignment.filter(id=assignment).update(**columns)
    assert await score() == ("applied", [])
    assert (await versions())[assignment] == 4


# --- Launches, disabling, retiring ---


async def test_a_launch_after_the_score_makes_it_dirty_and_due_at_once(score, launch):
    assert await score() == ("applied", [])
    result, (wake,) = await launch()
    assert result == "applied"
    assert (wake.version, wake.kind, wake.due_at) == (1, "leaf", NOW)
    assignment = await row(wake.assignment_id)
    assert (assignment.version_number, assignment.sent_version, assignment.due_at) == (1, 0, NOW)


async def test_a_launch_of_a_composite_does_not_wait_for_the_delay(structure, score, launch):
    await structure()
    await score()
    _, (wake,) = await launch("vertical")
    assert (wake.kind, wake.due_at) == ("composite", NOW)


@pytest.mark.parametrize(
    ("usage_id", "known", "scored", "kind"),
    [
        ("unit", True, False, "leaf"),
        ("vertical", True, False, "composite"),
        ("unit", False, True, "leaf"),
        ("unit", False, False, "composite"),
        ("unknown", True, False, "composite"),
    ],
)
async def test_a_launch_makes_the_kind_that_is_known_or_likely(structure, score, launch, usage_id, known, scored, kind):
    if known:
        await structure()
    if scored:
        await score(usage_id)
    _, (wake,) = await launch(usage_id)
    assert wake.kind == kind


async def test_an_ungraded_launch_stores_nothing(launch):
    assert await launch(lis_result_sourcedid="", oauth_consumer_key="nobody") == ("unchanged", [])
    assert not await GradedAssignment.exists()


async def test_a_repeated_launch_of_a_clean_row_wakes_nobody(clean, launch):
    assignment = await clean(lis_result_sourcedid="same")
    assert await launch(lis_result_sourcedid="same", later=5) == ("unchanged", [])
    assert await versions() == {assignment: 3}


async def test_a_disabled_assignment_is_bumped_and_not_woken(clean, apply, score):
    assignment = await clean(lis_result_sourcedid="same")
    fields = {"type": "assignment.disabled", "oauth_consumer_key": "key", "lis_result_sourcedid": "same"}
    assert await apply(**fields) == ("applied", [])
    assert await score() == ("applied", [])
    assert (await row(assignment)).disabled_at == NOW


@pytest.mark.parametrize(
    "event",
    [
        {"type": "launch", "user_id": "u", "course_id": "c", "usage_id": "b", "lis_outcome_service_url": "https://a/"},
        {"type": "assignment.disabled"},
    ],
)
async def test_an_unknown_consumer_cannot_be_applied(apply, event):
    with pytest.raises(RegistrationError, match="unknown consumer"):
        await apply(oauth_consumer_key="nobody", lis_result_sourcedid="s", **event)


async def test_events_about_a_retired_learner_are_stale_up_to_the_retirement_and_good_afterwards(apply, score, launch):
    assert await apply(type="user.retired", user_id="learner", later=10) == ("applied", [])
    for later in (9, 10):
        assert await score(later=later) == ("stale", [])
        assert await launch(later=later) == ("stale", [])
    assert not await Score.exists()
    assert not await GradedAssignment.exists()
    assert (await score(later=11))[0] == "applied"
    assert (await launch(later=11))[0] == "applied"


async def test_a_retired_learner_is_gone(clean, score, apply):
    await clean()
    await score()
    await apply(type="user.retired", user_id="learner", later=10)
    assert not await Score.exists()
    assert not await GradedAssignment.exists()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://campus.example/o", "plain http is not allowed: use https, or set egress.allow_http = true"),
        ("https://10.1.2.3/o", "10.1.2.3 is not a public address (private): if a campus is meant to be there"),
        ("https://[::1]/o", "::1 is not a public address (loopback)"),
        ("https://169.254.169.254/latest", "a cloud's metadata service"),
        ("https://user:pass@campus.example/o", "holds a user name or password"),
    ],
)
async def test_a_launch_from_where_nothing_may_be_sent_is_refused_with_the_setting_to_change(applier, launch, url, why):
    applier._egress = Egress()
    with pytest.raises(BadEvent) as refused:
        await launch(lis_outcome_service_url=url)
    assert str(refused.value).startswith("lis_outcome_service_url: ")
    assert why in str(refused.value)
    assert url not in str(refused.value)
    assert await GradedAssignment.all().count() == 0
    await launch(lis_outcome_service_url="https://campus.example/o")
    assert await GradedAssignment.all().count() == 1


async def test_scores_that_follow_each_other_are_applied_in_order_and_each_makes_a_version(applier, launch):
    await launch()
    raw = {"type": "score.changed", "user_id": "learner", "course_id": "course", "usage_id": "unit"}
    points = [("1", 0), ("2", 5), ("2", 6), ("0", 4)]
    events = []
    for earned, later in points:
        fields = raw | {"points_earned": earned, "points_possible": "2"}
        events.append(read_event(f"{NOW + later}-0", {k.encode(): v.encode() for k, v in fields.items()}))
    async with in_transaction():
        results, wakes = await applier.apply_scores(events, await read_position(), now=NOW, wake=False)
    assert results == ["applied", "applied", "unchanged", "stale"]
    assert wakes == []
    row = await GradedAssignment.get()
    assert (row.version_number, row.entry_id) == (3, f"{NOW + 5}-0")
    assert (await Score.get()).points_earned == 2.0
    assert (await StaleEvent.get()).number == 1

"""What launches, disabling and retirements do to the database."""

import pytest

from actors.egress import Egress
from daemon.ingest.events import BadEvent
from models.assignment import GradedAssignment
from models.score import Score
from tests.daemon.ingest.applying import NOW, row

pytestmark = pytest.mark.usefixtures("campuses")


async def test_a_launch_after_the_score_makes_it_dirty_and_due_at_once(score, launch):
    assert await score() == ("applied", [])
    result, (dirty,) = await launch()
    assert result == "applied"
    assert (dirty.kind, dirty.due_at, dirty.first) == ("leaf", NOW, True)
    assignment = await row(dirty.assignment_id)
    assert (assignment.version_number, assignment.sent_version, assignment.due_at) == (1, 0, NOW)


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
    _, (dirty,) = await launch(usage_id)
    assert (dirty.kind, dirty.due_at) == (kind, NOW), "also a composite is due at once"


async def test_an_ungraded_launch_stores_nothing(launch):
    assert await launch(lis_result_sourcedid="", oauth_consumer_key="nobody") == ("unchanged", [])
    assert not await GradedAssignment.exists()


async def test_events_about_a_retired_learner_are_stale_up_to_the_retirement_and_good_afterwards(apply, score, launch):
    assert await apply(type="user.retired", user_id="learner", later=10) == ("applied", [])
    for later in (9, 10):
        assert await score(later=later) == ("stale", [])
        assert await launch(later=later) == ("stale", [])
    assert not await Score.exists()
    assert not await GradedAssignment.exists()
    assert (await score(later=11))[0] == "applied"
    assert (await launch(later=11))[0] == "applied"


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
    applier.egress = Egress()
    with pytest.raises(BadEvent) as refused:
        await launch(lis_outcome_service_url=url)
    assert str(refused.value).startswith("lis_outcome_service_url: ")
    assert why in str(refused.value)
    assert url not in str(refused.value)
    assert await GradedAssignment.all().count() == 0
    await launch(lis_outcome_service_url="https://campus.example/o")
    assert await GradedAssignment.all().count() == 1

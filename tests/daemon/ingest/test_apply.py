"""What scores, launches and retirements do to the database, and which assignments they make dirty."""

from ipaddress import ip_network

import pytest
import structlog
from tortoise.transactions import in_transaction

from actors.egress import Egress
from daemon.ingest.events import BadEvent
from daemon.ingest.parse import read_event
from models.assignment import GradedAssignment
from models.changes import Dirty
from models.consumer import LtiConsumer
from models.score import Score
from models.stale_event import StaleEvent
from models.stream_position import read_position
from tests.daemon.ingest.reading import LAUNCH_13, NOW, RETIRED, SCORE, raw, versions

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
    await score(usage_id=problem)
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
        assert (await score(points_earned=earned, points_possible=possible))[0] == "applied"
        assert await versions() == {assignment: version, above: version}
    assert await score(points_earned="1.50", points_possible=3, later=5) == ("unchanged", [])
    assert await versions() == {assignment: 7, above: 7}


async def test_an_older_score_that_arrives_later_is_stale_and_changes_nothing(clean, score):
    assignment = await clean()
    await score(points_earned=2, later=10)
    assert await score(points_earned=1, later=9) == ("stale", [])
    assert (await versions())[assignment] == 4
    assert (await Score.get()).points_earned == 2
    noted = await StaleEvent.get()
    assert (noted.type, noted.user_id, noted.usage_id) == ("score.changed", "u", "unit")
    assert (noted.entry_id, noted.number) == (f"{NOW + 9}-0", 1)


async def test_a_change_names_its_entry_and_is_forced_only_where_the_database_may_be_an_old_one(clean, score):
    await clean()
    for later, force, forced_version in ((0, False, 0), (1, True, 5)):
        await score(points_earned=later, later=later, force=force)
        row = await GradedAssignment.get()
        assert (row.entry_id, row.forced_version) == (f"{NOW + later}-0", forced_version)


async def test_modified_and_not_the_arrival_is_the_order_of_two_changes(clean, score):
    await clean()
    await score(points_earned=2, later=10, modified="2026-01-01T12:00:00.000002Z")
    assert (await score(points_earned=1, later=20, modified="2026-01-01T12:00:00.000001Z"))[0] == "stale"
    assert (await score(points_earned=0, later=30, modified="2026-01-01T12:00:00.000002Z"))[0] == "applied"
    assert (await Score.get()).points_earned == 0


async def test_scores_that_follow_each_other_are_applied_in_order_and_each_makes_a_version(applier, launch):
    await launch("p")
    points = [("1", 0), ("2", 5), ("2", 6), ("0", 4)]
    events = [
        read_event(f"{NOW + later}-0", raw(SCORE | {"points_earned": earned}), now=NOW) for earned, later in points
    ]
    async with in_transaction():
        results, dirty = await applier.apply_scores(events, await read_position(), now=NOW)
    assert results == ["applied", "applied", "unchanged", "stale"]
    assert len(dirty) == 1, "two changes, one message"
    row = await GradedAssignment.get()
    assert (row.version_number, row.entry_id) == (3, f"{NOW + 5}-0")
    assert (await Score.get()).points_earned == 2.0
    assert (await StaleEvent.get()).number == 1


# --- Launches and retirements ---


async def test_a_launch_after_the_score_makes_it_dirty_and_due_at_once(score, launch):
    assert await score() == ("applied", [])
    result, (dirty,) = await launch()
    assert result == "applied"
    assert (dirty.kind, dirty.due_at, dirty.first) == ("leaf", NOW, True)
    assignment = await GradedAssignment.get()
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
        await score(usage_id=usage_id)
    _, (dirty,) = await launch(usage_id)
    assert (dirty.kind, dirty.due_at) == (kind, NOW), "also a composite is due at once"


async def test_an_ungraded_launch_stores_nothing(launch):
    assert await launch(lis_result_sourcedid="", oauth_consumer_key="nobody") == ("unchanged", [])
    assert not await GradedAssignment.exists()


async def test_events_about_a_retired_learner_are_stale_up_to_the_retirement_and_good_afterwards(apply, score, launch):
    assert await apply(RETIRED, later=10) == ("applied", [])
    for later in (9, 10):
        assert await score(later=later) == ("stale", [])
        assert await launch(later=later) == ("stale", [])
    assert not await Score.exists()
    assert not await GradedAssignment.exists()
    assert (await score(later=10, sequence=1))[0] == "applied"
    assert (await launch(later=10, sequence=2))[0] == "applied"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://campus.example/o", "plain http is not allowed: use https, or set egress.allow_http = true"),
        ("https://10.1.2.3/o", "10.1.2.3 is not a public address (private): if a campus is meant to be there"),
        ("https://[::1]/o", "::1 is not a public address (loopback)"),
        ("https://169.254.169.254/latest", "a cloud's metadata service"),
    ],
)
async def test_a_launch_from_where_nothing_may_be_sent_is_refused_with_the_setting_to_change(applier, launch, url, why):
    applier.egress = Egress()
    with pytest.raises(BadEvent, match=r"^lis_outcome_service_url: ") as refused:
        await launch(lis_outcome_service_url=url)
    assert why in str(refused.value)
    assert url not in str(refused.value)
    assert not await GradedAssignment.exists()
    await launch()
    assert await GradedAssignment.exists()


async def test_a_launch_is_refused_by_the_rules_of_its_own_consumer_with_its_key_and_the_setting(applier, launch):
    rules = {"allow_hosts": ["lms.example.edu", "10.1.2.3"], "allow_networks": [ip_network("10.1.2.0/24")]}
    applier.egress = Egress(campuses={"key": Egress(setting="egress.campuses.key", **rules)})
    for url in ("https://lms.example.edu/o", "https://10.1.2.3/o"):
        assert (await launch(lis_outcome_service_url=url))[0] == "applied"
    with pytest.raises(BadEvent, match=r"elsewhere\.example.* egress\.campuses\.key\.allow_hosts$"):
        await launch(lis_outcome_service_url="https://elsewhere.example/o")
    for other in ("https://elsewhere.example/o", "https://lms.example.edu/o"):
        assert (await launch(oauth_consumer_key="other key", lis_outcome_service_url=other))[0] == "applied"
    with pytest.raises(BadEvent, match=r"10\.1\.2\.3 .*egress\.campuses\.KEY\.allow_networks for its consumer key"):
        await launch(oauth_consumer_key="other key", lis_outcome_service_url="https://10.1.2.3/o")


async def test_a_new_origin_of_a_known_consumer_and_a_first_instance_are_logged_with_its_key(launch):
    with structlog.testing.capture_logs() as logged:
        await launch()
        await launch(tool_consumer_instance_guid="lms")
        await launch(lis_outcome_service_url="https://elsewhere.example:8443/o", later=5)
        await launch(lis_outcome_service_url="https://elsewhere.example:8443/o", tool_consumer_instance_guid="lms")
    first, second = logged
    assert (first["log_level"], first["consumer_key"], first["guid"]) == ("info", "key", "lms")
    assert (second["log_level"], second["consumer_key"]) == ("warning", "key")
    assert (second["origin"], second["entry"]) == ("https://elsewhere.example:8443", f"{NOW + 5}-0")


async def test_a_line_item_is_checked_by_the_rules_of_its_platform_and_named_with_its_field(applier, apply):
    await LtiConsumer.create(
        consumer_name="platform",
        consumer_key="uni",
        consumer_secret="",
        issuer=LAUNCH_13["issuer"],
        client_id=LAUNCH_13["client_id"],
    )
    applier.egress = Egress(campuses={"uni": Egress(setting="egress.campuses.uni", allow_hosts=["campus.example"])})
    with pytest.raises(BadEvent, match=r"^lineitem: .*elsewhere\.example.* egress\.campuses\.uni\.allow_hosts$"):
        await apply(LAUNCH_13, lineitem="https://elsewhere.example/1")
    with pytest.raises(BadEvent, match=r"^lineitems: plain http"):
        await apply(LAUNCH_13, lineitem="", lineitems="http://campus.example/1")
    assert not await GradedAssignment.exists()
    with structlog.testing.capture_logs() as logged:
        assert (await apply(LAUNCH_13))[0] == "applied"
        for key in ("misspelt", "misspelt", "key", "uni"):
            await apply(LAUNCH_13, oauth_consumer_key=key)
    unknown = [line["oauth_consumer_key"] for line in logged if "is not known: nothing moved" in line["event"]]
    assert unknown == ["misspelt", "uni"], "once for each that is no LTI 1.1 consumer"
    assert (await apply(LAUNCH_13, type="assignment.disabled"))[0] == "applied"
    assert (await GradedAssignment.get()).disabled_at == NOW

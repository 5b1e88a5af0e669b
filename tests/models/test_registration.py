"""Launches register assignments, repeat what is known, and unpark. On both databases."""

import pytest

from models import consumer_admin
from models.campus import MIN_PROBE_PAUSE_MS, Campus, OutcomeService
from models.consumer import ANY_INSTANCE, LtiConsumer, digest
from models.disabling import disable
from models.launch import RegistrationError
from models.moment import Moment
from tests.models.launching import (
    CLEAN,
    ELSEWHERE,
    LAUNCH,
    LINKED,
    NOW,
    NOW_US,
    OTHER_URL,
    PARKED,
    URL,
    launch,
    launched,
    origin_of,
    registered,
    sourcedids,
    url_of,
)
from tests.models.rows import changes, read_row

pytestmark = pytest.mark.usefixtures("two_consumers")


# --- New ones ---


async def test_a_first_launch_registers_an_assignment_that_is_dirty_and_due_at_once():
    assignment = await launched(LINKED, lti_user_id="campus user", context_title="Course", resource_link_title="Link")
    row = await read_row(assignment)
    assert (row["user_id"], row["course_id"], row["usage_id"]) == ("learner", "course", "block")
    assert (row["lis_result_sourcedid"], row["sourcedid_digest"]) == ("sourcedid", digest("sourcedid"))
    assert (row["resource_link_id"], row["lti_user_id"]) == ("link", "campus user")
    assert (row["context_title"], row["resource_link_title"]) == ("Course", "Link")
    assert (row["version_number"], row["sent_version"], row["due_at"], row["registered_us"]) == (1, 0, NOW, NOW_US)
    assert await url_of(assignment) == URL


@pytest.mark.parametrize(("kind", "composite"), [("leaf", False), ("composite", True)])
async def test_a_launch_says_of_what_kind_the_assignment_is(kind, composite):
    assert bool((await read_row(await launched(kind=kind)))["composite"]) is composite


ANOTHER = {"lis_result_sourcedid": "another"}


@pytest.mark.parametrize(
    ("base", "other"),
    [
        pytest.param(LAUNCH, ANOTHER, id="another sourcedid, without a link"),
        pytest.param(LAUNCH, {"lis_outcome_service_url": OTHER_URL}, id="another URL, without a link"),
        pytest.param(LAUNCH, {"user_id": "another"} | ANOTHER, id="another learner"),
        pytest.param(LAUNCH, {"consumer_key": "other key"}, id="the same URL and sourcedid for two consumers"),
        pytest.param(LAUNCH, {"consumer_key": "other key"} | ANOTHER, id="one URL, two consumers"),
        pytest.param(LINKED, {"resource_link_id": "another"} | ANOTHER, id="another link"),
        pytest.param(LINKED, {"resource_link_id": None} | ANOTHER, id="no link"),
        pytest.param(LINKED, {"user_id": "another"} | ANOTHER, id="the link's other learner"),
        pytest.param(LINKED, {"usage_id": "another"} | ANOTHER, id="the link on another block"),
        pytest.param(LINKED, {"course_id": "another"} | ANOTHER, id="the link in another course"),
        pytest.param(LINKED, {"consumer_key": "other key"} | ANOTHER, id="the link of another consumer"),
    ],
)
async def test_a_launch_of_something_else_registers_another_assignment(base, other):
    first = await launched(base)
    before = await read_row(first)
    assert await launched(base, later=1, **other) != first
    assert await read_row(first) == before


async def test_sourcedids_and_urls_of_5000_bytes_are_stored_byte_for_byte():
    long, url = "s" * 4_999, "https://campus.example/o?a=%7e&b=+&c=" + "x" * 5_000
    ids = [await launched(lis_result_sourcedid=long + last, lis_outcome_service_url=url) for last in "ab"]
    assert await sourcedids() == [long + "a", long + "b"]
    assert [await url_of(assignment) for assignment in ids] == [url, url]


# --- Repeats ---


@pytest.mark.parametrize("later", [0, 1, 3_600_000_000])
async def test_an_identical_repeat_changes_nothing_on_a_clean_row(later):
    assignment = await launched(LINKED, columns=CLEAN)
    before = await read_row(assignment)
    assert await launch(LINKED, later=later, now=NOW + 77_000) == ("unchanged", assignment)
    assert await read_row(assignment) == before | {"registered_us": NOW_US + later}


async def test_a_repeat_does_not_change_the_kind_which_the_structure_knows_better():
    assignment = await launched(columns=CLEAN, kind="composite")
    await launch(later=1, kind="leaf")
    assert (await read_row(assignment))["composite"]


@pytest.mark.parametrize(("later", "ended"), [(1, {"not_before": 0, "attempts": 0}), (0, {})])
async def test_a_repeat_ends_the_backoff_of_a_dirty_row_unless_it_is_the_same_launch(later, ended):
    assignment = await launched(columns={"not_before": NOW + 60_000, "attempts": 5, "hold_until": NOW + 9_000})
    before = await read_row(assignment)
    assert await launch(later=later) == ("unchanged", assignment)
    assert await changes(assignment, before | {"registered_us": NOW_US + later}) == ended


async def test_a_repeat_that_is_newer_than_the_parking_unparks():
    assignment = await launched(columns=CLEAN | PARKED | {"sent_version": 2, "not_before": NOW + 60_000})
    assert await launch(modified_us=NOW_US + 1) == ("applied", assignment)
    row = await read_row(assignment)
    assert (row["parked_at"], row["parked_reason"], row["parked_scope"]) == (None, None, None)
    assert (row["version_number"], row["due_at"], row["not_before"], row["attempts"]) == (4, NOW, 0, 0)


@pytest.mark.parametrize("at", [NOW_US, NOW_US - 1])
async def test_a_repeat_that_is_not_newer_than_the_parking_does_not_unpark(at):
    assignment = await launched(modified_us=NOW_US - 10, columns=CLEAN | PARKED)
    before = await read_row(assignment)
    assert await launch(modified_us=at) == ("unchanged", assignment)
    assert await read_row(assignment) == before | {"registered_us": at}


ORDERED = {"version_number": 4, "forced_version": 4, "ordered_version": 4}


@pytest.mark.parametrize(
    ("later", "result", "changed"),
    [
        (0, "stale", {}),
        (1, "unchanged", {}),
        (2, "applied", {"disabled_at": None, "due_at": NOW, **ORDERED}),
    ],
)
async def test_a_newer_repeat_alone_enables_a_disabled_assignment_and_has_it_sent_again(later, result, changed):
    assignment = await launched(columns=CLEAN)
    assert await disable("key", "sourcedid", moment=Moment(NOW_US + 1), now=NOW) == "applied"
    before = await read_row(assignment) | {"registered_us": NOW_US + max(1, later)}
    assert (await launch(later=later))[0] == result
    assert await changes(assignment, before) == changed


async def test_a_repeat_adds_what_the_launch_before_left_out():
    assignment = await launched(columns=CLEAN)
    await launch(LINKED, later=1, lti_user_id="campus user", context_title="Course")
    await launch(later=2)
    row = await read_row(assignment)
    assert (row["resource_link_id"], row["lti_user_id"], row["context_title"]) == ("link", "campus user", "Course")
    assert row["version_number"] == 3


# --- Consumers and addresses ---


async def guid_on_record(key="key"):
    return (await LtiConsumer.get(consumer_key=key)).instance_guid


async def test_a_guid_is_stored_and_reported_where_none_is_known_and_never_overrides_the_key():
    await launched()
    assert await guid_on_record() is None
    for later, reported in ((1, "g" * 255), (2, None)):
        assert (await registered(later=later, instance_guid="g" * 300)).new_guid == reported
        assert await guid_on_record() == "g" * 255, "as long as its column"
    other = await launched(consumer_key="other key", instance_guid="g" * 300)
    service = await OutcomeService.get(assignments__id=other).prefetch_related("lti_consumer")
    assert service.lti_consumer.consumer_key == "other key"


#: Where a copy of the LMS would take over the grade of the same link, learner and block.
COPY = {"lis_outcome_service_url": ELSEWHERE, "lis_result_sourcedid": "of the copy", "instance_guid": "staging"}


@pytest.mark.parametrize("changes", [COPY, COPY | {"user_id": "another"}, COPY | {"lis_outcome_service_url": URL}])
async def test_a_launch_of_another_instance_than_the_one_on_record_is_refused_and_changes_nothing(changes):
    row = await launched(LINKED, instance_guid="lms", columns=CLEAN)
    before = await read_row(row)
    with pytest.raises(RegistrationError) as refused:
        await launch(LINKED, later=1, **changes)
    for words in ("'staging'", "'lms'", "'key'", "passbackd consumer guid key staging", "quarantine replay"):
        assert words in str(refused.value)
    assert await read_row(row) == before
    assert await sourcedids() == ["sourcedid"]
    assert await Campus.all().count() == await OutcomeService.all().count() == 1
    assert await guid_on_record() == "lms"


async def test_a_launch_without_a_guid_passes_and_so_does_any_where_all_instances_are_taken():
    row = await launched(LINKED, instance_guid="lms")
    assert (await launch(LINKED, later=1, **COPY | {"instance_guid": None})) == ("applied", row)
    await consumer_admin.set_guid("key", ANY_INSTANCE)
    assert (await launch(LINKED, later=2, instance_guid="staging"))[0] == "applied"
    assert await guid_on_record() == ANY_INSTANCE


async def test_once_the_campus_has_changed_its_instance_the_new_one_is_taken_and_the_old_one_is_not():
    row = await launched(LINKED, instance_guid="lms")
    assert await consumer_admin.set_guid("key", "moved")
    assert not await consumer_admin.set_guid("key", "moved")
    assert (await launch(LINKED, later=2, **COPY | {"instance_guid": "moved"})) == ("applied", row)
    with pytest.raises(RegistrationError, match="'lms'"):
        await launch(LINKED, later=3, instance_guid="lms")


@pytest.mark.parametrize("later", [0, -1])
async def test_a_launch_of_the_former_instance_that_was_applied_before_is_stale_when_it_is_read_again(later):
    await launched(LINKED, instance_guid="lms")
    await consumer_admin.set_guid("key", "moved")
    assert await launch(LINKED, later=later, instance_guid="lms") == ("stale", None)


async def test_the_first_launch_from_a_further_origin_of_a_consumer_is_reported_once():
    assert (await registered()).new_origin is None, "the first of all"
    assert (await registered(lis_outcome_service_url=OTHER_URL)).new_origin is None
    assert (await registered(consumer_key="other key", lis_outcome_service_url=ELSEWHERE)).new_origin is None
    for later, reported in ((1, "https://elsewhere.example:443"), (2, None)):
        assert (await registered(later=later, lis_outcome_service_url=ELSEWHERE)).new_origin == reported
    for url in ("http://campus.example/o", "https://campus.example:8443/o"):
        assert (await registered(lis_outcome_service_url=url)).new_origin is not None


@pytest.mark.parametrize("key", ["unknown", "KEY", pytest.param("k" * 33, id="longer than any")])
async def test_an_unknown_consumer_is_named_with_what_to_do(key):
    with pytest.raises(RegistrationError, match=r"unknown consumer.*passbackd consumer add"):
        await launch(consumer_key=key)
    with pytest.raises(RegistrationError, match="unknown consumer"):
        await disable(key, "sourcedid", moment=Moment(NOW_US), now=NOW)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        *((url, "") for url in ("campus.example", "/outcomes", "ftp://campus.example/", "https://")),
        *((url, "") for url in ("https://campus.example:port/", "http://[::1/")),
        (f"https://{'h' * 400}.example/", "its host is longer than 300 characters"),
    ],
)
async def test_an_invalid_address_is_refused_and_nothing_stored(url, why):
    with pytest.raises(RegistrationError, match=f"lis_outcome_service_url: {why}"):
        await launch(lis_outcome_service_url=url)
    assert not await OutcomeService.exists()
    assert not await Campus.exists()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTPS://Campus.Example/o", "https://campus.example:443"),
        ("http://campus.example/o", "http://campus.example:80"),
        ("https://campus.example:8443/o", "https://campus.example:8443"),
        ("https://user:pass@[2001:DB8::1]/o", "https://[2001:db8::1]:443"),
    ],
)
async def test_an_address_is_of_the_campus_at_its_origin(url, origin):
    assert await origin_of(await launched(lis_outcome_service_url=url)) == origin


async def test_the_addresses_of_one_consumer_at_one_origin_are_one_campus():
    first = await launched()
    second = await launched(lis_outcome_service_url=OTHER_URL)
    other = await launched(consumer_key="other key")
    elsewhere = await launched(lis_outcome_service_url=ELSEWHERE)
    campuses = [(await read_row(row))["campus_id"] for row in (first, second, other, elsewhere)]
    assert campuses[0] == campuses[1]
    assert len(set(campuses)) == await Campus.all().count() == 3


@pytest.mark.parametrize(
    ("later", "expected"), [(1, (0, NOW + MIN_PROBE_PAUSE_MS)), (0, (5, NOW + 300_000)), (-1, (5, NOW + 300_000))]
)
async def test_a_newer_launch_has_a_campus_that_is_down_probed_after_the_least_pause(later, expected):
    await launched()
    await Campus.all().update(tripped_at=1, trips=5, blocked_until=NOW + 300_000, last_error="no", last_error_at=NOW)
    await launch(later=later)
    campus = await Campus.get()
    assert (campus.trips, campus.blocked_until) == expected
    assert (campus.tripped_at, campus.last_error) == (1, "no")

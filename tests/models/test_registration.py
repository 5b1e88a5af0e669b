"""Launches register, move, replace and revive assignments; disabling and retiring end them. Each of them once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tortoise.transactions import in_transaction

from models.assignment import GradedAssignment
from models.consumer import LtiConsumer, OutcomeService, digest
from models.delivery import Delivery, Line, write_line
from models.quarantine import QuarantinedEvent
from models.registration import Registration, RegistrationError, disable, register, retire
from models.retired_user import RetiredUser, digest_of, is_retired
from models.score import Score, apply_score
from models.stream_position import Intake, read_position
from tests.models.rows import read_row

#: Milliseconds by the database's clock, and the same moment as events tell it.
NOW = 1_767_268_800_000
NOW_US = NOW * 1000
URL, OTHER_URL = "https://campus.example/outcomes?a=1", "https://campus.example/outcomes?a=2"
LAUNCH = Registration("key", "learner", "course", "block", "sourcedid", URL, NOW_US)
LINKED = replace(LAUNCH, resource_link_id="link")
CLEAN = {"version_number": 3, "sent_version": 3, "sent_score": "0.5", "sent_at": NOW - 5_000, "due_at": NOW - 9_000}
PARKED = {"parked_at": NOW, "parked_reason": "no such learner", "parked_scope": "learner", "attempts": 9}


@pytest.fixture(autouse=True)
async def campuses(empty_database):
    """Two of them, and nothing else."""
    for model in (QuarantinedEvent, RetiredUser, Intake):
        await model.all().delete()
    await LtiConsumer.create(consumer_name="campus", consumer_key="key", consumer_secret="secret")
    await LtiConsumer.create(consumer_name="other campus", consumer_key="other key", consumer_secret="secret")


async def launch(registration=LAUNCH, *, later=0, kind="leaf", now=NOW, **changes):
    """What it did, and the id. *later* in microseconds."""
    changes = {"modified_us": registration.modified_us + later, **changes}
    async with in_transaction():
        return await register(replace(registration, **changes), kind=kind, now=now)


async def launched(registration=LAUNCH, *, columns=None, **changes):
    """The id of a new assignment, in the state that *columns* say."""
    result, assignment_id = await launch(registration, **changes)
    assert result == "applied"
    if columns:
        await GradedAssignment.filter(id=assignment_id).update(**columns)
    return assignment_id


async def everything():
    """All rows that a launch can change."""
    return [
        list(await model.all().order_by("id").values())
        for model in (LtiConsumer, OutcomeService, GradedAssignment, Delivery)
    ]


async def sourcedids():
    return list(await GradedAssignment.all().order_by("id").values_list("lis_result_sourcedid", flat=True))


async def url_of(assignment_id):
    row = await GradedAssignment.get(id=assignment_id).prefetch_related("outcome_service")
    return row.outcome_service.lis_outcome_service_url


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


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"lis_result_sourcedid": "another"}, id="another sourcedid, without a link"),
        pytest.param({"lis_outcome_service_url": OTHER_URL}, id="another URL, without a link"),
        pytest.param({"user_id": "another", "lis_result_sourcedid": "another"}, id="another learner"),
        pytest.param({"consumer_key": "other key"}, id="the same URL and sourcedid for two consumers"),
        pytest.param({"consumer_key": "other key", "lis_result_sourcedid": "another"}, id="one URL, two consumers"),
    ],
)
async def test_both_are_served(other):
    first = await launched()
    before = await read_row(first)
    second = await launched(later=1, **other)
    assert first != second
    assert await read_row(first) == before


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"resource_link_id": "another"}, id="another link"),
        pytest.param({"resource_link_id": None}, id="no link"),
        pytest.param({"user_id": "another"}, id="another learner"),
        pytest.param({"usage_id": "another"}, id="another block"),
        pytest.param({"course_id": "another"}, id="another course"),
        pytest.param({"consumer_key": "other key"}, id="another consumer"),
    ],
)
async def test_another_sourcedid_replaces_none_of_another_place(other):
    first = await launched(LINKED)
    before = await read_row(first)
    assert await launched(LINKED, later=1, lis_result_sourcedid="another", **other) != first
    assert await read_row(first) == before


async def test_one_url_of_two_consumers_is_two_services():
    await launched()
    await launched(consumer_key="other key")
    services = await OutcomeService.all().prefetch_related("lti_consumer")
    assert {service.lis_outcome_service_url for service in services} == {URL}
    assert {service.lti_consumer.consumer_key for service in services} == {"key", "other key"}


async def test_sourcedids_of_5000_bytes_that_differ_in_the_last_one_are_two():
    long = "s" * 4_999
    first = await launched(lis_result_sourcedid=long + "a")
    second = await launched(lis_result_sourcedid=long + "b")
    assert first != second
    assert await sourcedids() == [long + "a", long + "b"]


async def test_a_url_may_be_long_and_is_kept_byte_for_byte():
    url = "https://campus.example/o?a=%7e&b=+&c=" + "x" * 5_000
    assert await url_of(await launched(lis_outcome_service_url=url)) == url


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


async def test_a_repeat_ends_the_backoff_of_a_dirty_row():
    assignment = await launched(columns={"not_before": NOW + 60_000, "attempts": 5, "hold_until": NOW + 9_000})
    assert await launch(later=1) == ("unchanged", assignment)
    row = await read_row(assignment)
    assert (row["not_before"], row["attempts"], row["hold_until"]) == (0, 0, NOW + 9_000)


async def test_a_replayed_launch_leaves_the_backoff_alone():
    assignment = await launched(columns={"not_before": NOW + 60_000, "attempts": 5})
    before = await read_row(assignment)
    assert await launch() == ("unchanged", assignment)
    assert await read_row(assignment) == before


async def test_a_repeat_that_is_newer_than_the_parking_revives():
    assignment = await launched(columns=CLEAN | PARKED | {"sent_version": 2, "not_before": NOW + 60_000})
    assert await launch(modified_us=NOW_US + 1) == ("applied", assignment)
    row = await read_row(assignment)
    assert (row["parked_at"], row["parked_reason"], row["parked_scope"]) == (None, None, None)
    assert (row["version_number"], row["due_at"], row["not_before"], row["attempts"]) == (4, NOW, 0, 0)


@pytest.mark.parametrize("at", [NOW_US, NOW_US - 1])
async def test_a_repeat_that_is_not_newer_than_the_parking_does_not_revive(at):
    assignment = await launched(modified_us=NOW_US - 10, columns=CLEAN | PARKED)
    before = await read_row(assignment)
    assert await launch(modified_us=at) == ("unchanged", assignment)
    assert await read_row(assignment) == before | {"registered_us": at}


async def test_a_newer_repeat_enables_a_disabled_assignment_and_has_it_sent_again():
    assignment = await launched(columns=CLEAN)
    assert await disable("key", "sourcedid", modified_us=NOW_US + 1, now=NOW) == "applied"
    assert await launch(later=2) == ("applied", assignment)
    row = await read_row(assignment)
    assert row["disabled_at"] is None
    assert (row["version_number"], row["forced_version"], row["due_at"]) == (4, 4, NOW)


@pytest.mark.parametrize(("later", "result"), [(0, "stale"), (1, "unchanged")])
async def test_a_repeat_that_is_not_newer_leaves_a_disabled_assignment_disabled(later, result):
    assignment = await launched(columns=CLEAN)
    await disable("key", "sourcedid", modified_us=NOW_US + 1, now=NOW)
    before = await read_row(assignment)
    assert (await launch(later=later))[0] == result
    assert await read_row(assignment) == before


async def test_a_repeat_tells_what_the_launch_before_did_not_know():
    assignment = await launched(columns=CLEAN)
    await launch(LINKED, later=1, lti_user_id="campus user", context_title="Course")
    await launch(later=2)
    row = await read_row(assignment)
    assert (row["resource_link_id"], row["lti_user_id"], row["context_title"]) == ("link", "campus user", "Course")
    assert row["version_number"] == 3


# --- Replacing ---


@pytest.mark.parametrize(
    "other",
    [
        {"lis_result_sourcedid": "another"},
        {"lis_outcome_service_url": OTHER_URL},
        {"lis_result_sourcedid": "another", "lis_outcome_service_url": OTHER_URL},
    ],
)
async def test_a_new_sourcedid_or_url_of_the_same_link_replaces_the_old_one(other):
    assignment = await launched(LINKED, columns=CLEAN | {"attempts": 3, "not_before": NOW + 60_000})
    assert await launch(LINKED, later=1, **other) == ("applied", assignment)
    row = await read_row(assignment)
    expected = {"lis_result_sourcedid": "sourcedid", "lis_outcome_service_url": URL} | other
    assert await sourcedids() == [expected["lis_result_sourcedid"]]
    assert row["sourcedid_digest"] == digest(expected["lis_result_sourcedid"])
    assert await url_of(assignment) == expected["lis_outcome_service_url"]
    assert (row["version_number"], row["forced_version"], row["due_at"]) == (4, 4, NOW)
    assert (row["attempts"], row["not_before"]) == (0, 0)


@pytest.mark.parametrize("columns", [PARKED, {"disabled_at": NOW}])
async def test_a_replacement_brings_a_parked_or_disabled_row_back(columns):
    assignment = await launched(LINKED, columns=CLEAN | columns)
    await launch(LINKED, later=1, lis_result_sourcedid="another")
    row = await read_row(assignment)
    assert (row["parked_at"], row["disabled_at"], row["version_number"]) == (None, None, 4)


async def test_a_replacement_does_not_shorten_the_hold():
    assignment = await launched(LINKED, columns={"hold_until": NOW + 9_000})
    await launch(LINKED, later=1, lis_result_sourcedid="another")
    assert (await read_row(assignment))["hold_until"] == NOW + 9_000


async def test_a_replacement_keeps_what_the_campus_holds_out_of_a_claim_under_way():
    claim = {"claim_token": 7, "claimed_at": NOW, "claimed_until": NOW + 50_000, "claimed_version": 1, "attempts": 1}
    assignment = await launched(LINKED, columns=claim)
    await launch(LINKED, later=1, lis_result_sourcedid="another")
    row = await read_row(assignment)
    assert (row["claim_token"], row["claimed_until"], row["version_number"]) == (7, NOW + 50_000, 2)


# --- Moving ---


@pytest.mark.parametrize(
    "place", [{"user_id": "another"}, {"usage_id": "another"}, {"course_id": "another"}, {"usage_id": "problem"}]
)
@pytest.mark.parametrize("base", [LAUNCH, LINKED])
async def test_a_sourcedid_that_comes_for_another_learner_or_block_moves_there(base, place):
    assignment = await launched(base, columns=CLEAN, kind="composite")
    assert await launch(base, later=1, kind="leaf", **place) == ("applied", assignment)
    row = await read_row(assignment)
    where = {name: row[name] for name in ("user_id", "course_id", "usage_id")}
    assert where == {"user_id": "learner", "course_id": "course", "usage_id": "block"} | place
    assert (row["version_number"], row["forced_version"], row["due_at"]) == (4, 4, NOW)
    assert not row["composite"]


async def test_a_moved_assignment_does_not_keep_the_words_of_its_old_place():
    assignment = await launched(LINKED, lti_user_id="campus user", context_title="Course", resource_link_title="Link")
    await launch(LAUNCH, later=1, user_id="another")
    row = await read_row(assignment)
    assert (row["lti_user_id"], row["context_title"], row["resource_link_title"]) == (None, None, None)


async def displacement():
    """Two assignments with a ledger each; a launch moves the first one onto the second one's place."""
    owner = await launched(LINKED, usage_id="old block", columns=CLEAN)
    displaced = await launched(LINKED, lis_result_sourcedid="another", columns=CLEAN)
    for token, assignment in enumerate((owner, displaced)):
        await write_line(assignment, token, at=NOW, attempt=1, version=1, line=Line("accepted", score="0.5"))
    return owner, displaced, await launch(LINKED, later=1)


async def test_the_row_that_owns_the_sourcedid_survives_and_the_one_that_it_displaces_goes():
    owner, displaced, result = await displacement()
    assert result == ("applied", owner)
    assert not await GradedAssignment.exists(id=displaced)
    row = await read_row(owner)
    assert (row["usage_id"], row["version_number"], row["forced_version"]) == ("block", 4, 4)


async def test_the_ledger_of_a_displaced_row_moves_to_the_survivor_with_a_note():
    owner, displaced, _ = await displacement()
    assert await Delivery.filter(assignment_id=owner).count() == await Delivery.all().count() == 2
    assert f"replaced assignment {displaced}" in (await read_row(owner))["note"]


async def test_a_row_that_is_displaced_in_place_is_an_applied_change():
    displaced = await launched(LINKED, lis_result_sourcedid="another")
    owner = await launched(later=1)
    assert await launch(LINKED, later=2) == ("applied", owner)
    assert not await GradedAssignment.exists(id=displaced)


async def test_two_launches_swap_their_sourcedids():
    first = await launched(LINKED)
    second = await launched(LINKED, user_id="another", lis_result_sourcedid="another")
    await launch(LINKED, later=1, lis_result_sourcedid="another")
    await launch(LINKED, later=1, user_id="another")
    rows = {row["user_id"]: row["lis_result_sourcedid"] for row in await GradedAssignment.all().values()}
    assert rows["learner"] == "another"
    assert rows["another"] == "sourcedid"
    assert first != second


# --- Older than what is known ---


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"lis_result_sourcedid": "another"},
        {"lis_outcome_service_url": OTHER_URL},
        {"usage_id": "another"},
        {"user_id": "another"},
        {"instance_guid": "guid"},
    ],
)
async def test_a_launch_older_than_what_is_stored_changes_nothing(other):
    await launched(LINKED, columns=CLEAN)
    before = await everything()
    result, woken = await launch(LINKED, later=-1, **other)
    if "lis_outcome_service_url" not in other:
        assert (result, woken) == ("stale", None)
    assert (await everything())[2:] == before[2:]


async def test_a_stale_launch_leaves_the_consumer_alone():
    await launched(columns=CLEAN)
    before = await everything()
    assert await launch(later=-1, instance_guid="guid") == ("stale", None)
    assert await everything() == before


SEQUENCES = {
    "a link that gets a second and a third sourcedid": [
        LINKED,
        replace(LINKED, lis_result_sourcedid="second"),
        replace(LINKED, lis_result_sourcedid="third"),
    ],
    "a link that gets another URL": [LINKED, replace(LINKED, lis_outcome_service_url=OTHER_URL)],
    "a sourcedid that goes to another block and back": [LAUNCH, replace(LAUNCH, usage_id="another"), LAUNCH],
    "a sourcedid that goes to another learner": [LINKED, replace(LINKED, user_id="another")],
    "a row that is displaced": [
        replace(LINKED, usage_id="old block"),
        replace(LINKED, lis_result_sourcedid="another"),
        LINKED,
    ],
    "two rows of one block": [LAUNCH, replace(LAUNCH, lis_result_sourcedid="another"), LAUNCH],
}


@pytest.mark.parametrize("name", SEQUENCES)
async def test_launches_that_are_read_again_after_a_reset_change_nothing(name):
    sequence = [replace(one, modified_us=NOW_US + at) for at, one in enumerate(SEQUENCES[name])]
    for one in sequence:
        await launch(one)
    await GradedAssignment.all().update(**CLEAN)
    before = await everything()
    for one in sequence:
        result, _ = await launch(one)
        assert result in ("stale", "unchanged")
    assert await everything() == before


# --- Consumers and addresses ---


async def test_a_guid_is_stored_only_where_none_is_known():
    await launched(instance_guid="guid")
    assert (await LtiConsumer.get(consumer_key="key")).instance_guid == "guid"
    await launch(later=1, instance_guid="another")
    assert (await LtiConsumer.get(consumer_key="key")).instance_guid == "guid"


async def test_a_guid_never_overrides_the_key():
    await launched(instance_guid="guid")
    other = await launched(consumer_key="other key", instance_guid="guid")
    service = await OutcomeService.get(assignments__id=other).prefetch_related("lti_consumer")
    assert service.lti_consumer.consumer_key == "other key"


async def test_a_launch_without_a_guid_registers():
    await launched()
    assert (await LtiConsumer.get(consumer_key="key")).instance_guid is None


async def test_a_guid_longer_than_its_column_is_cut():
    await launched(instance_guid="g" * 300)
    assert (await LtiConsumer.get(consumer_key="key")).instance_guid == "g" * 255


@pytest.mark.parametrize("key", ["nobody", "KEY", pytest.param("k" * 33, id="longer than any")])
async def test_an_unknown_consumer_is_named_with_what_to_do(key):
    with pytest.raises(RegistrationError, match=r"unknown consumer.*passbackd consumer add"):
        await launch(consumer_key=key)
    with pytest.raises(RegistrationError, match="unknown consumer"):
        await disable(key, "sourcedid", modified_us=NOW_US, now=NOW)


@pytest.mark.parametrize(
    "url",
    [
        "campus.example",
        "/outcomes",
        "ftp://campus.example/",
        "https://",
        "https://campus.example:port/",
        "http://[::1/",
    ],
)
async def test_an_address_that_is_none_is_refused_and_nothing_stored(url):
    with pytest.raises(RegistrationError, match="lis_outcome_service_url: "):
        await launch(lis_outcome_service_url=url)
    assert not await OutcomeService.exists()


async def test_an_address_whose_host_is_longer_than_any_is_refused():
    with pytest.raises(RegistrationError, match="its host is longer than 300 characters"):
        await launch(lis_outcome_service_url=f"https://{'h' * 400}.example/")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTPS://Campus.Example/o", "https://campus.example:443"),
        ("http://campus.example/o", "http://campus.example:80"),
        ("https://campus.example:8443/o", "https://campus.example:8443"),
        ("https://user:pass@[2001:DB8::1]/o", "https://[2001:db8::1]:443"),
    ],
)
async def test_a_service_knows_its_origin(url, origin):
    await launched(lis_outcome_service_url=url)
    assert (await OutcomeService.get()).origin == origin


# --- Disabling ---


async def test_a_disabled_assignment_is_out_of_the_race_once():
    assignment = await launched(columns=CLEAN)
    before = await read_row(assignment)
    assert await disable("key", "sourcedid", modified_us=NOW_US + 1, now=NOW) == "applied"
    assert await read_row(assignment) == before | {"disabled_at": NOW, "registered_us": NOW_US + 1}
    assert await disable("key", "sourcedid", modified_us=NOW_US + 2, now=NOW + 9) == "unchanged"
    assert (await read_row(assignment))["disabled_at"] == NOW


async def test_a_disabling_older_than_the_launch_is_stale():
    assignment = await launched(columns=CLEAN)
    before = await read_row(assignment)
    assert await disable("key", "sourcedid", modified_us=NOW_US - 1, now=NOW) == "stale"
    assert await read_row(assignment) == before


async def test_disabling_takes_every_address_of_that_consumers_sourcedid_and_no_others():
    first, second = await launched(), await launched(lis_outcome_service_url=OTHER_URL)
    others = [await launched(consumer_key="other key"), await launched(lis_result_sourcedid="another")]
    await disable("key", "sourcedid", modified_us=NOW_US, now=NOW)
    rows = {row.id: row.disabled_at for row in await GradedAssignment.all()}
    assert (rows[first], rows[second]) == (NOW, NOW)
    assert [rows[other] for other in others] == [None, None]


@pytest.mark.parametrize("sourcedid", ["another", "SOURCEDID"])
async def test_disabling_a_sourcedid_that_nobody_registered_says_so(sourcedid):
    await launched()
    with pytest.raises(RegistrationError, match="no launch of this consumer registered this sourcedid"):
        await disable("key", sourcedid, modified_us=NOW_US, now=NOW)
    with pytest.raises(RegistrationError, match="no launch of this consumer registered this sourcedid"):
        await disable("other key", "sourcedid", modified_us=NOW_US, now=NOW)


# --- Retiring ---


async def quarantine(entry_id, **columns):
    await QuarantinedEvent.create(epoch=0, entry_id=entry_id, at=NOW, type="unknown", reason="", content=b"", **columns)


async def retired(user_id="learner", *, at=NOW_US):
    async with in_transaction():
        return await retire(user_id, await read_position(), modified_us=at)


async def test_retiring_deletes_everything_about_a_learner_and_nothing_of_others():
    mine = [await launched(), await launched(consumer_key="other key", usage_id="another")]
    theirs = await launched(user_id="another", lis_result_sourcedid="another")
    for token, assignment in enumerate((*mine, theirs)):
        await write_line(assignment, token, at=NOW, attempt=1, version=1, line=Line("accepted", score="0.5"))
    for user in ("learner", "another"):
        await apply_score(user, "course", "block", points=(1, 2), modified_us=NOW_US)
    await quarantine("1-0", user_id="learner")
    await quarantine("2-0", sourcedid_digest=digest("sourcedid"))
    await quarantine("3-0", user_id="another", sourcedid_digest=digest("another"))
    await quarantine("4-0")
    assert await retired() == "applied"
    assert [row.id for row in await GradedAssignment.all()] == [theirs]
    assert [line.assignment_id for line in await Delivery.all()] == [theirs]
    assert [score.user_id for score in await Score.all()] == ["another"]
    assert sorted(event.entry_id for event in await QuarantinedEvent.all()) == ["3-0", "4-0"]


async def test_of_a_retired_learner_a_keyed_digest_and_the_date_remain():
    await retired()
    row = await RetiredUser.get()
    assert (row.digest, row.retired_us) == (digest_of("learner", await read_position()), NOW_US)
    assert "learner" not in row.digest
    assert row.digest != digest("learner")


@pytest.mark.parametrize(("at", "refused"), [(NOW_US - 1, True), (NOW_US, True), (NOW_US + 1, False)])
async def test_events_up_to_the_retirement_are_refused_and_newer_ones_accepted(at, refused):
    await retired()
    position = await read_position()
    assert await is_retired("learner", position, modified_us=at) is refused
    assert not await is_retired("another", position, modified_us=at)


async def test_retiring_somebody_of_whom_nothing_is_known_is_remembered():
    assert await retired("nobody") == "applied"
    assert await is_retired("nobody", await read_position(), modified_us=NOW_US)


async def test_a_repeated_retirement_changes_nothing_and_an_older_one_is_stale():
    await retired()
    assert await retired() == "unchanged"
    assert await retired(at=NOW_US - 1) == "stale"
    assert (await RetiredUser.get()).retired_us == NOW_US


async def test_an_old_retirement_that_comes_late_leaves_newer_data_alone():
    old = await launched(modified_us=NOW_US - 1)
    new = await launched(modified_us=NOW_US + 1, lis_result_sourcedid="another")
    await apply_score("learner", "course", "block", points=(1, 2), modified_us=NOW_US - 1)
    await apply_score("learner", "course", "another", points=(1, 2), modified_us=NOW_US + 1)
    assert await retired() == "applied"
    assert not await GradedAssignment.exists(id=old)
    assert await GradedAssignment.exists(id=new)
    assert [score.usage_id for score in await Score.all()] == ["another"]


async def test_a_learner_who_came_back_can_be_retired_again():
    await retired()
    await launched(modified_us=NOW_US + 1)
    assert await retired(at=NOW_US + 2) == "applied"
    assert not await GradedAssignment.exists()
    assert (await RetiredUser.get()).retired_us == NOW_US + 2


@pytest.mark.parametrize("columns", [{"claimed_until": NOW + 9_000}, {"hold_until": NOW + 9_000}])
async def test_a_request_of_a_displaced_row_that_may_still_land_is_waited_for_and_overwritten(columns):
    await launched(LINKED, columns={**CLEAN, **columns}, lis_result_sourcedid="another")
    owner = await launched(columns=CLEAN, later=1)
    await launch(LINKED, later=2)
    row = await read_row(owner)
    assert (row["hold_until"], row["version_number"], row["forced_version"]) == (NOW + 9_000, 4, 4)

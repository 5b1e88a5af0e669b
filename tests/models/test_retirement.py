"""Disabling stops the grades of a sourcedid; retiring deletes a learner's data. On both databases."""

import pytest
from tortoise.transactions import in_transaction

from models.assignment import GradedAssignment
from models.campus import Campus
from models.consumer import digest
from models.db.database import sqlite_path
from models.delivery import Delivery, DeliveryRecord, write_deliveries
from models.moment import Moment
from models.orphaned_claim import OrphanedClaim
from models.quarantine import QuarantinedEvent
from models.registration import RegistrationError, disable
from models.retired_user import RetiredUser, digest_of, is_retired
from models.retirement import retire, wipe
from models.score import Score
from models.stream_position import read_position
from tests.models.launching import CLAIMED, CLEAN, NOW, NOW_US, OTHER_URL, launched
from tests.models.rows import read_row
from tests.models.scores import apply_score

pytestmark = pytest.mark.usefixtures("two_consumers")


# --- Disabling ---


async def test_an_assignment_is_disabled_once_and_by_nothing_older_than_its_launch():
    assignment = await launched(columns=CLEAN)
    before = await read_row(assignment)
    assert await disable("key", "sourcedid", moment=Moment(NOW_US - 1), now=NOW) == "stale"
    assert await read_row(assignment) == before
    assert await disable("key", "sourcedid", moment=Moment(NOW_US + 1), now=NOW) == "applied"
    assert await read_row(assignment) == before | {"disabled_at": NOW, "registered_us": NOW_US + 1}
    assert await disable("key", "sourcedid", moment=Moment(NOW_US + 2), now=NOW + 9) == "unchanged"
    assert (await read_row(assignment))["disabled_at"] == NOW


async def test_disabling_takes_every_address_of_that_consumers_sourcedid_and_no_others():
    first, second = await launched(), await launched(lis_outcome_service_url=OTHER_URL)
    others = [await launched(consumer_key="other key"), await launched(lis_result_sourcedid="another")]
    await disable("key", "sourcedid", moment=Moment(NOW_US), now=NOW)
    rows = {row.id: row.disabled_at for row in await GradedAssignment.all()}
    assert (rows[first], rows[second]) == (NOW, NOW)
    assert [rows[other] for other in others] == [None, None]


@pytest.mark.parametrize("known", [("key", "another"), ("key", "SOURCEDID"), ("other key", "sourcedid")])
async def test_disabling_a_sourcedid_that_was_never_registered_says_so(known):
    await launched()
    with pytest.raises(RegistrationError, match="no launch of this consumer registered this sourcedid"):
        await disable(*known, moment=Moment(NOW_US), now=NOW)


# --- Retiring ---


async def quarantine(entry_id, **columns):
    await QuarantinedEvent.create(epoch=0, entry_id=entry_id, at=NOW, type="unknown", reason="", content=b"", **columns)


async def retired(user_id="learner", *, at=NOW_US):
    async with in_transaction():
        return await retire(user_id, await read_position(), moment=Moment(at), now=NOW)


async def test_retiring_deletes_everything_about_a_learner_and_nothing_of_others():
    mine = [await launched(lti_user_id="lti learner"), await launched(consumer_key="other key", usage_id="another")]
    theirs = await launched(user_id="another", lis_result_sourcedid="another")
    await write_deliveries(DeliveryRecord(one, 7, NOW, 1, 1, "accepted", score="0.5") for one in (*mine, theirs))
    for user in ("learner", "another"):
        await apply_score(user, "course", "block", points=(1, 2), modified_us=NOW_US)
    await quarantine("1-0", user_id="learner")
    await quarantine("2-0", sourcedid_digest=digest("sourcedid"))
    await quarantine("3-0", user_id="another", sourcedid_digest=digest("another"))
    await quarantine("4-0")
    await quarantine("5-0", lti_user_id="lti learner", consumer_key="key")
    assert await retired() == "applied"
    assert [row.id for row in await GradedAssignment.all()] == [theirs]
    assert [line.assignment_id for line in await Delivery.all()] == [theirs]
    assert [score.user_id for score in await Score.all()] == ["another"]
    assert sorted(event.entry_id for event in await QuarantinedEvent.all()) == ["3-0", "4-0"]


async def test_retiring_deletes_no_event_of_another_campus_that_uses_the_same_names():
    await launched(lti_user_id="lti learner")
    await quarantine("1-0", sourcedid_digest=digest("sourcedid"), consumer_key="other key")
    await quarantine("2-0", lti_user_id="lti learner", consumer_key="other key")
    await quarantine("3-0", sourcedid_digest=digest("sourcedid"), consumer_key="key")
    await retired()
    assert sorted(event.entry_id for event in await QuarantinedEvent.all()) == ["1-0", "2-0"]


async def test_retiring_deletes_what_the_campus_said_last_only_if_it_said_so_to_that_learners_attempt():
    mine = await launched()
    await launched(user_id="another", lis_result_sourcedid="another")
    said = "Ann Lee is not enrolled"
    await write_deliveries([DeliveryRecord(mine, 7, NOW, 1, 1, "refused", description=said)])
    for error, left in (("busy", "busy"), (said, None)):
        await Campus.all().update(last_error=error)
        if error == said:
            await retired()
        assert (await Campus.get()).last_error == left


async def test_a_learner_who_was_retired_is_in_no_byte_of_an_sqlite_file(empty_database):
    name = "learner-5d41402abc4b2a76b9719d911017c592"
    await launched(user_id=name, lti_user_id=name, lis_result_sourcedid=name, context_title=name)
    await apply_score(name, "course", "block", points=(1, 2), modified_us=NOW_US)
    await quarantine("1-0", user_id=name, consumer_key="key")
    await retired(name)
    await wipe()
    path = sqlite_path(empty_database)
    files = [] if path is None else [path, path.with_name(path.name + "-wal")]
    assert all(name.encode() not in file.read_bytes() for file in files if file.exists())


async def test_of_a_retired_learner_a_keyed_digest_and_the_newest_date_remain():
    assert await retired() == "applied"
    row = await RetiredUser.get()
    assert (row.digest, row.retired_us) == (digest_of("learner", await read_position()), NOW_US)
    assert "learner" not in row.digest
    assert row.digest != digest("learner")
    assert await retired() == "unchanged"
    assert await retired(at=NOW_US - 1) == "stale"
    assert (await RetiredUser.get()).retired_us == NOW_US
    await launched(modified_us=NOW_US + 1)
    assert await retired(at=NOW_US + 2) == "applied", "the learner came back"
    assert not await GradedAssignment.exists()
    assert (await RetiredUser.get()).retired_us == NOW_US + 2


@pytest.mark.parametrize(("at", "refused"), [(NOW_US - 1, True), (NOW_US, True), (NOW_US + 1, False)])
async def test_events_up_to_the_retirement_are_refused_and_newer_ones_accepted(at, refused):
    await retired()
    position = await read_position()
    assert await is_retired("learner", position, moment=Moment(at)) is refused
    assert not await is_retired("another", position, moment=Moment(at))


async def test_an_old_retirement_that_comes_late_leaves_newer_data_alone():
    old = await launched(modified_us=NOW_US - 1)
    new = await launched(modified_us=NOW_US + 1, lis_result_sourcedid="another")
    await apply_score("learner", "course", "block", points=(1, 2), modified_us=NOW_US - 1)
    await apply_score("learner", "course", "another", points=(1, 2), modified_us=NOW_US + 1)
    assert await retired() == "applied"
    assert not await GradedAssignment.exists(id=old)
    assert await GradedAssignment.exists(id=new)
    assert [score.usage_id for score in await Score.all()] == ["another"]


async def test_requests_of_a_retired_learner_keep_their_slots_until_their_leases_end():
    await launched(columns=CLAIMED)
    await launched(lis_result_sourcedid="another", columns=CLAIMED | {"claimed_until": NOW})
    await launched(user_id="another", lis_result_sourcedid="theirs", columns=CLAIMED)
    await retired()
    (orphan,) = await OrphanedClaim.all()
    assert (orphan.sourcedid_digest, orphan.claimed_until) == (digest("sourcedid"), NOW + 50_000)


async def test_retiring_deletes_an_assignment_that_was_disabled_since():
    await launched(columns=CLEAN)
    await disable("key", "sourcedid", moment=Moment(NOW_US + 1), now=NOW)
    assert await retired() == "applied"
    assert not await GradedAssignment.exists()

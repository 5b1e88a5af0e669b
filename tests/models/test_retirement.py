"""Retiring deletes a learner's data."""

import random
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from tortoise.transactions import in_transaction

from models.assignment import GradedAssignment
from models.campus import Breaker, Campus, Signal
from models.consumer import digest
from models.db.database import sqlite_path
from models.delivery import Delivery, DeliveryRecord, write_deliveries
from models.disabling import disable
from models.finish import Finish
from models.finishing import finish
from models.moment import Moment
from models.orphaned_claim import OrphanedClaim
from models.quarantine import QuarantinedEvent
from models.rescue import rescue
from models.retired_user import RetiredName, RetiredUser, digest_of, digests_of_names, is_retired, is_retired_name
from models.retirement import is_forgotten, retire, wipe
from models.score import Score
from models.stream_position import read_position
from tests.models.claiming import LATER, LEASE, claimed, record
from tests.models.launching import CLAIMED, CLEAN, NOW, NOW_US, launch, launched
from tests.models.scores import apply_score

pytestmark = pytest.mark.usefixtures("two_consumers")


def keeping_words(breaker: Breaker, signal: Signal) -> Breaker:
    return replace(breaker, last_error=signal.error)


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


@pytest.mark.parametrize("of_mine", [True, False])
async def test_retiring_deletes_what_the_campus_said_to_a_reading_which_leaves_no_record(of_mine):
    mine = await launched()
    await Campus.all().update(last_error="Ann Lee is busy", last_error_of=mine if of_mine else mine + 1)
    await retired()
    assert (await Campus.get()).last_error == (None if of_mine else "Ann Lee is busy")


async def test_what_a_campus_said_of_a_learner_is_gone_once_another_learner_has_the_sourcedid():
    mine = await launched()
    await write_deliveries([DeliveryRecord(mine, 7, NOW, 1, 1, "refused", description="Ann Lee is not enrolled")])
    await Campus.all().update(last_error="Ann Lee is not enrolled", last_error_of=mine)
    assert await launch(user_id="another", later=1) == ("applied", mine)
    assert [(one.description, one.result) for one in await Delivery.all()] == [("", "refused")]
    assert (await Campus.get()).last_error is None


@pytest.mark.parametrize("is_fenced", [False, True])
async def test_what_a_campus_says_of_a_learner_whose_sourcedid_is_anothers_by_then_is_not_kept(is_fenced):
    mine = await launched()
    got = await claimed(mine, now=NOW)
    await launch(user_id="another", later=1)
    if is_fenced:
        await rescue(now=NOW + LEASE)
    words = "Ann Lee is not enrolled"
    signal = Signal("failure", got.address.campus_id, mine, NOW, error=words)
    delivery = record(got, "refused", description=words)
    await finish([Finish(got, "retried", delivery=delivery, signal=signal)], now=LATER, next_breaker=keeping_words)
    assert [(one.description, one.result) for one in await Delivery.all()] == [("", "refused")]
    assert (await Campus.get()).last_error != words


async def test_retiring_deletes_events_by_the_names_that_refused_events_alone_show():
    await quarantine(
        "1-0", user_id="learner", consumer_key="new", lti_user_id="lti learner", sourcedid_digest=digest("sourcedid")
    )
    await quarantine("2-0", consumer_key="new", sourcedid_digest=digest("sourcedid"))
    await quarantine("3-0", consumer_key="new", lti_user_id="lti learner")
    await quarantine("4-0", consumer_key="key", sourcedid_digest=digest("sourcedid"), lti_user_id="lti learner")
    await quarantine("5-0", consumer_key="new", sourcedid_digest=digest("another"), user_id="another")
    await retired()
    assert sorted(event.entry_id for event in await QuarantinedEvent.all()) == ["4-0", "5-0"]


async def test_retiring_deletes_events_with_a_name_that_is_longer_than_what_is_kept_of_it():
    await launched(lti_user_id="l" * 900)
    await quarantine("1-0", lti_user_id="l" * 255, consumer_key="key")
    await retired()
    assert not await QuarantinedEvent.exists()


async def test_older_events_that_name_a_retired_learner_as_a_campus_does_are_known():
    await launched(lti_user_id="lti learner")
    await launched(user_id="another", lis_result_sourcedid="another", lti_user_id="lti another")
    await retired()
    position = await read_position()
    for key, sourcedid, user, at, known in (
        ("key", "sourcedid", None, NOW_US, True),
        ("key", None, "lti learner", NOW_US, True),
        ("key", "sourcedid", "lti another", NOW_US, True),
        ("key", "sourcedid", "lti learner", NOW_US + 1, False),
        ("key", "another", "lti another", NOW_US, False),
        ("key", None, None, NOW_US, False),
        ("other key", "sourcedid", "lti learner", NOW_US, False),
        (None, "sourcedid", "lti learner", NOW_US, False),
    ):
        names = {"sourcedid_digest": sourcedid and digest(sourcedid), "lti_user_id": user}
        digests = digests_of_names(key, **names, position=position)
        assert await is_retired_name(digests, moment=Moment(at)) is known
    kept = str([name.digest for name in await RetiredName.all()])
    assert digest("sourcedid") not in kept


async def test_a_learner_is_forgotten_until_something_is_stored_again():
    assert not await is_forgotten("learner")
    await launched()
    await retired()
    assert await is_forgotten("learner")
    assert not await is_forgotten("another")
    await launched(modified_us=NOW_US + 1)
    assert not await is_forgotten("learner")


async def test_no_learner_of_many_who_were_retired_is_in_any_byte_of_an_sqlite_file(empty_database):
    """SQLite divides and joins pages as rows come, grow and go, and leaves copies behind."""
    numbers = random.Random(1)
    names = [f"learner-{numbers.getrandbits(64):016x}" for _ in range(120)]
    ids = {name: await launched(user_id=name, lis_result_sourcedid=f"{name}-at-campus") for name in names}
    for token in range(60):
        said = [(ids[name], name * numbers.randrange(1, 40)) for name in numbers.sample(names, 60)]
        await write_deliveries(DeliveryRecord(one, token, NOW, 1, 1, "refused", description=text) for one, text in said)
        await write_deliveries(
            DeliveryRecord(one, token, NOW, 1, 1, "refused", description=text * 3) for one, text in said[::7]
        )
    gone = names[::2]
    for name in gone:
        await retired(name)
    await wipe()
    path = sqlite_path(empty_database)
    files = [] if path is None else [path, path.with_name(path.name + "-wal")]
    content = b"".join(file.read_bytes() for file in files if file.exists())
    assert [name for name in gone if name.encode() in content] == []
    assert path is None or all(name.encode() in content for name in names[1::2])


async def test_a_database_that_another_process_reads_is_wiped_by_a_later_call(empty_database):
    path = sqlite_path(empty_database)
    if path is None:
        await wipe(at_once=True)
        return
    name = "learner-5d41402abc4b2a76b9719d911017c592"
    await launched(user_id=name)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN").execute("SELECT * FROM graded_assignment").fetchone()
        await retired(name)
        await wipe(at_once=True)
    await wipe(at_once=True)
    files = (path, path.with_name(path.name + "-wal"))
    assert all(name.encode() not in file.read_bytes() for file in files if file.exists())


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

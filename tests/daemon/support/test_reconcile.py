"""Each mismatch at a campus is found, and only what the operator chose is sent again."""

import asyncio

import pytest

from daemon.support.reconcile import MAX_UNREADABLE, SLOT_TIMEOUT, reconcile
from models.campus import Campus
from models.claims import claim
from models.consumer import LtiConsumer
from models.db.sql import Statement
from models.delivery import DeliveryRecord, write_deliveries
from models.queries.reconcile import PAGE
from tests.actors.campuses import known
from tests.daemon.support.grades import ALL, CLEAN, HELD, NONE, OLD, acknowledged
from tests.fakes.lms import answer, failure, pox, success
from tests.models.rows import make_assignment, read_row

#: Where the clock moves during a request, so that no other is on its way.
one_slot = pytest.mark.parametrize("sending", [1], indirect=True)


async def versions(ids):
    return {name: (await read_row(number))["version_number"] for name, number in ids.items()}


def found(report):
    return {one.acknowledged.user_id: (one.finding, one.held, one.marked) for one in report.mismatches}


async def test_each_mismatch_is_found_and_nothing_is_changed(reader, ids, lms):
    steps = []
    (report,) = await reconcile(ALL, reader, progress=lambda done, of: steps.append((done, of)))
    assert report.counts == NONE | dict.fromkeys(HELD, 1)
    assert found(report) == {
        "empty": ("empty", "", False),
        "outdated": ("outdated", OLD, False),
        "modified": ("modified", "0.9", False),
        "unreadable": ("unreadable", "A+", False),
    }
    assert report.skipped == {}
    assert set((await versions(ids)).values()) == {2}
    assert all(record.reads for record in lms.requests)
    assert steps == [(done, 5) for done in range(6)]


@pytest.mark.parametrize("fix", [{"empty", "outdated"}, {"modified"}, {"empty", "outdated", "modified"}])
async def test_only_what_the_operator_chose_is_sent_again(reader, ids, fix):
    (report,) = await reconcile(ALL, reader, fix=fix)
    assert {name for name, version in (await versions(ids)).items() if version == 3} == fix
    assert {name for name, (_, _, marked) in found(report).items() if marked} == fix
    assert report.marked == len(fix)


async def test_a_grade_that_changed_while_it_was_read_is_no_mismatch_and_not_forced(reader, ids, lms):
    go_on = asyncio.Event()
    lms.behave = lambda record: success(hold=go_on) if record.sourcedid == "empty" else success()
    run = asyncio.create_task(reconcile(ALL, reader, fix={"empty"}))
    await lms.until(lambda: any(record.sourcedid == "empty" for record in lms.requests))
    await Statement("UPDATE graded_assignment SET version_number = 7 WHERE id = :id").rows(id=ids["empty"])
    go_on.set()
    (report,) = await run
    assert report.counts["empty"] == 0
    assert report.skipped == {"on its way": 1}
    assert (await read_row(ids["empty"]))["forced_version"] == 0


async def test_a_grade_that_was_taken_back_is_no_mismatch_and_one_after_it_is_compared_with_scores_alone(
    reader, campus, lms
):
    cleared = await make_assignment(campus, **{**CLEAN, "sent_score": None}, lis_result_sourcedid="cleared")
    after = await make_assignment(campus, **CLEAN, lis_result_sourcedid="after", user_id="after")
    await write_deliveries(DeliveryRecord(one, 1, 1, 1, 1, "accepted", score="") for one in (cleared, after))
    lms.gradebook["/outcomes", "after"] = "0.9"
    (report,) = await reconcile(ALL, reader, fix={"empty", "outdated"})
    assert found(report) == {"after": ("modified", "0.9", False)}
    assert report.skipped == {"nothing to send": 1}


async def test_platforms_whose_launches_did_not_offer_it_are_left_with_that_reason(reader, campus, lms):
    await acknowledged(campus, MAX_UNREADABLE + 5)
    await LtiConsumer.all().update(issuer="https://lms.example.edu")
    (report,) = await reconcile(ALL, reader)
    why = "its launches did not offer the scope result.readonly"
    assert {one.why for one in report.mismatches} == {why}
    assert report.left == f"{MAX_UNREADABLE} answers one after the other held no score: {why}"
    assert lms.requests == []


async def test_an_assignment_that_goes_while_it_waits_is_skipped_alone(reader, campus, lms):
    ids = await acknowledged(campus, 12)
    go_on = asyncio.Event()
    lms.behave = lambda _: success(hold=go_on)
    run = asyncio.create_task(reconcile(ALL, reader))
    await lms.until(lambda: lms.requests)
    await Statement("DELETE FROM graded_assignment WHERE id = :id RETURNING id").rows(id=ids[-1])
    go_on.set()
    (report,) = await run
    assert (report.skipped, report.counts["empty"]) == ({"gone meanwhile": 1}, 11)


async def test_a_campus_that_shows_no_score_is_left_after_some_readings(reader, campus, lms):
    lms.behave = lambda _: failure("not supported", code_major="unsupported")
    many = MAX_UNREADABLE + PAGE
    await acknowledged(campus, many)
    (report,) = await reconcile(ALL, reader)
    assert MAX_UNREADABLE <= report.counts["unreadable"] < many
    said = "HTTP 200, unsupported: not supported"
    why = f"{MAX_UNREADABLE} answers one after the other held no score: {said}"
    assert report.skipped == {why: many - report.counts["unreadable"]}
    assert len(lms.requests) == report.counts["unreadable"]


async def test_a_campus_that_is_down_or_paused_is_not_asked(reader, ids, lms, sending, campus):
    until = sending.now + 15_000
    await known(campus, tripped_at=sending.now, blocked_until=until, last_error="HTTP 500: broken")
    (report,) = await reconcile(ALL, reader)
    assert report.skipped == {"the campus is down: HTTP 500: broken": len(ids)}
    await LtiConsumer.filter(id=campus.lti_consumer_id).update(paused_at=1)
    (report,) = await reconcile(ALL, reader)
    assert report.skipped == {"paused by the operator": len(ids)}
    assert lms.requests == []


async def test_a_busy_campus_is_waited_for(reader, ids, lms, sending, campus):
    await known(campus, throttled_at=sending.now, blocked_until=sending.now + 60_000, last_error="busy")
    run = asyncio.create_task(reconcile(ALL, reader))
    await asyncio.sleep(0.05)
    assert not run.done()
    sending.tick(60)
    (report,) = await run
    assert report.counts["equal"] == 1
    assert len(lms.requests) == len(ids)


@one_slot
async def test_a_campus_that_stays_busy_is_left(reader, ids, lms, sending):
    def busy(_record):
        sending.tick(SLOT_TIMEOUT + 1)
        return answer(429, b"slow down", headers={"Retry-After": "600"})

    lms.behave = busy
    (report,) = await reconcile(ALL, reader)
    assert len(lms.requests) == 1
    assert report.skipped == {"HTTP 429: slow down": len(ids)}
    assert report.counts == NONE


async def test_a_lost_database_ends_it_with_its_own_error(reader, ids):
    def lost(done, _of):
        if done:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await reconcile(ALL, reader, progress=lost)


async def test_learners_and_courses_that_are_gone_hide_no_others(reader, campus, lms):
    gone = MAX_UNREADABLE + 5
    lms.behave = lambda record: failure("User not found") if record.number < gone else success()
    await acknowledged(campus, gone + 10)
    (report,) = await reconcile(ALL, reader)
    assert (report.counts["gone"], report.counts["empty"]) == (gone, 10)
    assert report.left == ""


@one_slot
async def test_a_campus_that_answers_now_and_then_is_not_left(reader, campus, lms, sending):
    await acknowledged(campus, 5)

    def rest(_record):
        sending.tick(SLOT_TIMEOUT * 0.9)
        return success()

    lms.behave = rest
    (report,) = await reconcile(ALL, reader)
    assert report.counts["empty"] == 5
    assert report.left == ""


async def test_a_campus_that_repeats_a_nonce_as_its_grade_does_not_get_it_shown(reader, campus, lms):
    await acknowledged(campus, 1)
    lms.behave = lambda record: success(body=pox("success", held=record.nonce))
    (report,) = await reconcile(ALL, reader)
    assert report.counts["unreadable"] == 1
    assert lms.requests[0].nonce not in str(report)


@one_slot
async def test_a_campus_whose_only_slot_a_daemon_keeps_is_left(reader, campus, lms, sending):
    await acknowledged(campus, 1)
    sent = await make_assignment(campus, lis_result_sourcedid="being sent")
    assert len(await claim([sent], sending.dependencies.lease(), most=1)) == 1
    run = asyncio.create_task(reconcile(ALL, reader))
    while not run.done():
        sending.tick(SLOT_TIMEOUT)
        await asyncio.sleep(0.02)
    (report,) = await run
    assert report.left == "all its slots are taken"
    assert report.skipped["all its slots are taken"] == 1
    assert lms.requests == []


async def test_senders_leave_a_slot_to_readings_until_the_reservation_ends(reader, ids, campus, sending):
    await reconcile(ALL, reader)
    due = [await make_assignment(campus, lis_result_sourcedid=f"due {number}") for number in range(2)]
    assert len(await claim(due, sending.dependencies.lease(), most=2)) == 1
    sending.tick(1 + ((await Campus.get(id=campus.campus_id)).reading_until - sending.now) / 1000)
    assert len(await claim(due, sending.dependencies.lease(), most=2)) == 1

"""What a campus keeps, rounds or no longer knows differs from what it lost, and is not sent for ever."""

import pytest

from daemon.support.reconcile import reconcile
from models.clock_watch import ClockWatch
from models.db.sql import Statement
from models.delivery import DeliveryRecord, write_deliveries
from tests.actors.sending import PATH
from tests.daemon.support.grades import ALL, CLEAN, NEW, OLD, acknowledged
from tests.fakes.lms import failure, pox, success
from tests.models.rows import make_assignment, read_row

ALL_FIXES = ("empty", "outdated", "modified")


@pytest.mark.parametrize(
    ("held", "first", "why"),
    [
        ("0.25", "outdated", "still shows 0.25: a teacher's override, or a penalty of its own; it is not sent again"),
        ("0.9", "modified", "still shows 0.9: it keeps the best, or a teacher's override; it is not sent again"),
        (None, "empty", "still shows no grade: it hides or drops it; it is not sent again"),
    ],
)
async def test_what_a_campus_shows_again_though_it_took_the_grade_anew_is_not_sent_a_third_time(
    reader, campus, lms, held, first, why, sending
):
    (one,) = await acknowledged(campus, 1)
    record = DeliveryRecord(one, 1, at=1, attempt=1, version=1, result="accepted", score=OLD)
    await write_deliveries([record])
    lms.behave = lambda _: success(body=pox("success", held=held or ""))
    for finding, marked, version in ((first, True, 3), ("kept", False, 3)):
        (report,) = await reconcile(ALL, reader, fix=ALL_FIXES)
        (mismatch,) = report.mismatches
        assert (mismatch.finding, mismatch.marked, report.counts[finding]) == (finding, marked, 1)
        assert (await read_row(one))["version_number"] == version
        # It is sent, and acknowledged.
        await Statement("UPDATE graded_assignment SET sent_version = version_number WHERE id = :id").rows(id=one)
    assert mismatch.why == f"the campus took {NEW} and {why}"
    assert report.is_failure
    lms.behave = lambda _: success(body=pox("success", held=NEW))
    (report,) = await reconcile(ALL, reader)
    assert (report.counts["equal"], report.is_failure) == (1, False)
    lms.behave = lambda _: success(body=pox("success", held=held or ""))
    (report,) = await reconcile(ALL, reader)
    assert report.counts[first] == 1, "it was there meanwhile, so that it has been lost anew"


async def test_a_scale_of_the_campuss_own_is_no_change_and_is_not_sent_again(reader, campus, lms):
    sent = {"a": ("0.7", "1"), "b": ("0.3", "0"), "c": ("0.9", "1")}
    for name, (score, held) in sent.items():
        columns = CLEAN | {"sent_score": score, "usage_id": "passed or failed"}
        await make_assignment(campus, **columns, lis_result_sourcedid=name)
        lms.gradebook[PATH.partition("?")[0], name] = held
    await make_assignment(campus, **CLEAN | {"sent_score": "0.7"}, lis_result_sourcedid="d", usage_id="parts")
    await make_assignment(campus, **CLEAN, lis_result_sourcedid="e", usage_id="parts")
    lms.gradebook[PATH.partition("?")[0], "d"] = "1"
    lms.gradebook[PATH.partition("?")[0], "e"] = NEW
    (report,) = await reconcile(ALL, reader, fix=ALL_FIXES)
    assert (report.counts["rounded"], report.counts["equal"], report.counts["modified"]) == (3, 1, 1)
    assert report.marked == 1


async def test_a_learner_who_has_left_is_no_failure(reader, campus, lms):
    await acknowledged(campus, 2)
    lms.gradebook[PATH.partition("?")[0], "s0"] = NEW
    lms.behave = lambda record: failure("User not found") if record.sourcedid == "s1" else success()
    (report,) = await reconcile(ALL, reader, fix=ALL_FIXES)
    assert (report.counts["equal"], report.counts["gone"], report.is_failure) == (1, 1, False)
    assert "User not found" in report.mismatches[0].why


async def test_a_step_of_the_databases_clock_does_not_end_it(reader, ids):
    await ClockWatch.create(id=1, seen_at=reader.clock.now(), steps=1)
    (report,) = await reconcile(ALL, reader, fix={"empty"})
    assert (report.left, report.marked, reader.clock.steps) == ("", 1, 1)

"""Grades that another system sent before passbackd count as delivered, and nothing else does."""

import asyncio
from collections import Counter

import pytest
from tortoise.transactions import in_transaction

from daemon.support.baseline import baseline
from daemon.support.reconcile import reconcile
from models.assignment import GradedAssignment
from models.campus import Campus
from models.changes import Change, Debounce, change
from models.consumer import LtiConsumer
from models.course import CourseStructure, LearnerStructure
from models.course_tree import Tree, canonical, packed
from models.db.sql import CHUNK, Statement
from models.delivery import DeliveryRecord, write_deliveries
from models.queries.baseline import TakenOver, not_paused, take_over
from models.queries.filter import AssignmentFilter
from models.queries.resend import mark
from models.score import ScoreChange, apply_scores
from tests.daemon.support.grades import ALL
from tests.models.rows import make_assignment, make_service, read_lines, read_row

NOW, BEFORE = 2_000_000_000, 1_000
OLD, NEW = BEFORE - 1, BEFORE
#: When the other system went back to work.
RETURN = BEFORE - 1
DEBOUNCE = Debounce(delay_ms=0, ceiling_ms=0)


@pytest.fixture
async def paused(empty_database):
    service = await make_service()
    await LtiConsumer.all().update(paused_at=1)
    return service


async def scored(user_id, usage_id, earned, at=OLD, *, possible=10, cleared=False):
    await apply_scores([ScoreChange(user_id, "course", usage_id, earned, possible, at, cleared=cleared)])


async def assignment(user_id, earned=None, at=OLD, usage_id="problem", **columns):
    if earned is not None:
        await scored(user_id, usage_id, earned, at)
    return await make_assignment(user_id=user_id, course_id="course", usage_id=usage_id, **columns)


async def run(wanted=ALL, *, dry_run=False, before_us=BEFORE, since_us=None):
    given = {"since_us": since_us, "before_us": before_us, "now": lambda: NOW, "dry_run": dry_run, "found": Counter()}
    return {fate: number for fate, number in (await baseline(wanted, **given)).items() if number}


async def is_dirty(number):
    row = await read_row(number)
    return row["version_number"] > row["sent_version"]


async def test_only_an_older_grade_that_was_never_tried_counts_as_delivered_once_and_with_a_record(paused):
    await Campus.all().update(clock_offset=7)
    old = await assignment("old", 5, version_number=3, entry_id="9-0", pending_since=4, changed_at=1, waiting_since=5)
    cut = await assignment("cut", 15)
    caught_up = await assignment("caught up", 5, forced_version=1, ordered_version=1)
    left = {
        "newer": await assignment("newer", 5, NEW),
        "nothing": await assignment("nothing"),
        "cleared": await assignment("cleared", 0, cleared := OLD),
        "unknown": await assignment("unknown", 5, usage_id="elsewhere"),
        "claimed": await assignment("claimed", 5, claimed_until=NOW + 9, claim_token=3),
        "in doubt": await assignment("in doubt", 5, hold_until=1),
        "refused": await assignment("refused", 5),
        "parked": await assignment("parked", 5, parked_at=1, parked_scope="campus", parked_reason="no"),
        "sent": await assignment("sent", 5, version_number=4, sent_version=3, sent_score="0.4", sent_at=1),
        "off": await assignment("off", 5, disabled_at=1),
        "clean": await assignment("clean", 5, version_number=3, sent_version=3, sent_score="0.5", sent_at=1),
    }
    await apply_scores([ScoreChange("cleared", "course", "problem", 0, 0, cleared, cleared=True)])
    await make_assignment(user_id="unknown", course_id="course", usage_id="unit")
    await write_deliveries([DeliveryRecord(left["refused"], 1, 1, 1, 1, "retried", score="0.5")])
    before = {name: await read_row(number) for name, number in left.items()} | {"old": await read_row(old)}
    counts = {"taken": 4, "newer": 1, "no score": 2, "waiting": 1, "tried": 5, "settled": 1, "disabled": 1}
    assert await run(dry_run=True) == counts
    assert await read_row(old) == before["old"], "a dry run changes nothing"
    assert await read_lines(old) == []

    assert await run() == counts
    row = await read_row(old)
    changed = {name: value for name, value in row.items() if value != before["old"][name]}
    stamp = NOW // 1000 + 7
    assert changed == {
        "sent_version": 3, "sent_score": "0.5", "pending_since": None, "waiting_since": None, "stamp": stamp
    }  # fmt: skip
    (line,) = await read_lines(old)
    assert (line["result"], line["version"], line["score"], line["entry_id"]) == ("baseline", 3, "0.5", "9-0")
    assert (line["at"], line["http_status"], line["clamped"]) == (NOW, None, 0)
    assert [(one["score"], bool(one["clamped"])) for one in await read_lines(cut)] == [("1", True)]
    assert not await is_dirty(caught_up), "its daemon was started anew while it was imported"
    del before["old"], before["unknown"]
    assert {name: await read_row(left[name]) for name in before} == before
    again = await run()
    assert (again.get("taken", 0), again["settled"], len(await read_lines(old))) == (0, 5, 1)


async def test_what_was_sent_before_the_way_back_counts_as_delivered_only_where_that_is_said(paused):
    sent = {"version_number": 4, "sent_version": 3, "sent_score": "0.4", "sent_at": 1}
    rows = {
        name: await assignment(name, 5, {"newer": NEW, "older": RETURN - 1}.get(name, OLD), **sent | more)
        for name, more in {
            "acknowledged": {},
            "newer": {},
            "older": {},
            "tried since": {},
            "ordered": {"ordered_version": 4, "forced_version": 4},
            "parked": {"parked_at": 1, "parked_scope": "campus", "parked_reason": "no"},
            "in doubt": {"hold_until": 1},
            "claimed": {"claimed_until": NOW + 9, "claim_token": 3},
        }.items()
    }
    await write_deliveries([DeliveryRecord(rows["acknowledged"], 1, 1, 1, 3, "sent", score="0.4")])
    await write_deliveries([DeliveryRecord(rows["tried since"], 1, 1, 1, 4, "retried", score="0.5")])
    assert await run() == {"tried": 8}
    assert await run(since_us=RETURN, dry_run=True) == {"taken": 1, "newer": 1, "older": 1, "tried": 5}
    assert await run(since_us=RETURN) == {"taken": 1, "newer": 1, "older": 1, "tried": 5}
    row = await read_row(rows["acknowledged"])
    assert (row["sent_version"], row["sent_score"], row["sent_at"]) == (4, "0.5", None)
    assert [one["result"] for one in await read_lines(rows["acknowledged"])] == ["sent", "baseline"]
    assert await run(since_us=RETURN) == {"newer": 1, "older": 1, "tried": 5, "settled": 1}


async def test_a_score_that_was_stored_again_is_as_old_as_its_points(paused):
    """An Open edX site dates a problem anew that is only opened."""
    for user_id, earned in {"opened": 5, "better": 6, "twice": 6, "late": 5}.items():
        row = await assignment(user_id, 5, OLD - 1)
        await scored(user_id, "problem", earned, NEW + 1)
        if user_id == "twice":
            await scored(user_id, "problem", 5, NEW + 2)
            await scored(user_id, "problem", 5, NEW + 3)
        if user_id == "late":
            # It came after what is newer, so that the points were others meanwhile.
            await scored(user_id, "problem", 4, OLD)
            await scored(user_id, "problem", 5, NEW + 4)
        assert row
    await assignment("never opened before", 5, NEW)
    await scored("never opened before", "problem", 5, NEW + 1)
    assert await run() == {"taken": 1, "newer": 4}


async def test_the_grade_of_a_block_is_by_the_tree_that_counts_for_its_learner_and_all_below_it_has_to_be_older(paused):
    common = Tree([("course", None, None), ("unit", "course", None), ("a", "unit", 10), ("b", "unit", 10)])
    own = Tree([("course", None, None), ("unit", "course", None), ("a", "unit", 10)])
    await CourseStructure.create(course_id="course", version=1, digest="1" * 64, blocks=canonical(common)[0])
    text = packed(own)
    for user_id in ("own", "later"):
        await LearnerStructure.create(
            user_id=user_id, course_id="course", version=1, modified_us=1, digest="2" * 64, blocks=text, size=len(text)
        )
    rows = {}
    for user_id, b_at in (("own", NEW), ("common", OLD), ("later", OLD), ("newer", NEW)):
        await scored(user_id, "a", 5, NEW if user_id == "later" else OLD)
        await scored(user_id, "b", 2, b_at)
        rows[user_id] = await assignment(user_id, usage_id="unit", composite=True)
    assert await run() == {"taken": 2, "newer": 2}
    assert {user_id: (await read_row(row))["sent_score"] for user_id, row in rows.items()} == {
        "own": "0.5",
        "common": "0.35",
        "later": None,
        "newer": None,
    }


async def test_what_changes_after_it_was_read_is_not_taken_over(paused):
    """A score that comes meanwhile, an attempt, or a consumer that is resumed."""
    rows = {name: await assignment(name, 5) for name in ("scored", "tried", "claimed", "left")}
    taken = [TakenOver(row, 1, "0.5", clamped=False) for row in rows.values()]
    await change([Change(rows["scored"], "leaf")], now=NOW, debounce=DEBOUNCE)
    await write_deliveries([DeliveryRecord(rows["tried"], 1, 1, 1, 1, "ambiguous")])
    await Statement("UPDATE graded_assignment SET claimed_until = 9 WHERE id = :id").rows(id=rows["claimed"])
    assert await take_over(taken, now=NOW) == 1
    assert not await is_dirty(rows["left"])
    assert all([await is_dirty(rows[name]) for name in ("scored", "tried", "claimed")])
    late = await assignment("late", 5)
    await LtiConsumer.all().update(paused_at=None)
    assert await take_over([TakenOver(late, 1, "0.5", clamped=False)], now=NOW) == 0
    assert await is_dirty(late)


async def test_a_score_that_comes_while_it_runs_wins(paused):
    """Of many learners each, whichever of the two comes first at a row."""
    rows = [await assignment(f"learner {number}", 5) for number in range(40)]

    async def intake():
        for number, row in reversed(list(enumerate(rows))):
            async with in_transaction():
                await change([Change(row, "leaf")], now=NOW, debounce=DEBOUNCE)
                await scored(f"learner {number}", "problem", 9, NEW)

    found, _ = await asyncio.gather(run(), intake())
    assert found.get("taken", 0) + found.get("changed", 0) + found.get("newer", 0) == len(rows)
    assert all([await is_dirty(row) for row in rows])


async def test_a_later_score_is_sent_as_usual_and_an_order_sends_what_was_taken_over(paused):
    row = await assignment("ada", 5)
    await run()
    assert await mark(ALL, first=row, last=row, now=NOW, force=True) == 1
    after = await read_row(row)
    assert (after["version_number"], after["forced_version"], after["sent_version"]) == (2, 2, 1)
    await Statement("UPDATE graded_assignment SET version_number = 1, forced_version = 0, ordered_version = 0").rows()
    await change([Change(row, "leaf")], now=NOW, debounce=DEBOUNCE)
    assert await is_dirty(row)
    assert await run(before_us=NEW * 9) == {"tried": 1}


async def test_selections_hold_only_paused_consumers_chunk_after_chunk(paused):
    await assignment("ada", 5)
    first = await GradedAssignment.get()
    copies = [first.clone(pk=None) for _ in range(CHUNK)]
    for number, copy in enumerate(copies):
        copy.sourcedid_digest = f"{number:064}"
    await GradedAssignment.bulk_create(copies)
    other = await make_service("other")
    physics = await make_assignment(other, user_id="ada", course_id="physics", usage_id="problem")
    asked = {
        "all": ALL,
        "course": AssignmentFilter(course_id="course"),
        "physics": AssignmentFilter(course_id="physics"),
    }
    asked["other"] = AssignmentFilter(consumer_id=other.lti_consumer_id)
    found = {name: [one.key for one in await not_paused(wanted)] for name, wanted in asked.items()}
    assert found == {"all": ["other"], "course": [], "physics": ["other"], "other": ["other"]}
    assert await run(asked["course"]) == {"taken": CHUNK + 1}
    assert await is_dirty(physics)


async def test_reconcile_finds_what_the_system_before_lost(reader, campus, lms):
    for name, held in (("held", "0.5"), ("lost", None), ("by hand", "0.9")):
        await assignment(name, 5, lis_result_sourcedid=name)
        if held is not None:
            lms.gradebook["/outcomes", name] = held
    await LtiConsumer.all().update(paused_at=1)
    assert await run() == {"taken": 3}
    await LtiConsumer.all().update(paused_at=None)
    (report,) = await reconcile(ALL, reader, fix={"empty", "outdated"})
    assert {one.acknowledged.user_id: (one.finding, one.marked) for one in report.mismatches} == {
        "lost": ("empty", True),
        "by hand": ("modified", False),
    }

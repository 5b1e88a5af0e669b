"""What a resend would do with each grade, without doing it."""

import pytest

from actors.protocols.interface import CLEARED
from daemon.support.preview import preview
from models.db.sql import CHUNK
from models.queries.filter import AssignmentFilter
from models.queries.resend import MAX_SHOWN
from models.score import ScoreChange, apply_scores
from tests.models.rows import make_assignment, read_row

ALL = AssignmentFilter()
SENT = {"version_number": 3, "sent_version": 3, "sent_score": "0.5", "sent_at": 5}

pytestmark = pytest.mark.usefixtures("empty_database")


async def assignment(user_id, earned=None, **columns):
    if earned is not None:
        await apply_scores([ScoreChange(user_id, "course", "problem", earned, 10, 1)])
    return await make_assignment(user_id=user_id, course_id="course", usage_id="problem", **columns)


async def fates(**options):
    seen = await preview(ALL, **({"skips_equal": True} | options))
    return {row: fate for row, (fate, _) in seen.first.items()}, dict(seen.counts)


async def test_an_equal_score_is_skipped_and_one_without_a_grade_has_none_to_send():
    equal = await assignment("equal", 5, **SENT)
    newer = await assignment("newer", 6, **SENT)
    first = await assignment("first", 5)
    nothing = await assignment("nothing")
    off = await assignment("off", 6, **SENT, disabled_at=5)
    assert await fates() == (
        {equal: "equal", newer: "sent", first: "sent", nothing: "none"},
        {"equal": 1, "sent": 2, "none": 1},
    )
    assert off not in (await preview(ALL, skips_equal=True)).first
    assert (await read_row(equal))["version_number"] == 3, "nothing was changed"


async def test_an_equal_score_would_be_sent_by_force_or_where_an_attempt_was_in_doubt():
    row = await assignment("ada", 5, **SENT)
    assert await fates(skips_equal=False) == ({row: "sent"}, {"sent": 1})
    doubtful = await assignment("bob", 5, **SENT | {"forced_version": 4})
    assert await fates() == ({row: "equal", doubtful: "sent"}, {"equal": 1, "sent": 1})


async def test_a_score_that_was_taken_back_is_cleared_where_the_campus_holds_one_and_by_force_where_it_has_held_one():
    held = await assignment("held", 5, **SENT)
    never = await assignment("never", 5, version_number=3, sent_version=3)
    doubtful = await assignment("doubtful", 5, version_number=3, sent_version=2, forced_version=3)
    once = await assignment("once", 5, version_number=3, sent_version=3, sent_at=7)
    for user in ("held", "never", "doubtful", "once"):
        await apply_scores([ScoreChange(user, "course", "problem", 0, 0, 2, cleared=True)])
    assert await fates() == (
        {held: "sent", never: "none", doubtful: "sent", once: "none"},
        {"sent": 2, "none": 2},
    )
    assert await fates(force=True) == (
        {held: "sent", never: "none", doubtful: "sent", once: "sent"},
        {"sent": 3, "none": 1},
    )
    assert (await preview(ALL, skips_equal=True)).first[held] == ("sent", CLEARED)


async def test_the_first_ones_have_their_score_as_it_would_be_written():
    row = await assignment("ada", 2.5)
    assert (await preview(ALL, skips_equal=True)).first == {row: ("sent", "0.25")}


async def test_chunk_after_chunk_is_counted_and_reported():
    await apply_scores([ScoreChange("ada", "course", "problem", 5, 10, 1)])
    for _ in range(CHUNK + 2):
        await make_assignment(user_id="ada", course_id="course", usage_id="problem")
    steps = []
    seen = await preview(ALL, skips_equal=True, advance=steps.append)
    assert (seen.counts["sent"], len(seen.first), steps) == (CHUNK + 2, MAX_SHOWN, [CHUNK, 2])

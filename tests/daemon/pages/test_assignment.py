"""The page of an assignment: its campus is asked, and its grade is sent again."""

import time

import pytest

from models.action import actions, record_action
from models.assignment import GradedAssignment
from models.queries.grades import MAX_GRADES
from tests.actors.conftest import campus, lms
from tests.actors.sending import PATH
from tests.conftest import shared_url
from tests.daemon.why.situations import SITUATIONS
from tests.daemon.why.story import NOW, Story
from tests.models.rows import make_assignment

__all__ = ["campus", "lms", "shared_url"]

CLEAN = {"version_number": 2, "sent_version": 2, "sent_score": "0.5", "sent_at": NOW - 60_000, "due_at": 1}


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ("0.5", "Asked now, the campus shows 0.5, as it acknowledged."),
        (None, "Asked now, the campus shows no grade, though it acknowledged 0.5"),
    ],
)
async def test_the_campus_is_asked_what_it_shows_and_nothing_is_sent(ben, clock, campus, lms, held, words):
    # The campus takes no signature of another time.
    clock.ms = int(time.time() * 1000)
    await ben.be("ben", at=clock.ms)
    row = await make_assignment(campus, **CLEAN, lis_result_sourcedid="cell")
    if held is not None:
        lms.gradebook[PATH.partition("?")[0], "cell"] = held
    await ben.get(f"/assignments/{row}")
    status, _ = await ben.post(f"/assignments/{row}/ask")
    assert status == 200
    assert words in ben.words
    assert lms.scores("cell") == []
    assert await actions() == []


async def test_each_of_more_grades_than_are_read_at_once_has_its_page(ben):
    rows = [
        await make_assignment(**CLEAN, user_id="ada", lis_result_sourcedid=str(number))
        for number in range(MAX_GRADES + 1)
    ]
    for row in (rows[0], rows[-1]):
        assert (await ben.get(f"/assignments/{row}"))[0] == 200
    assert (await ben.get(f"/assignments/{rows[-1] + 1}"))[0] == 404


async def test_a_grade_that_is_parked_is_sent_again(ben):
    await SITUATIONS["parked_for_the_course"](Story())
    row = await GradedAssignment.filter(parked_at__isnull=False).first()
    await ben.get(f"/assignments/{row.id}")
    assert (await ben.post(f"/assignments/{row.id}/resend"))[0] == 303
    await row.refresh_from_db()
    assert row.parked_at is None
    await ben.get(ben.answer.headers["Location"])
    assert "parked" not in [cell.text_content() for cell in ben.page.xpath("//main//strong")]


async def test_who_had_a_grade_sent_again_is_on_its_line_of_time_and_on_no_other(ben):
    await SITUATIONS["parked_for_the_course"](Story())
    row = await GradedAssignment.filter(parked_at__isnull=False).first()
    await record_action("resend", {"assignment": row.id * 10}, {"marked": 9}, account="x", host="", now=NOW)
    await ben.get(f"/assignments/{row.id}")
    await ben.change(f"/assignments/{row.id}/resend")
    line = " ".join(one.text_content() for one in ben.page.xpath("//ol[@class='timeline']/li"))
    assert "ben (web): resend, matched 1, marked 1" in line
    assert "marked 9" not in line


async def test_a_resend_of_several_of_its_course_is_on_its_line_of_time(ben):
    await SITUATIONS["parked_for_the_course"](Story())
    row = await GradedAssignment.filter(parked_at__isnull=False).first()
    for account, selection in {
        "of it": {"course": row.course_id, "consumer": "example", "parked": True, "example": 999},
        "other activity": {"course": row.course_id, "usage": "another"},
        "other campus": {"course": row.course_id, "consumer": "other"},
        "other learner": {"course": row.course_id, "user": "another"},
        "other course": {"course": f"{row.course_id} 2"},
        "other grades": {"course": row.course_id, "assignments": [row.id * 10]},
    }.items():
        await record_action("resend", selection, {"marked": 12}, account=account, host="", now=NOW)
    await ben.get(f"/assignments/{row.id}")
    line = " ".join(one.text_content() for one in ben.page.xpath("//ol[@class='timeline']/li"))
    of_several = "of it: resend of several, of which this may be one: course physics, consumer example, parked true"
    assert f"{of_several}, example 999; marked 12" in line
    assert "other " not in line


@pytest.mark.parametrize(("situation", "offered"), [("nothing_attempted", False), ("sent", True), ("retrying", True)])
async def test_a_grade_is_sent_again_where_there_is_one(ben, situation, offered):
    await SITUATIONS[situation](Story())
    row = await GradedAssignment.first()
    await ben.get(f"/assignments/{row.id}")
    assert bool(ben.page.xpath("//form[contains(@action, 'resend')]")) == offered


async def test_a_grade_that_a_campus_has_overruled_is_sent_again_with_a_warning(ben):
    await SITUATIONS["overruled"](Story())
    row = await GradedAssignment.first()
    await ben.get(f"/assignments/{row.id}")
    (form,) = ben.page.xpath("//form[contains(@action, 'resend')]")
    assert "this one may replace it" in form.text_content()


async def test_an_activity_that_is_switched_off_has_no_grade_to_send(ben):
    await SITUATIONS["switched_off"](Story())
    row = await GradedAssignment.filter(disabled_at__isnull=False).first()
    await ben.get(f"/assignments/{row.id}")
    assert not ben.page.xpath("//form[contains(@action, 'resend')]")
    status, _ = await ben.post(f"/assignments/{row.id}/resend")
    assert (status, "switched this activity off" in ben.words) == (409, True)
    assert await actions() == []

"""Having grades of a course sent again: exactly those that are ticked, or all that the filter shows."""

import pytest
from yarl import URL

from daemon.pages.activities import MAX_LISTED_LEARNERS
from models.action import actions
from models.assignment import GradedAssignment
from tests.daemon.pages.conftest import HOSTILE, one_line
from tests.daemon.pages.course import (
    CLEAN,
    PARKED,
    UNIT,
    learner,
    learners,
)
from tests.models.rows import make_service, read_rows


def boxes(browser):
    return browser.page.xpath("//main//input[@name='id']/@value")


async def send(browser, which, ids=(), **fields):
    """Send the form with these boxes ticked."""
    (form,) = browser.page.xpath("//form[starts-with(@action, '/activities/resend')]")
    hidden = [(one.get("name"), one.get("value")) for one in form.xpath(".//input[@type='hidden']")]
    data = [*hidden, *(("id", str(one)) for one in ids), ("which", which), *fields.items()]
    return await browser.ask("POST", URL(form.get("action"), encoded=True), data=data)


async def changed_since(before):
    return [row["id"] for row in await read_rows() if row != before[row["id"]]]


async def by_id():
    return {row["id"]: row for row in await read_rows()}


async def neighbours():
    """Grades like those of the unit, each of which differs in one thing."""
    await learner(90, usage_id="unit 4", **PARKED)
    await learner(91, course_id="chemistry", **PARKED)
    await learner(92, await make_service("other"), **PARKED)
    await learner(93, await make_service(url="https://b.example/"), disabled_at=1, **PARKED)


async def test_exactly_what_is_selected_is_sent_again(anna):
    made = [await learner(number, await make_service() if number == 0 else None, **PARKED) for number in range(4)]
    await neighbours()
    await anna.get("/activities", params=UNIT)
    assert set(map(str, made)) < set(boxes(anna))
    before = await by_id()
    assert (await send(anna, "selected", made[1:3]))[0] == 303
    assert await changed_since(before) == made[1:3]
    assert (await anna.get(URL(anna.answer.headers["Location"], encoded=True)))[0] == 200
    assert "2 of 2 grades are marked" in anna.words
    assert anna.words.startswith("Activity unit 3")
    (action,) = await actions()
    assert (action["account"], action["command"]) == ("anna (web)", "resend")
    assert action["counts"] == {"matched": 2, "marked": 2}
    assert action["selection"] == {**UNIT, "assignments": made[1:3]}


async def test_all_that_the_filter_shows_is_sent_again_and_no_other(anna):
    service = await make_service()
    made = [await learner(number, service, **PARKED) for number in range(MAX_LISTED_LEARNERS + 2)]
    await learner(800, service, **CLEAN)
    await neighbours()
    await anna.get("/activities", params={**UNIT, "state": "parked", "consumer": "key"})
    assert f"Send all {len(made)} that this filter shows again" in anna.words
    before = await by_id()
    await send(anna, "all")
    assert await changed_since(before) == made
    (action,) = await actions()
    assert action["selection"] == {**UNIT, "state": "parked", "consumer": "key"}
    assert action["counts"] == {"matched": len(made), "marked": len(made)}


async def test_what_is_selected_beyond_the_filter_is_left_alone(anna):
    one, other = await learner(1, **PARKED), await learner(2, **CLEAN)
    elsewhere = await learner(3, course_id="chemistry", **PARKED)
    unit_4 = await learner(4, usage_id="unit 4", **PARKED)
    await anna.get("/activities", params={**UNIT, "state": "parked"})
    before = await by_id()
    await send(anna, "selected", [one, other, elsewhere, unit_4, 999_999])
    assert await changed_since(before) == [one]
    assert (await actions())[0]["counts"] == {"matched": 1, "marked": 1}


async def test_what_is_switched_off_has_no_box_and_is_not_sent(anna):
    off, one = await learner(1, disabled_at=5), await learner(2)
    await anna.get("/activities", params=UNIT)
    assert boxes(anna) == [str(one)]
    before = await by_id()
    await send(anna, "selected", [off])
    await anna.get("/activities", params=UNIT)
    await send(anna, "all")
    assert await changed_since(before) == [one]


@pytest.mark.parametrize("force", [{}, {"force": "yes"}])
async def test_what_the_campus_acknowledged_goes_out_again_only_by_force(anna, force):
    one = await learner(1, **CLEAN)
    await anna.get("/activities", params=UNIT)
    await send(anna, "selected", [one], **force)
    row = await GradedAssignment.get(id=one)
    assert (row.forced_version == row.version_number) is bool(force)
    assert (await actions())[0]["selection"].get("force", False) is bool(force)


@pytest.mark.parametrize(
    ("which", "ids"),
    [
        ("selected", []),
        ("", [1]),
        ("both", [1]),
        ("selected", ["x"]),
        ("selected", ["1 OR 1=1"]),
        ("selected", ["1", "-1"]),
        ("selected", range(MAX_LISTED_LEARNERS + 1)),
    ],
)
async def test_a_form_that_selects_nothing_or_too_much_changes_nothing(anna, which, ids):
    await learner(1, **PARKED)
    await anna.get("/activities", params=UNIT)
    before = await by_id()
    assert (await send(anna, which, ids))[0] == 400
    assert (await changed_since(before), await actions()) == ([], [])


@pytest.mark.parametrize("query", ["", "?course=", "?usage=unit%203", "?course=physics&state=lost",
                                   "?course=physics&consumer=kye", "?course=%00"])  # fmt: skip
async def test_a_form_that_names_no_grades_changes_nothing(anna, query):
    await learner(1, **PARKED)
    await anna.get("/")
    before = await by_id()
    assert (await anna.post(f"/activities/resend{query}", which="all"))[0] in (400, 404)
    assert (await changed_since(before), await actions()) == ([], [])


async def test_support_sees_no_boxes_and_sends_none(anna, ben):
    one = await learner(1, **PARKED)
    await ben.get("/activities", params=UNIT)
    assert (boxes(ben), ben.actions) == ([], [])
    before = await by_id()
    assert (await ben.post("/activities/resend?course=physics", which="selected", id=str(one)))[0] == 403
    assert await changed_since(before) == []
    await anna.get("/activities", params=UNIT)
    assert anna.actions == ["/activities/resend?course=physics&usage=unit+3"]


async def test_hostile_words_stay_text_and_lead_on(anna):
    names = dict.fromkeys(("user_id", "lti_user_id", "course_id", "usage_id", "parked_reason"), HOSTILE)
    one = await learner(1, **{**PARKED, **names})
    status, text = await anna.get("/activities", params={"course": HOSTILE})
    assert status == 200
    assert "<script>alert" not in text
    assert not {"\x1b", "\u202e", "\u2028"} & set(anna.page.text_content())
    (row,) = learners(anna)
    assert row["learner"] == one_line(HOSTILE)
    before = await by_id()
    await send(anna, "selected", [one])
    assert await changed_since(before) == [one]

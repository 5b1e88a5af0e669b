"""The page of a course or an activity: its learners by state, why their grades are there, and sending some again."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from yarl import URL

from daemon.pages.activities import MAX_COUNTED_GROUPS, MAX_LISTED_LEARNERS, read_view
from daemon.pages.course_filter import CourseAsked
from daemon.pages.course_page import MAX_SHOWN_ACTIVITIES
from daemon.why.absent import absence
from daemon.why.activity import group_head, group_words
from daemon.why.advice import PEOPLE, about_parked
from daemon.why.gather import gather_activity
from daemon.why.known import Terms
from models.action import actions
from models.assignment import GradedAssignment
from models.campus import OutcomeService
from models.queries.activity import read_activity
from models.states import STATES
from tests.daemon.pages.conftest import HOSTILE, one_line
from tests.daemon.why.story import DEBOUNCE, NOW, TERMS
from tests.models.rows import make_assignment, make_service, read_rows

CLEAN = {"sent_version": 1, "sent_score": "0.375", "sent_at": NOW - 60_000}
PARKED = {"parked_at": NOW - 90_000, "parked_reason": "course has ended", "parked_scope": "course"}
OF_STATE = {
    "clean": CLEAN,
    "due": {},
    "waiting": {"due_at": NOW + 9_000},
    "claimed": {"claimed_until": NOW + 9_000, "claimed_at": NOW},
    "parked": PARKED,
    "disabled": {"disabled_at": NOW - 9_000},
}
UNIT = {"course": "physics", "usage": "unit 3"}


async def learner(number, service=None, **columns):
    place = {"course_id": "physics", "usage_id": "unit 3", "user_id": f"learner-{number}", "lti_user_id": f"x{number}"}
    return await make_assignment(service, **{**place, **columns})


async def one_in_each_state():
    """Their ids, by state."""
    return {state: await learner(number, **OF_STATE[state]) for number, state in enumerate(STATES)}


def learners(browser):
    """The rows of the table of learners."""
    (caption,) = browser.page.xpath("//section//table/caption")
    return browser.table(" ".join(caption.text_content().split()))


def states(browser):
    return [" ".join(one.text_content().split()) for one in browser.page.xpath("//ul[@class='states']/li")]


async def test_without_a_course_there_is_the_form_that_asks_for_one(ben):
    assert (await ben.get("/activities"))[0] == 200
    fields = ben.page.xpath("//form[@action='/activities']//*[@name]/@name")
    assert fields == ["course", "usage", "state", "consumer"]
    assert "Name a course" in ben.words


async def test_all_learners_of_an_activity_are_listed_with_what_the_campus_has(ben):
    made = await one_in_each_state()
    await learner(9, usage_id="unit 4")
    await make_assignment(usage_id="unit 3")
    assert (await ben.get("/activities", params=UNIT))[0] == 200
    rows = {row["assignment"]: row for row in learners(ben)}
    assert list(rows) == [str(one) for one in made.values()]
    assert [row["state"] for row in rows.values()] == list(made)
    clean, parked = rows[str(made["clean"])], rows[str(made["parked"])]
    assert (clean["learner"], clean["at the campus"], clean["campus"]) == ("learner-0", "x0", "campus")
    assert (clean["score"], clean["per cent"], clean["who has to act"], clean["reason"]) == ("0.375", "37.5 %", "", "")
    assert clean["acknowledged"]
    advice = about_parked("course has ended", "course")
    assert (parked["who has to act"], parked["reason"]) == (PEOPLE[advice.who], "course has ended")
    assert (parked["score"], parked["per cent"], parked["acknowledged"]) == ("", "", "")
    assert states(ben) == ["6 all", *(f"1 {state}" for state in STATES)]
    assert ben.page.xpath("//ul[@class='states']//*[@class='alarm']")[0].text_content() == "1 parked"


async def test_the_sentences_are_those_of_why_however_few_learners_there_are(ben):
    await one_in_each_state()
    await ben.get("/activities", params=UNIT)
    groups = await read_activity("physics", "unit 3", now=NOW)
    assert len(groups) == len(STATES)
    for group in groups:
        assert one_line(group_head(group, TERMS)) in ben.words
        assert one_line(group_words(group, TERMS).reason) in ben.words
    assert "6 grades for block unit 3 in course physics" in ben.words


async def test_a_state_shows_its_learners_and_its_sentences_alone(ben):
    made = await one_in_each_state()
    await ben.get("/activities", params=UNIT)
    await ben.follow("1 parked")
    assert [row["assignment"] for row in learners(ben)] == [str(made["parked"])]
    assert "course has ended" in ben.words
    assert "Sent and acknowledged" not in ben.words
    assert states(ben) == ["6 all", *(f"1 {state}" for state in STATES)], "the others are still to be seen"
    assert ben.page.xpath("//select[@name='state']/option[@selected]/@value") == ["parked"]
    await ben.follow("6 all")
    assert len(learners(ben)) == 6


async def test_a_course_shows_its_activities_those_first_of_which_most_is_parked(ben):
    for number in range(3):
        await learner(number, **CLEAN)
    await learner(4, usage_id="unit 4", **PARKED)
    await ben.get("/activities", params={"course": "physics"})
    assert ben.table("Activities") == [
        {"activity": "unit 4", "grades": "1", "parked": "1"},
        {"activity": "unit 3", "grades": "3", "parked": "0"},
    ]
    assert [row["activity"] for row in learners(ben)] == ["unit 3"] * 3 + ["unit 4"]
    await ben.follow("unit 4")
    assert [row["learner"] for row in learners(ben)] == ["learner-4"]
    assert not ben.page.xpath("//caption[.='Activities']")
    await ben.follow("physics")
    assert len(learners(ben)) == 4


async def test_no_more_activities_are_named_than_can_be_read(ben):
    for number in range(MAX_SHOWN_ACTIVITIES + 2):
        await learner(number, usage_id=f"unit {number}")
    await ben.get("/activities", params={"course": "physics"})
    assert len(ben.table("Activities")) == MAX_SHOWN_ACTIVITIES
    assert "and 2 more, with fewer grades" in ben.words


async def test_a_campus_is_a_filter_where_several_have_the_course(ben):
    other = await make_service("other")
    here, there = await learner(1, await make_service(), **CLEAN), await learner(2, other, **PARKED)
    await ben.get("/activities", params=UNIT)
    assert ben.page.xpath("//select[@name='consumer']/option/@value") == ["", "key", "other"]
    await ben.get("/activities", params={**UNIT, "consumer": "other"})
    assert [row["assignment"] for row in learners(ben)] == [str(there)]
    assert states(ben) == ["1 all", "1 parked"]
    assert "Sent and acknowledged" not in ben.words
    await ben.get("/activities", params={**UNIT, "consumer": "key", "state": "clean"})
    assert [row["assignment"] for row in learners(ben)] == [str(here)]
    await ben.get("/activities", params={**UNIT, "consumer": "key", "state": "parked"})
    assert "No grade fits this filter." in ben.words


@pytest.mark.parametrize("most", [0, MAX_COUNTED_GROUPS])
async def test_the_counts_are_the_same_however_they_are_made(users, most, clock):
    await one_in_each_state()
    for number in range(3):
        await learner(number, usage_id="unit 4", **PARKED, note=str(number))
    asked = CourseAsked("physics")
    first = await read_view(asked, None, now=NOW)
    later = await read_view(asked, first.grades[0].place, now=NOW)
    assert first.activity is not None
    assert later.activity is None
    assert {(one.usage_id, one.state, one.number) for one in first.counts} == {
        (one.usage_id, one.state, one.number) for one in later.counts
    }
    assert first.number == later.number == 9
    assert replace(later, asked=CourseAsked("physics", state="parked")).number == 4


async def test_where_there_are_very_many_reasons_the_counts_are_right_all_the_same(ben):
    service = await make_service()
    await GradedAssignment.bulk_create(
        [
            GradedAssignment(
                user_id=f"learner-{number}", course_id="physics", usage_id="unit 3", outcome_service_id=service.id,
                campus_id=service.campus_id, lis_result_sourcedid=str(number), sourcedid_digest=str(number),
                registered_us=0, composite=False, due_at=0, parked_at=1, parked_scope="learner",
                parked_reason=f"no {number}",
            )
            for number in range(MAX_COUNTED_GROUPS + 3)
        ]
    )  # fmt: skip
    await ben.get("/activities", params={"course": "physics"})
    assert states(ben) == [f"{MAX_COUNTED_GROUPS + 3} all", f"{MAX_COUNTED_GROUPS + 3} parked"]
    assert ben.table("Activities") == [
        {"activity": "unit 3", "grades": str(MAX_COUNTED_GROUPS + 3), "parked": str(MAX_COUNTED_GROUPS + 3)}
    ]


async def test_who_has_to_act_is_the_same_as_on_the_assignments_page(ben):
    service = await make_service()
    await OutcomeService.filter(id=service.id).update(accepted_at=NOW - 5)
    gone = {"parked_at": NOW - 90_000, "parked_reason": "HTTP 404", "parked_scope": "campus"}
    one = await learner(1, service, **gone)
    await ben.get("/activities", params=UNIT)
    (row,) = learners(ben)
    await ben.get(f"/assignments/{one}")
    assert f"Who has to act: {row['who has to act']}." in ben.words


# --- Page by page ---


async def test_page_by_page_every_learner_is_shown_once(ben):
    made = [await learner(number, usage_id=f"unit {number % 2}") for number in range(2 * MAX_LISTED_LEARNERS + 5)]
    seen, pages = [], 0
    await ben.get("/activities", params={"course": "physics"})
    while True:
        pages += 1
        seen += [int(row["assignment"]) for row in learners(ben)]
        assert f"{len(made)} all" in states(ben)
        links = ben.page.xpath("//a[@rel='next']/@href")
        if not links:
            break
        assert len(learners(ben)) == MAX_LISTED_LEARNERS
        await ben.follow("Next learners")
    assert pages == 3
    assert seen == made[::2] + made[1::2]


async def test_the_next_page_keeps_the_filter(ben):
    for number in range(MAX_LISTED_LEARNERS + 1):
        await learner(number, **PARKED)
    await ben.get("/activities", params={**UNIT, "state": "parked", "consumer": "key"})
    (link,) = ben.page.xpath("//a[@rel='next']/@href")
    assert dict(parse_qsl(urlsplit(link).query)).items() > {**UNIT, "state": "parked", "consumer": "key"}.items()
    await ben.follow("Next learners")
    assert len(learners(ben)) == 1


@pytest.mark.parametrize("after", ["x", "1", "-1.unit", "1" * 19 + ".u", "1.%00", "1." + "u" * 256, "%D9%A3.u"])
async def test_a_place_that_is_none_is_refused(ben, after):
    assert (await ben.get(f"/activities?course=physics&after={after}"))[0] == 400


async def test_beyond_the_last_learner_there_are_no_more(ben):
    await learner(1)
    assert (await ben.get("/activities?course=physics&after=999999999.unit%203"))[0] == 200
    assert "There are no more." in ben.words


# --- What is not there ---


async def test_a_course_that_is_not_known_is_said_as_why_says_it(ben):
    await one_in_each_state()
    assert (await ben.get("/activities", params={"course": "phisics"}))[0] == 404
    answer = await gather_activity("phisics", None, now=NOW)
    _, why = absence(answer.absent, answer.rejected, Terms(NOW, DEBOUNCE, TERMS.zone, 80))
    assert one_line(why) in ben.words
    assert ben.page.xpath("//form[@action='/activities']//input[@name='course']/@value") == ["phisics"]
    assert (await ben.get("/activities", params={"course": "physics", "usage": "unit 9"}))[0] == 404


async def test_a_campus_that_is_not_known_is_an_error_with_the_form(ben):
    await one_in_each_state()
    assert (await ben.get("/activities", params={**UNIT, "consumer": "kye"}))[0] == 404
    assert "There is no campus with the key 'kye'." in ben.words
    assert ben.page.xpath("//form[@action='/activities']//input[@name='consumer']/@value") == ["kye"]


async def test_a_state_that_is_none_is_refused(ben):
    assert (await ben.get("/activities", params={**UNIT, "state": "lost"}))[0] == 400
    assert "there is no other state" in ben.words


@pytest.mark.parametrize("query", ["course=%00", "course=" + "a" * 5000, "course=a&usage=%00", "course=%ED%A0%80",
                                   "course=x&course=y", "usage=unit", "course=%20", "course=a&after="])  # fmt: skip
async def test_junk_is_answered_with_words(ben, query):
    status, text = await ben.get(f"/activities?{query}")
    assert status in (200, 400, 404)
    assert "failed (" not in text


# --- What leads there ---


async def test_the_search_leads_to_the_course(ben):
    await learner(1)
    assert (await ben.get("/learners", params={"q": "physics"}))[0] == 303
    assert ben.answer.headers["Location"] == "/activities?course=physics"
    assert (await ben.get(ben.answer.headers["Location"]))[0] == 200


async def test_a_word_that_is_a_course_and_an_assignment_leads_to_both(ben):
    one = await learner(1)
    await learner(2, course_id=str(one))
    await ben.get("/learners", params={"q": str(one)})
    assert f"“{one}” may be a course, an assignment." in ben.words
    await ben.follow("an assignment")
    assert ben.answer.headers["Location"] == f"/assignments/{one}"
    await ben.get("/learners", params={"q": str(one)})
    await ben.follow("a course")
    assert ben.answer.headers["Location"] == f"/activities?course={one}"


async def test_an_assignment_leads_to_its_course_and_its_activity(ben):
    one = await learner(1, context_title="Physics I", resource_link_title="Momentum")
    await ben.get(f"/assignments/{one}")
    await ben.follow("Physics I (physics)")
    assert ben.words.startswith("Course physics")
    await ben.get(f"/assignments/{one}")
    await ben.follow("Momentum (unit 3)")
    assert ben.words.startswith("Activity unit 3")


async def test_what_is_parked_leads_to_its_course_at_the_campus(ben):
    await learner(1, await make_service("other"), **PARKED)
    await ben.get("/parked")
    await ben.follow("all learners of the course")
    assert ben.words.startswith("Course physics")
    assert ben.page.xpath("//select[@name='consumer']/option[@selected]/@value") == ["other"]


# --- Sending again ---


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

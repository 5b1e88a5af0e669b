"""The page of a course or an activity: its learners by state, why their grades are there, and sending some again."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from yarl import URL

from daemon.pages.activities import MAX_LISTED_LEARNERS, read_view
from daemon.pages.course_filter import CourseAsked
from daemon.pages.course_page import MAX_EXPLAINED, MAX_OPEN_GROUPS, MAX_SHOWN_ACTIVITIES
from daemon.pages.states import STATE_MEANINGS
from daemon.why.activity import group_head, group_words
from daemon.why.advice import PEOPLE, about_parked
from models.assignment import GradedAssignment
from models.campus import OutcomeService
from models.heartbeat import Heartbeat
from models.queries.activity import read_activity
from models.queries.filter import AssignmentFilter
from models.states import STATES
from tests.daemon.pages.conftest import one_line
from tests.daemon.pages.course import (
    CLEAN,
    PARKED,
    UNIT,
    learner,
    learners,
    one_in_each_state,
    states,
)
from tests.daemon.why.story import NOW, TERMS, Story
from tests.models.rows import make_assignment, make_service


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
    groups = await read_activity(AssignmentFilter(course_id="physics", usage_id="unit 3"), now=NOW)
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
    assert f"parked: {STATE_MEANINGS['parked']}." in ben.words
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


async def test_reasons_are_given_on_the_first_page_and_counts_on_all(users, clock):
    await one_in_each_state()
    for number in range(3):
        await learner(number, usage_id="unit 4", **PARKED, note=str(number))
    asked = CourseAsked("physics")
    first = await read_view(asked, None, now=NOW)
    later = await read_view(asked, first.grades[0].place, now=NOW)
    assert first.activity is not None
    assert later.activity is None
    assert first.counts == later.counts
    assert first.number == later.number == 9
    parked = await read_view(CourseAsked("physics", state="parked"), None, now=NOW)
    assert parked.number == sum(group.number for group in parked.activity.groups) == 4


async def many_more(number: int, **columns) -> None:
    service = await make_service()
    await GradedAssignment.bulk_create(
        [
            GradedAssignment(
                user_id=f"learner-{one}", course_id="physics", usage_id="unit 3", outcome_service_id=service.id,
                campus_id=service.campus_id, lis_result_sourcedid=str(one), sourcedid_digest=str(one),
                registered_us=0, composite=False, **{"due_at": 0, **columns},
            )
            for one in range(number)
        ]
    )  # fmt: skip


async def test_of_very_many_grades_those_are_explained_that_are_not_clean(ben):
    await many_more(MAX_EXPLAINED - 1, **CLEAN)
    await learner(1, **PARKED)
    await Story().launch(20, user_id="late", course_id="physics", oauth_consumer_key="unknown")
    await ben.get("/activities", params=UNIT)
    assert "Sent and acknowledged" in ben.words
    await learner(2, **CLEAN)
    await learner(3, **CLEAN)
    await ben.get("/activities", params={"course": "physics"})
    assert states(ben) == [f"{MAX_EXPLAINED + 2} all", f"{MAX_EXPLAINED + 1} clean", "1 parked"]
    assert "Why, of what is not clean" in ben.words
    assert "1 grade parked at " in ben.words
    assert "Sent and acknowledged" not in ben.words
    assert "1 launch event of it is in quarantine" in ben.words
    assert "At least" not in ben.words
    await ben.get("/activities", params={**UNIT, "state": "clean"})
    assert "Why" not in [heading.text_content() for heading in ben.page.xpath("//h2")]


async def test_of_more_than_can_be_explained_some_are_and_that_is_said(ben, users, clock):
    await many_more(MAX_EXPLAINED + 1, parked_at=1, parked_scope="learner", parked_reason="no")
    view = await read_view(CourseAsked("physics"), None, now=NOW)
    assert [group.number for group in view.activity.groups] == [MAX_EXPLAINED]
    assert view.number == MAX_EXPLAINED + 1
    await Heartbeat.all().delete()
    await ben.get("/activities", params={"course": "physics"})
    narrower = "an activity or a state or a campus narrows it down."
    assert f"Of the first {MAX_EXPLAINED}, by activity; {narrower}" in ben.words
    assert f"At least {MAX_EXPLAINED} grades parked at " in ben.words
    assert "No daemon is running" in ben.words
    await ben.get("/activities", params={**UNIT, "state": "parked", "consumer": "key"})
    assert f"Of the first {MAX_EXPLAINED}, by activity." in ben.words
    assert "No daemon is running" in ben.words


async def test_the_groups_first_in_order_are_shown_outright_and_the_rest_on_demand(ben):
    for number in range(MAX_OPEN_GROUPS + 2):
        await learner(number, **PARKED | {"parked_reason": f"no {number}"})
    await ben.get("/activities", params=UNIT)
    assert len(ben.page.xpath("//section[h2='Why']/article")) == MAX_OPEN_GROUPS
    (more,) = ben.page.xpath("//section[h2='Why']/details")
    assert more.xpath("summary")[0].text_content() == "2 more groups"
    assert len(more.xpath("article")) == 2


async def test_a_group_leads_to_all_of_the_course_that_is_parked_for_its_reason(ben):
    service = await make_service()
    for number, usage_id in ((1, "unit 3"), (2, "unit 4")):
        await learner(number, service, usage_id=usage_id, **PARKED)
    await ben.get("/activities", params=UNIT)
    (link,) = ben.page.xpath("//a[.='all of the course parked for this reason']/@href")
    assert (await ben.get(URL(link, encoded=True)))[0] == 200
    assert "2 in course physics" in ben.words


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

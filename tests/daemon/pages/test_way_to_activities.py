"""What leads to the page of a course, and what it says of a course that is not there."""

import pytest

from daemon.why.absent import absence
from daemon.why.gather import gather_activity
from daemon.why.known import Terms
from tests.daemon.pages.conftest import one_line
from tests.daemon.pages.course import (
    PARKED,
    UNIT,
    learner,
    one_in_each_state,
)
from tests.daemon.why.story import DEBOUNCE, NOW, TERMS
from tests.models.rows import make_service


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

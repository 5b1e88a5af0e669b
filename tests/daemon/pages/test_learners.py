"""The search for a learner, narrowed down where it finds several, or very many."""

import pytest

from models.consumer import LtiConsumer
from models.queries.grades import MAX_GRADES
from models.stream_position import read_position
from tests.conftest import shared_url
from tests.daemon.pages.conftest import one_line
from tests.daemon.why.situations import SITUATIONS
from tests.daemon.why.story import Story
from tests.daemon.why.test_namesakes import two_campuses
from tests.models.rows import make_assignment

__all__ = ["shared_url"]

NARROW = "Campus key"


def articles(browser):
    return [" ".join(one.text_content().split()) for one in browser.page.xpath("//main//article/h2")]


async def test_an_id_of_learners_of_two_campuses_is_narrowed_down_by_the_key_of_one(ben):
    await two_campuses("bob")
    await ben.get("/learners?q=5")
    assert (len(articles(ben)), NARROW in ben.words) == (2, True)
    await ben.get("/learners?q=5&as=lti_user&consumer=another")
    assert len(articles(ben)) == 1
    assert ben.page.xpath("//input[@name='consumer']/@value") == ["another"]
    await ben.follow("Show all")
    assert len(articles(ben)) == 2


async def test_a_learner_of_whom_there_is_one_has_no_more_fields_to_fill_in(ben):
    await two_campuses("bob")
    await ben.get("/learners?q=ada")
    assert NARROW not in ben.words


async def test_the_text_to_pass_on_has_names_as_they_are_written(ben):
    await SITUATIONS["parked_for_the_course"](Story())
    await ben.get("/learners?q=42")
    (passed,) = ben.page.xpath("//details[summary='To pass on']/p")
    assert one_line(passed.text_content()).startswith("Learner 42 (campus-42 at Example University), ")


@pytest.mark.parametrize(
    ("path", "begin"),
    [
        ("/learners?q=43", "Learner 43: "),
        ("/activities?course=history&usage=unit 3", "Course history, activity unit 3: "),
    ],
)
async def test_the_text_to_pass_on_names_what_is_not_there(ben, path, begin):
    await Story().begin()
    await ben.get(path)
    (passed,) = ben.page.xpath("//details[summary='To pass on']/p")
    assert one_line(passed.text_content()).startswith(begin)


async def test_of_very_many_grades_some_are_shown_and_a_course_leads_to_the_others(ben):
    await read_position()
    for number in range(MAX_GRADES + 1):
        await make_assignment(user_id="eve", course_id="long", usage_id=f"unit {number}", sent_version=1)
    await make_assignment(user_id="eve", course_id="short", usage_id="quiz", sent_version=1)
    await ben.get("/learners?q=eve")
    assert (len(articles(ben)), "There are more" in ben.words) == (MAX_GRADES, True)
    assert not any("quiz" in words for words in articles(ben))
    await ben.get("/learners?q=eve&course=short")
    assert "There are more" not in ben.words
    (words,) = articles(ben)
    assert "quiz" in words


async def test_a_campus_that_is_not_there_is_named_as_what_was_looked_at(ben):
    await two_campuses("bob")
    await ben.get("/learners?q=5&as=lti_user&consumer=nowhere")
    assert "Only the campus 'nowhere' was looked at." in ben.words


async def test_the_name_or_the_key_of_a_campus_leads_to_it(ben):
    await two_campuses("bob")
    for word in ("Another University", "another"):
        await ben.get("/learners", params={"q": word})
        await ben.get(ben.answer.headers["Location"])
        assert "https://lms.another.example:443" in ben.words


async def test_a_campus_without_a_launch_is_said_to_have_none(ben):
    await LtiConsumer.create(consumer_name="Quiet", consumer_key="quiet", consumer_secret="s")
    await ben.get("/learners?q=quiet")
    assert "No launch came from “quiet” yet." in ben.words

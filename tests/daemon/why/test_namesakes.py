"""A campus's own id of a learner may be another learner's at another campus."""

import io

import pytest
from rich.console import Console

from daemon.why.document import document
from daemon.why.gather import gather
from daemon.why.show import print_answer
from models.queries.grades import Query
from models.stream_position import read_position
from tests.daemon.why.story import NOW, TERMS, Story

pytestmark = pytest.mark.usefixtures("empty_database")

SAID = "Several campuses have this id, each for another learner"


async def two_campuses(other_learner):
    await read_position()
    story = Story()
    await story.consumer()
    await story.consumer("Another University", "another")
    await story.launch(20, user_id="ada", lti_user_id="5", lis_result_sourcedid="s")
    at_another = {"oauth_consumer_key": "another", "lis_outcome_service_url": "https://lms.another.example/grades"}
    await story.launch(
        20, user_id=other_learner, usage_id="other unit", lti_user_id="5", lis_result_sourcedid="s", **at_another
    )


async def text_of(**asked):
    answer = await gather(Query(**asked), now=NOW)
    screen = io.StringIO()
    print_answer(answer, TERMS, Console(file=screen, width=250))
    return screen.getvalue(), [one["user_id"] for one in document(answer, TERMS)]


@pytest.mark.parametrize("asked", [{"lti_user_id": "5"}, {"sourcedid": "s"}])
async def test_an_id_that_two_campuses_have_for_two_learners_is_said_to_be_anothers_too(asked):
    await two_campuses("bob")
    text, learners = await text_of(**asked)
    assert SAID in text
    assert sorted(learners) == ["ada", "bob"]


@pytest.mark.parametrize("asked", [{"lti_user_id": "5"}, {"sourcedid": "s"}])
async def test_the_key_of_one_campus_leaves_its_learner_alone(asked):
    await two_campuses("bob")
    text, learners = await text_of(**asked, consumer_key="another")
    assert SAID not in text
    assert learners == ["bob"]
    text, _ = await text_of(lti_user_id="6", consumer_key="another")
    assert "Only the campus 'another' was looked at." in text


async def test_one_learner_of_two_campuses_is_no_namesake():
    await two_campuses("ada")
    text, _ = await text_of(lti_user_id="5")
    assert SAID not in text


async def test_launches_in_quarantine_of_another_campus_are_left_out():
    await read_position()
    for key in ("one", "other"):
        await Story().launch(20, oauth_consumer_key=key, lti_user_id="5", user_id=f"{key} learner")
    answer = await gather(Query(lti_user_id="5", consumer_key="other"), now=NOW)
    assert [event.user_id for event in answer.rejected] == ["other learner"]

"""What a word that a support person enters may name."""

import pytest

from models.consumer import LtiConsumer
from models.quarantine import QuarantinedEvent
from models.queries.search import Meant, find_meaning
from tests.models.rows import make_assignment

pytestmark = pytest.mark.usefixtures("empty_database")

NOTHING = dict.fromkeys(("learner", "lti_user", "sourcedid", "course", "assignment", "campus"), False)


async def test_a_word_is_found_by_each_of_its_meanings():
    row = await make_assignment(
        user_id="ada", course_id="physics", lti_user_id="lti-ada", lis_result_sourcedid="cell 1"
    )
    words = {
        "ada": "learner",
        "lti-ada": "lti_user",
        "cell 1": "sourcedid",
        "physics": "course",
        str(row): "assignment",
    }
    for word, kind in words.items():
        assert await find_meaning(word) == Meant(**NOTHING | {kind: True}), word


async def test_a_campus_is_found_by_its_key_and_by_its_name():
    await make_assignment()
    assert (await LtiConsumer.get()).consumer_name == "campus"
    for word in ("key", "campus"):
        assert await find_meaning(word) == Meant(**NOTHING | {"campus": True}), word
    assert not (await find_meaning("Campus")).campus


async def test_a_word_may_be_several_things():
    row = await make_assignment(user_id="1", course_id="1", lti_user_id="1")
    await make_assignment(user_id=str(row))
    meant = await find_meaning("1")
    assert (meant.learner, meant.lti_user, meant.course) == (True, True, True)
    meant = await find_meaning(str(row))
    assert (meant.learner, meant.assignment) == (True, True)


@pytest.mark.parametrize("word", ["", "x", "0", "-1", "9" * 30, "\u0661", "ADA", "a" * 300, "' OR '1'='1", "%", "ad_"])
async def test_other_words_name_nothing(word):
    await make_assignment(user_id="ada", course_id="physics", lti_user_id="a" * 299)
    assert await find_meaning(word) == Meant(**NOTHING)


async def test_a_learner_of_whom_only_quarantine_knows_is_found():
    await QuarantinedEvent.create(epoch=1, entry_id="1-0", at=1, type="launch", reason="", content=b"", user_id="eve")
    assert await find_meaning("eve") == Meant(**NOTHING | {"learner": True})


async def test_a_long_name_at_a_campus_is_not_one_with_the_same_beginning():
    await make_assignment(lti_user_id="a" * 250)
    assert (await find_meaning("a" * 250)).lti_user
    assert not (await find_meaning("a" * 249)).lti_user

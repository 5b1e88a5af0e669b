"""The page of a campus: what is known of it, and what an operator does there."""

import pytest
from yarl import URL

from models.action import actions
from models.campus import Campus
from models.consumer import LtiConsumer
from tests.actors.conftest import campus, lms
from tests.conftest import shared_url
from tests.daemon.why.situations import SITUATIONS
from tests.daemon.why.story import Story
from tests.models.rows import make_assignment, make_service

__all__ = ["campus", "lms", "shared_url"]

#: One with a campus that takes grades over LTI 1.1.
ANY = "retrying"
NEW_SECRET = 'a new <secret> & "more"'


async def in_situation(name):
    await SITUATIONS[name](Story())
    return await Campus.first()


async def test_a_campus_that_is_paused_and_resumed_is_recorded_and_shown(anna):
    one = await in_situation(ANY)
    consumer = await LtiConsumer.get(id=one.lti_consumer_id)
    await anna.get(f"/campuses/{one.id}")
    assert (await anna.post(f"/campuses/{one.id}/pause"))[0] == 303
    await anna.get(f"/campuses/{one.id}")
    assert "paused" in anna.words
    assert "passbackd's operator has paused" in anna.words
    assert (await LtiConsumer.get(id=consumer.id)).paused_at is not None
    assert (await anna.post(f"/campuses/{one.id}/resume"))[0] == 303
    assert (await LtiConsumer.get(id=consumer.id)).paused_at is None
    done = [(one["command"], one["selection"], one["counts"]) for one in await actions()]
    selection = {"consumer": consumer.consumer_key}
    assert done == [("consumer resume", selection, {"campuses": 1}), ("consumer pause", selection, {"campuses": 1})]


@pytest.mark.parametrize("when", [None, "later"])
async def test_a_secret_is_changed_at_once_or_kept_beside_the_present_one(anna, when):
    one = await in_situation(ANY)
    await anna.get(f"/campuses/{one.id}")
    more = {} if when is None else {"when": when}
    assert (await anna.post(f"/campuses/{one.id}/secret", secret=NEW_SECRET, **more))[0] == 303
    consumer = await LtiConsumer.get(id=one.lti_consumer_id)
    stored = consumer.consumer_secret if when is None else consumer.pending_secret
    assert stored == NEW_SECRET
    (action,) = await actions()
    assert (action["command"], action["account"]) == ("consumer add", "anna (web)")
    assert NEW_SECRET not in str(action)
    await anna.get(f"/campuses/{one.id}")
    assert NEW_SECRET not in anna.page.text_content()


@pytest.mark.parametrize("secret", ["", "fernet:x", "a\x00b"])
async def test_what_can_be_no_secret_changes_nothing(anna, secret):
    one = await in_situation(ANY)
    before = (await LtiConsumer.get(id=one.lti_consumer_id)).consumer_secret
    await anna.get(f"/campuses/{one.id}")
    status, _ = await anna.post(f"/campuses/{one.id}/secret", secret=secret)
    assert (status, "Nothing was changed." in anna.words) == (400, True)
    assert (await LtiConsumer.get(id=one.lti_consumer_id)).consumer_secret == before
    assert await actions() == []


async def test_a_campuss_server_is_tried_as_the_check_does(anna, campus):
    (one,) = await Campus.all()
    await anna.get(f"/campuses/{one.id}")
    status, _ = await anna.post(f"/campuses/{one.id}/check")
    assert status == 200
    assert "its server: its clock is" in anna.words, "the pages' clock has another time"
    await Campus.filter(id=one.id).update(origin="http://127.0.0.1:1")
    await anna.get(f"/campuses/{one.id}")
    await anna.post(f"/campuses/{one.id}/check")
    assert "its server: no connection" in anna.words


async def test_of_a_platform_an_access_token_is_asked_for_too(anna):
    one = await in_situation("platform_gives_no_access_token")
    await Campus.filter(id=one.id).update(origin="http://127.0.0.1:1")
    await anna.get(f"/campuses/{one.id}")
    assert "this tool's keys sign what it gets" in anna.words
    status, _ = await anna.post(f"/campuses/{one.id}/check")
    assert status == 200
    found = [
        " ".join(item.text_content().split()) for item in anna.page.xpath("//section[h2[contains(., 'tried')]]//li")
    ]
    assert len(found) == 2
    assert "no connection" in found[0]
    consumer = await LtiConsumer.get(id=one.lti_consumer_id)
    assert found[1].startswith(f"{consumer.consumer_name}: "), "as `platform check` says it"


async def test_its_parked_grades_are_there_in_groups_and_no_other_campuss(anna):
    one = await in_situation("parked_for_the_course")
    await make_assignment(await make_service("elsewhere"), parked_at=1, parked_scope="course", parked_reason="not here")
    await anna.get("/parked")
    assert "not here" in anna.words
    head = anna.page.xpath("//main//article/h2")
    await anna.get(f"/campuses/{one.id}")
    (here,) = anna.page.xpath("//section[h2='Its parked grades']//article/h2")
    assert here.text_content() in [one.text_content() for one in head]
    assert "not here" not in anna.words
    (link,) = anna.page.xpath("//section[h2='Its parked grades']//li/a[contains(@href, '/parked/group')]")
    assert (await anna.get(URL(link.get("href"), encoded=True)))[0] == 200
    assert "/parked/resend" in anna.actions


async def test_there_is_no_page_of_a_campus_that_is_not_there(ben):
    status, _ = await ben.get("/campuses/999999")
    assert (status, "There is no campus 999999." in ben.words) == (404, True)

"""Scores, results and line items at the sample platform, over a real socket."""

import json
import time

import pytest

from daemon.demo.platform.kind import AgsMediaType, PlatformKind, PlatformReply
from daemon.demo.platform.request import PlatformBehaviour
from daemon.demo.platform.server import SamplePlatform
from daemon.demo.platform.tokens import AgsScope
from tests.fakes.ags_tool import CLIENT, AgsTool, with_suffix

USER = "user-7"


@pytest.fixture
async def tool(known):
    await known.tool.authorize(" ".join(AgsScope))
    return known.tool


@pytest.fixture
def platform(known):
    return known.platform


@pytest.fixture
def line_item(platform):
    return platform.add_line_item(label="Quiz 1")


async def test_a_right_score_is_stored_with_its_digits_and_recorded(platform, tool, line_item):
    body = b"""{"userId": "user-7", "scoreGiven": 0.3330, "scoreMaximum": 1, "timestamp": "2026-11-22T10:15:30.000Z",
        "activityProgress": "Completed", "gradingProgress": "FullyGraded"}"""
    url = with_suffix(line_item, "/scores")
    status, text, _ = await tool.request("POST", url, body, Content_Type=AgsMediaType.SCORE)
    assert (status, text) == (204, "")
    assert platform.grade(line_item, USER) == "0.3330"
    one = platform.requests[-1]
    assert (one.operation, one.client_id, one.user_id, one.decision) == ("score", CLIENT, USER, "stored")
    assert (one.sent.text, str(one.held), one.status) == ("0.3330", "0.3330", 204)
    assert [str(shown.grade) for shown in platform.gradebook.history] == ["0.3330"]


@pytest.mark.parametrize(
    ("timestamp", "decision"),
    [
        ("2026-11-22T10:15:29.999Z", "older"),
        ("2026-11-22T10:15:30.000Z", "equal"),
        ("2026-11-22T10:15:30.001Z", "stored"),
    ],
)
async def test_a_score_that_is_not_later_than_the_one_held_is_refused(platform, tool, line_item, timestamp, decision):
    await tool.send(line_item, 0.5)
    status, _, _ = await tool.send(line_item, 0.6, timestamp)
    assert platform.requests[-1].decision == decision
    assert status == (204 if decision == "stored" else 409)
    assert platform.grade(line_item, USER) == ("0.6" if decision == "stored" else "0.5")


async def test_a_grade_that_a_person_changed_is_as_new_as_the_change(platform, tool, line_item):
    await tool.send(line_item, 0.5)
    platform.set_by_hand(line_item, USER, "0.9")
    assert (await tool.send(line_item, 0.6, "2026-11-22T10:15:31.000Z"))[0] == 409
    later = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 2))
    assert (await tool.send(line_item, 0.6, later))[0] == 204
    assert [str(shown.grade) for shown in platform.gradebook.history] == ["0.5", "0.9", "0.6"]


async def test_a_score_without_a_number_clears_the_grade(platform, tool, line_item):
    await tool.send(line_item, 0.5)
    cleared = {"activityProgress": "Initialized", "gradingProgress": "NotReady"}
    assert (await tool.send(line_item, None, "2026-11-22T10:15:31.000Z", **cleared))[0] == 204
    assert platform.grade(line_item, USER) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"userId": 7},
        {"userId": None},
        {"scoreGiven": "0.5"},
        {"scoreGiven": True},
        {"scoreGiven": -1},
        {"scoreMaximum": None},
        {"scoreMaximum": 0},
        {"scoreGiven": 1.5},
        {"timestamp": "2026-11-22T10:15:30.000"},
        {"timestamp": 1764000000},
        {"activityProgress": "Done"},
        {"gradingProgress": None},
        {"unknown": 1},
        {"submission": {"submittedAt": "yesterday"}},
        {"https://canvas.instructure.com/lti/submission": {"new_submission": "yes"}},
    ],
    ids=str,
)
async def test_a_score_that_makes_no_sense_is_refused(platform, tool, line_item, wrong):
    assert (await tool.send(line_item, **{"given": 0.5, **wrong}))[0] == 400
    assert not platform.gradebook.cells


async def test_other_media_types_methods_addresses_and_tokens_are_refused(known, platform, tool, line_item):
    url, right = with_suffix(line_item, "/scores"), {"Content_Type": AgsMediaType.SCORE}
    assert (await tool.request("POST", url, {}, Content_Type="application/json"))[0] == 415
    assert (await tool.request("POST", url, {}, Content_Type=f"{AgsMediaType.SCORE}; charset=utf-8"))[0] == 415
    assert (await tool.request("PUT", url, {}, **right))[0] == 405
    assert (await tool.request("POST", line_item + "0/scores", {}, **right))[0] == 404
    assert (await tool.request("POST", line_item + "/score", {}, **right))[0] == 404
    await tool.authorize(AgsScope.RESULTS)
    assert (await tool.send(line_item))[0] == 403
    tool.token = "another"
    assert (await tool.send(line_item))[0] == 401
    assert platform.requests[-1].decision == "token unknown"


async def test_a_token_is_good_until_it_expires_or_is_revoked(platform, tool, line_item):
    platform.office.life = 10
    await tool.authorize()
    assert (await tool.send(line_item, 0.1))[0] == 204
    platform.offset = 11
    assert (await tool.send(line_item, 0.2, "2026-11-22T10:15:31Z"))[0] == 401
    assert platform.requests[-1].decision == "token expired"
    platform.offset = 0
    await tool.authorize()
    platform.office.revoke(CLIENT)
    assert (await tool.send(line_item, 0.2, "2026-11-22T10:15:31Z"))[0] == 401


async def test_learners_and_columns_that_are_gone_are_refused(platform, tool, line_item):
    platform.service.learners = {"user-8"}
    assert (await tool.send(line_item))[0] == 422
    assert (await tool.send(line_item, userId="user-8"))[0] == 204
    platform.service.refused_learners["user-8"] = "enrolled"
    assert (await tool.send(line_item, userId="user-8", timestamp="2027-01-01T00:00:00Z"))[0] == 403
    platform.column(line_item).refusal = "course"
    assert (await tool.send(line_item, userId="user-8", timestamp="2027-01-01T00:00:00Z"))[0] == 422
    assert [one.decision for one in platform.requests[1:]] == ["learner", "stored", "enrolled", "course"]


async def test_results_are_read_by_learner_or_in_pages(platform, tool, line_item):
    for number in range(5):
        await tool.send(line_item, number / 4, userId=f"user-{number}")
    platform.service.page_size = 2
    url = with_suffix(line_item, "/results")
    _, text, _ = await tool.request("GET", f"{url}?user_id=user-3", Accept=AgsMediaType.RESULTS)
    (row,) = json.loads(text)
    assert (row["userId"], row["resultScore"], row["resultMaximum"]) == ("user-3", 75, 100)
    seen = []
    while url:
        _, text, reply = await tool.request("GET", url, Accept=AgsMediaType.RESULTS)
        seen.append([row["userId"] for row in json.loads(text)])
        url = str(reply.links["next"]["url"]) if reply.links else ""
    assert seen == [["user-0", "user-1"], ["user-2", "user-3"], ["user-4"]]
    assert (await tool.request("GET", with_suffix(line_item, "/results"), Accept="text/html"))[0] == 406


async def test_creating_a_line_item_twice_makes_two(platform, tool):
    url = platform.line_items_url()
    wanted = {"label": "Quiz", "scoreMaximum": 1, "resourceId": "block-1", "resourceLinkId": "link-1"}
    made = [await tool.request("POST", url, wanted, Content_Type=AgsMediaType.LINE_ITEM) for _ in range(2)]
    assert [status for status, _, _ in made] == [201, 201]
    first, second = (json.loads(text)["id"] for _, text, _ in made)
    assert first != second
    platform.add_line_item(resource_link_id="link-2")
    platform.add_line_item(context="2", resource_link_id="link-1")
    _, text, _ = await tool.request("GET", f"{url}?resource_link_id=link-1", Accept=AgsMediaType.LINE_ITEMS)
    assert [one["id"] for one in json.loads(text)] == [first, second]
    assert (await tool.send(second, 1))[0] == 204
    status, text, _ = await tool.request("GET", second, Accept=AgsMediaType.LINE_ITEM)
    assert (status, json.loads(text)["resourceId"]) == (200, "block-1")


@pytest.mark.parametrize("wrong", [{"scoreMaximum": 0.5}, {"label": ""}, {"resourceId": 5}], ids=str)
async def test_a_line_item_that_makes_no_sense_is_refused(platform, tool, wrong):
    wanted = {"label": "Quiz", "scoreMaximum": 1, **wrong}
    url = platform.line_items_url()
    assert (await tool.request("POST", url, wanted, Content_Type=AgsMediaType.LINE_ITEM))[0] == 400
    assert (await tool.request("POST", url, wanted, Content_Type="application/json"))[0] == 415
    assert not platform.gradebook.columns


async def test_a_query_of_a_line_items_address_has_to_follow_the_path(known, rsa_keys):
    async with SamplePlatform(PlatformKind(query="?type_id=4")) as platform:
        platform.register(CLIENT, pem=rsa_keys[0].as_pem(private=False).decode())
        tool = AgsTool(rsa_keys[0], platform.token_url)
        await tool.authorize()
        line_item = platform.add_line_item()
        assert line_item.endswith("?type_id=4")
        assert (await tool.send(line_item))[0] == 204
        assert (await tool.send(line_item.partition("?")[0]))[0] == 404
        right = {"Content_Type": AgsMediaType.SCORE}
        assert (await tool.request("POST", line_item + "/scores", {}, **right))[0] != 204


async def test_it_may_answer_something_else_with_or_without_storing(platform, tool, line_item):
    busy = PlatformReply(503, b"busy", "text/plain")
    platform.behave = lambda record: PlatformBehaviour(serves=record.user_id == USER, reply=busy)
    assert [(await tool.send(line_item, userId=user))[0] for user in (USER, "user-8")] == [503, 503]
    assert (platform.grade(line_item, USER), platform.grade(line_item, "user-8")) == ("0.5", None)

"""Each kind of platform, over a socket: what it does with times, and with what words it refuses."""

import json

import pytest
from joserfc.jwk import RSAKey

from daemon.demo.platform.kind import AgsMediaType
from tests.fakes.ags_tool import CLIENT, AgsTool, with_suffix
from tests.fakes.platform import RecordingPlatform
from tests.fakes.platform_kinds import KINDS, kinds, moodle

USER = "user-7"
FIRST = "2026-11-22T10:15:30.400Z"
#: When the platforms' clocks are, in the tests that need it: minutes after that.
NOW = 1_795_430_000.0

OLDER, EQUAL, SAME_SECOND, LATER = (
    "2026-11-22T10:15:28.000Z",
    FIRST,
    "2026-11-22T10:15:30.900Z",
    "2026-11-22T10:15:31.000Z",
)


@pytest.mark.parametrize(
    ("campus", "timestamp", "status", "words"),
    kinds(
        ("default", OLDER, 409, "before"),
        ("default", EQUAL, 409, "the one that is held"),
        ("default", SAME_SECOND, 204, ""),
        ("canvas", OLDER, 400, "before last updated timestamp of 2026-11-22 10:15:30 UTC"),
        ("canvas", EQUAL, 200, ""),
        ("canvas", "2026-11-22T10:15:30.399Z", 400, "before last updated timestamp of"),
        ("canvas", "2026-11-22T10:15:30.3999Z", 400, "before last updated timestamp of"),
        ("moodle", OLDER, 409, "[]"),
        ("moodle", EQUAL, 409, "[]"),
        ("moodle", SAME_SECOND, 409, "[]"),
        ("moodle", LATER, 200, ""),
        ("moodle_own", SAME_SECOND, 409, "[]"),
        ("moodle_4_5_0_own", LATER, 409, "[]"),
        ("moodle_4_5_0_own", "2099-01-01T00:00:00.000Z", 200, ""),
        ("openedx", OLDER, 400, "later point in time"),
        ("openedx", EQUAL, 400, "Score already exists for the provided timestamp"),
        ("openedx", SAME_SECOND, 201, ""),
        ("aplus", OLDER, 200, ""),
        ("sakai", OLDER, 200, ""),
        ("d2l", OLDER, 409, "before"),
        ("blackboard", EQUAL, 409, "the one that is held"),
    ),
    indirect=["campus"],
)
async def test_a_second_score_is_taken_or_refused_by_its_time(campus, timestamp, status, words):
    platform, line_item, tool = campus
    await tool.send(line_item, 0.5, FIRST)
    answered, text, reply = await tool.send(line_item, 0.75, timestamp)
    assert answered == status
    assert words in text
    assert platform.grade(line_item, USER) == ("0.75" if status < 300 else "0.5")
    if platform.service.kind.name.startswith("moodle") and status == 409:
        assert reply.reason == "Refusing score with an earlier timestamp"


@pytest.mark.parametrize("campus", ["moodle", "default"], indirect=True)
async def test_an_equal_score_moves_no_time_at_moodle(campus):
    platform, line_item, tool = campus
    await tool.send(line_item, 0.5, FIRST)
    await tool.send(line_item, 0.5, "2026-11-22T10:15:40.000Z")
    taken = (await tool.send(line_item, 0.25, "2026-11-22T10:15:35.000Z"))[0] < 300
    assert taken is (platform.service.kind.name == "moodle")


@pytest.mark.parametrize("campus", ["aplus"], indirect=True)
async def test_aplus_keeps_the_higher_score_and_says_200_either_way(campus):
    platform, line_item, tool = campus
    statuses = [(await tool.send(line_item, score, LATER))[0] for score in (0.5, 0.25, 0.75)]
    assert statuses == [200, 200, 200]
    assert platform.shown(USER) == ["0.5", "0.75"]
    assert [one.decision for one in platform.of("score")] == ["stored", "kept", "stored"]


@pytest.mark.parametrize(
    ("campus", "taken"),
    [("default", False), ("canvas", True), ("moodle", False), ("moodle_own", True), ("sakai", True)],
    indirect=["campus"],
)
async def test_a_grade_that_a_person_changed(campus, taken):
    platform, line_item, tool = campus
    await tool.send(line_item, 0.5, FIRST)
    platform.set_by_hand(line_item, USER, "1")
    status, _, _ = await tool.send(line_item, 0.75, LATER)
    assert (status < 300) is taken
    own = platform.service.kind.name == "moodle_own"
    assert platform.grade(line_item, USER) == ("0.75" if taken and not own else "1")


@pytest.mark.parametrize(
    ("campus", "progress", "status", "grade", "result"),
    kinds(
        ("default", ("Initialized", "NotReady", None), 204, None, None),
        ("canvas", ("Initialized", "NotReady", None), 200, None, None),
        ("moodle", ("Initialized", "NotReady", None), 200, None, None),
        ("openedx", ("Initialized", "NotReady", None), 201, "0.5", None),
        ("aplus", ("Initialized", "NotReady", None), 400, "0.5", "none to read"),
        ("sakai", ("Initialized", "NotReady", None), 200, None, None),
        ("canvas", ("Completed", "Pending", 0.75), 200, None, None),
        ("moodle", ("Completed", "Pending", 0.75), 200, None, None),
        ("moodle", ("Completed", "PendingManual", 0.75), 200, None, None),
        ("openedx", ("Completed", "Pending", 0.75), 201, "0.5", 75),
    ),
    indirect=["campus"],
)
async def test_what_clears_a_grade(campus, progress, status, grade, result):
    platform, line_item, tool = campus
    await tool.send(line_item, 0.5, FIRST)
    activity, grading, given = progress
    changes = {"activityProgress": activity, "gradingProgress": grading}
    assert (await tool.send(line_item, given, LATER, **changes))[0] == status
    assert platform.grade(line_item, USER) == grade
    if result != "none to read":
        url = with_suffix(line_item, "/results") + ("&" if "?" in line_item else "?") + f"user_id={USER}"
        _, text, _ = await tool.request("GET", url, Accept=AgsMediaType.RESULTS)
        assert json.loads(text)[0].get("resultScore") == result


REFUSED = [
    ("canvas", "learner", 422, "not a student"),
    ("canvas", "course", 422, "course has concluded"),
    ("canvas", "unpublished", 422, "still unpublished"),
    ("canvas", "other line item", 412, "permission"),
    ("moodle", "learner", 400, "[]"),
    ("openedx", "learner", 500, "<html>"),
    ("aplus", "learner", 500, "<html>"),
    ("aplus", "line item", 403, "Invalid LTI id"),
    ("aplus", "context", 403, "Not allowed in context"),
    ("sakai", "learner", 400, "does not belong to site"),
    ("d2l", "learner", 404, "requested score does not exist"),
    ("d2l", "enrolled", 403, "not enrolled"),
    ("blackboard", "learner", 400, "could not be found"),
]


@pytest.mark.parametrize(("campus", "why", "status", "words"), kinds(*REFUSED), indirect=["campus"])
async def test_learners_and_columns_are_refused_with_the_products_words(campus, why, status, words):
    platform, line_item, tool = campus
    platform.service.refused_learners[USER] = why
    answered, text, _ = await tool.send(line_item)
    assert answered == status
    assert words in text
    assert platform.requests[-1].decision == why
    assert not platform.grades()


@pytest.mark.parametrize(
    ("campus", "status", "words"),
    kinds(
        ("default", 401, "not valid"),
        ("canvas", 401, "token"),
        ("moodle", 401, "[]"),
        ("openedx", 403, "token signature"),
        ("aplus", 401, "token"),
    ),
    indirect=["campus"],
)
async def test_a_revoked_token_is_refused(campus, status, words):
    platform, line_item, tool = campus
    platform.office.revoke()
    answered, text, _ = await tool.send(line_item)
    assert (answered, words in text) == (status, True)


@pytest.mark.parametrize(
    ("campus", "media_type", "status"),
    kinds(
        ("default", "application/json", 415),
        ("canvas", "application/json", 415),
        ("moodle", "application/json", 400),
        ("openedx", "application/json", 415),
    ),
    indirect=["campus"],
)
async def test_a_score_of_another_media_type_is_refused_and_noted(campus, media_type, status):
    platform, line_item, tool = campus
    url = with_suffix(line_item, "/scores")
    assert (await tool.request("POST", url, {}, Content_Type=media_type))[0] == status
    assert platform.faults == ["request 1: media type"]


@pytest.mark.parametrize("campus", ["aplus"], indirect=True)
async def test_aplus_has_no_results_and_breaks_above_the_maximum_and_for_a_wrong_key(campus):
    _, line_item, tool = campus
    assert (await tool.request("GET", with_suffix(line_item, "/results")))[0] == 404
    assert (await tool.send(line_item, 1.5))[0] == 500
    tool.key = RSAKey.generate_key(2048, auto_kid=True)
    assert (await tool.ask())[0] == 500


@pytest.mark.parametrize("campus", ["moodle", "openedx"], indirect=True)
async def test_above_the_maximum_others_clip(campus):
    platform, line_item, tool = campus
    assert (await tool.send(line_item, 1.5))[0] < 300
    assert platform.grade(line_item, USER) == "1"


@pytest.mark.parametrize("campus", ["canvas"], indirect=True)
async def test_submissions_of_a_canvas_run_out_and_are_not_in_the_future(campus):
    platform, line_item, tool = campus
    platform.column(line_item).attempts = 2
    again = {"https://canvas.instructure.com/lti/submission": {"new_submission": False}}
    assert [(await tool.send(line_item, score))[0] for score in (0.1, 0.2)] == [200, 200]
    status, text, _ = await tool.send(line_item, 0.3)
    assert status == 422
    assert "maximum number of allowed attempts" in text
    assert (await tool.send(line_item, 0.3, **again))[0] == 200
    late = {"submission": {"submittedAt": "2099-01-01T00:00:00.000Z"}}
    status, text, _ = await tool.send(line_item, 0.4, **again, **late)
    assert (status, "submitted_at" in text and "in the future" in text) == (400, True)


async def test_moodle_keeps_five_decimals_of_a_point(key, pem):
    async with RecordingPlatform(moodle()) as platform:
        platform.register(CLIENT, pem=pem)
        tool = AgsTool(key, platform.token_url)
        await tool.authorize()
        line_item = platform.add_line_item()
        await tool.send(line_item, 0.123456789)
        assert platform.grade(line_item, USER) == "0.1234568"


def test_the_kinds_are_named_by_their_names():
    assert {kind().name: kind for kind in KINDS.values()} == KINDS

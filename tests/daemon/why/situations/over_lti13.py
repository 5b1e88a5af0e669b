"""Grades that go over LTI 1.3, and those that the tool took back."""

from models import consumer_admin
from models.assignment import GradedAssignment
from models.campus import Campus, OutcomeService
from models.consumer import LtiConsumer
from models.delivery import OVERRULED
from tests.daemon.why.situations.not_sent import refused, refusing
from tests.daemon.why.story import LAUNCH, NOW, ask, before, request, situation, situations

LINE_ITEM = "https://canvas.example.edu/api/lti/courses/7/line_items/9"
PLATFORM = {
    "issuer": "https://canvas.example.edu",
    "client_id": "10000000000001",
    "token_url": "https://canvas.example.edu/login/oauth2/token",
    "consumer_secret": "",
    "product": "canvas",
}
TOO_OLD = "HTTP 400: The provided timestamp is before the last updated timestamp"
OVERTAKEN = request("overtaken", "0.25", http_status=400, description=TOO_OLD, duration_ms=60)
KEPT = request(
    "overtaken",
    "0.25",
    http_status=400,
    code_major=OVERRULED,
    description=f"{TOO_OLD}; it holds 0.9, which was not sent from here and is kept",
    duration_ms=60,
)
STORED = {"http_status": 200, "duration_ms": 60}
BAD_TOKEN = request("retried", "0.25", http_status=401, description="HTTP 401: Invalid access token", duration_ms=20)
NO_CLEAR = request("retried", "", http_status=400, description="HTTP 400: scoreGiven: required", duration_ms=20)
SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"


async def speak_lti_1_3(key="example"):
    """The campus with that key is a platform; its launches named line items."""
    await LtiConsumer.filter(consumer_key=key).update(**PLATFORM)
    await OutcomeService.filter(lti_consumer__consumer_key=key).update(lis_outcome_service_url=LINE_ITEM)


async def begun(story, **more):
    await story.begin(**more)
    await speak_lti_1_3()


async def take_back(story, ago: float, *blocks: str) -> None:
    """The tool takes back what the learner has attempted."""
    for block in blocks or ("p1",):
        await story.event("score.cleared", ago, user_id="42", course_id="physics", usage_id=block)


async def launch_1_3(story, ago: float, **fields) -> None:
    """A launch over LTI 1.3 of the block that the campus launched over LTI 1.1."""
    launched = {name: LAUNCH[name] for name in ("user_id", "course_id", "usage_id", "context_title")}
    own = {"issuer": PLATFORM["issuer"], "client_id": PLATFORM["client_id"], "lti_user_id": "sub-42"}
    await story.event("launch", ago, **launched, **own, lineitem=LINE_ITEM, **fields)


@situation
async def sent_over_lti_1_3_and_1_1(story):
    await story.begin(accepted=True)
    await story.consumer("Other University", "other")
    await story.launch(
        300,
        oauth_consumer_key="other",
        lis_outcome_service_url="https://moodle.example.edu/mod/lti/service.php",
        lis_result_sourcedid="grade-at-other",
        lti_user_id="other-42",
    )
    await speak_lti_1_3()


@situation
async def moved_from_lti_1_1_to_1_3(story):
    await story.begin(accepted=True)
    await story.launch(390, resource_link_id="link-7")
    await story.consumer("Example University over LTI 1.3", "example13", **PLATFORM)
    verified = {"oauth_consumer_key": "example", "lti1p1_resource_link_id": "link-7"}
    await launch_1_3(story, 0.1, resource_link_id="new-7", **verified)


@situation
async def launched_over_both_versions_since_nothing_was_verified(story):
    await story.begin(accepted=True)
    await story.consumer("Example University over LTI 1.3", "example13", **PLATFORM)
    await launch_1_3(story, 0.1)


#: Attempts: minutes ago, outcome, what is recorded, more of the outcome.
ATTEMPTS = {
    "overtaken_and_sent_again_at_once": [(0.1, "overtaken", OVERTAKEN, {"given_back": True})],
    "overtaken_several_times": [
        (40, "overtaken", OVERTAKEN, {"given_back": True}),
        (30, "overtaken", OVERTAKEN, {"given_back": True, "not_before": before(11)}),
        (10, "overtaken", OVERTAKEN, {"given_back": True, "not_before": NOW + 90_000}),
    ],
    "overtaken_too_often": [
        (
            30,
            "overtaken",
            OVERTAKEN,
            {
                "given_back": True,
                "parked_scope": "learner",
                "parked_reason": f"the timestamps of 12 attempts were refused in a row, the last one with: {TOO_OLD}",
                "returns_at": before(30),
            },
        )
    ],
    "overruled": [(30, "overruled", KEPT, {})],
    "the_access_token_was_refused_once": [(0.1, "released", BAD_TOKEN, {"given_back": True})],
    "the_access_token_was_refused_and_another_attempt_before_failed": [
        (60, "retried", request("retried", "0.25", http_status=429, description="HTTP 429: slow down"), {}),
        (0.1, "released", BAD_TOKEN, {"given_back": True}),
    ],
}


@situations(ATTEMPTS)
async def attempted_over_lti_1_3(story, row):
    await begun(story)
    for ago, outcome, record, more in row:
        await story.attempt(ago, outcome, record, **more)


@situation
async def overruled_before_the_next_change(story):
    await begun(story, accepted=True)
    await story.score(300, 2)
    await story.attempt(270, "overruled", {**KEPT, "score": "0.5"})
    await story.score(5, 1)


NO_TOKEN = "no access token: HTTP 400: invalid_client: the client is not known"
#: Columns of the campus.
CAMPUSES = {
    "platform_gives_no_access_token": refusing(NO_TOKEN),
    "platform_finds_our_time_wrong": refusing("no access token: HTTP 400: invalid_grant: the assertion has expired"),
    "platform_gives_a_token_without_the_scope": refusing(
        f"the platform gives an access token without the scope {SCOPE}: have it allow the tool that scope"
    ),
    "platform_does_not_know_the_scope": refusing("no access token: HTTP 400: invalid_scope: no such scope"),
    "token_server_down": refusing("no access token: HTTP 500: no words"),
    "token_server_down_and_asked_any_moment": refusing("no access token: HTTP 500: no words", blocked_until=before(1)),
    "platform_refuses_our_access_tokens": refusing("HTTP 403: JWT signature verification failed"),
    "platform_takes_no_grades_at_its_line_items": refusing("HTTP 404: Not Found"),
    "token_server_busy": {
        "throttled_at": before(1),
        "max_in_flight": 2,
        "blocked_until": NOW + 90_000,
        "last_error": "no access token: HTTP 429: slow down",
        "last_error_at": before(1),
    },
}


@situations(CAMPUSES)
async def platform_with(story, row):
    await begun(story)
    await Campus.all().update(**row)


@situation
async def platform_paused(story):
    await begun(story)
    await consumer_admin.pause("example", now=before(1500))


#: HTTP status, why it is parked, and whom that concerns.
PARKED = {
    "parked_for_the_learner_over_lti_1_3": (422, "HTTP 422: User not found in course", "learner"),
    "parked_for_a_learner_of_whom_the_platform_says_nothing": (400, "HTTP 400: no words", "learner"),
    "parked_for_a_line_item_that_is_gone": (404, "HTTP 404: no words", "course"),
    "parked_for_what_is_sent_over_lti_1_3": (400, "HTTP 400: scoreGiven: a number is required", "campus"),
}


@situations(PARKED)
async def refused_over_lti_1_3(story, row):
    await refused(story, row)
    await speak_lti_1_3()


#: Columns of the outcome service of a link whose line item is not known.
LOOKS = {
    "waits_for_its_line_item": {},
    "waits_for_its_line_item_after_a_failed_look": {
        "look_at": NOW + 90_000,
        "look_failures": 2,
        "look_error": "HTTP 503: no words",
    },
    "waits_for_its_line_item_without_an_access_token": {"look_at": NOW + 90_000, "look_error": NO_TOKEN},
}


@situations(LOOKS)
async def waits_for_its_line_item(story, row):
    await without_line_item(story, row)


async def without_line_item(story, row):
    await begun(story)
    await OutcomeService.all().update(wanted_for='{"resource_link_id": "link-7"}', **row)
    await story.attempt(499, "waiting")


@situation
async def waits_for_its_line_item_at_a_campus_that_is_down(story):
    await without_line_item(story, {"look_at": NOW + 90_000, "look_error": "no connection to the campus in time"})
    await Campus.all().update(**refusing("no connection to the campus in time"))


# --- Scores that were taken back ---


@situation
async def cleared(story):
    await begun(story, accepted=True)
    await take_back(story, 220)
    await story.attempt(190, "accepted", request("accepted", "", **STORED))


@situation
async def cleared_and_attempted_again(story):
    await cleared(story)
    await story.score(5, 2)


@situation
async def clearing(story):
    await begun(story, accepted=True)
    await take_back(story, 15.2)


@situation
async def clearing_in_doubt(story):
    await begun(story, accepted=True)
    await take_back(story, 30)
    processing = request("ambiguous", "", http_status=202, code_major="processing", description="HTTP 202: no words")
    later = NOW + 3_000_000
    await story.attempt(5, "in_doubt", processing, not_before=later, hold_until=later)


@situation
async def clearing_where_the_lms_takes_no_grade_back(story):
    await begun(story, accepted=True)
    await take_back(story, 30)
    await story.attempt(0.1, "released", NO_CLEAR, given_back=True, omit="clear")


@situation
async def zero_sent_in_place_of_no_grade(story):
    await clearing_where_the_lms_takes_no_grade_back(story)
    await story.attempt(0.05, "accepted", request("accepted", "0", **STORED))


@situation
async def taken_back_before_it_was_sent(story):
    await begun(story)
    await take_back(story, 30)
    # A daemon that has caught up with the stream orders nothing.
    await GradedAssignment.all().update(forced_version=0, ordered_version=0)


@situation
async def taken_back_before_it_was_sent_and_settled(story):
    await taken_back_before_it_was_sent(story)
    await story.attempt(9, "empty")


@situation
async def one_of_two_problems_taken_back(story):
    await begun(story)
    await story.score(500.5, 2, "p2")
    await take_back(story, 30)
    return ask(course_id="physics", usage_id="unit")

"""Grades that have not gone yet: they wait, are being sent, are retried, or are parked."""

from models import consumer_admin
from models.assignment import GradedAssignment
from models.campus import Campus, OutcomeService
from models.rescue import rescue
from tests.daemon.why.story import NO_CONNECTION, NOW, UNAVAILABLE, ask, before, request, situation, situations

PROCESSING = request(
    "ambiguous", "0.25", http_status=200, code_major="processing", description="HTTP 200, processing: queued"
)
UNSIGNED = request("misconfigured", "0.25", http_status=401, description="HTTP 401: Invalid signature", duration_ms=40)

REDIRECT = request(
    "misconfigured",
    "0.25",
    http_status=302,
    description="HTTP 302: the outcome service redirects to https://sso.example.edu",
)

UNEXPLAINED = request(
    "retried",
    "0.25",
    http_status=200,
    code_major="failure",
    description="HTTP 200, failure: The request has failed.",
    duration_ms=40,
)

#: Attempts: minutes ago, outcome, what is recorded, more of the outcome.
ATTEMPTS = {
    "retrying": [
        (60, "retried", NO_CONNECTION, {"not_before": before(40)}),
        (30, "retried", NO_CONNECTION, {"not_before": NOW + 150_000}),
    ],
    "retrying_at_once": [(60, "retried", NO_CONNECTION, {"not_before": before(40)})],
    "retrying_tomorrow": [(60, "retried", NO_CONNECTION, {"not_before": NOW + 12 * 3_600_000})],
    "in_doubt_whether_the_request_arrived": [
        (0.2, "in_doubt", UNAVAILABLE, {"not_before": NOW + 3_000, "hold_until": NOW + 9_000})
    ],
    "held_for_a_campus_that_processes_and_then_backs_off": [
        (10, "in_doubt", PROCESSING, {"not_before": NOW + 3_600_000, "hold_until": NOW + 3_000_000})
    ],
    "refused_in_words_that_are_not_known": [(2, "retried", UNEXPLAINED, {"not_before": NOW + 180_000})],
    "refused_in_words_that_are_not_known_and_due": [(6, "retried", UNEXPLAINED, {"not_before": before(1)})],
    "refused_in_words_that_are_not_known_after_time_outs": [
        (60, "retried", NO_CONNECTION, {"not_before": before(58)}),
        (50, "retried", UNEXPLAINED, {"not_before": before(44)}),
        (40, "retried", UNEXPLAINED, {"not_before": NOW + 180_000}),
    ],
    "refused_in_words_that_are_not_known_for_the_last_time_but_one": [
        (400 - 60 * number, "retried", UNEXPLAINED, {"not_before": before(390 - 60 * number)}) for number in range(5)
    ]
    + [(60, "retried", UNEXPLAINED, {"not_before": NOW + 180_000})],
    "put_off_since_the_campus_refuses_everything": [
        (0.5, "released", UNSIGNED, {"not_before": NOW + 30_000, "given_back": True})
    ],
    "put_off_although_an_attempt_before_counted": [
        (60, "retried", NO_CONNECTION, {"not_before": before(40)}),
        (0.5, "released", UNSIGNED, {"not_before": NOW + 30_000, "given_back": True}),
    ],
    "put_off_for_an_address_that_redirects": [
        (0.5, "released", REDIRECT, {"not_before": NOW + 30_000, "given_back": True})
    ],
    "put_off_before_anything_was_sent": [(0.1, "released", None, {"not_before": NOW + 2_000, "given_back": True})],
}


def refusing(words: str, **columns: object) -> dict[str, object]:
    """A campus that takes nothing for the same reason since an hour and a half."""
    blocked = {"blocked_until": NOW + 200_000}
    return {"tripped_at": before(95), "last_error": words, "last_error_at": before(2), **blocked, **columns}


DOWN = {"tripped_at": before(95), "last_error": "HTTP 503: no words", "last_error_at": before(95)}
BUSY = {"throttled_at": before(1), "max_in_flight": 2, "blocked_until": NOW + 90_000}
SLOW_DOWN = {"last_error": "HTTP 429: slow down", "last_error_at": before(1)}

#: Columns of the campus.
CAMPUSES = {
    "campus_down": {**DOWN, "blocked_until": NOW + 200_000},
    "campus_busy": {**BUSY, **SLOW_DOWN},
    "campus_busy_that_names_no_reason": {**BUSY, "last_error": "cannot connect", "last_error_at": before(9000)},
    "campus_busy_with_a_later_refusal_of_one_grade": {
        **BUSY,
        "last_error": "HTTP 422, failure, user_not_in_course: no words",
        "last_error_at": before(0.5),
    },
    "campus_refuses_our_signature": refusing("HTTP 200, failure: Message signature not valid"),
    "campus_refuses_our_signature_by_its_status": refusing("HTTP 401: no words", blocked_until=before(1)),
    "campus_refuses_our_time": refusing("HTTP 200, failure: OAuth verification failed: oauth_timestamp has expired"),
    "campus_with_a_certificate_that_has_expired": refusing(
        "the campus's certificate cannot be trusted: certificate has expired"
    ),
    "campus_that_redirects": refusing("HTTP 302: the outcome service redirects to https://sso.example.edu"),
    "campus_with_another_address": refusing("HTTP 404: Not Found"),
    "campus_that_refuses_what_is_sent": refusing("HTTP 200, failure: Invalid XML content"),
    "campus_throttled_and_no_longer_blocked": {**BUSY, **SLOW_DOWN, "blocked_until": before(0.5)},
}
#: HTTP status of the answer if there was one, why it is parked, and whom that concerns.
PARKED = {
    "parked_for_the_learner": (422, "HTTP 422, failure, user_not_in_course: User is no longer in course", "learner"),
    "parked_for_the_sourcedid": (200, "HTTP 200, failure: SourcedId hash not valid", "learner"),
    "parked_for_a_sourcedid_with_a_wrong_signature": (
        422,
        "HTTP 422, failure, signature_invalid: Invalid signature",
        "learner",
    ),
    "parked_since_no_attempt_is_left": (200, "HTTP 200, failure: EXERCISE_MAX_SUBMISSIONS_USED", "learner"),
    "parked_for_what_is_sent": (200, "HTTP 200, failure: Score must be numeric", "campus"),
    "parked_for_the_address_of_the_activity": (404, "HTTP 404: Not Found", "course"),
    "parked_for_the_address": (404, "HTTP 404: Not Found", "campus"),
    "parked_for_the_course": (200, "HTTP 200, failure: course has ended", "course"),
    "parked_since_nothing_may_be_sent_there": (
        None,
        "canvas.example.edu is on a private address: see egress.allow_networks",
        "campus",
    ),
}


@situations(ATTEMPTS)
async def attempted(story, row):
    await story.begin()
    for ago, outcome, record, more in row:
        await story.attempt(ago, outcome, record, **more)


@situations(CAMPUSES)
async def campus_with(story, row):
    await story.begin()
    await Campus.all().update(**row)


@situations(PARKED)
async def refused_and_parked(story, row):
    await refused(story, row)


async def refused(story, row):
    status, reason, scope = row
    answer = {"http_status": status, "code_major": "failure", "duration_ms": 90} if status else {}
    record = request("refused", "0.5", description=reason, **answer)
    await parked(story, "parked", record, parked_scope=scope, parked_reason=reason)


async def parked(story, *attempt, **more):
    await story.begin(accepted=True)
    await story.score(100, 2)
    await story.attempt(80, *attempt, **more)


@situation
async def parked_for_the_campus_after_many_attempts(story):
    reason = "80 attempts failed, the last one with: cannot connect: connection refused"
    await parked(story, "retried", NO_CONNECTION, parked_scope="campus", parked_reason=reason)


@situation
async def parked_for_words_that_are_not_known(story):
    reason = "7 attempts failed, the last one with: HTTP 200, failure: The request has failed."
    await parked(story, "retried", UNEXPLAINED, parked_scope="learner", parked_reason=reason)


@situation
async def parked_for_the_address_at_a_campus_that_has_taken_grades_since(story):
    await refused(story, (404, "HTTP 404: Not Found", "campus"))
    await OutcomeService.all().update(accepted_at=before(20))


@situation
async def held_for_a_request_of_an_assignment_before_it(story):
    await story.begin()
    await GradedAssignment.all().update(hold_until=NOW + 9_000)


@situation
async def due_for_some_minutes(story):
    await story.begin(scored=False)
    await story.score(5, 1, "p1")
    await GradedAssignment.all().update(due_at=before(5))


@situation
async def parked_with_nothing_in_the_ledger(story):
    await parked(story, "parked", parked_scope="course", parked_reason="course has ended")


@situation
async def superseded(story):
    await story.begin()
    await story.attempt(60, "retried", NO_CONNECTION, not_before=NOW + 150_000)
    await story.score(20, 2)


@situation
async def waiting_for_the_debounce(story):
    await story.begin(accepted=True)
    await story.score(10, 2)
    return ask(course_id="physics", usage_id="unit")


@situation
async def waiting_at_the_ceiling_of_the_debounce(story):
    await story.begin(accepted=True)
    for ago in (55, 42, 29, 16, 3):
        await story.score(ago, 2 if ago % 2 else 1)
    return ask(course_id="physics", usage_id="unit")


@situations({"being_sent": 0.1, "left_by_a_sender_that_did_not_come_back": 30})
async def claimed(story, row):
    await story.begin()
    await story.claim(row)


@situation
async def taken_back_from_a_sender_that_did_not_come_back(story):
    await story.begin()
    await story.claim(30)
    await rescue(now=before(29))


@situation
async def structure_unknown_and_not_looked_at_yet(story):
    await story.consumer()
    await story.score(501, 1)
    await story.launch(500)


@situation
async def structure_unknown(story):
    await structure_unknown_and_not_looked_at_yet(story)
    await story.attempt(499, "waiting")


@situation
async def structure_of_the_learners_own_without_the_block(story):
    await story.begin()
    await story.structure(400, tree={"physics": None, "another unit": "physics"}, user_id="42")
    await story.attempt(380, "waiting")


@situation
async def campus_down_and_the_next_probe_is_due(story):
    since = before(94)
    await story.begin()
    await story.attempt(95, "in_doubt", UNAVAILABLE, not_before=since, hold_until=since, given_back=True)
    await Campus.all().update(**DOWN, blocked_until=before(1))


@situation
async def campus_refuses_our_signature_and_a_probe_is_under_way(story):
    await campus_probing(story)
    await Campus.all().update(last_error="HTTP 401: Invalid signature")


@situation
async def campus_probing(story):
    await story.begin()
    await story.launch(400, user_id="43", lis_result_sourcedid="grade-of-another", lti_user_id="campus-43")
    await Campus.all().update(**DOWN, blocked_until=before(90))
    await story.claim(0.1, user_id="43")


@situation
async def campus_paused(story):
    await story.begin()
    await consumer_admin.pause("example", now=before(1500))


@situation
async def campus_paused_while_the_debounce_runs(story):
    await waiting_for_the_debounce(story)
    await consumer_admin.pause("example", now=before(1500))

"""Every situation that a grade can be in, as a story; what is answered to it stands in ``answers/``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models import consumer_admin
from models.assignment import GradedAssignment
from models.registration import Registration, register
from tests.daemon.why.story import LAUNCH, NOW, Story, ask, before

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from models.queries.grades import Query

SITUATIONS: dict[str, Callable[[Story], Awaitable[Query]]] = {}

UNAVAILABLE = {
    "result": "ambiguous",
    "score": "0.25",
    "http_status": 503,
    "description": "HTTP 503: no words",
    "duration_ms": 40,
}
NO_CONNECTION = {"result": "retried", "score": "0.25", "description": "cannot connect: connection refused"}


def situation(story: Callable[[Story], Awaitable[Query]]) -> Callable[[Story], Awaitable[Query]]:
    SITUATIONS[story.__name__] = story
    return story


async def begun(story: Story, *, scored: bool = True, usage_id: str = "unit") -> tuple[int, int]:
    """A campus, a course, a learner with a score and a launch some hours ago: the assignment, due, and its campus."""
    campus = await story.consumer()
    await story.structure()
    if scored:
        await story.score(501, 1)
    await story.launch(500, usage_id=usage_id)
    return await id_of(usage_id), campus


async def id_of(usage_id: str) -> int:
    return (await GradedAssignment.get(usage_id=usage_id)).id


# --- There is none ---


@situation
async def never_registered(story):
    await story.structure()
    await story.score(10, 1)
    return ask(course_id="physics", usage_id="unit")


@situation
async def never_registered_in_this_block_of_a_course_that_is_unknown(story):
    await story.score(10, 1)
    return ask(course_id="physics", usage_id="unit")


@situation
async def registered_elsewhere_and_the_block_is_unknown(story):
    await begun(story)
    return ask(course_id="physics", usage_id="unti")


@situation
async def unknown_learner(story):
    await begun(story)
    return ask(user_id="43")


@situation
async def unknown_learner_of_the_campus(story):
    await begun(story)
    return ask(lti_user_id="42")


@situation
async def unknown_sourcedid(story):
    await begun(story)
    return ask(sourcedid="grade-of-unti")


@situation
async def quarantined(story):
    await story.score(501, 1)
    await story.launch(20)
    await story.score(10, "nan")
    return ask(course_id="physics", usage_id="unit")


@situation
async def quarantined_launch_asked_for_by_the_campus_id(story):
    await story.launch(20)
    return ask(lti_user_id="campus-42")


@situation
async def retired_learner(story):
    await begun(story)
    await story.tell("user.retired", 60, user_id="42")
    await story.score(30, 2, modified="2026-03-02T12:00:00Z")
    return ask(course_id="physics")


@situation
async def retired_learner_who_came_back(story):
    await begun(story)
    await story.tell("user.retired", 60, user_id="42")
    await story.score(30, 2)
    return ask()


# --- Settled ---


@situation
async def sent(story):
    unit, _ = await begun(story)
    await story.accepted(unit, 73, "0.25")
    return ask(course_id="physics", usage_id="unit")


@situation
async def sent_with_a_ledger_that_is_longer_than_anybody_reads(story):
    unit, _ = await begun(story)
    for number in range(51):
        await story.attempt(
            unit, 400 - number, {"outcome": "retried", "not_before": before(400 - number)}, NO_CONNECTION
        )
    await story.accepted(unit, 73, "0.25")
    return ask()


@situation
async def unchanged_and_skipped(story):
    unit, _ = await begun(story)
    await story.accepted(unit, 400, "0.25")
    await story.score(100, 0)
    await story.score(99, 1)
    await story.attempt(unit, 80, {"outcome": "unchanged"})
    return ask()


@situation
async def nothing_attempted(story):
    unit, _ = await begun(story, scored=False)
    await story.attempt(unit, 499, {"outcome": "empty"})
    return ask()


@situation
async def registered_a_moment_ago_with_nothing_attempted(story):
    await begun(story, scored=False)
    return ask()


@situation
async def clamped(story):
    problem, _ = await begun(story, scored=False, usage_id="p1")
    await story.score(90, 3)
    await story.accepted(problem, 89, "1", clamped=True)
    return ask()


@situation
async def switched_off(story):
    unit, _ = await begun(story)
    await story.accepted(unit, 400, "0.25")
    await story.tell("assignment.disabled", 30, oauth_consumer_key="example", lis_result_sourcedid="grade-of-unit")
    return ask()


# --- Moved and replaced ---


async def moved(story):
    unit, _ = await begun(story)
    await story.accepted(unit, 400, "0.25")
    await story.launch(60, usage_id="other unit", resource_link_title="Energy")


@situation
async def moved_to_another_block_and_asked_for_by_the_new_one(story):
    await moved(story)
    await story.score(50, 2, "p3")
    return ask(course_id="physics", usage_id="other unit")


@situation
async def moved_to_another_block_and_asked_for_by_the_old_one(story):
    await moved(story)
    return ask(course_id="physics", usage_id="unit")


@situation
async def moved_to_another_block_in_which_nothing_is_attempted(story):
    await moved(story)
    await story.attempt(await id_of("other unit"), 59, {"outcome": "empty"})
    return ask()


@situation
async def replaced_by_a_newer_launch_of_the_same_link(story):
    await begun(story)
    await story.launch(300, resource_link_id="link-1")
    await story.accepted(await id_of("unit"), 299, "0.25")
    await story.launch(200, lis_result_sourcedid="elsewhere-first", usage_id="p1", resource_link_id="link-1")
    await story.launch(90, lis_result_sourcedid="elsewhere-first", resource_link_id="link-1")
    await story.accepted(await id_of("unit"), 89, "0.25")
    return ask(sourcedid="elsewhere-first")


# --- On its way ---


@situation
async def waiting_for_the_debounce(story):
    unit, _ = await begun(story)
    await story.accepted(unit, 400, "0.25")
    await story.score(10, 2)
    return ask(course_id="physics", usage_id="unit")


@situation
async def waiting_at_the_ceiling_of_the_debounce(story):
    unit, _ = await begun(story)
    await story.accepted(unit, 400, "0.25")
    for ago in (55, 42, 29, 16, 3):
        await story.score(ago, 2 if ago % 2 else 1)
    return ask(course_id="physics", usage_id="unit")


@situation
async def due_now(story):
    await begun(story)
    return ask(lti_user_id="campus-42")


@situation
async def being_sent(story):
    unit, _ = await begun(story)
    await story.claim(unit, 0.1)
    return ask()


@situation
async def left_by_a_sender_that_did_not_come_back(story):
    unit, _ = await begun(story)
    await story.claim(unit, 30)
    return ask()


@situation
async def structure_unknown(story):
    await story.consumer()
    await story.score(501, 1)
    await story.launch(500)
    await story.attempt(await id_of("unit"), 499, {"outcome": "waiting", "given_back": True})
    return ask()


@situation
async def structure_unknown_and_not_looked_at_yet(story):
    await story.consumer()
    await story.score(501, 1)
    await story.launch(500)
    return ask()


@situation
async def retrying(story):
    unit, _ = await begun(story)
    await story.attempt(unit, 60, {"outcome": "retried", "not_before": before(40)}, NO_CONNECTION)
    await story.attempt(unit, 30, {"outcome": "retried", "not_before": NOW + 150_000}, NO_CONNECTION)
    return ask()


@situation
async def retrying_at_once(story):
    unit, _ = await begun(story)
    await story.attempt(unit, 60, {"outcome": "retried", "not_before": before(40)}, NO_CONNECTION)
    return ask()


@situation
async def retrying_tomorrow(story):
    unit, _ = await begun(story)
    await story.attempt(unit, 60, {"outcome": "retried", "not_before": NOW + 12 * 3_600_000}, NO_CONNECTION)
    return ask()


@situation
async def superseded(story):
    unit, _ = await begun(story)
    await story.attempt(unit, 60, {"outcome": "retried", "not_before": NOW + 150_000}, NO_CONNECTION)
    await story.score(20, 2)
    return ask()


@situation
async def in_doubt_whether_the_request_arrived(story):
    unit, _ = await begun(story)
    await story.attempt(
        unit, 0.2, {"outcome": "in_doubt", "not_before": NOW + 3_000, "hold_until": NOW + 9_000}, UNAVAILABLE
    )
    return ask()


@situation
async def held_for_a_campus_that_processes_and_then_backs_off(story):
    unit, _ = await begun(story)
    line = {
        "result": "ambiguous",
        "score": "0.25",
        "http_status": 200,
        "code_major": "processing",
        "description": "HTTP 200, processing: queued",
    }
    await story.attempt(
        unit, 10, {"outcome": "in_doubt", "not_before": NOW + 3_600_000, "hold_until": NOW + 3_000_000}, line
    )
    return ask()


@situation
async def put_off_since_the_campus_refuses_everything(story):
    unit, _ = await begun(story)
    line = {
        "result": "misconfigured",
        "score": "0.25",
        "http_status": 401,
        "description": "HTTP 401: Invalid signature",
        "duration_ms": 40,
    }
    await story.attempt(unit, 0.5, {"outcome": "released", "given_back": True, "not_before": NOW + 30_000}, line)
    return ask()


@situation
async def put_off_before_anything_was_sent(story):
    unit, _ = await begun(story)
    await story.attempt(unit, 0.1, {"outcome": "released", "given_back": True, "not_before": NOW + 2_000})
    return ask()


# --- The campus ---


@situation
async def campus_down(story):
    _, campus = await begun(story)
    await story.campus(campus, tripped_at=before(95), blocked_until=NOW + 200_000, last_error="HTTP 503: no words")
    return ask()


@situation
async def campus_down_and_the_next_probe_is_due(story):
    unit, campus = await begun(story)
    in_doubt = {"outcome": "in_doubt", "not_before": before(94), "hold_until": before(94), "given_back": True}
    await story.attempt(unit, 95, in_doubt, UNAVAILABLE)
    await story.campus(campus, tripped_at=before(95), blocked_until=before(1), last_error="HTTP 503: no words")
    return ask()


@situation
async def campus_probing(story):
    _, campus = await begun(story)
    await story.launch(400, user_id="43", lis_result_sourcedid="grade-of-another")
    await story.campus(campus, tripped_at=before(95), blocked_until=before(90), last_error="HTTP 503: no words")
    await story.claim((await GradedAssignment.get(user_id="43")).id, 0.1)
    return ask()


@situation
async def campus_busy(story):
    _, campus = await begun(story)
    await story.campus(campus, throttled_at=before(1), blocked_until=NOW + 90_000, last_error="HTTP 429: slow down")
    return ask()


@situation
async def campus_paused(story):
    await begun(story)
    await consumer_admin.pause("example", now=before(1500))
    return ask()


@situation
async def campus_paused_while_the_debounce_runs(story):
    unit, _ = await begun(story)
    await story.accepted(unit, 400, "0.25")
    await story.score(10, 2)
    await consumer_admin.pause("example", now=before(1500))
    return ask()


# --- Parked ---


async def parked(story, parked: dict, line: dict | None):
    unit, _ = await begun(story)
    await story.accepted(unit, 400, "0.25")
    await story.score(100, 2)
    await story.attempt(unit, 80, parked, line)
    return ask()


@situation
async def parked_for_the_learner(story):
    said = "HTTP 422, failure, user_not_in_course: User is no longer in course"
    line = {
        "result": "refused",
        "score": "0.5",
        "http_status": 422,
        "code_major": "failure",
        "description": said,
        "duration_ms": 90,
    }
    return await parked(story, {"outcome": "parked", "parked_reason": said, "parked_scope": "learner"}, line)


@situation
async def parked_for_the_course(story):
    said = "HTTP 200, failure: course has ended"
    line = {
        "result": "refused",
        "score": "0.5",
        "http_status": 200,
        "code_major": "failure",
        "description": said,
        "duration_ms": 90,
    }
    return await parked(story, {"outcome": "parked", "parked_reason": said, "parked_scope": "course"}, line)


@situation
async def parked_for_the_campus_after_many_attempts(story):
    said = "80 attempts failed, the last one with: cannot connect: connection refused"
    return await parked(story, {"outcome": "parked", "parked_reason": said, "parked_scope": "campus"}, NO_CONNECTION)


@situation
async def parked_since_nothing_may_be_sent_there(story):
    said = "canvas.example.edu is on a private address: see egress.allow_networks"
    return await parked(
        story,
        {"outcome": "parked", "parked_reason": said, "parked_scope": "campus"},
        {"result": "refused", "score": "0.5", "description": said},
    )


@situation
async def parked_with_nothing_in_the_ledger(story):
    return await parked(
        story, {"outcome": "parked", "parked_reason": "course has ended", "parked_scope": "course"}, None
    )


# --- Several, late, and hostile ---


@situation
async def two_campuses_and_two_blocks(story):
    unit, _ = await begun(story)
    await story.consumer("Another University", "another")
    await story.launch(
        400,
        oauth_consumer_key="another",
        lis_result_sourcedid="another-grade",
        lis_outcome_service_url="http://moodle.another.example:8080/mod/lti/service.php",
        lti_user_id="9",
        context_title="",
        resource_link_title="",
        usage_id="p1",
    )
    await story.accepted(unit, 73, "0.25")
    await story.accepted(await id_of("p1"), 72, "0.5")
    return ask()


@situation
async def events_that_came_too_late_or_could_not_be_applied(story):
    unit, _ = await begun(story)
    await story.accepted(unit, 73, "0.25")
    await story.score(60, 0, modified="2026-01-01T00:00:00Z")
    await story.score(59, 0, modified="2026-01-02T00:00:00Z")
    await story.score(50, 1, "p2", possible=-1)
    await story.score(45, "nan", "p3")
    await story.launch(44, usage_id="other unit", oauth_consumer_key="nobody")
    await story.score(40, "nan", course_id="chemistry")
    await story.tell("launch", 39, user_id="42")
    return ask(course_id="physics", usage_id="unit")


@situation
async def hostile_words(story):
    await story.consumer("[red]Evil[/red] \u202eUniversity")
    await story.structure()
    await story.score(501, 1)
    await story.launch(500, context_title="\x1b[31mPhysics\r\nForged: line", resource_link_title="[bold]:smile:[/bold]")
    line = {
        "result": "refused",
        "score": "0.25",
        "http_status": 200,
        "description": "\x1b]0;owned\x07 [link=x]no[/link]",
        "duration_ms": 1,
    }
    await story.attempt(
        await id_of("unit"),
        80,
        {"outcome": "parked", "parked_reason": line["description"], "parked_scope": "course"},
        line,
    )
    return ask()


@situation
async def later_launches_that_say_less_keep_the_titles(story):
    await begun(story)
    await register(
        Registration(
            consumer_key="example",
            user_id="42",
            course_id="physics",
            usage_id="unit",
            lis_result_sourcedid=LAUNCH["lis_result_sourcedid"],
            lis_outcome_service_url=LAUNCH["lis_outcome_service_url"],
            modified_us=before(3) * 1000,
        ),
        kind="composite",
        now=before(3),
    )
    return ask(user_id=None, sourcedid="grade-of-unit")

"""Grades that are on their way."""

from models.rescue import rescue
from tests.daemon.why.situations.begin import NO_CONNECTION, UNAVAILABLE, begun, id_of, situation
from tests.daemon.why.story import NOW, Sent, ask, before


@situation
async def waiting_for_the_debounce(story):
    unit = await begun(story)
    await story.accepted(unit, 400, "0.25")
    await story.score(10, 2)
    return ask(course_id="physics", usage_id="unit")


@situation
async def waiting_at_the_ceiling_of_the_debounce(story):
    unit = await begun(story)
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
    unit = await begun(story)
    await story.claim(unit, 0.1)
    return ask()


@situation
async def left_by_a_sender_that_did_not_come_back(story):
    unit = await begun(story)
    await story.claim(unit, 30)
    return ask()


@situation
async def taken_back_from_a_sender_that_did_not_come_back(story):
    unit = await begun(story)
    await story.claim(unit, 30)
    await rescue(now=before(29))
    return ask()


@situation
async def structure_unknown(story):
    await story.consumer()
    await story.score(501, 1)
    await story.launch(500)
    await story.attempt(await id_of("unit"), 499, "waiting")
    return ask()


@situation
async def structure_unknown_and_not_looked_at_yet(story):
    await story.consumer()
    await story.score(501, 1)
    await story.launch(500)
    return ask()


@situation
async def retrying(story):
    unit = await begun(story)
    await story.attempt(unit, 60, "retried", NO_CONNECTION, not_before=before(40))
    await story.attempt(unit, 30, "retried", NO_CONNECTION, not_before=NOW + 150_000)
    return ask()


@situation
async def retrying_at_once(story):
    unit = await begun(story)
    await story.attempt(unit, 60, "retried", NO_CONNECTION, not_before=before(40))
    return ask()


@situation
async def retrying_tomorrow(story):
    unit = await begun(story)
    await story.attempt(unit, 60, "retried", NO_CONNECTION, not_before=NOW + 12 * 3_600_000)
    return ask()


@situation
async def superseded(story):
    unit = await begun(story)
    await story.attempt(unit, 60, "retried", NO_CONNECTION, not_before=NOW + 150_000)
    await story.score(20, 2)
    return ask()


@situation
async def in_doubt_whether_the_request_arrived(story):
    unit = await begun(story)
    await story.attempt(unit, 0.2, "in_doubt", UNAVAILABLE, not_before=NOW + 3_000, hold_until=NOW + 9_000)
    return ask()


@situation
async def held_for_a_campus_that_processes_and_then_backs_off(story):
    unit = await begun(story)
    line = Sent(
        "ambiguous", "0.25", http_status=200, code_major="processing", description="HTTP 200, processing: queued"
    )
    await story.attempt(unit, 10, "in_doubt", line, not_before=NOW + 3_600_000, hold_until=NOW + 3_000_000)
    return ask()


@situation
async def put_off_since_the_campus_refuses_everything(story):
    unit = await begun(story)
    line = Sent("misconfigured", "0.25", http_status=401, description="HTTP 401: Invalid signature", duration_ms=40)
    await story.attempt(unit, 0.5, "released", line, not_before=NOW + 30_000, given_back=True)
    return ask()


@situation
async def put_off_before_anything_was_sent(story):
    unit = await begun(story)
    await story.attempt(unit, 0.1, "released", not_before=NOW + 2_000, given_back=True)
    return ask()

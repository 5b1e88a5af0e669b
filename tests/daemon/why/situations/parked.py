"""Grades that are parked."""

from tests.daemon.why.situations.begin import NO_CONNECTION, begun, situation
from tests.daemon.why.story import Sent, ask


async def parked(story, line, reason, scope):
    unit = await begun(story)
    await story.accepted(unit, 400, "0.25")
    await story.score(100, 2)
    outcome = "retried" if line is NO_CONNECTION else "parked"
    await story.attempt(unit, 80, outcome, line, parked_scope=scope, parked_reason=reason)
    return ask()


@situation
async def parked_for_the_learner(story):
    said = "HTTP 422, failure, user_not_in_course: User is no longer in course"
    line = Sent("refused", "0.5", http_status=422, code_major="failure", description=said, duration_ms=90)
    return await parked(story, line, said, "learner")


@situation
async def parked_for_the_course(story):
    said = "HTTP 200, failure: course has ended"
    line = Sent("refused", "0.5", http_status=200, code_major="failure", description=said, duration_ms=90)
    return await parked(story, line, said, "course")


@situation
async def parked_for_the_campus_after_many_attempts(story):
    said = "80 attempts failed, the last one with: cannot connect: connection refused"
    return await parked(story, NO_CONNECTION, said, "campus")


@situation
async def parked_since_nothing_may_be_sent_there(story):
    said = "canvas.example.edu is on a private address: see egress.allow_networks"
    return await parked(story, Sent("refused", "0.5", description=said), said, "campus")


@situation
async def parked_with_nothing_in_the_ledger(story):
    return await parked(story, None, "course has ended", "course")

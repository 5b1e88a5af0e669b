"""Grades that wait for their campus."""

from models import consumer_admin
from models.campus import Campus
from tests.daemon.why.situations.begin import UNAVAILABLE, begun, situation
from tests.daemon.why.story import NOW, ask, before

DOWN = {"tripped_at": before(95), "last_error": "HTTP 503: no words", "last_error_at": before(95)}


@situation
async def campus_down(story):
    await begun(story)
    await Campus.all().update(**DOWN, blocked_until=NOW + 200_000)
    return ask()


@situation
async def campus_down_and_the_next_probe_is_due(story):
    unit = await begun(story)
    await story.attempt(
        unit, 95, "in_doubt", UNAVAILABLE, not_before=before(94), hold_until=before(94), given_back=True
    )
    await Campus.all().update(**DOWN, blocked_until=before(1))
    return ask()


@situation
async def campus_probing(story):
    await begun(story)
    await story.launch(400, user_id="43", lis_result_sourcedid="grade-of-another", lti_user_id="campus-43")
    await Campus.all().update(**DOWN, blocked_until=before(90))
    await story.claim(await story.id_of(user_id="43"), 0.1)
    return ask()


@situation
async def campus_busy(story):
    await begun(story)
    await Campus.all().update(
        throttled_at=before(1),
        max_in_flight=2,
        blocked_until=NOW + 90_000,
        last_error="HTTP 429: slow down",
        last_error_at=before(1),
    )
    return ask()


@situation
async def campus_busy_that_names_no_reason(story):
    await begun(story)
    await Campus.all().update(
        throttled_at=before(1),
        max_in_flight=2,
        blocked_until=NOW + 90_000,
        last_error="cannot connect: connection refused",
        last_error_at=before(9000),
    )
    return ask()


@situation
async def campus_throttled_and_no_longer_blocked(story):
    await begun(story)
    await Campus.all().update(
        throttled_at=before(5), max_in_flight=2, last_error="HTTP 429: slow down", last_error_at=before(5)
    )
    return ask()


@situation
async def campus_paused(story):
    await begun(story)
    await consumer_admin.pause("example", now=before(1500))
    return ask()


@situation
async def campus_paused_while_the_debounce_runs(story):
    unit = await begun(story)
    await story.accepted(unit, 400, "0.25")
    await story.score(10, 2)
    await consumer_admin.pause("example", now=before(1500))
    return ask()

"""Grades that the campus holds, or that need no sending; and those that went elsewhere."""

from tests.daemon.why.situations.begin import NO_CONNECTION, begun, id_of, situation
from tests.daemon.why.story import ask, before


@situation
async def sent(story):
    unit = await begun(story)
    await story.accepted(unit, 73, "0.25")
    return ask(course_id="physics", usage_id="unit")


@situation
async def sent_with_a_ledger_that_is_longer_than_anybody_reads(story):
    unit = await begun(story)
    for number in range(51):
        await story.attempt(unit, 400 - number, "retried", NO_CONNECTION, not_before=before(400 - number))
    await story.accepted(unit, 73, "0.25")
    return ask()


@situation
async def unchanged_and_skipped(story):
    unit = await begun(story)
    await story.accepted(unit, 400, "0.25")
    await story.score(100, 0)
    await story.score(99, 1)
    await story.attempt(unit, 80, "unchanged")
    return ask()


@situation
async def nothing_attempted(story):
    unit = await begun(story, scored=False)
    await story.attempt(unit, 499, "empty")
    return ask()


@situation
async def registered_a_moment_ago_with_nothing_attempted(story):
    await begun(story, scored=False)
    return ask()


@situation
async def clamped(story):
    problem = await begun(story, scored=False, usage_id="p1")
    await story.score(90, 3)
    await story.accepted(problem, 89, "1", clamped=True)
    return ask()


@situation
async def switched_off(story):
    unit = await begun(story)
    await story.accepted(unit, 400, "0.25")
    await story.event("assignment.disabled", 30, oauth_consumer_key="example", lis_result_sourcedid="grade-of-unit")
    return ask()


async def moved(story):
    unit = await begun(story)
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
    await story.attempt(await id_of("other unit"), 59, "empty")
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

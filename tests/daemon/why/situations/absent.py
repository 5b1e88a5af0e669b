"""There is no such grade."""

from tests.daemon.why.situations.begin import begun, situation
from tests.daemon.why.story import ask


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
    await story.event("user.retired", 60, user_id="42")
    await story.score(30, 2, modified="2026-03-02T12:00:00Z")
    return ask(course_id="physics")


@situation
async def retired_learner_who_came_back(story):
    await begun(story)
    await story.event("user.retired", 60, user_id="42")
    await story.score(30, 2)
    return ask()

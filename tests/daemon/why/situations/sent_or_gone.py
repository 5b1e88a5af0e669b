"""Grades that the campus holds or that need no sending, those that went elsewhere, and those that there are not."""

from models.assignment import GradedAssignment
from models.consumer import LtiConsumer
from models.queries.baseline import TakenOver, take_over
from tests.daemon.why.story import NO_CONNECTION, TREE, ask, before, request, situation, situations

#: One assignment is due, and this is asked.
ASKED = {
    "due_now": {"lti_user_id": "campus-42"},
    "registered_elsewhere_and_the_block_is_unknown": {"course_id": "physics", "usage_id": "unti"},
    "unknown_learner": {"user_id": "43"},
    "unknown_learner_of_the_campus": {"lti_user_id": "42"},
    "unknown_sourcedid": {"sourcedid": "grade-of-unti"},
}


@situations(ASKED)
async def due(story, row):
    await story.begin()
    return ask(**row)


@situation
async def never_registered_in_this_block_of_a_course_that_is_unknown(story):
    await story.score(10, 1)
    return ask(course_id="physics", usage_id="unit")


@situation
async def never_registered(story):
    await story.structure()
    return await never_registered_in_this_block_of_a_course_that_is_unknown(story)


@situation
async def quarantined(story):
    await story.score(501, 1)
    await story.launch(20)
    await story.score(10, "nan")
    return ask(course_id="physics", usage_id="unit")


@situation
async def quarantined_score_of_a_learner_who_has_launched_nothing(story):
    await story.score(10, "nan")


@situation
async def quarantined_launch_asked_for_by_the_campus_id(story):
    await story.launch(20)
    return ask(lti_user_id="campus-42")


@situation
async def retired_learner(story):
    await story.begin()
    await story.event("user.retired", 60, user_id="42")
    await story.score(30, 2, modified="2026-03-02T12:00:00Z")
    return ask(course_id="physics")


@situation
async def retired_learner_who_came_back(story):
    await story.begin()
    await story.event("user.retired", 60, user_id="42")
    await story.score(30, 2)


@situation
async def sent(story):
    await story.begin()
    await story.accepted(73, "0.25")
    return ask(course_id="physics", usage_id="unit")


@situation
async def taken_over(story):
    await story.begin()
    await LtiConsumer.all().update(paused_at=before(70))
    row = await GradedAssignment.get()
    assert await take_over([TakenOver(row.id, row.version_number, "0.25", clamped=False)], now=before(60)) == 1


@situation
async def taken_over_and_changed_since(story):
    await taken_over(story)
    await story.score(50, 2)


@situation
async def sent_with_a_ledger_that_is_longer_than_anybody_reads(story):
    await story.begin()
    for number in range(51):
        await story.attempt(400 - number, "retried", NO_CONNECTION, not_before=before(400 - number))
    await story.accepted(73, "0.25")


@situation
async def unchanged_and_skipped(story):
    await story.begin(accepted=True)
    await story.score(100, 0)
    await story.score(99, 1)
    await story.attempt(80, "unchanged")


@situation
async def unchanged_since_no_score_came_after_the_grade(story):
    await story.begin(accepted=True)
    await story.structure(100, version=2, tree={**TREE, "p4": "unit"}, points={"p1": 4, "p2": 0})
    await story.attempt(80, "unchanged")


@situation
async def registered_a_moment_ago_with_nothing_attempted(story):
    await story.begin(scored=False)


@situation
async def nothing_attempted(story):
    await story.begin(scored=False)
    await story.attempt(499, "empty")


@situation
async def clamped(story):
    await story.begin(scored=False, usage_id="p1")
    await story.score(90, 3)
    await story.accepted(89, "1", usage_id="p1", clamped=True)


@situation
async def switched_off(story):
    await story.begin(accepted=True)
    await story.event("assignment.disabled", 30, oauth_consumer_key="example", lis_result_sourcedid="grade-of-unit")


@situation
async def moved_to_another_block_and_asked_for_by_the_old_one(story):
    await story.begin(accepted=True)
    await story.launch(60, usage_id="other unit", resource_link_title="Energy")
    return ask(course_id="physics", usage_id="unit")


@situation
async def moved_to_another_block_and_asked_for_by_the_new_one(story):
    await moved_to_another_block_and_asked_for_by_the_old_one(story)
    await story.score(50, 2, "p3")
    return ask(course_id="physics", usage_id="other unit")


@situation
async def moved_to_another_block_in_which_nothing_is_attempted(story):
    await moved_to_another_block_and_asked_for_by_the_old_one(story)
    await story.attempt(59, "empty", usage_id="other unit")


@situation
async def replaced_by_a_newer_launch_of_the_same_link(story):
    await story.begin()
    await story.launch(300, resource_link_id="link-1")
    await story.accepted(299, "0.25")
    await story.launch(200, lis_result_sourcedid="elsewhere-first", usage_id="p1", resource_link_id="link-1")
    await story.launch(90, lis_result_sourcedid="elsewhere-first", resource_link_id="link-1")
    await story.accepted(89, "0.25")
    return ask(sourcedid="elsewhere-first")


@situation
async def sourcedid_given_to_another_learner_and_asked_for_by_the_first(story):
    await story.begin(accepted=True)
    await story.launch(60, user_id="43", lti_user_id="campus-43")
    return ask(course_id="physics", usage_id="unit")


@situation
async def sourcedid_given_to_another_learner_and_asked_for_with_others(story):
    await sourcedid_given_to_another_learner_and_asked_for_by_the_first(story)
    await story.launch(50, usage_id="p1", lis_result_sourcedid="grade-of-p1")


@situation
async def sourcedid_given_to_another_learner_who_has_attempted_nothing(story):
    await sourcedid_given_to_another_learner_and_asked_for_by_the_first(story)
    await story.attempt(59, "empty")
    return ask(user_id="43")


@situation
async def sourcedid_given_to_another_learner_during_a_request_for_the_first(story):
    await story.begin()
    claim = await story.claim(61)
    await story.launch(60.5, user_id="43", lti_user_id="campus-43")
    await story.end(claim, 60, "accepted", request("accepted", "0.25", http_status=200, description="Score recorded"))
    await story.score(50, 2, user_id="43")
    return ask(user_id="43")


@situation
async def sourcedid_given_to_another_learner_whose_grade_was_sent(story):
    await story.begin(accepted=True)
    await story.score(70, 2, user_id="43")
    await story.launch(60, user_id="43", lti_user_id="campus-43")
    await story.accepted(59, "0.5")
    return ask(user_id="43")


@situation
async def launched_by_a_link_that_asks_for_no_grade(story):
    await story.consumer()
    await story.launch(10, lis_result_sourcedid="")
    await story.score(5, 1)


@situation
async def a_unit_of_eight_points_with_its_parts(story):
    await story.consumer()
    await story.structure(tree={**TREE, "p4": "unit", "p5": "unit"}, points={"p1": 2, "p2": 2, "p4": 1, "p5": 3})
    await story.score(95, 1, "p1")
    await story.score(93, 2, "p2")
    await story.score(92, 0, "p4", possible=1)
    await story.launch(90)
    await story.accepted(88, "0.375")


@situation
async def a_unit_of_which_the_learner_is_shown_a_part(story):
    await a_unit_of_eight_points_with_its_parts(story)
    await story.structure(60, tree=TREE, points={"p1": 2, "p2": 2}, user_id="42")
    await story.accepted(40, "0.75")


@situation
async def trouble_before_what_is_well(story):
    await story.begin(usage_id="p1")
    await story.accepted(400, "0.5", usage_id="p1")
    await story.launch(300, lis_result_sourcedid="grade-of-the-unit")
    record = request("refused", "0.25", http_status=200, code_major="failure", description="HTTP 200, failure: ended")
    await story.attempt(
        80, "parked", record, parked_scope="course", parked_reason="HTTP 200, failure: Course has ended"
    )


@situation
async def two_campuses_and_two_blocks(story):
    await story.begin()
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
    await story.accepted(73, "0.25")
    await story.accepted(72, "0.5", usage_id="p1")


@situation
async def events_that_came_too_late_or_could_not_be_applied(story):
    await story.begin()
    await story.accepted(73, "0.25")
    await story.score(60, 0, modified="2026-01-01T00:00:00Z")
    await story.score(59, 0, modified="2026-01-02T00:00:00Z")
    await story.score(50, 1, "p2", possible=-1)
    await story.score(45, "nan", "p3")
    await story.launch(44, usage_id="other unit", oauth_consumer_key="nobody")
    await story.score(40, "nan", course_id="chemistry")
    await story.event("launch", 39, user_id="42")
    return ask(course_id="physics", usage_id="unit")


@situation
async def hostile_words(story):
    await story.consumer("[red]Evil[/red] \u202eUniversity")
    await story.structure()
    await story.score(501, 1)
    await story.launch(500, context_title="\x1b[31mPhysics\r\nForged: line", resource_link_title="[bold]:smile:[/bold]")
    said = "\x1b]0;owned\x07 [link=x]no[/link]"
    record = request("refused", "0.25", http_status=200, description=said, duration_ms=1)
    await story.attempt(80, "parked", record, parked_scope="course", parked_reason=said)


@situation
async def later_launches_that_say_less_keep_the_titles(story):
    await story.begin()
    await story.launch(3, lti_user_id="", context_title="", resource_link_title="")
    return ask(user_id=None, sourcedid="grade-of-unit")

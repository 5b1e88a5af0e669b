"""Several grades, late events, and hostile words."""

from models.registration import Registration, register
from tests.daemon.why.situations.begin import begun, id_of, situation
from tests.daemon.why.story import LAUNCH, Sent, ask, before


@situation
async def two_campuses_and_two_blocks(story):
    unit = await begun(story)
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
    unit = await begun(story)
    await story.accepted(unit, 73, "0.25")
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
    line = Sent("refused", "0.25", http_status=200, description="\x1b]0;owned\x07 [link=x]no[/link]", duration_ms=1)
    await story.attempt(await id_of("unit"), 80, "parked", line, parked_scope="course", parked_reason=line.description)
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

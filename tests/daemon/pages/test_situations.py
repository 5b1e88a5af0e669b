"""In every situation the pages say what ``why`` says, word for word."""

import pytest

from daemon.infra.text import past
from daemon.web.snapshot import render, snapshot
from daemon.web.status_words import status_lines
from daemon.why.activity import activity_document
from daemon.why.advice import PEOPLE
from daemon.why.document import document
from daemon.why.gather import gather, gather_groups
from daemon.why.known import Terms
from daemon.why.outlook import outlook
from daemon.why.points import score_words
from models.assignment import GradedAssignment
from models.campus import Campus
from models.queries.filter import AssignmentFilter
from models.queries.grades import Query, asked_of
from models.queries.parked import read_parked
from tests.daemon.pages.conftest import one_line
from tests.daemon.pages.course import learners
from tests.daemon.pages.test_parked import assert_says
from tests.daemon.why.situations import SITUATIONS
from tests.daemon.why.story import DEBOUNCE, NOW, SECRET, TERMS, Story


def looked_for(asked):
    """What a support person enters, and as what it is taken."""
    kinds = {"learner": asked.user_id, "lti_user": asked.lti_user_id, "sourcedid": asked.sourcedid}
    kind, word = next((kind, word) for kind, word in kinds.items() if word is not None)
    return {"q": word, "as": kind}


async def search_says_what_why_says(ben, asked):
    status, _ = await ben.get("/learners", params=looked_for(asked))
    assert status == 200
    whole = Query(asked.user_id, None, None, asked.lti_user_id, asked.sourcedid)
    objects = document(await gather(whole, now=NOW), Terms(NOW, DEBOUNCE, TERMS.zone, 80))
    shown = ben.words
    for one in objects:
        assert one_line(one["reason"]) in shown
        assert f"Who has to act: {PEOPLE[one['who_acts']]}." in shown
        assert one["state"] in shown
    assert SECRET not in shown


async def assignments_have_their_whole_ledgers(ben, asked):
    answer = await gather(asked, now=NOW)
    for known in answer.known:
        status, _ = await ben.get(f"/assignments/{known.row.id}")
        assert status == 200
        if not known.lines:
            assert "Nothing was sent yet." in ben.words
            continue
        rows = ben.table("Attempts, the newest first")
        assert [row["when"] for row in rows] == [past(line.at, TERMS.zone, seconds=True) for line in known.lines]
        assert [row["result"] for row in rows] == [line.result for line in known.lines]
        assert [row["what came of it"] for row in rows] == [one_line(line.description) for line in known.lines]
        assert [row["score"].removesuffix(" (cut)") for row in rows] == [
            score_words(line.score) or "" for line in known.lines
        ]


async def what_happened_is_on_a_line_of_time(ben, asked):
    for row in await GradedAssignment.all():
        await ben.get(f"/assignments/{row.id}")
        times = [one.get("datetime") for one in ben.page.xpath("//ol[@class='timeline']//time")]
        assert times == sorted(times, reverse=True)
        words = " ".join(one.text_content() for one in ben.page.xpath("//ol[@class='timeline']/li"))
        assert row.parked_at is None or one_line(f"Parked: {row.parked_reason}") in one_line(words)
        attempts = ben.page.xpath("//caption[starts-with(., 'Attempts')]/../tbody/tr")
        assert words.count("Attempt ") == len(attempts)


async def each_campus_is_shown(ben, asked):
    for one in await Campus.all().prefetch_related("lti_consumer"):
        status, _ = await ben.get(f"/campuses/{one.id}")
        assert status == 200
        assert ben.words.startswith(one_line(one.lti_consumer.consumer_name))
        numbers = {row["state"]: int(row["assignments"]) for row in ben.table("Assignments")}
        assert sum(numbers.values()) == await GradedAssignment.filter(campus_id=one.id).count()
        if one.last_error:
            assert one_line(one.last_error) in ben.words


async def first_page_has_the_figures_of_status(ben, asked):
    assert (await ben.get("/"))[0] == 200
    shot = await snapshot(NOW, 0)
    figures = render(shot)
    shown = {row["state"]: int(row["assignments"]) for row in ben.table("Assignments")}
    assert shown == figures["assignments"]
    campuses = {(row["campus"], row["address"]): row for row in ben.table("Campuses")} if figures["campuses"] else {}
    for one in figures["campuses"]:
        row = campuses[one_line(one["consumer"]), one["origin"]]
        assert (row["state"], int(row["due"]), int(row["parked"])) == (one["state"], one["due"], one["parked"])
        times = [found.get("datetime") for found in ben.page.xpath("//table[caption='Campuses']//time")]
        assert one["last_success"] is None or one["last_success"] in times
    for line, _ in status_lines(shot, TERMS.zone, None, daemon_answers=True):
        assert one_line(line) in ben.words


async def parked_page_has_what_is_parked(ben, asked):
    groups = await read_parked()
    await ben.get("/parked")
    rows = [{name: getattr(one, name) for name in one.__slots__} | {"ms": one.since} for one in groups]
    assert_says(ben.words, rows)
    assert len(ben.page.xpath("//main//li")) == len(groups)


async def activities_show_each_grade(ben, asked):
    terms = Terms(NOW, DEBOUNCE, TERMS.zone, 80)
    for course_id, usage_id in {(row.course_id, row.usage_id) for row in await GradedAssignment.all()}:
        assert (await ben.get("/activities", params={"course": course_id, "usage": usage_id}))[0] == 200
        shown = ben.words
        wanted = AssignmentFilter(course_id=course_id, usage_id=usage_id)
        for group in activity_document(await gather_groups(wanted, now=NOW), terms):
            assert group["state"] == "quarantined" or one_line(group["reason"]) in shown
        rows = {int(row["assignment"]): row for row in learners(ben)}
        assert list(rows) == await GradedAssignment.filter(course_id=course_id, usage_id=usage_id).values_list(
            "id", flat=True
        )
        for assignment_id, row in rows.items():
            answer = await gather(await asked_of(assignment_id), now=NOW)
            (known,) = [known for known in answer.known if known.row.id == assignment_id]
            assert (row["state"], row["score"]) == (known.row.state, known.row.sent_score or "")
            if known.row.state == "parked":
                assert row["who has to act"] == PEOPLE[outlook(known, terms).who]


PAGES = (
    activities_show_each_grade,
    search_says_what_why_says,
    assignments_have_their_whole_ledgers,
    what_happened_is_on_a_line_of_time,
    each_campus_is_shown,
    first_page_has_the_figures_of_status,
    parked_page_has_what_is_parked,
)


@pytest.mark.parametrize("name", SITUATIONS)
async def test_in_each_situation_every_page_says_what_the_commands_say(ben, name):
    asked = await SITUATIONS[name](Story())
    for page in PAGES:
        await page(ben, asked)

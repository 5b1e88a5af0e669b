"""What a support person and an operator do, by clicking alone, with and without scripts."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from models.action import actions
from models.assignment import GradedAssignment
from tests.browser.data import WORDS
from tests.browser.shown import LOOKS
from tests.browser.sites import OPERATOR, SUPPORT
from tests.daemon.pages.conftest import PASSWORD
from tests.daemon.why.story import NOW
from tests.models.rows import make_assignment

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEARCH, ASSIGNMENT = "Where is my grade?", "Physics I: Momentum"


async def test_a_support_person_logs_in_finds_a_grade_sends_it_again_and_logs_out(visiting, scripted):
    async with visiting(scripted=scripted, look=LOOKS["dark 360"]) as ben:
        await ben.open("/")
        await ben.reads("Log in")
        await ben.log_in(SUPPORT)
        await expect(ben.page.get_by_role("navigation", name="Pages")).to_be_visible()
        assert ben.path == "/"
        await ben.follow(SEARCH)
        await ben.reads(SEARCH)
        await ben.page.get_by_role("searchbox").fill("42")
        await ben.press("Look for it")
        await expect(ben.page.get_by_text("1 grade of learner 42")).to_be_visible()
        await ben.follow(ASSIGNMENT)
        await ben.reads(ASSIGNMENT)
        await ben.page.get_by_text("To pass on").click()
        await expect(ben.page.get_by_role("group")).to_contain_text("Sent 0.25 to Example University")
        await expect(ben.page.get_by_role("checkbox")).to_have_count(0)
        await ben.press("Send it again")
        await expect(ben.page.locator("main")).to_contain_text("due: learner 42")
        await ben.reads(ASSIGNMENT)
        await ben.press("Log out")
        await ben.reads("Log in")
        await ben.open("/")
        await ben.reads("Log in")
        assert ben.troubles == []
    (done,) = await actions()
    assert (done["account"], done["command"]) == (f"{SUPPORT} (web)", "resend")


async def test_an_operator_has_a_grade_sent_that_the_campus_acknowledged(visiting, scripted):
    row = await GradedAssignment.get()
    async with visiting(scripted=scripted, who=OPERATOR) as anna:
        await anna.open(f"/assignments/{row.id}")
        await anna.page.get_by_label("also if the campus acknowledged exactly this score").check()
        await anna.press("Send it again")
        await expect(anna.page.locator("main")).to_contain_text("due: learner 42")
        assert anna.troubles == []
    again = await GradedAssignment.get()
    assert again.forced_version == again.version_number > row.version_number


async def parked_learners(number):
    """So many learners of the course, parked; their assignments."""
    parked = {"parked_at": NOW - 60_000, "parked_reason": "course has ended", "parked_scope": "course"}
    return [
        await make_assignment(course_id="physics", usage_id="unit", user_id=f"learner-{one}", **parked)
        for one in range(number)
    ]


async def test_an_operator_filters_a_course_and_has_two_of_its_learners_sent_again(visiting, scripted):
    made = await parked_learners(3)
    async with visiting(scripted=scripted, who=OPERATOR) as anna:
        await anna.open("/")
        await anna.follow("Courses")
        await anna.page.get_by_label("Course").fill("physics")
        await anna.press("Show these")
        await anna.reads("Course physics")
        await anna.follow("3 parked")
        await expect(anna.page.get_by_role("checkbox", name="learner-")).to_have_count(3)
        for one in made[:2]:
            await anna.page.get_by_role("checkbox", name=f"assignment {one} of").check()
        await anna.press("Send the selected grades again")
        await expect(anna.page.locator("main")).to_contain_text("marked")
        assert anna.troubles == []
    assert [row.id for row in await GradedAssignment.filter(parked_at__isnull=False)] == made[2:]
    (done,) = await actions()
    assert (done["counts"], done["selection"]["assignments"]) == ({"matched": 2, "marked": 2}, made[:2])


async def test_a_support_person_finds_a_course_and_takes_it_along_as_a_file(visiting, scripted):
    await parked_learners(2)
    async with visiting(scripted=scripted, who=SUPPORT) as ben:
        await ben.open("/learners?q=physics")
        await ben.reads("Course physics")
        await expect(ben.page.get_by_role("checkbox")).to_have_count(0)
        async with ben.page.expect_download() as begun:
            await ben.follow("3 grades as a file (CSV)")
        file = await begun.value
        assert file.suggested_filename == "passbackd-grades.csv"
        lines = Path(await file.path()).read_text().splitlines()
        assert len(lines) == 1 + 3
        assert ben.troubles == []


@pytest.mark.parametrize("kind", WORDS)
async def test_a_grade_is_found_by_whatever_is_known(visiting, scripted, kind):
    row = await GradedAssignment.get()
    word = WORDS[kind].format(id=row.id)
    async with visiting(scripted=scripted, who=SUPPORT) as ben:
        await ben.open("/learners")
        await ben.page.get_by_role("searchbox").fill(word)
        await ben.press("Look for it")
        kinds = ben.page.get_by_text("is taken for")
        others = ben.page.get_by_role("link", name=kind, exact=True)
        if kind == "an assignment":
            await ben.reads(ASSIGNMENT)
        elif kind == "a course":
            await ben.reads("Course physics")
        else:
            await expect(ben.page.locator("main")).to_contain_text("1 grade of learner 42")
        assert await kinds.count() == await others.count() == 0, "the word is of one kind"
        assert ben.troubles == []


async def test_a_word_that_may_be_of_two_kinds_leads_to_both(visiting, scripted, site):
    await GradedAssignment.all().update(lti_user_id="42")
    async with visiting(scripted=scripted, who=SUPPORT) as ben:
        await ben.open("/learners?q=42")
        await ben.follow("a learner's id at a campus")
        await expect(ben.page.get_by_text("“42” is taken for a learner's id at a campus.")).to_be_visible()
        assert ben.path == "/learners?q=42&as=lti_user"


async def test_a_wrong_password_is_said_and_the_right_one_leads_on(visiting, scripted):
    async with visiting(scripted=scripted) as ben:
        await ben.open("/learners?q=42")
        await ben.log_in(SUPPORT, "not the password that it is")
        await expect(ben.page.get_by_role("alert")).to_have_text("Name or password is not right.")
        await expect(ben.page.get_by_label("Password")).to_have_value("")
        await ben.log_in(SUPPORT, PASSWORD)
        await ben.reads(SEARCH)
        assert ben.path == "/learners?q=42"
        assert len(ben.troubles) == 1
        assert "403" in ben.troubles[0]

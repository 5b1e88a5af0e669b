"""Overview: the figures of ``status``, and whether a person has to act."""

from yarl import URL

from daemon.pages.overview import MAX_CAMPUSES, MAX_NAMED_COURSES
from models.assignment import GradedAssignment
from models.campus import Campus
from models.consumer import LtiConsumer
from models.heartbeat import Heartbeat
from models.quarantine import QuarantinedEvent
from models.states import OVERDUE_MS
from tests.conftest import shared_url
from tests.daemon.pages.conftest import one_line
from tests.daemon.why.situations import SITUATIONS
from tests.daemon.why.story import NOW, Story
from tests.models.rows import make_assignment

__all__ = ["shared_url"]

WELL = "All is well: no one has to act."
LATER = "Nothing is urgent. This can wait for working hours:"
AT_ONCE = "This needs a person now."


async def test_when_all_is_well_it_says_so_and_no_more(ben):
    await Story().begin(accepted=True)
    await ben.get("/")
    assert WELL in ben.words
    assert "Campuses in trouble" not in ben.words


async def test_without_any_campus_it_says_how_one_is_added(ben):
    await ben.get("/")
    assert WELL in ben.words
    assert "No campus is known yet" in ben.words


async def test_a_daemon_in_trouble_is_urgent(ben):
    await Heartbeat.filter(id="a" * 32).update(troubles="redis: away")
    await ben.get("/")
    assert AT_ONCE in ben.words
    assert "redis: away" in ben.words


async def test_what_is_parked_or_in_quarantine_can_wait(ben):
    await SITUATIONS["parked_for_the_course"](Story())
    await QuarantinedEvent.create(epoch=1, entry_id="1-0", at=NOW, type="launch", reason="no", content=b"")
    await ben.get("/")
    assert LATER in ben.words
    assert "1 grade parked" in ben.words
    assert "1 event in quarantine" in ben.words


async def test_grades_that_wait_long_for_a_structure_are_the_tools_developers_to_look_at(ben):
    await SITUATIONS["structure_unknown"](Story())
    (row,) = await GradedAssignment.all()
    row.waiting_since = NOW - OVERDUE_MS
    await row.save()
    await ben.get("/")
    assert WELL in ben.words
    row.waiting_since = NOW - OVERDUE_MS - 1
    await row.save()
    await ben.get("/")
    assert LATER in ben.words
    (link,) = ben.page.xpath("//li/a[contains(., 'structure')]")
    since = "1 grade of course physics waits for its structure since 2026-03-02 13:59 CET"
    assert one_line(link.text_content()) == f"{since}: the tool's developers can act."
    await ben.get(URL(link.get("href"), encoded=True))
    assert "1 grade waiting" in ben.words
    for number in range(MAX_NAMED_COURSES):
        await make_assignment(course_id=f"course-{number}", waiting_since=1)
    await ben.get("/")
    assert "1 grade of course course-4 waits" in ben.words
    assert "So do grades of more courses." in ben.words


async def test_a_campus_that_is_down_says_since_when_why_whose_turn_and_when_next(ben):
    story = Story()
    await story.begin()
    await Campus.all().update(
        tripped_at=NOW - 3_600_000, blocked_until=NOW + 60_000, trips=3, last_error="HTTP 503: maintenance"
    )
    await ben.get("/")
    section = one_line(ben.page.xpath("//section[h2='Campuses in trouble']")[0].text_content())
    for words in ("down", "since 2026-03-02 13:15 CET", "HTTP 503: maintenance", "the next at 14:16 CET", "no one"):
        assert words in section
    assert WELL not in ben.words
    assert "No one has to act. 1 campus is in trouble, and passbackd goes on by itself: see below." in ben.words


async def test_grades_that_are_late_at_a_campus_that_works_are_urgent(ben, clock):
    story = Story()
    await story.begin()
    clock.ms = NOW + 3_600_000
    await Heartbeat.filter(id="a" * 32).update(seen_at=clock.ms)
    await ben.get("/")
    assert AT_ONCE in ben.words
    words = "Example University (https://canvas.example.edu:443) takes grades, but has 1 grade due, for up to "
    (link,) = [one for one in ben.page.xpath("//main/ul/li/a") if words in one.text_content()]
    assert link.get("href") == f"/campuses/{(await Campus.get()).id}"


async def test_what_waits_for_a_person_leads_to_where_it_is(ben):
    await SITUATIONS["parked_for_the_course"](Story())
    await QuarantinedEvent.create(epoch=1, entry_id="1-0", at=NOW, type="launch", reason="no", content=b"")
    await ben.get("/")
    assert [link.get("href") for link in ben.page.xpath("//main/ul/li/a")] == ["/parked", "/quarantine"]


async def test_a_learner_is_looked_for_from_there(ben):
    await ben.get("/")
    (form,) = ben.page.xpath("//main//form[@role='search']")
    assert (form.get("action"), form.get("method")) == ("/learners", "get")


async def test_the_plots_say_in_words_what_they_show(ben):
    story = Story()
    await story.begin()
    await story.accepted(30, "0.25")
    await ben.get("/")
    hour, day = (svg.get("aria-label") for svg in ben.page.xpath("//svg"))
    assert hour.startswith("The last hour, a bar a minute: 1 in all, the most, 1, from 2026-03-02 13:4")
    assert "1 in all" in day
    assert len(ben.page.xpath("//svg//rect")) == 2


async def test_of_very_many_campuses_the_first_are_shown(ben):
    for number in range(MAX_CAMPUSES + 3):
        await LtiConsumer.create(consumer_name=f"campus {number}", consumer_key=f"k{number}", consumer_secret="s")
    await ben.get("/")
    assert len(ben.table("Campuses")) == MAX_CAMPUSES
    assert "and 3 more: the search finds each by its key or its name." in ben.words

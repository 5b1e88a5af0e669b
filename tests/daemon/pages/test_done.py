"""A form leads to a page that says what it did, and that can be loaded again."""

import pytest

from daemon.pages.done import done_words
from models.action import Action, actions, record_action
from models.assignment import GradedAssignment
from tests.conftest import shared_url
from tests.daemon.pages.conftest import HOSTILE, one_line
from tests.daemon.why.situations import SITUATIONS
from tests.daemon.why.story import NOW, Story

__all__ = ["shared_url"]

RESENT = "1 of 1 grade is marked to be sent again, as soon as the campus can take it."


async def parked(browser):
    await SITUATIONS["parked_for_the_course"](Story())
    row = await GradedAssignment.filter(parked_at__isnull=False).first()
    await browser.get(f"/assignments/{row.id}")
    return row.id


async def test_a_page_says_what_was_done_who_did_it_and_when(ben):
    row_id = await parked(ben)
    await ben.change(f"/assignments/{row_id}/resend")
    (said,) = ben.page.xpath("//main//p[@role='status']")
    assert " ".join(said.text_content().split()).startswith(RESENT)
    assert "(ben (web), " in said.text_content()
    assert said.xpath(".//time")


async def test_a_page_that_is_loaded_again_does_nothing_again(ben):
    row_id = await parked(ben)
    await ben.change(f"/assignments/{row_id}/resend")
    before = await Action.all().count()
    assert (await ben.get(ben.answer.url.path_qs))[0] == 200
    assert RESENT in ben.words
    assert await Action.all().count() == before


@pytest.mark.parametrize("named", ["", "0", "7", "-1", "1 OR 1=1", "9" * 18, "9" * 400, "\u0661", "%00", HOSTILE])
async def test_an_address_that_names_no_action_says_nothing(ben, named):
    row_id = await parked(ben)
    assert (await ben.get(f"/assignments/{row_id}", params={"done": named}))[0] == 200
    assert not ben.page.xpath("//main//p[@role='status']")


async def test_what_an_action_was_about_is_no_markup(ben):
    row_id = await parked(ben)
    action_id = await record_action(HOSTILE, {"course": HOSTILE}, {}, account=HOSTILE, host="here", now=NOW)
    await ben.get(f"/assignments/{row_id}?done={action_id}")
    assert one_line(f"Done: {HOSTILE} course {HOSTILE}.") in ben.words
    assert not ben.page.xpath("//main//script")


@pytest.mark.parametrize(
    ("command", "selection", "counts", "words"),
    [
        ("resend", {}, {"matched": 3, "marked": 2, "failed": 1}, "2 of 3 grades are marked"),
        ("resend", {}, {"matched": 3, "marked": 2, "failed": 1}, "1 could not be marked: the daemon's log says why."),
        ("resend", {}, {"matched": 1, "marked": 1}, "A score that the campus acknowledged already is not sent twice."),
        ("quarantine replay", {}, {"applied": 2, "refused": 1}, "3 events replayed: 2 applied, 1 refused. What was"),
        ("quarantine drop", {}, {"events": 1}, "1 event dropped."),
        ("consumer pause", {"consumer": "key"}, {"campuses": 1}, "Paused: nothing goes"),
        ("platform resume", {"consumer": "key"}, {"campuses": 1}, "Resumed: its grades go out"),
        ("consumer add", {"pending": True}, {}, "The new secret is stored beside the present one"),
        ("consumer add", {"replace": True}, {}, "The secret is changed"),
        ("baseline", {"course": "c"}, {"marked": 1}, "Done: baseline course c."),
    ],
)
def test_each_kind_of_change_has_its_sentence(command, selection, counts, words):
    assert words in done_words({"command": command, "selection": selection, "counts": counts})


def test_a_resend_with_force_does_not_say_that_equal_scores_are_left_out():
    action = {"command": "resend", "selection": {"force": True}, "counts": {"matched": 1, "marked": 1}}
    assert "is not sent twice" not in done_words(action)


async def test_what_was_recorded_is_what_the_page_says(ben):
    row_id = await parked(ben)
    await ben.change(f"/assignments/{row_id}/resend")
    (action,) = await actions()
    assert one_line(done_words(action)) in ben.words

"""Learners of a course in each state, and what its page shows of them."""

from models.states import STATES
from tests.daemon.why.story import NOW
from tests.models.rows import make_assignment

CLEAN = {"sent_version": 1, "sent_score": "0.375", "sent_at": NOW - 60_000}
PARKED = {"parked_at": NOW - 90_000, "parked_reason": "course has ended", "parked_scope": "course"}
OF_STATE = {
    "clean": CLEAN,
    "due": {},
    "waiting": {"due_at": NOW + 9_000},
    "claimed": {"claimed_until": NOW + 9_000, "claimed_at": NOW},
    "parked": PARKED,
    "disabled": {"disabled_at": NOW - 9_000},
}
UNIT = {"course": "physics", "usage": "unit 3"}


async def learner(number, service=None, **columns):
    place = {"course_id": "physics", "usage_id": "unit 3", "user_id": f"learner-{number}", "lti_user_id": f"x{number}"}
    return await make_assignment(service, **{**place, **columns})


async def one_in_each_state():
    """Their ids, by state."""
    return {state: await learner(number, **OF_STATE[state]) for number, state in enumerate(STATES)}


def learners(browser):
    """The rows of the table of learners."""
    (caption,) = browser.page.xpath("//section//table/caption")
    return browser.table(" ".join(caption.text_content().split()))


def states(browser):
    return [" ".join(one.text_content().split()) for one in browser.page.xpath("//ul[@class='states']/li")]

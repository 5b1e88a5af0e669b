"""A row goes, or moves, while its request is at the campus; the next row in its cell must have the last word."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.blackbox.daemon import wait_until
from tests.blackbox.world import KEY, NAME, SECRET, Fields, launch, score
from tests.faults.setup import Setup, side_by_side
from tests.faults.tool import LEAF, POSSIBLE

pytestmark = pytest.mark.timeout(240)

#: Seconds that the campus has: the row goes in less.
PATIENCE = 12
#: The learner whose row goes, and the cell.
LEARNER, OTHER = "user-0", "user-1"
CELL = f"{LEARNER}/{LEAF}"


def remove(setup: Setup) -> str:
    """The consumer is removed with all its rows, and added again."""
    removed = setup.world.call("consumer", "remove", KEY, "--yes")
    added = setup.world.call("consumer", "add", NAME, "--key", KEY, "--secret-stdin", stdin=f"{SECRET}\n")
    assert (removed.code, added.code) == (0, 0), removed.err + added.err
    return LEARNER


def retire(setup: Setup) -> str:
    """The learner's data are deleted, and they come back."""
    setup.tool.say({"type": "user.retired", "user_id": LEARNER})
    return LEARNER


def give_away(_setup: Setup) -> str:
    """The campus gives the sourcedid to another learner: the row moves."""
    return OTHER


def move(setup: Setup) -> str:
    """The learner's row moves to another address of the campus, and another learner gets the cell."""
    setup.tool.say(launched(LEARNER, "elsewhere", setup.campus.url("/elsewhere"), resource_link_id="link"))
    elsewhere = "outcome_service WHERE lis_outcome_service_url LIKE '%elsewhere'"
    wait_until("the row has moved", lambda: setup.world.count(elsewhere))
    return OTHER


def launched(user: str, sourcedid: str, url: str, **more: str) -> Fields:
    return launch(user, LEAF, sourcedid, url, modified=datetime.now(UTC).isoformat(), **more)


def play(setup: Setup, go: Callable[[Setup], str]) -> None:
    setup.world.set("outcomes", timeout_seconds=PATIENCE)
    setup.tool.says_modified = True
    daemon = setup.begin()
    setup.tool.say(launched(LEARNER, CELL, setup.campus.url(), resource_link_id="link"))
    daemon.wait_settled()
    late, answers = setup.hold_request(CELL)
    user = go(setup)
    setup.tool.say(launched(user, CELL, setup.campus.url()), score(user, LEAF, POSSIBLE, POSSIBLE))
    daemon.wait_until("the new row has its score", lambda: has_newest(setup, user))
    answers.set()
    setup.campus.wait_for(lambda: late.score in setup.campus.scores(CELL), 30)
    setup.campus.wait_for(lambda: setup.campus.grades()[CELL] == "1", 60)
    daemon.wait_settled()
    assert setup.campus.scores(CELL)[-1] == "1"
    assert setup.campus.overlaps() == []


def has_newest(setup: Setup, user: str) -> int:
    """Whether the cell's row is the learner's, and has got the score that came after its launch."""
    return setup.world.count(
        f"graded_assignment JOIN score USING (user_id, course_id, usage_id) WHERE user_id = '{user}' AND"
        f" lis_result_sourcedid = '{CELL}' AND points_earned = {POSSIBLE}"
    )


def test_a_request_of_a_row_that_went_is_overwritten_by_the_next_row_of_its_cell(open_setup):
    side_by_side(play, *((open_setup(), go) for go in (remove, retire, give_away, move)))

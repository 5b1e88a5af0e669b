"""A row goes, or moves, while its request is at the campus; the next row in its cell must have the last word."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from tests.blackbox.daemon import wait_until
from tests.blackbox.world import KEY, NAME, SECRET, Fields, launch, score
from tests.faults.platforms import FaultPlatform
from tests.faults.setup import Setup, of_all_kinds, side_by_side
from tests.faults.tool import LEAF, POSSIBLE

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
    """The learner's rows move to other addresses of their campuses, and another learner gets the cells."""
    events = [launched(LEARNER, "elsewhere", setup.campus.url("/elsewhere"), resource_link_id="link")]
    for event in over_lti13(setup, LEARNER, resource_link_id="link"):
        there = next(one for one in setup.platforms if one.issuer == event["issuer"])
        events.append({**event, "lineitem": there.add_line_item(), "lti_user_id": "elsewhere"})
    setup.tool.say(*events)
    elsewhere = "graded_assignment WHERE lis_result_sourcedid = 'elsewhere'"
    wait_until("the rows have moved", lambda: setup.world.count(elsewhere) == len(events))
    return OTHER


def cells(setup: Setup) -> list[tuple[str, FaultPlatform]]:
    """The names of the learner's cells over LTI 1.3, and where they are."""
    return [(name, one) for name in setup.beside(CELL) if (one := setup.platform_of(name))]


def launched(user: str, sourcedid: str, url: str, **more: str) -> Fields:
    return launch(user, LEAF, sourcedid, url, modified=datetime.now(UTC).isoformat(), **more)


def over_lti13(setup: Setup, user: str, **more: str) -> list[Fields]:
    """Launches of the cells over LTI 1.3, by this user."""
    now = datetime.now(UTC).isoformat()
    return [{**there.launch(name), "user_id": user, "modified": now, **more} for name, there in cells(setup)]


def play(setup: Setup, go: Callable[[Setup], str]) -> None:
    setup.world.set("outcomes", timeout_seconds=PATIENCE)
    setup.tool.says_modified = True
    daemon, answers = setup.begin(), threading.Event()
    link = {"resource_link_id": "link"}
    setup.tool.say(launched(LEARNER, CELL, setup.campus.url(), **link), *over_lti13(setup, LEARNER, **link))
    daemon.wait_settled()
    # Commands take long on a busy machine: one campus is all that is removed meanwhile.
    also = [] if go is remove else cells(setup)
    names = [CELL, *(name for name, _ in also)]
    late = [request for (request,) in setup.hold_requests(answers, *names)]
    user = go(setup)
    setup.tool.say(launched(user, CELL, setup.campus.url()), *over_lti13(setup, user))
    setup.tool.say(score(user, LEAF, POSSIBLE, POSSIBLE))
    places = [(setup.campus.url(), CELL), *((one.line_items[name], one.sub(name)) for name, one in also)]
    daemon.wait_until("the new rows have their scores", lambda: all(has_newest(setup, user, *one) for one in places))
    answers.set()
    setup.campus.wait_for(lambda: late[0].score in setup.campus.scores(CELL), 30)
    setup.campus.wait_for(lambda: all(request.ended for request in late), 30)
    setup.campus.wait_for(lambda: {setup.held()[name] for name in names} == {"1"}, 60)
    daemon.wait_settled()
    assert {setup.held()[name] for name in names} == {"1"}
    assert setup.campus.overlaps() == []
    assert [pair for one in setup.platforms for pair in one.overlaps()] == []


def has_newest(setup: Setup, user: str, url: str, sourcedid: str) -> int:
    """Whether a cell's row is the learner's, and has got the score that came after its launch."""
    return setup.world.count(
        "graded_assignment JOIN score USING (user_id, course_id, usage_id)"
        " JOIN outcome_service ON outcome_service.id = outcome_service_id"
        f" WHERE user_id = '{user}' AND lis_outcome_service_url = '{url}' AND lis_result_sourcedid = '{sourcedid}'"
        f" AND points_earned = {POSSIBLE}"
    )


@of_all_kinds
def test_a_request_of_a_row_that_went_is_overwritten_by_the_next_row_of_its_cell(open_setup):
    side_by_side(play, *((open_setup(), go) for go in (remove, retire, give_away, move)))

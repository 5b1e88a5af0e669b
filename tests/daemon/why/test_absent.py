"""An activity without a grade: no learner launched it, or the events about it are in quarantine."""

import io

import pytest
from rich.console import Console

from daemon.why.document import document
from daemon.why.known import MAX_SHOWN_EVENTS
from daemon.why.show import print_answer
from models.quarantine import QuarantinedEvent
from models.queries.grades import MAX_EVENTS
from models.stream_position import read_position
from tests.daemon.why.activities import answer, launched
from tests.daemon.why.story import NOW, TERMS, Story

pytestmark = pytest.mark.usefixtures("empty_database")


@pytest.mark.parametrize(("course", "usage"), [("physics", "unti"), ("chemistry", "unit"), ("chemistry", None)])
async def test_an_activity_that_no_learner_has_launched_is_said_to_be_unregistered(course, usage):
    await launched(1)
    (one,) = document(await answer(usage, course), TERMS)
    assert (one["state"], one["course_id"], one["usage_id"]) == ("unregistered", course, usage)
    assert one["who_acts"] == "no one", "the course or the block is mistyped"
    assert "by any learner for which a campus asked for a grade" in one["reason"]


@pytest.mark.parametrize("usage", ["unit", None])
async def test_launches_of_an_activity_that_are_all_in_quarantine_are_the_operators_to_look_at(usage):
    await read_position()
    story = Story()
    for learner in ("u1", "u2"):
        await story.launch(20, user_id=learner)
    await story.launch(20, course_id="chemistry")
    got = await answer(usage)
    (one,) = document(got, TERMS)
    assert (one["state"], one["who_acts"], len(one["quarantined"])) == ("quarantined", "operator", 2)
    assert "2 events about it could not be applied" in one["reason"]
    assert "unknown consumer 'example'" in one["reason"]
    screen = io.StringIO()
    print_answer(got, TERMS, Console(file=screen, width=250))
    assert "Who has to act: passbackd's operator." in screen.getvalue()


async def test_more_events_than_are_searched_are_no_reason_to_send_the_learner():
    await read_position()
    values = {"epoch": 0, "entry_id": "", "at": NOW, "type": "score.changed", "reason": "", "content": b""}
    await QuarantinedEvent.bulk_create(QuarantinedEvent(**values, course_id="physics") for _ in range(MAX_EVENTS + 1))
    (one,) = document(await answer(), TERMS)
    assert (one["state"], one["who_acts"]) == ("unregistered", "operator")
    assert f"only the newest {MAX_EVENTS} were searched" in one["reason"]


@pytest.mark.parametrize(("number", "at_least"), [(MAX_SHOWN_EVENTS + 1, ""), (MAX_EVENTS + 1, "at least ")])
async def test_launches_in_quarantine_are_counted_beyond_those_that_are_shown(number, at_least):
    await launched(1)
    content = b"course_id=physics\nusage_id=unit"
    values = {"epoch": 0, "at": NOW, "type": "launch", "reason": "no", "content": content, "course_id": "physics"}
    await QuarantinedEvent.bulk_create(QuarantinedEvent(**values, entry_id=f"{one}-0") for one in range(number))
    screen = io.StringIO()
    print_answer(await answer(), TERMS, Console(file=screen, width=250))
    said = min(number, MAX_EVENTS)
    assert f"Besides, {at_least}{said} launch events of it are in quarantine" in screen.getvalue()
    assert f"These are the newest {MAX_SHOWN_EVENTS} of {at_least}{said} events." in screen.getvalue()


async def test_a_score_in_quarantine_does_not_hide_that_no_learner_has_launched_the_activity():
    await read_position()
    await Story().structure()
    await Story().score(10, "nan", "unit")
    (one,) = document(await answer(), TERMS)
    assert (one["state"], one["who_acts"]) == ("unregistered", "learner")

"""Attempts after which the score may have been stored, or not."""

from typing import Any

import pytest

from actors.protocols.answers import PROCESSING_HOLD
from tests.actors.campuses import breaker_of, columns, other_campus
from tests.actors.sending import HOLD, KEY, LATER, PATH, SOURCEDID, changed, on_one_engine, results
from tests.fakes import lms as fake
from tests.models.rows import make_assignment, read_row


@on_one_engine
@pytest.mark.parametrize(
    ("behaviour", "hold"),
    [(fake.answer(503), HOLD), (fake.cut("midway"), HOLD), (fake.processing(), PROCESSING_HOLD)],
    ids=["503", "cut in the answer", "processing"],
)
async def test_an_end_in_doubt_holds_and_forces_and_sends_the_score_of_its_time_afresh(
    sending, lms, leaf, behaviour, hold
):
    lms.behave = fake.in_turn(behaviour)
    await sending.send(leaf)
    assert await columns(leaf, "sent_version", "forced_version", "attempts") == (0, 1, 1)
    assert sending.counted(result="ambiguous") == 1

    await changed(leaf, 2, 2, sending.now)
    sending.tick(hold - 0.001)
    await sending.send(leaf)
    assert len(lms.requests) == 1, "sent before whatever left us had landed"
    sending.tick(0.001)
    await sending.send(leaf)
    assert [request.score for request in lms.requests] == ["0.5", "1"]
    assert lms.grade(SOURCEDID, "/outcomes") == "1"


async def test_after_an_end_in_doubt_even_the_score_that_was_acknowledged_before_goes_out(sending, lms, leaf):
    lms.behave = fake.in_turn(fake.success(), fake.success(status=503))
    await sending.send(leaf)
    await changed(leaf, 2, 2, sending.now)
    await sending.send(leaf)
    await changed(leaf, 1, 2, sending.now)
    sending.tick(LATER)
    await sending.send(leaf)
    assert lms.scores(SOURCEDID) == ["0.5", "1", "0.5"]
    assert (await read_row(leaf))["sent_version"] == 3


class Broken:
    """A sender with an unforeseen fault."""

    async def send(self, *_args: Any, **_options: Any) -> None:
        raise RuntimeError("never thought of")


async def test_a_fault_of_ours_after_the_request_began_is_in_doubt_and_not_repeated_for_ever(sending, campus, leaf):
    sending.dependencies.sender = Broken()
    await sending.send(leaf)
    expected = (None, 1, 1, sending.now + HOLD * 1000)
    assert await columns(leaf, "claimed_until", "attempts", "forced_version", "hold_until") == expected
    assert await results(leaf) == ["ambiguous"]
    assert (await breaker_of(campus)).last_failed_assignment is None, "it is no failure of the campus"


@on_one_engine
async def test_a_campus_that_failed_gets_a_grade_that_another_campus_of_that_learner_already_has(sending, lms, leaf):
    other = await other_campus(lms)
    second = await make_assignment(other, lis_result_sourcedid=SOURCEDID)
    lms.behave = lambda request: fake.answer(503) if request.consumer_key == "other" else fake.success()
    for assignment in (leaf, second):
        await sending.send(assignment)
    assert [await results(leaf), await results(second)] == [["accepted"], ["ambiguous"]]

    lms.behave = fake.always(fake.success())
    sending.tick(LATER)
    for assignment in (leaf, second):
        await sending.send(assignment)
    assert (lms.grade(SOURCEDID, PATH.partition("?")[0]), lms.grade(SOURCEDID, "/other")) == ("0.5", "0.5")
    assert [request.consumer_key for request in lms.requests] == [KEY, "other", "other"]

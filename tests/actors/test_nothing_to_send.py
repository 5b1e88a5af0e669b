"""Claims for which there is nothing to send, and messages for which there is no claim."""

import pytest

from models.assignment import GradedAssignment
from models.changes import Cause, Change, Debounce, change, change_waiting
from models.queries.status import read_status
from tests.actors.campuses import columns, held_by, make_composite, structured
from tests.actors.sending import DEBOUNCE, SOURCEDID, changed, on_one_engine, results, scored
from tests.models.rows import COURSE, PROBLEM, read_lines, read_row


@pytest.fixture
async def composite(campus):
    """One that is due, of a learner who has a quarter of the points."""
    await structured()
    await scored(1, 1, PROBLEM)
    return await make_composite(campus)


async def test_what_was_superseded_between_claim_and_post_is_given_back(sending, lms, composite):
    async def happens():
        await scored(0, 1, PROBLEM)
        await change([Change(composite, "composite")], now=sending.now, debounce=DEBOUNCE)

    sending.trees.meanwhile = happens
    await sending.send(composite)
    assert lms.requests == []
    assert await columns(composite, "attempts", "claimed_until", "sent_version") == (0, None, 0)
    assert await read_lines(composite) == []
    assert sending.counted() == sending.counted(result="superseded") == 1
    sending.tick(60)
    await sending.send(composite)
    assert lms.scores(SOURCEDID) == ["0"]


@pytest.mark.parametrize("skip_unchanged", [True, False])
async def test_a_score_that_the_campus_acknowledged_is_not_sent_again_unless_skipping_is_off(
    make_sending, lms, leaf, skip_unchanged
):
    sending, requests = await make_sending(skip_unchanged=skip_unchanged), 1 if skip_unchanged else 2
    for possible in (3, 6):  # a fraction that the wire text has rounded
        await changed(leaf, possible / 3, possible, sending.now)
        await sending.send(leaf)
    assert lms.scores(SOURCEDID) == ["0.333333"] * requests
    assert await columns(leaf, "sent_version", "attempts") == (3, 0)
    assert await results(leaf) == ["accepted"] * requests
    assert sending.counted(result="unchanged") == skip_unchanged


async def test_a_learner_who_attempted_nothing_is_never_sent_a_zero(sending, lms, campus):
    await structured()
    composite = await make_composite(campus)
    await sending.send(composite)
    assert lms.requests == []
    assert await columns(composite, "sent_version", "sent_score", "sent_at", "attempts") == (1, None, None, 0)
    assert await read_lines(composite) == []
    assert sending.counted() == 0


async def test_an_unknown_block_waits_visibly_and_goes_out_when_its_structure_comes(sending, lms, campus):
    await scored(1, 1, PROBLEM)
    composite = await make_composite(campus)
    await sending.send(composite)
    assert lms.requests == []
    assert await columns(composite, "waiting_since", "attempts") == (sending.now, 0)
    assert (await read_status(now=sending.now)).assignments["waiting"] == 1
    sending.tick(3600)
    await sending.work_off()
    assert lms.requests == []

    await structured()
    await change_waiting(COURSE, now=sending.now, debounce=Debounce(0, 0), cause=Cause())
    await sending.send(composite)
    assert lms.scores(SOURCEDID) == ["0.25"]


@on_one_engine
async def test_in_a_course_without_structure_a_problem_is_sent_with_its_own_score_alone(sending, lms, leaf):
    await scored(0, 100, PROBLEM)
    await sending.send(leaf)
    assert lms.scores(SOURCEDID) == ["0.5"]


async def test_an_assignment_that_is_deleted_while_it_is_sent_is_not_fenced(sending, lms, leaf):
    answer_and_end = await held_by(sending, lms, leaf)
    await GradedAssignment.filter(id=leaf).delete()
    await answer_and_end()
    assert sending.value("passback_fenced_total") == 0
    assert sending.take_messages() == []


async def test_nothing_is_sent_before_the_stream_is_caught_up(make_sending, lms, leaf):
    sending = await make_sending(may_send=False)
    await sending.send(leaf)
    assert lms.requests == []
    assert (await read_row(leaf))["claim_token"] is None
    sending.may_send = True
    await sending.send(leaf)
    assert lms.scores(SOURCEDID) == ["0.5"]


async def test_a_message_for_a_composite_whose_time_has_moved_does_not_even_read_the_grade(sending, lms, composite):
    await GradedAssignment.filter(id=composite).update(version_number=2, due_at=sending.now + 900_000)
    before = await read_row(composite)
    await sending.send(composite)
    assert sending.trees.reads == []
    assert lms.requests == []
    assert await read_row(composite) == before


async def test_a_message_for_a_composite_sends_its_newest_version_if_that_is_due(sending, lms, composite):
    await GradedAssignment.filter(id=composite).update(version_number=2, due_at=sending.now)
    await sending.send(composite)
    assert lms.scores(SOURCEDID) == ["0.25"]
    assert (await read_row(composite))["sent_version"] == 2


async def test_a_late_or_repeated_message_of_a_leaf_sends_the_newest_score_once(sending, lms, leaf):
    await changed(leaf, 2, 2, sending.now)
    await sending.send(leaf)
    await sending.send(leaf)
    await sending.send(leaf)
    assert lms.scores(SOURCEDID) == ["1"]

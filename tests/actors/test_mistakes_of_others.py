"""What other grade senders got wrong in the field, where no other test pins it."""

import pytest

from tests.actors.campuses import other_campus
from tests.actors.sending import KEY, LATER, PATH, SOURCEDID, results, scored
from tests.fakes import lms as fake
from tests.models.rows import make_assignment, read_row

pytestmark = pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)


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


async def test_one_bad_grade_does_not_stop_those_behind_it(sending, lms, campus):
    await scored(1, 2)
    sourcedids = ["first", "gone", "no-\x01-xml", "silent", "last"]
    bad = {"gone": fake.failure("User not found"), "silent": fake.cut("before", apply=False)}
    lms.behave = lambda request: bad.get(request.sourcedid, fake.success())
    for sourcedid in sourcedids:
        await make_assignment(campus, lis_result_sourcedid=sourcedid)
    await sending.work_off()
    assert [lms.grade(sourcedid) for sourcedid in sourcedids] == ["0.5", None, None, None, "0.5"]


async def test_when_to_try_again_is_known_to_every_daemon_on_the_database(make_sending, sending, lms, leaf):
    lms.behave = fake.in_turn(fake.answer(429, headers={"Retry-After": "600"}))
    await sending.send(leaf)
    again = (await read_row(leaf))["not_before"]
    assert (again, sending.take_messages()) == (sending.now + 600_000, []), "a message somewhere waits for its time"

    another = await make_sending(sending.clock)
    another.tick(599.999)
    await another.work_off()
    assert len(lms.requests) == 1
    another.tick(0.001)
    await another.work_off()
    assert lms.scores(SOURCEDID) == ["0.5"]

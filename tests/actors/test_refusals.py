"""Attempts that the campus, or the network, refused."""

import pytest

from actors.cause import cause_of
from actors.resolution import CAMPUS_WAIT
from actors.retry import UNEXPLAINED_TRIES, UNEXPLAINED_WAITS
from models.assignment import GradedAssignment
from models.launch import Registration
from models.registration import Registered, register
from tests.actors.campuses import breaker_of, columns
from tests.actors.sending import HOLD, KEY, SECRET, SOURCEDID, changed, on_one_engine, results, scored
from tests.fakes import lms as fake
from tests.models.rows import BLOCK, COURSE, LEARNER, make_assignment, read_lines, read_row


async def test_a_permanent_refusal_parks_with_the_lmss_message(sending, lms, leaf):
    lms.behave = fake.always(fake.failure("User is no longer in course 7"))
    await sending.send(leaf)
    reason = "HTTP 200, failure: User is no longer in course 7"
    assert await columns(leaf, "parked_at", "parked_scope", "parked_reason") == (sending.now, "learner", reason)
    assert await results(leaf) == ["refused"]
    assert sending.value("passback_parked_total", consumer="campus", scope="learner") == 1
    sending.tick(1_000_000)
    await sending.work_off()
    await sending.send(leaf)
    assert len(lms.requests) == 1


async def test_a_new_score_gives_a_parked_grade_one_try(sending, lms, leaf):
    lms.behave = fake.always(fake.failure("User not found"))
    for _ in range(2):
        await sending.send(leaf)
    await changed(leaf, 2, 2, sending.now)
    for _ in range(2):
        await sending.send(leaf)
    assert [request.score for request in lms.requests] == ["0.5", "1"]
    assert await columns(leaf, "parked_at", "attempts") == (sending.now, 2)


async def test_a_launch_unparks_a_grade(sending, lms, campus, leaf):
    lms.behave = fake.in_turn(fake.failure("User not found"))
    await sending.send(leaf)
    sending.tick(1)
    launch = Registration(KEY, LEARNER, COURSE, BLOCK, SOURCEDID, campus.lis_outcome_service_url, sending.now * 1000)
    done = await register(launch, kind="leaf", now=sending.now)
    assert done == Registered("applied", leaf, probe=campus.campus_id)
    await sending.send(leaf)
    assert lms.scores(SOURCEDID) == ["0.5"]
    assert (await read_row(leaf))["attempts"] == 0


async def test_a_refused_signature_spends_no_attempt_and_is_tried_again(sending, lms, leaf):
    lms.keys[KEY] = "a-secret-that-was-changed-over-there"
    await GradedAssignment.filter(id=leaf).update(due_at=sending.now)
    await sending.send(leaf)
    row, wait = await read_row(leaf), CAMPUS_WAIT * 1000
    assert (row["attempts"], row["parked_at"], row["hold_until"]) == (0, None, 0)
    assert sending.now + 0.5 * wait <= row["not_before"] <= sending.now + 1.5 * wait
    (line,) = await read_lines(leaf)
    assert (line["result"], line["http_status"], line["attempt"]) == ("misconfigured", 401, 1)
    assert sending.counted(result="misconfigured") == 1
    assert sending.value("passback_signature_refused_total", consumer="campus") == 1
    assert lms.faults == ["request 0: a signature that is not valid"], "one request, since there is one secret"
    lms.faults.clear()
    lms.keys[KEY] = SECRET
    sending.tick(2 * CAMPUS_WAIT)
    await sending.send(leaf)
    assert lms.scores(SOURCEDID) == ["0.5"]


@on_one_engine
async def test_a_redirect_is_no_refused_signature(sending, lms, leaf):
    lms.behave = fake.always(fake.answer(302))
    await sending.send(leaf)
    assert sending.counted(result="misconfigured") == 1
    assert not sending.value("passback_signature_refused_total", consumer="campus")


@on_one_engine
async def test_an_assignment_for_which_no_request_can_be_written_is_parked(sending, lms, campus):
    await scored(1, 2)
    leaf = await make_assignment(campus, lis_result_sourcedid="a\x01b")
    await sending.send(leaf)
    row = await read_row(leaf)
    assert (row["parked_scope"], row["hold_until"]) == ("learner", 0)
    assert row["parked_reason"].startswith("no request can be written for this assignment")
    assert cause_of(row["parked_reason"], "learner") == "sourcedid"
    assert (await breaker_of(campus)).last_failed_assignment is None
    assert lms.requests == []


@on_one_engine
@pytest.mark.parametrize(
    ("behaviour", "result", "scope", "forced", "held"),
    [
        (fake.answer(503), "ambiguous", "campus", 1, HOLD * 1000),
        (fake.failure("try again"), "retried", "learner", 0, None),
        (fake.answer(429), "retried", "campus", 0, None),
    ],
)
async def test_the_last_attempt_parks_and_one_in_doubt_holds_as_well(
    make_sending, lms, leaf, behaviour, result, scope, forced, held
):
    sending = await make_sending(max_attempts=2)
    lms.behave = fake.always(behaviour)
    await sending.send(leaf)
    assert (await read_row(leaf))["parked_at"] is None
    sending.tick(2 * UNEXPLAINED_WAITS[0].total_seconds())
    await sending.send(leaf)
    row = await read_row(leaf)
    assert (row["parked_at"], row["parked_scope"], row["attempts"]) == (sending.now, scope, 2)
    assert row["parked_reason"].startswith("2 attempts failed, the last one with: HTTP")
    assert (row["forced_version"], row["hold_until"]) == (forced, sending.now + held if held else 0)
    assert await results(leaf) == [result, result]
    assert sending.value("passback_parked_total", consumer="campus", scope=scope) == 1


@on_one_engine
async def test_an_unexplained_refusal_after_many_other_failures_does_not_park_at_once(sending, lms, leaf):
    lms.behave = fake.always(fake.answer(503))
    for _ in range(UNEXPLAINED_TRIES):
        await sending.send(leaf)
        await GradedAssignment.filter(id=leaf).update(not_before=0, hold_until=0)
    lms.behave = fake.always(fake.failure("try again some day"))
    for number in range(1, UNEXPLAINED_TRIES + 1):
        assert (await read_row(leaf))["parked_at"] is None
        await sending.send(leaf)
        await GradedAssignment.filter(id=leaf).update(not_before=0, hold_until=0)
        assert (await results(leaf)).count("retried") == number
    assert (await read_row(leaf))["parked_scope"] == "learner"


@on_one_engine
async def test_one_bad_grade_does_not_stop_those_behind_it(sending, lms, campus):
    await scored(1, 2)
    sourcedids = ["first", "gone", "no-\x01-xml", "silent", "last"]
    bad = {"gone": fake.failure("User not found"), "silent": fake.cut("before", apply=False)}
    lms.behave = lambda request: bad.get(request.sourcedid, fake.success())
    for sourcedid in sourcedids:
        await make_assignment(campus, lis_result_sourcedid=sourcedid)
    await sending.work_off()
    assert [lms.grade(sourcedid) for sourcedid in sourcedids] == ["0.5", None, None, None, "0.5"]


@on_one_engine
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

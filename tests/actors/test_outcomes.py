"""One walk from the wake-up to the campus and back, on a real database and a real socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from dramatiq.brokers.stub import StubBroker
from models.attempt import address

from actors.attempt import MARGIN, PUT_OFF
from actors.errors import TryLater
from actors.outcomes import ROOM, ROOM_ALONE, Outcomes
from actors.protocols.lti11.responses import PROCESSING_HOLD
from actors.resolution import CAMPUS_WAIT
from actors.retry import UNEXPLAINED_TRIES, UNEXPLAINED_WAITS
from models.assignment import Debounce, GradedAssignment, bump, bump_waiting, redo, sweep
from models.consumer import origin
from models.course import CourseStructure
from models.course_tree import Tree, canonical
from models.db.sql import connection
from models.queries.status import read_status
from models.registration import Registration, register
from models.score import apply_score
from tests.actors.sending import (
    DEBOUNCE,
    HOLD,
    KEY,
    LATER,
    LEASE,
    PATH,
    SECRET,
    SOURCEDID,
    Sending,
    changed,
    just_now,
    make_campus,
    on_one_engine,
    results,
    scored,
)
from tests.fakes import lms as fake
from tests.models.rows import BLOCK, COURSE, LEARNER, PROBLEM, make_assignment, read_lines, read_row
from tests.servers import HOST, Port

if TYPE_CHECKING:
    from models.consumer import OutcomeService
    from tests.fakes.lms import RecordingLms

TREE = Tree([("root", None, None), (BLOCK, "root", None), (PROBLEM, BLOCK, 1.0), ("other", BLOCK, 3.0)])


async def structured(tree: Tree = TREE) -> None:
    text, sum_ = canonical(tree)
    await CourseStructure.create(course_id=COURSE, version=1, digest=sum_, blocks=text)


async def make_composite(campus: OutcomeService, **columns: Any) -> int:
    return await make_assignment(campus, lis_result_sourcedid=SOURCEDID, composite=True, **columns)


def slowly(sending: Sending, seconds: float):
    """For :attr:`Trees.meanwhile`."""

    async def happens() -> None:
        sending.tick(seconds)

    return happens


# --- Room ---


@on_one_engine
@pytest.mark.parametrize(("others", "room"), [((), ROOM_ALONE), (("another",), ROOM)])
async def test_news_wake_nobody_while_very_many_are_in_hand_or_fewer_beside_others(sending, lms, leaf, others, room):
    sending.gates.divide("me", frozenset({"me", *others}))
    sending.outcomes._in_hand.update(range(-room, -1))
    assert sending.outcomes.has_room()

    async def look():
        assert not sending.outcomes.has_room()

    sending.trees.meanwhile = look
    await sending.pass_back(leaf)
    assert await results(leaf) == ["accepted"]
    assert sending.outcomes.has_room()


# --- Accepted ---


async def test_a_leaf_is_sent_signed_with_its_newest_score(sending, lms, leaf):
    await sending.pass_back(leaf)
    (request,) = lms.requests
    assert (request.sourcedid, request.score, request.path_qs) == (SOURCEDID, "0.5", PATH)
    assert (request.content_type, request.consumer_key, request.verified) == ("application/xml", KEY, True)
    assert request.timestamp == str(sending.now // 1000)
    row = await read_row(leaf)
    assert (row["sent_version"], row["sent_score"], row["sent_at"]) == (1, "0.5", sending.now)
    assert (row["attempts"], row["claimed_until"], row["wake_until"]) == (0, None, None)


async def test_the_ledger_line_of_an_acceptance_has_every_field(sending, lms, leaf):
    lms.behave = fake.always(fake.success(description="stored", status=201))
    sending.trees.meanwhile = slowly(sending, 2)
    await sending.pass_back(leaf)
    (line,) = await read_lines(leaf)
    assert 0 <= line.pop("duration_ms") < 5000
    assert line.pop("id") > 0
    assert bool(line.pop("clamped")) is False
    assert line == {
        "assignment_id": leaf,
        "claim_token": (await read_row(leaf))["claim_token"],
        "at": sending.now,
        "attempt": 1,
        "version": 1,
        "entry_id": None,
        "score": "0.5",
        "result": "accepted",
        "http_status": 201,
        "code_major": "success",
        "description": "stored",
    }


@on_one_engine
async def test_an_acceptance_is_counted_with_its_lag_and_its_time(sending, lms, leaf):
    due_at = sending.now
    await GradedAssignment.filter(id=leaf).update(due_at=due_at)
    sending.tick(7)
    await sending.pass_back(leaf)
    assert sending.counted() == sending.counted(consumer="campus", kind="leaf", result="accepted") == 1
    assert sending.value("passback_delivery_lag_seconds_sum", kind="leaf") == 7
    assert sending.value("passback_last_success_timestamp_seconds", consumer="campus") == sending.now / 1000
    assert sending.value("passback_outcome_request_duration_seconds_count", consumer="campus") == 1
    assert sending.value("passback_outcome_requests_in_flight", consumer="campus") == 0


async def test_a_composite_is_the_unrounded_sum_below_its_block(sending, lms, campus):
    await structured()
    await scored(1, 1, PROBLEM)
    composite = await make_composite(campus)
    await sending.pass_back(composite)
    assert lms.scores(SOURCEDID) == ["0.25"]
    assert sending.counted(kind="composite", result="accepted") == 1


async def test_a_change_during_the_request_is_woken_for_at_once(sending, lms, leaf):
    hold = asyncio.Event()
    lms.behave = fake.in_turn(fake.held(hold))
    passing = asyncio.create_task(sending.pass_back(leaf))
    await lms.until(lambda: lms.requests)
    await changed(leaf, 2, 2, sending.now)
    hold.set()
    await passing
    assert sending.woken() == [(leaf, 2)]
    await sending.pass_back(leaf, 2)
    assert lms.scores(SOURCEDID) == ["0.5", "1"]


@on_one_engine
async def test_one_url_of_two_consumers_is_signed_with_each_ones_own_secret(sending, lms, campus):
    lms.keys["other-key"] = "other-secret"
    other = await make_campus(lms.url(PATH), "other", "other-key", "other-secret")
    await scored(1, 2)
    for service in (campus, other):
        await sending.pass_back(await make_assignment(service, lis_result_sourcedid=SOURCEDID))
    assert [request.consumer_key for request in lms.requests] == [KEY, "other-key"]
    assert [request.verified for request in lms.requests] == [True, True]
    assert sending.counted(consumer="other", result="accepted") == 1


@on_one_engine
@pytest.mark.parametrize(
    "behaviour",
    [
        fake.success(),
        fake.success(status=201),
        fake.success(status=202, content_type="text/html"),
        fake.success(body=fake.pox("Success").replace(b"imsoms_v1p0", b"elsewhere")),
        fake.answer(204, apply=True),
    ],
    ids=["200", "201", "202 as HTML", "another namespace", "empty 204"],
)
async def test_any_2xx_with_exactly_one_success_is_an_acceptance(sending, lms, leaf, behaviour):
    lms.behave = fake.always(behaviour)
    await sending.pass_back(leaf)
    assert await results(leaf) == ["accepted"]
    assert (await read_row(leaf))["sent_score"] == "0.5"


# --- Nothing to send ---


async def test_a_composite_woken_for_a_version_that_was_superseded_does_not_even_read_the_grade(sending, lms, campus):
    await structured()
    await scored(1, 1, PROBLEM)
    composite = await make_composite(campus, version_number=2, due_at=sending.now + 900_000)
    before = await read_row(composite)
    await sending.pass_back(composite, 1)
    assert sending.trees.reads == []
    assert lms.requests == []
    assert await read_row(composite) == before


async def test_a_composite_woken_for_an_older_version_is_sent_once_it_is_due_again(sending, lms, campus):
    await structured()
    await scored(1, 1, PROBLEM)
    composite = await make_composite(campus, version_number=2, due_at=sending.now)
    await sending.pass_back(composite, 1)
    assert lms.scores(SOURCEDID) == ["0.25"]
    assert (await read_row(composite))["sent_version"] == 2


async def test_a_late_or_repeated_wake_up_of_a_leaf_sends_the_newest_score_once(sending, lms, leaf):
    await changed(leaf, 2, 2, sending.now)
    await sending.pass_back(leaf, 2)
    await sending.pass_back(leaf, 1)
    await sending.pass_back(leaf, 2)
    assert lms.scores(SOURCEDID) == ["1"]


async def test_what_was_superseded_between_claim_and_post_is_given_back(sending, lms, campus):
    await structured()
    await scored(1, 1, PROBLEM)
    composite = await make_composite(campus)

    async def happens():
        await scored(0, 1, PROBLEM)
        await bump(composite, kind="composite", now=sending.now, debounce=DEBOUNCE)

    sending.trees.meanwhile = happens
    await sending.pass_back(composite)
    row = await read_row(composite)
    assert lms.requests == []
    assert (row["attempts"], row["claimed_until"], row["sent_version"]) == (0, None, 0)
    assert await read_lines(composite) == []
    assert sending.counted() == sending.counted(result="superseded") == 1
    sending.tick(60)
    await sending.pass_back(composite, 2)
    assert lms.scores(SOURCEDID) == ["0"]


async def test_a_score_that_the_campus_acknowledged_is_not_sent_again(sending, lms, leaf):
    await sending.pass_back(leaf)
    await changed(leaf, 2, 4, sending.now)
    await sending.pass_back(leaf, 2)
    row = await read_row(leaf)
    assert lms.scores(SOURCEDID) == ["0.5"]
    assert (row["sent_version"], row["attempts"]) == (2, 0)
    assert await results(leaf) == ["accepted"]
    assert sending.counted(result="unchanged") == 1


async def test_a_score_that_the_campus_acknowledged_is_sent_again_where_skipping_is_off(make_sending, lms, leaf):
    sending = await make_sending(skip_unchanged=False)
    await sending.pass_back(leaf)
    await changed(leaf, 2, 4, sending.now)
    await sending.pass_back(leaf, 2)
    assert lms.scores(SOURCEDID) == ["0.5", "0.5"]


async def test_a_score_that_the_campus_acknowledged_is_sent_again_when_it_is_forced(sending, lms, leaf):
    await sending.pass_back(leaf)
    await redo(leaf, now=sending.now)
    await sending.pass_back(leaf, 2)
    await changed(leaf, 2, 4, sending.now)
    await sending.pass_back(leaf, 3)
    assert lms.scores(SOURCEDID) == ["0.5", "0.5"]


async def test_a_learner_who_attempted_nothing_is_never_sent_a_zero(sending, lms, campus):
    await structured()
    composite = await make_composite(campus)
    await sending.pass_back(composite)
    row = await read_row(composite)
    assert lms.requests == []
    assert (row["sent_version"], row["sent_score"], row["sent_at"], row["attempts"]) == (1, None, None, 0)
    assert await read_lines(composite) == []
    assert sending.counted() == 0


async def test_an_unknown_block_waits_visibly_and_goes_out_when_its_structure_comes(sending, lms, campus):
    await scored(1, 1, PROBLEM)
    composite = await make_composite(campus)
    await sending.pass_back(composite)
    assert lms.requests == []
    row = await read_row(composite)
    assert (row["waiting_since"], row["attempts"]) == (sending.now, 0)
    assert (await read_status(now=sending.now)).assignments["waiting"] == 1
    assert await sweep(now=sending.now + 3_600_000, most=10) == []

    await structured()
    await bump_waiting(COURSE, now=sending.now, debounce=Debounce(0, 0))
    await sending.pass_back(composite, 2)
    assert lms.scores(SOURCEDID) == ["0.25"]


@on_one_engine
async def test_a_learner_without_any_score_in_the_course_waits_for_no_structure(sending, lms, campus):
    composite = await make_composite(campus)
    await sending.pass_back(composite)
    row = await read_row(composite)
    assert lms.requests == []
    assert (row["waiting_since"], row["sent_version"], row["sent_score"]) == (None, 1, None)


@on_one_engine
async def test_in_a_course_without_structure_a_problem_is_sent_with_its_own_score_alone(sending, lms, leaf):
    await scored(0, 100, PROBLEM)
    await sending.pass_back(leaf)
    assert lms.scores(SOURCEDID) == ["0.5"]


async def test_an_assignment_that_is_gone_is_no_matter(sending, lms):
    await sending.pass_back(4711)
    assert sending.counted() == 0


async def test_an_assignment_that_goes_while_it_is_sent_is_no_matter(sending, lms, leaf):
    hold = asyncio.Event()
    lms.behave = fake.always(fake.held(hold))
    passing = asyncio.create_task(sending.pass_back(leaf))
    await lms.until(lambda: lms.requests)
    await GradedAssignment.filter(id=leaf).delete()
    hold.set()
    await passing
    assert sending.value("passback_fenced_total") == 0
    assert sending.woken() == []


async def test_nothing_is_sent_before_the_backlog_is_applied(make_sending, lms, leaf):
    sending = await make_sending(may_send=False)
    await GradedAssignment.filter(id=leaf).update(wake_until=sending.now + 10_000)
    await sending.pass_back(leaf)
    assert lms.requests == []
    assert [wake.assignment_id for wake in await sweep(now=sending.now, most=10)] == [leaf]
    sending.may_send = True
    await sending.pass_back(leaf)
    assert lms.scores(SOURCEDID) == ["0.5"]


@on_one_engine
@pytest.mark.parametrize("how", ["full", "closed"])
async def test_at_a_gate_that_does_not_admit_the_wake_up_is_forgotten_and_the_sweep_comes_back(
    make_sending, lms, campus, leaf, how
):
    sending = await make_sending(most=1, line=0)
    await GradedAssignment.filter(id=leaf).update(wake_until=sending.now + 10_000)
    async with sending.gates.enter(await address(leaf, now=sending.now)):
        if how == "closed":
            sending.gates.close()
        await sending.pass_back(leaf)
    row = await read_row(leaf)
    assert lms.requests == []
    assert (row["attempts"], row["claim_token"], row["wake_until"]) == (0, None, None)
    assert [wake.assignment_id for wake in await sweep(now=sending.now, most=10)] == [leaf]


async def test_whoever_waited_while_sending_became_forbidden_sends_nothing(make_sending, lms, leaf):
    sending = await make_sending(most=1)
    here = await address(leaf, now=sending.now)
    async with sending.gates.enter(here):
        passing = asyncio.create_task(sending.pass_back(leaf))
        await lms.until(lambda: sending.gates._gates[here.campus].slots.waiting)
        sending.may_send = False
    await passing
    assert lms.requests == []
    assert (await read_row(leaf))["attempts"] == 0
    assert [wake.assignment_id for wake in await sweep(now=sending.now, most=10)] == [leaf]


@on_one_engine
async def test_an_unexplained_refusal_after_many_other_failures_does_not_park_at_once(sending, lms, leaf):
    lms.behave = fake.always(fake.answer(503))
    for _ in range(UNEXPLAINED_TRIES):
        await sending.pass_back(leaf)
        await GradedAssignment.filter(id=leaf).update(not_before=0, hold_until=0)
    lms.behave = fake.always(fake.failure("try again some day"))
    for number in range(1, UNEXPLAINED_TRIES + 1):
        assert (await read_row(leaf))["parked_at"] is None
        await sending.pass_back(leaf)
        await GradedAssignment.filter(id=leaf).update(not_before=0, hold_until=0)
        assert (await results(leaf)).count("retried") == number
    assert (await read_row(leaf))["parked_scope"] == "learner"


@on_one_engine
async def test_a_wake_up_for_which_there_is_nothing_to_do_does_not_stand_in_line(make_sending, lms, campus, leaf):
    sending = await make_sending(most=1)
    await sending.pass_back(leaf)
    async with sending.gates.enter(await address(leaf, now=sending.now)), asyncio.timeout(5):
        await sending.pass_back(leaf)
    assert len(lms.requests) == 1


async def test_what_a_launch_moved_to_another_service_while_it_waited_is_looked_at_again(
    make_sending, lms, campus, leaf
):
    sending = await make_sending(most=1)
    lms.keys["other-key"] = "other-secret"
    other = await make_campus(lms.url("/elsewhere"), "other", "other-key", "other-secret")
    here = await address(leaf, now=sending.now)
    async with sending.gates.enter(here):
        passing = asyncio.create_task(sending.pass_back(leaf))
        await lms.until(lambda: sending.gates._gates[here.campus].slots.waiting)
        await GradedAssignment.filter(id=leaf).update(outcome_service_id=other.id)
        await redo(leaf, now=sending.now, afresh=True)
    await passing
    assert lms.requests == []
    assert sending.woken() == [(leaf, 2)]
    await sending.pass_back(leaf, 2)
    assert [(request.path, request.consumer_key) for request in lms.requests] == [("/elsewhere", "other-key")]


# --- Doubt ---

DOUBTS = {
    "503": fake.answer(503),
    "a page": fake.html(),
    "processing": fake.processing(),
    "cut before the answer": fake.cut("before"),
    "cut in the answer": fake.cut("midway"),
    "success under 500": fake.success(status=500),
    "two codes": fake.success(
        body=fake.pox("success").replace(b"<imsx_severity>", b"<imsx_codeMajor>success</imsx_codeMajor><imsx_severity>")
    ),
}


@on_one_engine
@pytest.mark.parametrize("doubt", DOUBTS)
async def test_an_end_in_doubt_holds_and_forces_and_sends_the_score_of_its_time_afresh(sending, lms, leaf, doubt):
    lms.behave, hold = fake.in_turn(DOUBTS[doubt]), PROCESSING_HOLD if doubt == "processing" else HOLD
    await sending.pass_back(leaf)
    row, now = await read_row(leaf), sending.now
    assert (row["sent_version"], row["forced_version"], row["attempts"]) == (0, 1, 1)
    assert row["hold_until"] == now + hold * 1000
    assert now <= row["not_before"] <= now + 15_000
    assert await results(leaf) == ["ambiguous"]
    assert sending.counted(result="ambiguous") == 1

    await changed(leaf, 2, 2, now)
    sending.tick(hold - 0.001)
    await sending.pass_back(leaf, 2)
    assert len(lms.requests) == 1, "sent before whatever left us had landed"
    sending.tick(0.001)
    await sending.pass_back(leaf, 2)
    first, second = lms.requests
    assert (first.score, second.score) == ("0.5", "1")
    assert first.nonce != second.nonce
    assert first.message_id != second.message_id
    assert first.headers["Authorization"] != second.headers["Authorization"]
    assert lms.grade(SOURCEDID, "/outcomes") == "1"


async def test_after_a_doubtful_end_even_the_score_that_was_acknowledged_before_goes_out(sending, lms, leaf):
    lms.behave = fake.in_turn(fake.success(), fake.success(status=503))
    await sending.pass_back(leaf)
    await changed(leaf, 2, 2, sending.now)
    await sending.pass_back(leaf, 2)
    await changed(leaf, 1, 2, sending.now)
    sending.tick(LATER)
    await sending.pass_back(leaf, 3)
    assert lms.scores(SOURCEDID) == ["0.5", "1", "0.5"]
    assert (await read_row(leaf))["sent_version"] == 3


@on_one_engine
async def test_a_time_out_is_a_doubt(make_sending, lms, leaf):
    sending = await make_sending(patience=0.5)
    lms.behave = fake.in_turn(fake.held(asyncio.Event()))
    await sending.pass_back(leaf)
    row = await read_row(leaf)
    assert (row["forced_version"], row["hold_until"]) == (1, sending.now + HOLD * 1000)
    (line,) = await read_lines(leaf)
    assert (line["result"], line["http_status"], line["duration_ms"]) == ("ambiguous", None, None)
    assert line["description"] == "the connection was lost while waiting for the answer: time-out"


@on_one_engine
async def test_a_campus_may_ask_for_more_time_than_the_hold(sending, lms, leaf):
    lms.behave = fake.in_turn(fake.answer(503, headers={"Retry-After": "600"}))
    await sending.pass_back(leaf)
    assert (await read_row(leaf))["not_before"] == sending.now + 600_000


# --- Refusals ---


async def test_a_refused_connection_is_tried_again_without_a_hold(sending):
    port = Port()
    try:
        await scored(1, 2)
        leaf = await make_assignment(await make_campus(f"http://{HOST}:{port.number}/outcomes"))
        await sending.pass_back(leaf)
    finally:
        port.close()
    row = await read_row(leaf)
    assert (row["attempts"], row["hold_until"], row["forced_version"], row["claimed_until"]) == (1, 0, 0, None)
    assert sending.now <= row["not_before"] <= sending.now + 15_000
    assert await results(leaf) == ["retried"]
    assert sending.counted(result="retried") == 1
    assert sending.value("passback_outcome_request_duration_seconds_count", consumer="campus") is None


async def test_a_permanent_refusal_parks_with_the_campuss_words(sending, lms, leaf):
    lms.behave = fake.always(fake.failure("User is no longer in course 7"))
    await sending.pass_back(leaf)
    row = await read_row(leaf)
    assert row["parked_at"] == sending.now
    assert row["parked_scope"] == "learner"
    assert row["parked_reason"] == "HTTP 200, failure: User is no longer in course 7"
    assert await results(leaf) == ["refused"]
    assert sending.value("passback_parked_total", consumer="campus", scope="learner") == 1
    sending.tick(1_000_000)
    assert await sweep(now=sending.now, most=10) == []
    await sending.pass_back(leaf)
    assert len(lms.requests) == 1


async def test_a_new_score_gives_a_parked_grade_one_try(sending, lms, leaf):
    lms.behave = fake.always(fake.failure("User not found"))
    for version, earned in [(1, 1), (2, 2)]:
        await changed(leaf, earned, 2, sending.now) if version > 1 else None
        await sending.pass_back(leaf, version)
        await sending.pass_back(leaf, version)
    row = await read_row(leaf)
    assert [request.score for request in lms.requests] == ["0.5", "1"]
    assert (row["parked_at"], row["attempts"]) == (sending.now, 2)


async def test_a_launch_revives_a_parked_grade(sending, lms, campus, leaf):
    lms.behave = fake.in_turn(fake.failure("User not found"))
    await sending.pass_back(leaf)
    sending.tick(1)
    launch = Registration(KEY, LEARNER, COURSE, BLOCK, SOURCEDID, campus.lis_outcome_service_url, sending.now * 1000)
    assert await register(launch, kind="leaf", now=sending.now) == ("applied", leaf)
    await sending.pass_back(leaf, 2)
    assert lms.scores(SOURCEDID) == ["0.5"]
    assert (await read_row(leaf))["attempts"] == 0


async def test_a_grade_that_changed_while_it_was_refused_gets_its_own_try(sending, lms, leaf):
    hold = asyncio.Event()
    lms.behave = fake.in_turn(fake.failure("User not found", hold=hold))
    passing = asyncio.create_task(sending.pass_back(leaf))
    await lms.until(lambda: lms.requests)
    await changed(leaf, 2, 2, sending.now)
    hold.set()
    await passing
    assert (await read_row(leaf))["parked_at"] is None
    assert sending.woken() == [(leaf, 2)]


async def test_a_refused_signature_spends_no_attempt_and_is_tried_again(sending, lms, leaf):
    lms.keys[KEY] = "a-secret-that-was-changed-over-there"
    await GradedAssignment.filter(id=leaf).update(due_at=sending.now)
    await sending.pass_back(leaf)
    row, wait = await read_row(leaf), CAMPUS_WAIT * 1000
    assert (row["attempts"], row["parked_at"], row["hold_until"]) == (0, None, 0)
    assert sending.now + 0.5 * wait <= row["not_before"] <= sending.now + 1.5 * wait
    (line,) = await read_lines(leaf)
    assert (line["result"], line["http_status"], line["attempt"]) == ("misconfigured", 401, 1)
    assert sending.counted(result="misconfigured") == 1
    assert lms.faults == ["request 0: a signature that is not valid"]
    lms.faults.clear()
    lms.keys[KEY] = SECRET
    sending.tick(2 * CAMPUS_WAIT)
    await sending.pass_back(leaf)
    assert lms.scores(SOURCEDID) == ["0.5"]


@on_one_engine
async def test_an_assignment_for_which_no_request_can_be_written_is_parked(sending, lms, campus):
    await scored(1, 2)
    leaf = await make_assignment(campus, lis_result_sourcedid="a\x01b")
    await sending.pass_back(leaf)
    row = await read_row(leaf)
    assert (row["parked_scope"], row["hold_until"]) == ("campus", 0)
    assert row["parked_reason"].startswith("no request can be written for this assignment")
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
async def test_the_last_attempt_parks_and_a_doubtful_one_holds_as_well(
    make_sending, lms, leaf, behaviour, result, scope, forced, held
):
    sending = await make_sending(max_attempts=2)
    lms.behave = fake.always(behaviour)
    await sending.pass_back(leaf)
    assert (await read_row(leaf))["parked_at"] is None
    sending.tick(2 * UNEXPLAINED_WAITS[0].total_seconds())
    await sending.pass_back(leaf)
    row = await read_row(leaf)
    assert (row["parked_at"], row["parked_scope"], row["attempts"]) == (sending.now, scope, 2)
    assert row["parked_reason"].startswith("2 attempts failed, the last one with: HTTP")
    assert (row["forced_version"], row["hold_until"]) == (forced, sending.now + held if held else 0)
    assert await results(leaf) == [result, result]
    assert sending.value("passback_parked_total", consumer="campus", scope=scope) == 1


@on_one_engine
@pytest.mark.parametrize(("earned", "sent"), [(12, "1"), (-1, "0")])
async def test_a_value_above_one_or_below_zero_is_clamped_counted_and_noted(sending, lms, campus, earned, sent):
    await scored(earned, 10)
    leaf = await make_assignment(campus, lis_result_sourcedid=SOURCEDID)
    await sending.pass_back(leaf)
    (line,) = await read_lines(leaf)
    assert lms.scores(SOURCEDID) == [sent]
    assert (line["score"], bool(line["clamped"])) == (sent, True)
    assert sending.value("passback_clamped_total", consumer="campus") == 1


@on_one_engine
@pytest.mark.parametrize(
    ("status", "code"), [(200, "success"), (200, "failure"), (200, "nonsense"), (422, "failure"), (500, "processing")]
)
async def test_neither_sourcedid_nor_secret_stands_in_ledger_log_or_reason(sending, lms, leaf, status, code):
    said = f"of {SOURCEDID} signed with {SECRET}"
    lms.behave = fake.always(fake.Behaviour(status=status, code_major=code, description=said, apply=False))
    with structlog.testing.capture_logs() as logs:
        await sending.pass_back(leaf)
    lines, row = await read_lines(leaf), await read_row(leaf)
    assert len(lines) == 1
    logs = [entry for entry in logs if entry["log_level"] != "debug"]
    assert [entry["result"] for entry in logs] == [lines[0]["result"]]
    written = f"{logs} {lines} {row['parked_reason']}"
    assert "user" not in written
    assert SECRET not in written


@on_one_engine
async def test_an_attempts_log_line_tells_who_what_and_why(sending, lms, leaf):
    lms.behave = fake.always(fake.failure("User not found"))
    await GradedAssignment.filter(id=leaf).update(entry_id="7-0", due_at=sending.now - 3000)
    with structlog.testing.capture_logs() as logs:
        await sending.pass_back(leaf)
    begin, entry = logs
    assert begin == {
        "event": "an attempt begins",
        "log_level": "debug",
        "assignment": leaf,
        "entry": "7-0",
        "user": LEARNER,
        "course": COURSE,
        "usage": BLOCK,
    }
    assert entry.pop("duration_ms") >= 0
    assert entry == {
        "event": "an attempt ended",
        "log_level": "info",
        "assignment": leaf,
        "entry": "7-0",
        "consumer": "campus",
        "origin": origin(lms.url()),
        "kind": "leaf",
        "version": 1,
        "attempt": 1,
        "result": "refused",
        "score": "0.5",
        "http_status": 200,
        "code_major": "failure",
        "reason": "HTTP 200, failure: User not found",
        "lag_ms": 3000,
        "campus": "works",
        "parked": "learner",
    }
    (line,) = await read_lines(leaf)
    assert line["entry_id"] == "7-0"


@on_one_engine
async def test_an_attempt_that_is_made_again_says_when_and_whether_it_was_a_probe(sending, lms, leaf):
    lms.behave = fake.always(fake.html(503))
    with structlog.testing.capture_logs() as logs:
        await sending.pass_back(leaf)
    (entry,) = [entry for entry in logs if entry["log_level"] == "info"]
    row = await read_row(leaf)
    assert entry["retry_in_ms"] == max(row["not_before"], row["hold_until"]) - sending.now
    assert (entry["campus"], "parked" in entry, "probe" in entry) == ("fails", False, False)


# --- Stopping ---


async def test_stopping_during_a_request_is_a_doubt_and_lets_go_of_the_claim(sending, lms, leaf):
    lms.behave = fake.always(fake.held(asyncio.Event()))
    passing = asyncio.create_task(sending.pass_back(leaf))
    await lms.until(lambda: lms.requests)
    sending.abort.set()
    await passing
    row = await read_row(leaf)
    assert (row["claimed_until"], row["forced_version"]) == (None, 1)
    assert row["hold_until"] == sending.now + HOLD * 1000
    assert await results(leaf) == ["ambiguous"]


async def test_stopping_before_a_request_gives_the_attempt_back(sending, lms, leaf):
    sending.abort.set()
    await sending.pass_back(leaf)
    row = await read_row(leaf)
    assert lms.requests == []
    assert (row["attempts"], row["claimed_until"], row["hold_until"], row["not_before"]) == (0, None, 0, 0)
    assert await read_lines(leaf) == []


# --- Leases ---


async def test_an_attempt_that_is_too_slow_to_begin_sends_nothing_and_is_put_off_longer_each_time(sending, lms, leaf):
    for times in range(3):
        sending.trees.meanwhile = slowly(sending, MARGIN + 0.001)
        await sending.pass_back(leaf)
        row = await read_row(leaf)
        wait = PUT_OFF * 2**times
        assert row["not_before"] == sending.now + wait * 1000
        assert (row["attempts"], row["claimed_until"], row["forced_version"], row["hold_until"]) == (0, None, 0, 0)
        await sending.pass_back(leaf)
        sending.tick(wait)
    assert lms.requests == []
    assert await read_lines(leaf) == []
    sending.trees.meanwhile = slowly(sending, MARGIN)
    await sending.pass_back(leaf)
    assert lms.scores(SOURCEDID) == ["0.5"]

    await changed(leaf, 2, 2, sending.now)
    sending.trees.meanwhile = slowly(sending, MARGIN + 0.001)
    await sending.pass_back(leaf, 2)
    assert (await read_row(leaf))["not_before"] == sending.now + PUT_OFF * 1000


@pytest.fixture
async def frozen(make_sending, leaf):
    """A daemon that froze between its claim and its POST, and what thaws it."""
    daemon, thaw = await make_sending(), asyncio.Event()
    daemon.trees.meanwhile = thaw.wait
    passing = asyncio.create_task(daemon.pass_back(leaf))
    while daemon.trees.meanwhile is not None or not daemon.trees.reads:
        await asyncio.sleep(0.001)

    async def thaw_and_end() -> None:
        thaw.set()
        await passing

    return daemon, thaw_and_end


async def test_a_holder_that_was_frozen_beyond_its_margin_does_not_overlap_the_one_that_took_over(
    make_sending, lms, leaf, frozen
):
    holder, thaw_and_end = frozen
    taker, hold = await make_sending(holder.clock), asyncio.Event()
    taker.tick(LEASE - 0.001)
    await taker.pass_back(leaf)
    assert lms.requests == [], "taken over before the lease was over"
    taker.tick(0.001)
    lms.behave = fake.always(fake.held(hold))
    taking = asyncio.create_task(taker.pass_back(leaf))
    await lms.until(lambda: lms.requests)
    await thaw_and_end()
    hold.set()
    await taking

    assert len(lms.requests) == 1
    assert lms.overlaps() == []
    row = await read_row(leaf)
    assert (row["version_number"], row["sent_version"]) == (1, 1), "nothing left the holder: no redo"
    assert await results(leaf) == ["accepted"], "a line for the holder's request, which never was"
    assert (holder.value("passback_fenced_total"), taker.value("passback_fenced_total")) == (1, 0)


async def test_a_holder_that_froze_for_less_than_its_lease_sends_nothing_and_gives_its_claim_back(
    make_sending, lms, leaf, frozen
):
    holder, thaw_and_end = frozen
    holder.tick(LEASE - 1)
    await thaw_and_end()
    assert lms.requests == []
    assert (await read_row(leaf))["claimed_until"] is None
    taker = await make_sending(holder.clock)
    taker.tick(PUT_OFF)
    await taker.pass_back(leaf)
    assert await results(leaf) == ["accepted"]


async def held_by(sending: Sending, lms: RecordingLms, leaf: int, behaviour: Any = None):
    """A daemon whose request is at the campus; what lets the campus answer."""
    hold, before = asyncio.Event(), len(lms.requests)
    lms.behave = fake.in_turn(behaviour(hold) if behaviour else fake.held(hold))
    passing = asyncio.create_task(sending.pass_back(leaf))
    await lms.until(lambda: len(lms.requests) > before)

    async def answer_and_end() -> None:
        hold.set()
        await passing

    return answer_and_end


@pytest.mark.parametrize(
    ("behaviour", "result"),
    [
        (fake.held, "accepted"),
        (lambda hold: fake.failure("User not found", hold=hold), "refused"),
        (lambda hold: fake.answer(503, hold=hold, apply=True), "ambiguous"),
    ],
)
async def test_a_holder_whose_answer_came_after_its_lease_has_the_newest_score_sent_again(
    make_sending, lms, leaf, behaviour, result
):
    holder = await make_sending()
    taker = await make_sending(holder.clock)
    answer_and_end = await held_by(holder, lms, leaf, behaviour)
    await changed(leaf, 2, 2, holder.now)
    holder.tick(LEASE)
    await taker.pass_back(leaf, 2)
    assert (await read_row(leaf))["sent_version"] == 2

    with structlog.testing.capture_logs() as logs:
        await answer_and_end()
    assert [entry["log_level"] for entry in logs] == ["error"]
    assert holder.value("passback_fenced_total") == 1
    row = await read_row(leaf)
    assert (row["version_number"], row["forced_version"], row["sent_version"]) == (3, 3, 2)
    assert await results(leaf) == [result, "accepted"], "the line that the taker wrote as unknown was completed"
    if result == "ambiguous":
        assert row["hold_until"] == holder.now + HOLD * 1000
        taker.tick(LATER)
    else:
        assert holder.woken() == [(leaf, 3)]
    await taker.pass_back(leaf, 3)
    assert [request.score for request in lms.requests] == ["0.5", "1", "1"]
    assert lms.grade(SOURCEDID, "/outcomes") == "1"


async def test_a_fenced_holder_has_the_grade_sent_again_even_if_it_was_answered_within_its_own_lease(
    make_sending, lms, leaf
):
    """Somebody's clock was wrong: the taker-over may have sent before the holder's own request landed."""
    holder, taker = await make_sending(), await make_sending()
    answer_and_end = await held_by(holder, lms, leaf)
    holder.tick(LEASE - 1)
    taker.tick(LEASE)
    await taker.pass_back(leaf)
    await answer_and_end()
    assert holder.value("passback_fenced_total") == 1
    row = await read_row(leaf)
    assert (row["version_number"], row["sent_version"], row["forced_version"]) == (2, 1, 2)


async def test_the_end_is_written_again_when_the_database_failed(sending, lms, leaf):
    answer_and_end = await held_by(sending, lms, leaf)
    await connection().execute_script("ALTER TABLE delivery RENAME TO delivery_away")
    with structlog.testing.capture_logs() as logs:
        ending = asyncio.create_task(answer_and_end())
        await lms.until(lambda: logs)
        assert [entry["event"] for entry in logs] == ["the end of an attempt could not be written yet"]
        await connection().execute_script("ALTER TABLE delivery_away RENAME TO delivery")
        await ending
    row = await read_row(leaf)
    assert (row["sent_version"], row["sent_score"], row["claimed_until"]) == (1, "0.5", None)
    assert await results(leaf) == ["accepted"]
    assert len(lms.requests) == 1
    assert sending.counted(result="accepted") == 1


async def test_an_end_that_nobody_waits_for_any_more_is_given_up_and_told(sending, lms, leaf):
    answer_and_end = await held_by(sending, lms, leaf)
    await connection().execute_script("ALTER TABLE delivery RENAME TO delivery_away")
    sending.abort.set()
    with pytest.raises(Exception, match="delivery"):
        await answer_and_end()
    await connection().execute_script("ALTER TABLE delivery_away RENAME TO delivery")
    row = await read_row(leaf)
    assert (row["sent_version"], row["claimed_until"]) == (0, sending.now + LEASE * 1000)
    sending.abort.clear()
    sending.tick(LEASE)
    await sending.pass_back(leaf)
    assert await results(leaf) == ["unknown", "accepted"]
    assert (await read_row(leaf))["sent_score"] == "0.5"


@on_one_engine
async def test_the_lease_covers_margin_deadline_and_hold(sending, lms, leaf):
    answer_and_end = await held_by(sending, lms, leaf)
    row = await read_row(leaf)
    assert row["claimed_until"] - row["claimed_at"] == (5 + 10 + 20) * 1000
    await answer_and_end()


async def test_an_attempt_that_is_given_back_after_a_launch_began_afresh_does_not_count_below_zero(sending, lms, leaf):
    async def launched():
        await redo(leaf, now=sending.now, afresh=True)
        sending.tick(MARGIN + 1)

    sending.trees.meanwhile = launched
    await sending.pass_back(leaf)
    assert (await read_row(leaf))["attempts"] == 0
    sending.tick(PUT_OFF)
    lms.behave = fake.always(fake.answer(503))
    await sending.pass_back(leaf, 2)
    assert await results(leaf) == ["ambiguous"]


async def test_a_fault_that_many_attempts_have_in_common_puts_each_off_as_if_it_were_alone(sending, campus, lms):
    await scored(1, 2)
    ids = [await make_assignment(campus, due_at=just_now()) for _ in range(3)]
    fault = ConnectionResetError("the database is away")

    async def lost():
        sending.trees.meanwhile = lost
        raise fault

    sending.trees.meanwhile = lost
    await asyncio.gather(*map(sending.pass_back, ids))
    assert [(await read_row(one))["not_before"] for one in ids] == [sending.now + int(PUT_OFF * 1000)] * 3


async def test_an_attempt_that_fails_before_anything_was_sent_is_given_back(sending, lms, leaf):
    async def lost():
        raise ConnectionResetError("the database is away")

    sending.trees.meanwhile = lost
    await sending.pass_back(leaf)
    row = await read_row(leaf)
    assert (row["attempts"], row["claimed_until"], row["not_before"]) == (0, None, sending.now + int(PUT_OFF * 1000))
    assert lms.requests == []
    assert await results(leaf) == []


class Broken:
    """A sender with a fault that nobody thought of."""

    def __init__(self) -> None:
        self.posts = 0

    async def post(self, *_args: Any, **_options: Any) -> None:
        self.posts += 1
        raise RuntimeError("never thought of")


async def test_a_fault_of_ours_after_the_request_began_is_a_doubt_and_not_repeated_for_ever(sending, leaf):
    sending.replace_sender(Broken())
    await sending.pass_back(leaf)
    row = await read_row(leaf)
    assert (row["claimed_until"], row["attempts"], row["forced_version"]) == (None, 1, 1)
    assert row["hold_until"] == sending.now + HOLD * 1000
    assert await results(leaf) == ["ambiguous"]


async def test_a_wake_up_for_what_is_in_hand_already_is_no_second_one_in_the_line(make_sending, lms, leaf):
    sending = await make_sending(most=1, line=0)
    hold = asyncio.Event()
    lms.behave = fake.always(fake.held(hold))
    first = asyncio.create_task(sending.pass_back(leaf))
    await lms.until(lambda: lms.requests)
    await GradedAssignment.filter(id=leaf).update(wake_until=5)
    await sending.pass_back(leaf)
    assert (await read_row(leaf))["wake_until"] == 5, "it was looked at a second time"
    hold.set()
    await first
    assert lms.scores(SOURCEDID) == ["0.5"]


# --- A campus that is away ---


@pytest.fixture
async def class_of_five(campus):
    """Five learners with a leaf each, all due."""
    ids = []
    for number in range(5):
        ids.append(await make_assignment(campus, user_id=f"learner-{number}", lis_result_sourcedid=f"s{number}"))
        await apply_score(f"learner-{number}", COURSE, BLOCK, points=(number / 4, 1.0), modified_us=1)
    return ids


AWAY = {
    "503": (fake.answer(503), "ambiguous"),
    "refused": (None, "retried"),
    "another secret": (fake.answer(401), "misconfigured"),
    "not found": (fake.answer(404), "refused"),
}


@pytest.mark.parametrize(("behaviour", "result"), AWAY.values(), ids=AWAY)
async def test_a_campus_that_is_away_spends_no_attempts_of_the_grades_behind_it_and_gets_them_all_when_it_is_back(
    sending, lms, class_of_five, behaviour, result
):
    if behaviour is None:
        sending.replace_sender(Unreachable())
    else:
        lms.behave = fake.always(behaviour)
    await GradedAssignment.filter(id__in=class_of_five).update(due_at=sending.now)
    for _ in range(3):
        for assignment in class_of_five:
            await sending.pass_back(assignment)
    tried = [assignment for assignment in class_of_five if await results(assignment)]
    assert len(tried) == 2, "two failures shut the gate"
    probed = []
    for _ in range(4):
        sending.tick(301)
        for wake in await sweep(now=sending.now, most=9, room=9):
            await sending.pass_back(wake.assignment_id)
        probed = [assignment for assignment in class_of_five if await results(assignment)]
    assert len(probed) > 2, "each probe is of another one"
    rows = [await read_row(assignment) for assignment in class_of_five]
    assert [row["attempts"] for row in rows if row["id"] not in tried] == [0, 0, 0]
    assert [row["id"] for row in rows if row["parked_at"]] == (tried if result == "refused" else [])
    assert {name for assignment in probed for name in await results(assignment)} == {result}

    lms.behave = fake.always(fake.success())
    sending.outcomes = Outcomes(StubBroker(middleware=[]), sending.tools, partitions=4)
    for _ in range(3):
        sending.tick(301)
        for wake in await sweep(now=sending.now, most=9, room=9):
            await sending.pass_back(wake.assignment_id)
    left = tried if result == "refused" else []
    assert {f"s{n}" for n, assignment in enumerate(class_of_five) if assignment not in left} == {
        applied.sourcedid for applied in lms.applied
    }


class Unreachable:
    """A sender to which nobody listens."""

    async def post(self, *_args: Any, **_options: Any) -> None:
        raise TryLater("no connection to the campus: refused")


async def test_the_clock_of_a_campus_is_told(sending, lms, leaf):
    lms.behave = fake.always(fake.success(headers={"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}))
    await sending.pass_back(leaf)
    assert sending.value("passback_clock_offset_seconds", consumer="campus") == pytest.approx(
        -sending.now / 1000, abs=1
    )

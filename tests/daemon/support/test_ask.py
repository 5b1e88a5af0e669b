"""A campus is asked what it shows of a learner's grades: within its limit, for a bounded time, and nothing is sent."""

import asyncio

import pytest

from daemon.support.ask import ASK_PATIENCE, MAX_ASKED, ask_campuses
from daemon.why.asked import shown_words
from daemon.why.document import document
from daemon.why.gather import gather
from daemon.why.known import Shown
from models.assignment import GradedAssignment
from models.claims import claim
from models.clock_watch import ClockWatch
from models.consumer import LtiConsumer
from models.delivery import DeliveryRecord, write_deliveries
from models.queries.grades import Query
from tests.actors.campuses import known
from tests.actors.posting import outcome_session
from tests.actors.sending import PATH, Sending, fixed_clock
from tests.daemon.why.story import TERMS
from tests.fakes.lms import failure
from tests.models.rows import make_assignment, read_row

WHY_NOT = "it may keep the best of several grades, round, or have one that a teacher has set."
CELL = PATH.partition("?")[0]
CLEAN = {"version_number": 2, "sent_version": 2, "sent_score": "0.5", "sent_at": 1, "due_at": 1}


@pytest.fixture
async def sending(campus):
    async with outcome_session() as session:
        yield Sending(session, await fixed_clock(), max_per_campus=1)


async def asked(reader, sending, learner="learner"):
    """What is known of the learner's grades, the campus asked."""
    return (await ask_campuses(await gather(Query(learner), now=sending.now), reader)).known


GONE = (
    "Asked now, the campus shows no grade, though it acknowledged 0.5: the column there may have been made anew. "
    "Sending it again (`passbackd resend --assignment {} --force`) restores it."
)


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ("0.5", "Asked now, the campus shows 0.5, as it acknowledged."),
        ("0.50000", "Asked now, the campus shows 0.50000, as it acknowledged."),
        (None, GONE),
        ("0.9", f"Asked now, the campus shows 0.9, and acknowledged 0.5: {WHY_NOT}"),
    ],
)
async def test_what_the_campus_shows_is_said_beside_what_it_acknowledged(reader, sending, campus, lms, held, words):
    assignment = await make_assignment(campus, **CLEAN, lis_result_sourcedid="s")
    if held is not None:
        lms.gradebook[CELL, "s"] = held
    before = await read_row(assignment)
    (one,) = await asked(reader, sending)
    assert shown_words(one) == words.format(assignment)
    assert [(record.reads, record.sourcedid) for record in lms.requests] == [(True, "s")]
    after = await read_row(assignment)
    assert {name for name in before if after[name] != before[name]} <= {"claim_token", "claimed_at", "claimed_version"}


async def test_what_a_campus_shows_of_a_grade_that_it_never_acknowledged_is_said_alone(reader, sending, campus, lms):
    await make_assignment(campus, lis_result_sourcedid="s")
    lms.gradebook[CELL, "s"] = "0.25"
    (one,) = await asked(reader, sending)
    assert shown_words(one) == "Asked now, the campus shows 0.25."


STILL = "its gradebook may go on showing it, or a teacher has set it."


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (None, "Asked now, the campus shows no grade, as it acknowledged."),
        ("0.5", f"Asked now, the campus shows 0.5, though it acknowledged that the grade was taken back: {STILL}"),
    ],
)
async def test_what_is_shown_of_a_grade_that_was_taken_back_is_compared_with_that(
    reader, sending, campus, lms, held, words
):
    assignment = await make_assignment(campus, **{**CLEAN, "sent_score": None}, lis_result_sourcedid="s")
    await write_deliveries([DeliveryRecord(assignment, 1, 1, 1, 2, "accepted", score="")])
    if held is not None:
        lms.gradebook[CELL, "s"] = held
    (one,) = await asked(reader, sending)
    assert shown_words(one) == words


async def test_why_a_campus_does_not_say_is_said_in_its_words(reader, sending, campus, lms):
    await make_assignment(campus, **CLEAN, lis_result_sourcedid="s")
    lms.behave = lambda _: failure("not supported", code_major="unsupported")
    (one,) = await asked(reader, sending)
    assert shown_words(one) == "What the campus shows is not known: HTTP 200, unsupported: not supported."


@pytest.mark.parametrize(
    ("row", "columns", "why"),
    [
        ({}, {"tripped_at": 5, "blocked_until": 1}, "it takes no grades now, and only probes go there"),
        ({"disabled_at": 5}, {}, "the tool has switched the activity off"),
        (
            {"learner_version": 2, "version_number": 2, "sent_version": 1},
            {},
            "what it shows may be another learner's, who had this place before",
        ),
    ],
)
async def test_a_campus_that_may_not_be_asked_gets_no_request(reader, sending, campus, lms, row, columns, why):
    await known(campus, **columns)
    await make_assignment(campus, **{**CLEAN, **row}, lis_result_sourcedid="s")
    (one,) = await asked(reader, sending)
    assert shown_words(one) == f"What the campus shows is not known: {why}."
    assert lms.requests == []


async def test_a_paused_campus_gets_no_request(reader, sending, campus, lms):
    await make_assignment(campus, **CLEAN)
    await LtiConsumer.filter(id=campus.lti_consumer_id).update(paused_at=1)
    (one,) = await asked(reader, sending)
    assert shown_words(one) == "What the campus shows is not known: passbackd's operator has paused it."
    assert lms.requests == []


async def test_no_more_grades_are_asked_for_than_a_few(reader, sending, campus, lms):
    for number in range(MAX_ASKED + 2):
        await make_assignment(campus, **CLEAN, usage_id=f"block {number}")
    shown = [one.shown.why for one in await asked(reader, sending)]
    assert len(lms.requests) == MAX_ASKED
    assert [why for why in shown if why] == [f"no more than {MAX_ASKED} grades are asked for at once"] * 2


async def test_a_campus_is_asked_once_no_daemon_has_looked_at_the_clock_for_long(reader, sending, campus, lms):
    await make_assignment(campus, **CLEAN, lis_result_sourcedid="s")
    lms.gradebook[CELL, "s"] = "0.5"
    # Taken for a step forward by who looks next.
    await ClockWatch.create(id=1, seen_at=sending.now - 60_000, steps=1)
    (one,) = await asked(reader, sending)
    assert one.shown == Shown("0.5", "")


async def test_a_campus_whose_only_slot_a_daemon_keeps_is_asked_for_a_bounded_time(reader, sending, campus, lms):
    await make_assignment(campus, **CLEAN)
    sent = await make_assignment(campus, user_id="another")
    assert len(await claim([sent], sending.dependencies.lease(), most=1)) == 1
    run = asyncio.create_task(asked(reader, sending))
    while not run.done():
        sending.tick(ASK_PATIENCE)
        await asyncio.sleep(0.02)
    (one,) = await run
    assert shown_words(one) == "What the campus shows is not known: all its slots are taken."
    assert lms.requests == []


async def test_json_has_what_the_campus_shows(reader, sending, campus, lms):
    await make_assignment(campus, **CLEAN, lis_result_sourcedid="s")
    lms.gradebook[CELL, "s"] = "0.9"
    answer = await ask_campuses(await gather(Query("learner"), now=sending.now), reader)
    (one,) = document(answer, TERMS)
    assert one["campus_shows"] == {"score": "0.9", "why_not": None}
    assert await GradedAssignment.all().count() == 1

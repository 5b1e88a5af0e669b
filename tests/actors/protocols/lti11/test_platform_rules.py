"""
How real LMSs answer, and what becomes of the grade: a test for each row, on a real socket and a real database.

What an answer means is data in :mod:`actors.protocols.lti11.platforms`; these tests look at the whole attempt: the row
that it leaves, and its delivery record.
"""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from actors.retry import UNEXPLAINED_TRIES
from tests.actors.protocols.lti11.becomes import STOPS_THE_CAMPUS, check, parked
from tests.actors.protocols.lti11.platform_answers import ANSWERS
from tests.actors.sending import KEY, just_now, make_campus, results, scored
from tests.fakes import lms as fake
from tests.fakes.lms import canvas_pox, pox
from tests.fakes.network import raw_server
from tests.models.rows import make_assignment, read_lines, read_row
from tests.servers import HOST

# What one engine does with a row the other does too: see the tests of the models.
pytestmark = pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("row", ANSWERS.values(), ids=ANSWERS.keys())
async def test_an_answer_means(sending, lms, leaf, row):
    lms.behave = fake.always(row.given)
    await sending.send(leaf)

    await check(sending, leaf, row.becomes)
    (line,) = await read_lines(leaf)
    assert (line["result"], line["http_status"], line["code_major"], line["score"]) == (
        row.becomes.result,
        row.given.status,
        row.code_major,
        "0.5",
    )
    assert line["duration_ms"] is not None
    if row.says.endswith("..."):
        assert line["description"].startswith(row.says[:-3])
    else:
        assert line["description"] == row.says
    if row.becomes.parked:
        assert (await read_row(leaf))["parked_reason"] == row.says
    assert len(lms.requests) == 1, "a redirect was followed, or a request was repeated"


async def test_a_retry_after_date_counts_from_our_clock_where_the_answer_has_no_date(sending):
    until = format_datetime(datetime.fromtimestamp(sending.now / 1000, UTC) + timedelta(seconds=300), usegmt=True)

    async def say(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 429 Busy\r\nRetry-After: {until}\r\nContent-Length: 0\r\n\r\n".encode())

    await scored(1, 2)
    async with raw_server(say) as port:
        assignment = await make_assignment(await make_campus(f"http://{HOST}:{port}/"), due_at=just_now())
        await sending.send(assignment)
    assert (await read_row(assignment))["not_before"] - sending.now == pytest.approx(300_000, abs=1_000)


async def test_an_unexplained_refusal_is_parked_after_a_few_tries_over_a_day(sending, lms, leaf):
    lms.keys = None  # the times that it would hold against ours are the real ones
    lms.behave = fake.always(fake.failure("The request has failed.", content_type="text/html"))
    began = sending.now
    for _ in range(UNEXPLAINED_TRIES):
        row = await read_row(leaf)
        assert row["parked_at"] is None
        sending.tick(max(row["not_before"] - sending.now, 0) / 1000)
        await sending.send(leaf)
    row = await read_row(leaf)
    assert (row["parked_at"], row["parked_scope"], row["attempts"]) == (sending.now, "learner", UNEXPLAINED_TRIES)
    assert row["parked_reason"] == (
        f"{UNEXPLAINED_TRIES} attempts failed, the last one with: HTTP 200, failure: The request has failed."
    )
    assert timedelta(hours=18) <= timedelta(milliseconds=sending.now - began) <= timedelta(hours=30)
    assert await results(leaf) == ["retried"] * UNEXPLAINED_TRIES
    assert len(lms.requests) == UNEXPLAINED_TRIES


@pytest.mark.parametrize(
    ("platform", "body", "becomes"),
    [
        ("default", canvas_pox("signature_invalid", "Invalid signature"), STOPS_THE_CAMPUS),
        ("canvas", pox("failure", "Invalid signature"), parked("learner")),
        ("moodle", pox("failure", "Invalid XML content"), parked("campus")),
        (None, pox("failure", "Invalid signature"), STOPS_THE_CAMPUS),
    ],
    ids=["default", "canvas", "moodle", "of another consumer"],
)
async def test_the_platform_that_the_operator_chose_for_a_consumer_decides(
    make_sending, lms, leaf, platform, body, becomes
):
    sending = await make_sending(platforms={KEY: platform} if platform else {"other": "canvas"})
    lms.behave = fake.always(fake.answer(422, body))
    await sending.send(leaf)
    await check(sending, leaf, becomes)

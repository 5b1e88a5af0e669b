"""
How real LMSs answer, and what becomes of the grade: a test for each row, on a real socket and a real database.

What an answer means is data in :mod:`actors.protocols.lti11.platforms`; these tests look at the whole attempt: the row
that it leaves, and its line in the ledger.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from actors.protocols.lti11.oauth1 import body_hash
from actors.protocols.lti11.platforms import CANVAS, DEFAULT, MOODLE
from actors.protocols.lti11.responses import MAX_WAIT, PROCESSING_HOLD
from actors.resolution import CAMPUS_WAIT
from actors.retry import FIRST, UNEXPLAINED_TRIES, UNEXPLAINED_WAITS
from tests.actors.sending import HOLD, KEY, SECRET, changed, just_now, make_campus, results, scored
from tests.fakes import lms as fake
from tests.fakes.lms import RecordingLms, canvas_pox, pox
from tests.fakes.network import Resolver, raw_server
from tests.models.rows import make_assignment, read_lines, read_row
from tests.servers import HOST, Port

if TYPE_CHECKING:
    from tests.actors.sending import Sending
    from tests.fakes.lms import Behaviour

# What one engine does with a row the other does too: see the tests of the models.
pytestmark = pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)

#: As Moodle makes them: what an LMS must get back byte for byte.
JSON = '{"data":{"instanceid":"7","userid":"3","launchid":11},"hash":"a&b<c>"}'

#: Enough of a web page to know it by.
PAGE = "<!DOCTYPE html><html><body><p>Down for maintenance</p></body></html>"


@pytest.fixture
def database(empty_database):
    return empty_database


@pytest.fixture
async def leaf(campus):
    await scored(1, 2)
    return await make_assignment(campus, lis_result_sourcedid=JSON, due_at=just_now())


@dataclass(frozen=True)
class Becomes:
    """What a first attempt leaves. Seconds; *again* and *hold* count from its end."""

    result: str
    sent_version: int = 0
    attempts: int = 1
    #: The least and the most until it may be tried again; None where there is nothing to wait for.
    again: tuple[float, float] | None = None
    hold: float = 0
    #: Whether it must go out again even if the campus had acknowledged the same score before.
    forced: bool = False
    parked: str | None = None


STORED = Becomes("accepted", sent_version=1, attempts=0)
STOPS_THE_CAMPUS = Becomes("misconfigured", attempts=0, again=(CAMPUS_WAIT / 2, CAMPUS_WAIT * 3 / 2))
UNEXPLAINED = Becomes(
    "retried", again=(UNEXPLAINED_WAITS[0].total_seconds() * 3 / 4, UNEXPLAINED_WAITS[0].total_seconds() * 5 / 4)
)


def later(asked: float = 0) -> Becomes:
    return Becomes("retried", again=(asked, max(asked, FIRST.total_seconds())))


def doubt(asked: float = 0, hold: float = HOLD) -> Becomes:
    return Becomes("ambiguous", again=(asked, max(asked, FIRST.total_seconds())), hold=hold, forced=True)


def parked(scope: str) -> Becomes:
    return Becomes("refused", parked=scope)


@dataclass(frozen=True)
class Row:
    """One answer, and what it comes to."""

    given: Behaviour
    becomes: Becomes
    #: The ledger's description; one that ends in "..." is the start of it.
    says: str
    code_major: str | None = None


def refusal(words: str, becomes: Becomes, *, status: int = 200, code: str = "failure", **changes) -> Row:
    given = fake.failure(words, status=status, code_major=code, **changes)
    return Row(given, becomes, f"HTTP {status}, {code}: {words or 'no words'}", code)


def canvas(code: str, words: str, becomes: Becomes) -> Row:
    given = fake.answer(422, canvas_pox(code, words), content_type="application/xml")
    return Row(given, becomes, f"HTTP 422, failure, {code}: {words}", "failure")


def moodle(words: str, becomes: Becomes) -> Row:
    return refusal(words, becomes, content_type="text/html")


def plain(status: int, becomes: Becomes, body: bytes = b"", says: str = "no words", **headers: str) -> Row:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Row(fake.answer(status, body, headers=names), becomes, f"HTTP {status}: {says}")


def page(status: int, becomes: Becomes) -> Row:
    return Row(fake.html(status), becomes, f"HTTP {status}: {PAGE}")


def unreadable(given: Behaviour, says: str) -> Row:
    return Row(given, doubt(), f"HTTP {given.status} without a readable imsx_codeMajor: {says}")


def stored(**changes) -> Row:
    return Row(
        fake.success(description="Grade replace response", **changes), STORED, "Grade replace response", "success"
    )


def redirect(status: int) -> Row:
    headers = {"Location": "https://login.example/sso?from=%2Foutcomes"}
    becomes = STOPS_THE_CAMPUS
    return Row(fake.html(status, headers=headers), becomes, f"HTTP {status}: the outcome service redirects to {LOGIN}")


LOGIN = "https://login.example"
SIGNATURE = "Message signature not valid"
SUCCESS = pox("success", "stored")
TWICE = SUCCESS.replace(b"<imsx_severity>", b"<imsx_codeMajor>failure</imsx_codeMajor><imsx_severity>")

ANSWERS = {
    # Stored.
    "a 200 with success is stored": stored(),
    "a 201 with success is stored": stored(status=201),
    "a 202 with success is stored": stored(status=202),
    "a success in another namespace is stored": Row(
        fake.success(body=SUCCESS.replace(b"imsoms_v1p0", b"elsewhere")), STORED, "stored", "success"
    ),
    "a success without any namespace is stored": Row(
        fake.success(body=SUCCESS.replace(b" xmlns=", b" was=")), STORED, "stored", "success"
    ),
    "a success as text/html is stored": stored(content_type="text/html"),
    "a success as text/plain is stored": stored(content_type="text/plain"),
    "a success that echoes the sourcedid unescaped is stored": Row(
        fake.success(body=SUCCESS.replace(b"<replaceResultResponse/>", b"<sourcedId>7&user=<3></sourcedId>")),
        STORED,
        "stored",
        "success",
    ),
    "an empty 204 is stored": Row(fake.answer(204, apply=True), STORED, ""),
    # Nobody knows.
    "an empty 200 may be anything": unreadable(fake.answer(200), "no words"),
    "an empty 201 may be anything": unreadable(fake.answer(201), "no words"),
    "a login page under 200 may be anything": unreadable(
        fake.html(200, "Please log in, for success"), PAGE.replace("Down for maintenance", "Please log in, for success")
    ),
    "a maintenance page under 200 may be anything": unreadable(fake.html(200), PAGE),
    "truncated XML may be anything": unreadable(fake.success(body=SUCCESS[:-30]), "stored"),
    "XML of something else may be anything": unreadable(fake.success(body=b"<ok>success</ok>"), "<ok>success</ok>"),
    "a success that is said twice may be anything": unreadable(fake.success(body=SUCCESS + SUCCESS), "stored"),
    "a success and a failure in one may be anything": unreadable(fake.success(body=TWICE), "stored"),
    "a code that nobody knows may be anything": Row(
        fake.success(body=pox("stored", "words")),
        doubt(),
        "HTTP 200 without a readable imsx_codeMajor: words",
        "stored",
    ),
    "a success longer than anyone reads may be anything": unreadable(
        fake.success(body=SUCCESS + b" " * 70_000), "<?xml ..."
    ),
    "a success under 500 may be either": Row(
        fake.success(status=500), doubt(), "HTTP 500, success: no words", "success"
    ),
    "a success under 422 may be either": Row(
        fake.success(status=422), doubt(), "HTTP 422, success: no words", "success"
    ),
    "what is processed may be stored much later": Row(
        fake.processing(description="queued"),
        doubt(hold=PROCESSING_HOLD),
        "HTTP 200, processing: queued",
        "processing",
    ),
    "what is processed under 202 may be stored much later": Row(
        fake.processing(status=202), doubt(hold=PROCESSING_HOLD), "HTTP 202, processing: no words", "processing"
    ),
    "a 500 may be a job half done": page(500, doubt()),
    "a 502 is an intermediary's": page(502, doubt()),
    "a 503 is an intermediary's": page(503, doubt()),
    "a 504 is an intermediary's": plain(504, doubt()),
    "a 503 is left alone for as long as it asks": plain(503, doubt(asked=600), Retry_After="600"),
    "a failure without a known reason under 500 may be a handler that broke": refusal(
        "Internal error", doubt(), status=500
    ),
    # Permanent, for the learner or the course.
    "a learner who is gone is the learner's matter": refusal("User is no longer in course", parked("learner")),
    "a sourcedid that is invalid is the learner's matter": refusal("Invalid sourcedid", parked("learner")),
    "a concluded course is the course's matter": refusal("Course is concluded", parked("course")),
    "a deleted assignment is the course's matter": refusal("Assignment is invalid", parked("course")),
    "a tool that does not accept grades is the course's matter": refusal(
        "Tool does not accept grades", parked("course")
    ),
    "what is past due is the course's matter": refusal("Grade is past due", parked("course")),
    "an operation that the target does not support is the course's matter": refusal(
        "Target does not support the requested operation.", parked("course"), code="unsupported"
    ),
    "a known reason holds under any status": refusal("User not found", parked("learner"), status=500),
    "a known reason holds as any content type": refusal(
        "User not found", parked("learner"), content_type="application/octet-stream"
    ),
    # Campus-wide.
    "a failure that names the signature stops the campus": refusal(SIGNATURE, STOPS_THE_CAMPUS),
    "a failure that names the consumer key stops the campus": refusal("Unknown consumer key", STOPS_THE_CAMPUS),
    "a failure that names the body hash stops the campus": refusal("Body hash does not match", STOPS_THE_CAMPUS),
    "a failure that names the timestamp stops the campus": refusal("Expired timestamp", STOPS_THE_CAMPUS),
    "a failure that names the nonce stops the campus": refusal("Used nonce", STOPS_THE_CAMPUS),
    "an unsupported that names OAuth stops the campus": refusal("OAuth version", STOPS_THE_CAMPUS, code="unsupported"),
    "a 401 stops the campus": plain(401, STOPS_THE_CAMPUS, b"who are you", "who are you"),
    "a 401 with a failure without a known reason stops the campus": refusal("no", STOPS_THE_CAMPUS, status=401),
    "a 403 with a failure that names the signature stops the campus": refusal(SIGNATURE, STOPS_THE_CAMPUS, status=403),
    "a 301 stops the campus": redirect(301),
    "a 302 stops the campus": redirect(302),
    "a 303 stops the campus": redirect(303),
    "a 307 stops the campus": redirect(307),
    "a 308 stops the campus": redirect(308),
    "a 302 to nowhere stops the campus": plain(302, STOPS_THE_CAMPUS, b"moved", "moved"),
    # Without a known reason.
    "a failure without a known reason is tried a few times": refusal("The request has failed.", UNEXPLAINED),
    "a failure without words is tried a few times": refusal("", UNEXPLAINED),
    "an unsupported without a known reason is tried a few times": refusal("", UNEXPLAINED, code="unsupported"),
    "a failure without a known reason under 404 is tried a few times": refusal("Nothing here", UNEXPLAINED, status=404),
    # Busy.
    "a 408 is busy": plain(408, later()),
    "a 425 is busy": plain(425, later()),
    "a 429 is busy": page(429, later()),
    "a 403 with Rate Limit Exceeded is busy": plain(
        403, later(), b"403 Forbidden (Rate Limit Exceeded)\n", "403 Forbidden (Rate Limit Exceeded)"
    ),
    "a 403 with nothing left of its rate is busy": plain(403, later(), X_Rate_Limit_Remaining="0.0"),
    "a 403 with less than nothing left of its rate is busy": plain(403, later(), X_Rate_Limit_Remaining="-31.5"),
    "a failure under 429 is busy": refusal("Slow down", later(), status=429),
    "a 429 is left alone for the seconds that it asks": plain(429, later(asked=120), Retry_After="120"),
    "a 429 is left alone until the date that it asks": plain(
        429, later(asked=90), Retry_After="Sun, 01 Mar 2026 12:01:30 GMT", Date="Sun, 01 Mar 2026 12:00:00 GMT"
    ),
    "a 429 is not left alone for as many seconds as it likes": plain(
        429, later(asked=MAX_WAIT), Retry_After="31536000"
    ),
    "a 429 is not left alone until any date": plain(
        429, later(asked=MAX_WAIT), Retry_After="Sun, 01 Mar 2036 12:00:00 GMT"
    ),
    "a 429 that asks for nonsense has the usual backoff": plain(429, later(), Retry_After="soon"),
    # The wrong address, or our fault.
    "a 400 is the campus's matter": plain(400, parked("campus"), b"bad request", "bad request"),
    "a 404 is the campus's matter, with its words": page(404, parked("campus")),
    "a 404 is the campus's matter, with the first 500 bytes": plain(404, parked("campus"), b"w" * 900, "w" * 500),
    "a 405 is the campus's matter": plain(405, parked("campus")),
    "a 410 is the campus's matter": plain(410, parked("campus")),
    "a 415 is the campus's matter": plain(415, parked("campus")),
    "a 422 without an envelope is the campus's matter": plain(422, parked("campus"), b"{}", "{}"),
    # Canvas.
    "Canvas: user_not_in_course": canvas("user_not_in_course", "User is no longer in course", parked("learner")),
    "Canvas: sourcedid_invalid": canvas("sourcedid_invalid", "Invalid sourcedid", parked("learner")),
    "Canvas: signature_invalid is the sourcedid's": canvas("signature_invalid", "Invalid signature", parked("learner")),
    "Canvas: course_not_available": canvas(
        "course_not_available", "Course not available for student", parked("course")
    ),
    "Canvas: course_invalid": canvas("course_invalid", "Course is invalid", parked("course")),
    "Canvas: assignment_invalid": canvas("assignment_invalid", "Assignment is invalid", parked("course")),
    "Canvas: assignment_tool_mismatch": canvas(
        "assignment_tool_mismatch", "Assignment is no longer associated with this tool", parked("course")
    ),
    "Canvas: tool_invalid": canvas("tool_invalid", "Tool is invalid", parked("course")),
    "Canvas: no_points_possible": canvas("no_points_possible", "Assignment has no points possible.", parked("course")),
    "Canvas: bad_score is ours": canvas("bad_score", "Score is not between 0 and 1", parked("campus")),
    "Canvas: no_score is ours": canvas("no_score", "No score given", parked("campus")),
    "Canvas: no_parseable_result_score is ours": canvas(
        "no_parseable_result_score", "Unable to parse resultScore: x", parked("campus")
    ),
    "Canvas: timestamp_not_parseable is ours": canvas(
        "timestamp_not_parseable", "Invalid timestamp - timestamp not parseable", parked("campus")
    ),
    "Canvas: timestamp_in_future is ours": canvas(
        "timestamp_in_future", "Invalid timestamp - timestamp in future", parked("campus")
    ),
    "Canvas: a code that nobody knows is tried a few times": canvas("brand_new", "Sorry", UNEXPLAINED),
    "Canvas: no error code, but its headers": refusal(
        "Invalid signature", parked("learner"), status=422, headers={"X-Canvas-Meta": "o=lti_api;n=grade_passback;"}
    ),
    "Canvas: the wrong content type": plain(
        415, parked("campus"), b"Content-Type must be 'application/xml'", "Content-Type must be 'application/xml'"
    ),
    "Canvas: a bad signature, a used nonce or a clock that is off": plain(
        401, STOPS_THE_CAMPUS, b"Duplicate nonce detected", "Duplicate nonce detected"
    ),
    "Canvas: throttled": Row(
        fake.answer(
            403,
            b"403 Forbidden (Rate Limit Exceeded)\n",
            headers={"X-Rate-Limit-Remaining": "0.0", "X-Request-Context-Id": "5e6c", "X-Request-Cost": "0.2"},
        ),
        later(),
        "HTTP 403: 403 Forbidden (Rate Limit Exceeded)",
    ),
    # Moodle.
    "Moodle: Tool does not accept grades": moodle("Tool does not accept grades", parked("course")),
    "Moodle: SourcedId hash not valid": moodle("SourcedId hash not valid", parked("learner")),
    "Moodle: Message signature not valid": moodle("Message signature not valid", STOPS_THE_CAMPUS),
    "Moodle: Consumer key is missing.": moodle("Consumer key is missing.", STOPS_THE_CAMPUS),
    "Moodle: Score must be numeric": moodle("Score must be numeric", parked("campus")),
    "Moodle: a grade that its gradebook refuses": moodle("Grade replace response", UNEXPLAINED),
    # Sakai, Open edX, Blackboard.
    "Sakai: a failure": refusal("sourcedid is invalid", parked("learner")),
    "Sakai: outcomes are switched off": plain(403, parked("campus")),
    "Sakai: another service answers": page(404, parked("campus")),
    "Open edX: Grade is past due": refusal("Grade is past due", parked("course")),
    "Open edX: a score that is not numeric is a 500": page(500, doubt()),
    "Blackboard: Incorrect sourcedId": refusal("Incorrect sourcedId", parked("learner")),
}


async def check(sending: Sending, assignment: int, becomes: Becomes) -> None:
    """The row after its first attempt."""
    row, now = await read_row(assignment), sending.now
    assert (row["sent_version"], row["attempts"], row["parked_scope"]) == (
        becomes.sent_version,
        becomes.attempts,
        becomes.parked,
    )
    assert (row["parked_at"], row["claimed_until"]) == (now if becomes.parked else None, None)
    assert row["hold_until"] == (now + becomes.hold * 1000 if becomes.hold else 0)
    assert row["forced_version"] == (1 if becomes.forced else 0)
    if becomes.again is None:
        assert row["not_before"] == 0
    else:
        least, most = becomes.again
        assert now + least * 1000 <= row["not_before"] <= now + most * 1000


@pytest.mark.parametrize("row", ANSWERS.values(), ids=ANSWERS.keys())
async def test_an_answer_means(sending, lms, leaf, row):
    lms.behave = fake.always(row.given)
    await sending.pass_back(leaf)

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
        await sending.pass_back(assignment)
    assert (await read_row(assignment))["not_before"] - sending.now == pytest.approx(300_000, abs=1_000)


async def test_a_refusal_that_nobody_can_explain_is_parked_after_a_few_tries_over_a_day(sending, lms, leaf):
    lms.keys = None  # the times that it would hold against ours are the real ones
    lms.behave = fake.always(fake.failure("Grade replace response", content_type="text/html"))
    began = sending.now
    for _ in range(UNEXPLAINED_TRIES):
        row = await read_row(leaf)
        assert row["parked_at"] is None
        sending.tick(max(row["not_before"] - sending.now, 0) / 1000)
        await sending.pass_back(leaf)
    row = await read_row(leaf)
    assert (row["parked_at"], row["parked_scope"], row["attempts"]) == (sending.now, "learner", UNEXPLAINED_TRIES)
    assert row["parked_reason"] == (
        f"{UNEXPLAINED_TRIES} attempts failed, the last one with: HTTP 200, failure: Grade replace response"
    )
    assert timedelta(hours=18) <= timedelta(milliseconds=sending.now - began) <= timedelta(hours=30)
    assert await results(leaf) == ["retried"] * UNEXPLAINED_TRIES
    assert len(lms.requests) == UNEXPLAINED_TRIES


@pytest.mark.parametrize(
    ("profile", "body", "becomes"),
    [
        (DEFAULT, canvas_pox("signature_invalid", "Invalid signature"), STOPS_THE_CAMPUS),
        (CANVAS, pox("failure", "Invalid signature"), parked("learner")),
        (MOODLE, pox("failure", "Invalid XML content"), parked("campus")),
        (None, pox("failure", "Invalid signature"), STOPS_THE_CAMPUS),
    ],
    ids=["default", "canvas", "moodle", "of another consumer"],
)
async def test_the_profile_that_the_operator_chose_for_a_consumer_decides(
    make_sending, lms, leaf, profile, body, becomes
):
    sending = await make_sending(profiles={KEY: profile} if profile else {"other": CANVAS})
    lms.behave = fake.always(fake.answer(422, body))
    await sending.pass_back(leaf)
    await check(sending, leaf, becomes)


# --- No answer ---


async def silence(reader, _writer) -> None:
    await reader.read()


async def babble(reader, writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"220 mail.example ESMTP\r\n")


@asynccontextmanager
async def nothing_listens():
    port = Port()
    try:
        yield f"http://{HOST}:{port.number}/"
    finally:
        port.close()


@asynccontextmanager
async def nobody_accepts():
    """A server whose line of waiting connections is full: Linux drops whoever comes then."""
    with socket.socket() as full, ExitStack() as waiting:
        full.bind((HOST, 0))
        full.listen(0)
        for _ in range(2):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        yield f"http://{HOST}:{full.getsockname()[1]}/"


@asynccontextmanager
async def says_nothing():
    async with raw_server(silence) as port:
        yield f"https://{HOST}:{port}/"


@asynccontextmanager
async def speaks_no_tls():
    async with RecordingLms() as lms:
        yield lms.url().replace("http:", "https:")


@asynccontextmanager
async def speaks_no_http():
    async with raw_server(babble) as port:
        yield f"http://{HOST}:{port}/"


@asynccontextmanager
async def has_no_address():
    yield "http://lms.example/"


def behaving(behaviour: Behaviour):
    @asynccontextmanager
    async def campus():
        async with RecordingLms(behave=fake.always(behaviour)) as lms:
            yield lms.url()

    return campus


NO_CONNECTION = "no connection to the campus: "
LOST = "the connection was lost while waiting for the answer: "

TROUBLES = {
    "a connection that is refused did not arrive": (
        nothing_listens,
        later(),
        f"{NO_CONNECTION}{os.strerror(errno.ECONNREFUSED)}",
    ),
    "a time-out while connecting did not arrive": (nobody_accepts, later(), f"{NO_CONNECTION}time-out"),
    "a name that cannot be looked up did not arrive": (
        has_no_address,
        later(),
        f"{NO_CONNECTION}its name cannot be looked up",
    ),
    "a time-out in the TLS handshake did not arrive": (says_nothing, later(), f"{NO_CONNECTION}time-out"),
    "a TLS handshake that fails did not arrive": (speaks_no_tls, later(), f"{NO_CONNECTION}TLS: ..."),
    "a time-out after bytes were sent may have arrived": (
        behaving(fake.held(asyncio.Event())),
        doubt(),
        f"{LOST}time-out",
    ),
    "a time-out in the middle of the answer may have arrived": (
        behaving(fake.success(trickle=0.02)),
        doubt(),
        f"{LOST}time-out",
    ),
    "a reset before the answer may have arrived": (
        behaving(fake.cut("before")),
        doubt(),
        f"{LOST}closed without an answer",
    ),
    "a reset in the middle of the answer may have arrived": (
        behaving(fake.cut("midway")),
        doubt(),
        f"{LOST}closed in the middle of the answer",
    ),
    "an answer that is no HTTP may have arrived": (speaks_no_http, doubt(), f"{LOST}the answer is not HTTP"),
}


@pytest.mark.parametrize(("campus", "becomes", "says"), TROUBLES.values(), ids=TROUBLES.keys())
async def test_without_an_answer(make_sending, campus, becomes, says):
    patience = 0.3 if says.endswith("time-out") else 10  # what is slow under load must not look like one
    sending = await make_sending(patience=patience, resolver=Resolver())
    await scored(1, 2)
    async with campus() as url:
        assignment = await make_assignment(await make_campus(url), due_at=just_now())
        await sending.pass_back(assignment)
    await check(sending, assignment, becomes)
    (line,) = await read_lines(assignment)
    assert (line["result"], line["score"]) == (becomes.result, "0.5")
    assert (line["http_status"], line["code_major"], line["duration_ms"]) == (None, None, None)
    if says.endswith("..."):
        assert line["description"].startswith(says[:-3])
    else:
        assert line["description"] == says


@pytest.mark.parametrize(
    ("host", "trusted", "says"),
    [(HOST, False, "self-signed certificate"), ("other.test", True, "Hostname mismatch, ...")],
    ids=["nobody vouches for it", "it is another campus's"],
)
async def test_a_certificate_fault_stops_the_campus(make_sending, tls, certificate, host, trusted, says):
    sending = await make_sending(resolver=Resolver(HOST), ca_file=certificate if trusted else None)
    await scored(1, 2)
    async with RecordingLms(tls=tls) as lms:
        assignment = await make_assignment(await make_campus(f"https://{host}:{lms.port}/"), due_at=just_now())
        await sending.pass_back(assignment)
    await check(sending, assignment, STOPS_THE_CAMPUS)
    (line,) = await read_lines(assignment)
    assert (line["result"], line["http_status"]) == ("misconfigured", None)
    assert line["description"].startswith(f"the campus's certificate cannot be trusted: {says.removesuffix('...')}")
    assert lms.requests == [], "something was sent to somebody who is not known"


async def test_after_a_time_out_the_score_of_then_is_sent_when_the_hold_is_over(make_sending, lms, leaf):
    sending = await make_sending(patience=0.3)
    lms.behave = fake.in_turn(fake.held(asyncio.Event()))
    await sending.pass_back(leaf)
    await changed(leaf, 2, 2, sending.now)
    sending.tick(HOLD - 0.001)
    await sending.pass_back(leaf, 2)
    assert len(lms.requests) == 1
    sending.tick(0.001)
    await sending.pass_back(leaf, 2)
    assert [request.score for request in lms.requests] == ["0.5", "1"]


# --- What we send ---


async def test_a_request_is_signed_with_hmac_sha1_under_the_scheme_that_moodle_reads(sending, lms, leaf):
    await sending.pass_back(leaf)
    (request,) = lms.requests
    assert request.headers.getall("Content-Type") == ["application/xml"], "Canvas takes no other, not even a charset"
    (header,) = request.headers.getall("Authorization")
    scheme, _, parameters = header.partition(" ")
    signed = dict(pair.strip().split("=", 1) for pair in parameters.split(","))
    assert scheme == "OAuth"
    assert signed["oauth_signature_method"] == '"HMAC-SHA1"'
    assert unquote(signed["oauth_body_hash"]).strip('"') == body_hash(request.body)
    assert request.verified, "not the bytes that were signed"


async def test_every_attempt_has_a_nonce_a_timestamp_and_a_message_identifier_of_its_own(sending, lms, leaf):
    lms.keys[KEY] = "another secret"
    await sending.pass_back(leaf)
    assert lms.faults == ["request 0: a signature that is not valid"]
    lms.faults.clear()
    lms.keys[KEY] = SECRET
    lms.behave = fake.in_turn(fake.failure("?"), fake.answer(503), fake.answer(429), fake.cut("before"))
    for _ in range(5):
        sending.tick(2 * UNEXPLAINED_WAITS[0].total_seconds())
        await sending.pass_back(leaf)
    expected = ["misconfigured", "retried", "ambiguous", "retried", "ambiguous", "accepted"]
    assert await results(leaf) == expected
    for name in ("nonce", "timestamp", "message_id"):
        assert len({getattr(request, name) for request in lms.requests}) == len(expected), name
    assert [request.verified for request in lms.requests] == [False] + 5 * [True]


async def test_a_sourcedid_that_is_json_comes_back_byte_for_byte(sending, lms, leaf):
    await sending.pass_back(leaf)
    (request,) = lms.requests
    assert request.sourcedid == JSON
    assert json.loads(request.sourcedid)["hash"] == "a&b<c>"
    assert b"a&amp;b&lt;c&gt;" in request.body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed_not_even_to_the_campus_itself(sending, lms, leaf, status):
    lms.behave = fake.in_turn(fake.answer(status, headers={"Location": lms.url("/elsewhere")}))
    await sending.pass_back(leaf)
    assert [request.path for request in lms.requests] == ["/outcomes"]
    assert lms.applied == []


async def test_nothing_is_said_of_the_time_of_submission_since_launches_do_not_tell_who_reads_it(sending, lms, leaf):
    await sending.pass_back(leaf)
    assert b"submissionDetails" not in lms.requests[0].body

"""Asking a campus for a score behind its gate, and comparing it with the one that the campus should hold."""

from __future__ import annotations

import asyncio

import pytest
from actors.slots import NotAdmittedError
from models.attempt import address
from models.gate import read_troubles, shut

from actors.read_back import Reader, Reading, compare
from tests.actors.sending import PATH, SOURCEDID
from tests.fakes.lms import answer, failure, success


@pytest.fixture
def reader(sending):
    return Reader(sending.tools.sender, sending.gates, sending.clock, lambda: sending.may_send)


async def read(reader, assignment_id):
    where = await address(assignment_id, now=reader.clock.now())
    return await reader.read(assignment_id, SOURCEDID, where)


async def troubles(reader):
    return [(trouble.state, trouble.away) for trouble in await read_troubles(now=reader.clock.now())]


async def test_a_score_is_read_and_nothing_is_written(reader, lms, leaf):
    assert await read(reader, leaf) == Reading("")
    lms.gradebook["/outcomes", SOURCEDID] = "0.75"
    assert await read(reader, leaf) == Reading("0.75")
    assert [(record.reads, record.path_qs, record.verified) for record in lms.requests] == [(True, PATH, True)] * 2
    assert lms.applied == []


async def test_what_cannot_be_read_is_told_in_the_campus_words_and_shuts_no_gate(reader, lms, leaf):
    for said, words in (
        (failure("readResult is not supported", code_major="unsupported"), "HTTP 200, unsupported: readResult is not"),
        (answer(500, b"<html>broken</html>"), "HTTP 500: <html>broken"),
        (answer(401, b"who are you"), "HTTP 401: who are you"),
        (answer(200, b""), "HTTP 200 without a readable imsx_codeMajor"),
        (success(cut="before"), ""),
        (
            success(
                body=b"<imsx_POXEnvelopeResponse><imsx_codeMajor>success</imsx_codeMajor><textString>a<b/></textString>"
                b"</imsx_POXEnvelopeResponse>"
            ),
            "its answer holds no readable score",
        ),
    ):
        lms.behave = lambda _, said=said: said
        reading = await read(reader, leaf)
        assert reading.held is None
        assert reading.why.startswith(words)
        assert reading.why
    assert await troubles(reader) == []


async def test_a_sourcedid_and_a_secret_that_the_campus_repeats_are_struck_out(reader, lms, leaf):
    lms.behave = lambda record: failure(f"{record.sourcedid} by {record.headers['Authorization']}")
    reading = await read(reader, leaf)
    assert SOURCEDID not in reading.why
    assert lms.requests[0].nonce not in reading.why


async def test_a_busy_campus_is_left_alone_as_by_the_daemons(reader, lms, leaf):
    lms.behave = lambda _: answer(429, b"slow down", headers={"Retry-After": "30"})
    with pytest.raises(NotAdmittedError, match="slow down"):
        await read(reader, leaf)
    assert await troubles(reader) == [("shut", False)]
    with pytest.raises(NotAdmittedError, match="nothing goes to this campus now"):
        await read(reader, leaf)
    assert len(lms.requests) == 1


async def test_a_campus_that_comes_near_its_limit_gets_a_rest(reader, lms, leaf):
    lms.behave = lambda _: success(headers={"X-Rate-Limit-Remaining": "50"})
    assert (await read(reader, leaf)).held == ""
    assert await troubles(reader) == [("shut", False)]


async def test_a_gate_that_is_shut_is_for_probes_alone_and_a_reading_takes_none(reader, lms, leaf, sending):
    where = await address(leaf, now=sending.now)
    await shut(where.campus, now=sending.now - 100_000, until=sending.now - 1, reason="away")
    with pytest.raises(NotAdmittedError, match="its gate is shut"):
        await read(reader, leaf)
    assert lms.requests == []
    assert await troubles(reader) == [("shut", True)], "the probe was given back"


async def test_a_gate_that_is_shut_while_a_reading_is_under_way_is_not_opened_by_it(reader, lms, leaf, sending):
    go_on = asyncio.Event()
    lms.behave = lambda _: success(hold=go_on)
    where = await address(leaf, now=sending.now)
    reading = asyncio.create_task(reader.read(leaf, SOURCEDID, where))
    await lms.until(lambda: lms.requests)
    await shut(where.campus, now=sending.now, until=sending.now + 15_000, reason="away")
    sending.gates.heed(await read_troubles(now=sending.now))
    go_on.set()
    assert (await reading).held == ""
    assert await troubles(reader) == [("shut", True)]


async def test_nothing_is_read_before_the_daemons_have_made_room(reader, lms, leaf, sending):
    sending.may_send = False
    with pytest.raises(NotAdmittedError, match="have not made room"):
        await read(reader, leaf)
    assert lms.requests == []


async def test_a_sourcedid_that_xml_cannot_carry_is_unreadable(reader, leaf, lms):
    where = await address(leaf, now=reader.clock.now())
    reading = await reader.read(leaf, "a\x0bb", where)
    assert reading.held is None
    assert "cannot carry" in reading.why
    assert lms.requests == []


@pytest.mark.parametrize(
    ("held", "finding"),
    [
        ("0.8333", "equal"),
        ("0.83330", "equal"),
        ("0.83335", "equal"),
        ("0.83325", "equal"),
        ("0.833351", "ours"),
        ("0.83336", "ours"),
        ("0.5", "ours"),
        ("0.50005", "ours"),
        ("0.500051", "foreign"),
        ("1", "foreign"),
        ("0", "foreign"),
        ("83.33", "foreign"),
        ("-1", "foreign"),
        ("1e400000", "foreign"),
        ("1e9999999", "foreign"),
        ("-1e9999999", "foreign"),
        ("1e-9999999", "foreign"),
        ("", "empty"),
        ("A+", "unreadable"),
        ("0,83", "unreadable"),
        ("NaN", "unreadable"),
        ("Infinity", "unreadable"),
    ],
)
def test_what_a_campus_holds_is_judged(held, finding):
    assert compare(held, "0.8333", ["0.5", "0.8334"]) == finding


def test_a_grade_that_was_sent_twice_is_equal_and_not_old():
    assert compare("0.5", "0.5", ["0.5", "0.5"]) == "equal"


def test_what_the_ledger_has_forgotten_was_never_sent():
    assert compare("0.4", "0.5", []) == "foreign"

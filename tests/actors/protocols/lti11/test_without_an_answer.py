"""Attempts without an answer: did the request arrive, and what becomes of the grade."""

import asyncio
import errno
import os
import socket
from contextlib import ExitStack, asynccontextmanager
from functools import partial

import pytest

from tests.actors.campuses import breaker_of
from tests.actors.protocols.lti11.becomes import STOPS_THE_CAMPUS, check, doubt, later
from tests.actors.sending import just_now, make_campus, scored
from tests.fakes import lms as fake
from tests.fakes.lms import Behaviour, RecordingLms
from tests.fakes.network import Resolver, raw_server
from tests.models.rows import make_assignment, read_lines
from tests.servers import HOST, Port

# What one engine does with a row the other does too: see the tests of the models.
pytestmark = pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)


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
async def full_backlog():
    """A server whose queue of connections is full: Linux drops further ones."""
    with socket.socket() as full, ExitStack() as waiting:
        full.bind((HOST, 0))
        full.listen(0)
        for _ in range(2):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        yield f"http://{HOST}:{full.getsockname()[1]}/"


@asynccontextmanager
async def has_no_address():
    yield "http://lms.example/"


@asynccontextmanager
async def serving(serve, scheme: str = "http"):
    async with raw_server(serve) as port:
        yield f"{scheme}://{HOST}:{port}/"


@asynccontextmanager
async def behaving(behaviour: Behaviour, scheme: str = "http"):
    async with RecordingLms(behave=fake.always(behaviour)) as lms:
        yield lms.url().replace("http", scheme)


def unreached(campus, words: str, *args):
    """A row for a request that did not arrive."""
    return partial(campus, *args), later(), f"no connection to the campus: {words}"


def lost(campus, words: str, *args):
    """A row for a request that may have arrived."""
    return partial(campus, *args), doubt(), f"the connection was lost while waiting for the answer: {words}"


TROUBLES = {
    "a connection is refused": unreached(nothing_listens, os.strerror(errno.ECONNREFUSED)),
    "a time-out while connecting": unreached(full_backlog, "time-out"),
    "a name that cannot be looked up": unreached(has_no_address, "its name cannot be looked up"),
    "a time-out in the TLS handshake": unreached(serving, "time-out", silence, "https"),
    "a TLS handshake that fails": unreached(behaving, "TLS: ...", fake.success(), "https"),
    "a time-out after bytes were sent": lost(behaving, "time-out", fake.held(asyncio.Event())),
    "a time-out in the middle of the answer": lost(behaving, "time-out", fake.success(trickle=0.02)),
    "a reset before the answer": lost(behaving, "closed without an answer", fake.cut("before")),
    "a reset in the middle of the answer": lost(behaving, "closed in the middle of the answer", fake.cut("midway")),
    "an answer that is no HTTP": (partial(serving, babble), doubt(), "the answer is not HTTP: ..."),
}


@pytest.mark.parametrize(("campus", "becomes", "says"), TROUBLES.values(), ids=TROUBLES.keys())
async def test_without_an_answer(make_sending, campus, becomes, says):
    patience = 0.3 if says.endswith("time-out") else 10  # what is slow under load must not look like one
    sending = await make_sending(patience=patience, resolver=Resolver())
    await scored(1, 2)
    async with campus() as url:
        service = await make_campus(f"{url}?token=hunter2")
        assignment = await make_assignment(service, due_at=just_now())
        await sending.send(assignment)
    await check(sending, assignment, becomes)
    assert (await breaker_of(service)).last_failed_assignment == assignment
    (line,) = await read_lines(assignment)
    assert (line["result"], line["score"]) == (becomes.result, "0.5")
    assert (line["http_status"], line["code_major"], line["duration_ms"]) == (None, None, None)
    if says.endswith("..."):
        assert line["description"].startswith(says[:-3])
    else:
        assert line["description"] == says
    assert "hunter2" not in line["description"]


@pytest.mark.parametrize(
    ("host", "trusted", "says"),
    [(HOST, False, "self-signed certificate"), ("other.test", True, "Hostname mismatch, ...")],
    ids=["no authority signed it", "it is another campus's"],
)
async def test_a_certificate_fault_stops_the_campus(make_sending, tls, certificate, host, trusted, says):
    sending = await make_sending(resolver=Resolver(HOST), ca_file=certificate if trusted else None)
    await scored(1, 2)
    async with RecordingLms(tls=tls) as lms:
        assignment = await make_assignment(await make_campus(f"https://{host}:{lms.port}/"), due_at=just_now())
        await sending.send(assignment)
    await check(sending, assignment, STOPS_THE_CAMPUS)
    (line,) = await read_lines(assignment)
    assert (line["result"], line["http_status"]) == ("misconfigured", None)
    assert line["description"].startswith(f"the campus's certificate cannot be trusted: {says.removesuffix('...')}")
    assert lms.requests == [], "something was sent to an unknown server"

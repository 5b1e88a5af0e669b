"""Fixtures for tests that send: one daemon's tools, a campus that records, and a grade that is due to it."""

import ssl
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from models.consumer import LtiConsumer
from tests.actors.campuses import known
from tests.actors.looking import daemons
from tests.actors.posting import outcome_session
from tests.actors.sending import KEY, PATH, SECRET, SOURCEDID, Sending, fixed_clock, just_now, make_campus, scored
from tests.daemon.check.certificates import served_with, valid_for
from tests.fakes.line_items import Container, serving
from tests.fakes.lms import RecordingLms
from tests.models.rows import make_assignment


@pytest.fixture
async def make_sending(empty_database):
    async with AsyncExitStack() as stack:

        async def make(clock=None, *, patience=5.0, resolver=None, ca_file=None, **settings) -> Sending:
            session = await stack.enter_async_context(outcome_session(patience, resolver=resolver, ca_file=ca_file))
            return Sending(session, clock or await fixed_clock(), **settings)

        yield make


@pytest.fixture
async def sending(make_sending):
    return await make_sending()


@pytest.fixture
async def lms():
    """A campus that verifies signatures; nothing that reaches it may be malformed."""
    async with RecordingLms(keys={KEY: SECRET}) as lms:
        yield lms
        assert lms.faults == []


@pytest.fixture
async def campus(empty_database, lms):
    """One that has answered before."""
    service = await make_campus(lms.url(PATH))
    await known(service)
    return service


@pytest.fixture
async def leaf(campus):
    """A leaf that is due, of a learner who has half of the points."""
    await scored(1, 2)
    return await make_assignment(campus, lis_result_sourcedid=SOURCEDID, due_at=just_now())


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Path:
    return valid_for(2, tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(certificate) -> ssl.SSLContext:
    return served_with(certificate)


@pytest.fixture
async def container(empty_database):
    """A course's line items at a platform that is known."""
    await LtiConsumer.create(
        consumer_name="campus", consumer_key="uni", consumer_secret="", issuer="https://i", client_id="c"
    )
    async with serving(Container()) as container:
        yield container


@pytest.fixture
async def make_daemon():
    async with daemons() as make:
        yield make

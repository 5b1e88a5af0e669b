"""A campus that can be asked for its grades, and what asks it."""

import pytest

from actors.read_back import Reader
from models.delivery import DeliveryRecord, write_deliveries
from tests.actors.campuses import known
from tests.actors.posting import outcome_session
from tests.actors.sending import KEY, PATH, SECRET, Sending, fixed_clock, make_campus
from tests.daemon.support.grades import CLEAN, HELD, NEW, OLD
from tests.fakes.lms import RecordingLms
from tests.models.rows import make_assignment


@pytest.fixture
async def lms():
    async with RecordingLms(keys={KEY: SECRET}) as lms:
        yield lms
        assert lms.faults == []


@pytest.fixture
async def campus(empty_database, lms):
    service = await make_campus(lms.url(PATH))
    await known(service)
    return service


@pytest.fixture
async def sending(campus, request):
    async with outcome_session() as session:
        yield Sending(session, await fixed_clock(), max_per_campus=getattr(request, "param", 2))


@pytest.fixture
def reader(sending):
    return Reader(sending.dependencies.sender, sending.clock, sending.dependencies.settings)


@pytest.fixture
async def ids(campus, lms):
    """An assignment for each finding, by its name."""
    made = {}
    for name, held in HELD.items():
        made[name] = await make_assignment(campus, **CLEAN, lis_result_sourcedid=name, user_id=name)
        await write_deliveries(
            DeliveryRecord(made[name], token, at=1, attempt=1, version=token + 1, result="accepted", score=score)
            for token, score in enumerate((OLD, NEW))
        )
        if held is not None:
            lms.gradebook[PATH.partition("?")[0], name] = held
    return made

"""A campus that can be asked for its grades, and what asks it."""

import pytest

from actors.read_back import Reader
from models.delivery import DeliveryRecord, write_deliveries
from tests.actors.conftest import campus, lms
from tests.actors.posting import outcome_session
from tests.actors.sending import PATH, Sending, fixed_clock
from tests.daemon.support.grades import CLEAN, HELD, NEW, OLD
from tests.models.rows import make_assignment

__all__ = ["campus", "lms"]


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

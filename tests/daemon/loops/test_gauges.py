"""The gauges that are read from the database and Redis."""

import pytest

from actors.metrics import Metrics
from daemon.infra.redis import redis_client
from daemon.ingest.stream import Stream
from daemon.loops.gauges import Gauges
from models.assignment import GradedAssignment
from models.campus import CAMPUS_STATES, Campus
from models.consumer import LtiConsumer
from models.db.clock import Clock
from models.quarantine import QuarantinedEvent
from models.stream_position import move_position, read_position
from tests.daemon.doubles import stopped
from tests.models.rows import make_assignment, make_service
from tests.servers import HOST, Port


class Gauged:
    """A gauges loop over one stream."""

    def __init__(self, stream: Stream) -> None:
        self.clock = Clock()
        self.metrics = Metrics("test")
        self.stream = stream
        self._gauges = Gauges(clock=self.clock, stream=stream, metrics=self.metrics, certificate_ends={})

    async def step(self) -> None:
        await self._gauges.step(stopped())

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"passback_{name}", labels)


@pytest.fixture
async def gauged(empty_database, valkey_url):
    async with redis_client(valkey_url) as client:
        gauged = Gauged(Stream(client, "events"))
        await gauged.clock.measure()
        yield gauged


async def test_every_state_is_counted(gauged):
    later = gauged.clock.now() + 1_000_000
    for columns in (
        {"sent_version": 1},
        {"sent_version": 1},
        {},
        {"due_at": later},
        {"waiting_since": 1},
        {"claim_token": 1, "claimed_until": later},
        {"parked_at": 1},
        {"disabled_at": 1},
    ):
        await make_assignment(**columns)
    await gauged.step()
    states = {state: gauged.value("assignments", state=state) for state in ("clean", "due", "waiting")}
    assert states == {"clean": 2, "due": 1, "waiting": 2}
    assert [gauged.value("assignments", state=state) for state in ("claimed", "parked", "disabled")] == [1, 1, 1]


async def test_a_state_in_which_no_assignment_is_any_more_goes_back_to_zero(gauged):
    assignment = await make_assignment()
    await gauged.step()
    await GradedAssignment.filter(id=assignment).delete()
    await gauged.step()
    assert gauged.value("assignments", state="due") == 0


async def test_the_longest_due_grade_is_shown_by_campus_and_gone_when_none_is_due(gauged):
    one = await make_service("one", "https://one.example/o")
    two = await make_service("two", "https://two.example/o")
    for service, due_at in ((one, 7_000), (one, 5_500), (two, 9_000)):
        await make_assignment(service, due_at=due_at)
    await gauged.step()
    assert gauged.value("oldest_due_timestamp_seconds", consumer="one") == 5.5
    assert gauged.value("oldest_due_timestamp_seconds", consumer="two") == 9
    await GradedAssignment.filter(outcome_service_id=one.id).update(sent_version=1, sent_at=11_000)
    await gauged.step()
    assert gauged.value("oldest_due_timestamp_seconds", consumer="one") is None
    assert gauged.value("oldest_due_timestamp_seconds", consumer="two") == 9
    assert gauged.value("last_success_timestamp_seconds", consumer="one") == 11
    assert gauged.value("last_success_timestamp_seconds", consumer="two") is None


async def test_a_consumer_at_two_origins_is_shown_with_its_oldest_due_grade_and_its_last_success(gauged):
    here = await make_service("one", "https://a.example/o")
    there = await make_service("one", "https://b.example/o")
    await make_assignment(here, due_at=5_000)
    await make_assignment(there, due_at=9_000)
    await make_assignment(here, sent_version=1, sent_at=12_000)
    await make_assignment(there, sent_version=1, sent_at=11_000)
    await gauged.step()
    assert gauged.value("oldest_due_timestamp_seconds", consumer="one") == 5
    assert gauged.value("last_success_timestamp_seconds", consumer="one") == 12


async def test_the_campuses_of_a_consumer_are_counted_by_their_states_and_gone_with_it(gauged):
    here = await make_service("one", "https://a.example/o")
    there = await make_service("one", "https://b.example/o")
    two = await make_service("two", "https://two.example/o")
    for service in (here, there, two):
        await make_assignment(service)
    now = gauged.clock.now()
    await Campus.filter(id=here.campus_id).update(tripped_at=now, blocked_until=now + 60_000)
    await gauged.step()

    def states(name):
        return {state: gauged.value("campus_state", consumer=name, state=state) for state in CAMPUS_STATES}

    none = dict.fromkeys(CAMPUS_STATES, 0)
    assert (states("one"), states("two")) == (none | {"up": 1, "down": 1}, none | {"up": 1})
    await Campus.filter(id=there.campus_id).update(throttled_at=now)
    await LtiConsumer.filter(consumer_name="two").update(paused_at=1)
    await gauged.step()
    assert (states("one"), states("two")) == (none | {"throttled": 1, "down": 1}, none | {"paused": 1})
    await LtiConsumer.filter(consumer_name="two").delete()
    await gauged.step()
    assert (states("one")["down"], states("two")) == (1, dict.fromkeys(CAMPUS_STATES))


async def test_the_quarantine_is_counted(gauged):
    await QuarantinedEvent.create(epoch=0, entry_id="1-0", at=0, type="launch", reason="", content=b"")
    await gauged.step()
    assert gauged.value("quarantined_events") == 1


async def test_the_streams_lag_is_what_comes_after_the_position(gauged):
    for _ in range(3):
        await gauged.stream.add({"type": "x"})
    await gauged.step()
    assert gauged.value("stream_lag_entries") == 3
    await read_position()
    await move_position(0, await gauged.stream.add({"type": "x"}))
    await gauged.step()
    assert gauged.value("stream_lag_entries") == 0


async def test_the_database_is_still_shown_while_redis_is_away(empty_database):
    port = Port()
    try:
        async with redis_client(f"redis://{HOST}:{port.number}/0") as client:
            gauged = Gauged(Stream(client, "events"))
            await gauged.clock.measure()
            await make_assignment()
            await gauged.step()
    finally:
        port.close()
    assert gauged.value("assignments", state="due") == 1

"""The gauges that are read from the database and Redis."""

import asyncio
import math

import pytest
from asyncpg import InterfaceError, InternalClientError, PostgresError

from actors.metrics import Metrics
from daemon.infra.redis import redis_client
from daemon.ingest.standstill import STANDSTILL, Standstill
from daemon.ingest.stream import Stream
from daemon.loops.gauges import Gauges
from models.assignment import GradedAssignment
from models.campus import Campus, OutcomeService
from models.consumer import LtiConsumer
from models.db.clock import Clock
from models.db.database import open_database
from models.line_item import SHOWN_FAILURES
from models.quarantine import QuarantinedEvent
from models.states import CAMPUS_STATES
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
        self.seconds = 0.0
        self.standstill = Standstill(lambda: self.seconds, self.metrics, lambda: False)
        self._gauges = Gauges(
            clock=self.clock, stream=stream, metrics=self.metrics, standstill=self.standstill, certificate_ends={}
        )

    @property
    def lag(self) -> int | None:
        return self._gauges.lag

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


async def test_assignments_are_counted_by_their_states_and_so_is_the_quarantine(gauged):
    later = gauged.clock.now() + 1_000_000
    due = await make_assignment()
    for columns in (
        {"sent_version": 1},
        {"sent_version": 1},
        {"due_at": later},
        {"waiting_since": 1},
        {"claim_token": 1, "claimed_until": later},
        {"parked_at": 1},
        {"disabled_at": 1},
    ):
        await make_assignment(**columns)
    await QuarantinedEvent.create(epoch=0, entry_id="1-0", at=0, type="launch", reason="", content=b"")
    await gauged.step()
    expected = {"clean": 2, "due": 1, "waiting": 2, "claimed": 1, "parked": 1, "disabled": 1}
    assert {state: gauged.value("assignments", state=state) for state in expected} == expected
    assert gauged.value("quarantined_events") == 1
    await GradedAssignment.filter(id=due).delete()
    await gauged.step()
    assert gauged.value("assignments", state="due") == 0


async def test_a_consumer_is_shown_with_its_oldest_due_grade_and_its_last_success_at_all_its_origins(gauged):
    here = await make_service("one", "https://a.example/o")
    there = await make_service("one", "https://b.example/o")
    two = await make_service("two", "https://two.example/o")
    for service, due_at in ((here, 7_000), (here, 5_500), (there, 9_000), (two, 9_000)):
        await make_assignment(service, due_at=due_at)
    for service, sent_at in ((here, 12_000), (there, 11_000)):
        await make_assignment(service, sent_version=1, sent_at=sent_at)

    def seconds(name):
        return [gauged.value(f"{name}_timestamp_seconds", consumer=consumer) for consumer in ("one", "two")]

    await gauged.step()
    assert (seconds("oldest_due"), seconds("last_success")) == ([5.5, 9], [12, None])
    await GradedAssignment.exclude(outcome_service_id=two.id).update(sent_version=1)
    await gauged.step()
    assert seconds("oldest_due") == [None, 9]


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


async def test_the_streams_lag_is_what_comes_after_the_position(gauged):
    for _ in range(3):
        await gauged.stream.add({"type": "x"})
    await gauged.step()
    assert gauged.value("stream_lag_entries") == 3
    await read_position()
    await move_position(0, await gauged.stream.add({"type": "x"}))
    await gauged.step()
    assert gauged.value("stream_lag_entries") == 0


async def test_the_lag_grows_while_the_database_is_away(migrated_database, postgres, valkey_url):
    async with open_database(migrated_database("postgresql")), redis_client(valkey_url) as client:
        gauged = Gauged(Stream(client, "events"))
        await gauged.clock.measure()
        await read_position()
        await move_position(0, await gauged.stream.add({"type": "x"}))
        await gauged.step()
        assert gauged.lag == 0
        postgres.stop()
        try:
            for number in (1, 2):
                await gauged.stream.add({"type": "x"})
                with pytest.raises((OSError, PostgresError, InterfaceError, InternalClientError)):
                    await gauged.step()
                assert gauged.lag == number
        finally:
            postgres.start()


async def test_the_newest_id_of_the_stream_is_compared_with_the_databases_clock(gauged):
    await gauged.step()
    assert gauged.value("stream_ahead_seconds") == 0, "there is no stream yet"
    now = gauged.clock.now()
    await gauged.stream.redis.xadd("events", {"type": "x"}, id=f"{now - 60_000}-0")
    await gauged.step()
    assert gauged.value("stream_ahead_seconds") <= -60
    entry = await gauged.stream.redis.xadd("events", {"type": "x"}, id=f"{now + 7_200_000}-0")
    # A stream goes on from the newest id that it has ever given.
    await gauged.stream.redis.xdel("events", entry)
    await gauged.step()
    assert 7_000 < gauged.value("stream_ahead_seconds") <= 7_200


async def test_the_part_of_redis_memory_that_is_used_is_shown_where_there_is_a_limit(gauged, valkey_url):
    redis = gauged.stream.redis
    await gauged.step()
    assert math.isnan(gauged.value("redis_memory_used_ratio"))
    used = (await redis.info("memory"))["used_memory"]
    try:
        await redis.config_set("maxmemory", 4 * used)
        await gauged.step()
        assert 0.2 < gauged.value("redis_memory_used_ratio") < 0.9
    finally:
        await redis.config_set("maxmemory", 0)


async def test_each_consumers_key_is_shown_also_of_one_that_has_no_grade(gauged):
    await LtiConsumer.create(consumer_name="Idle", consumer_key="idle-key", consumer_secret="s")
    await gauged.step()
    assert gauged.value("consumer_info", consumer="Idle", consumer_key="idle-key") == 1
    await LtiConsumer.filter(consumer_name="Idle").update(consumer_key="new-key")
    await gauged.step()
    assert gauged.value("consumer_info", consumer="Idle", consumer_key="idle-key") is None
    assert gauged.value("consumer_info", consumer="Idle", consumer_key="new-key") == 1


async def test_the_origins_from_which_a_consumer_was_launched_are_counted_also_without_a_grade(gauged):
    await make_service("one", "https://a.example/o")
    await gauged.step()
    assert gauged.value("consumer_origins", consumer="one") == 1
    await make_service("one", "https://b.example/o")
    await LtiConsumer.create(consumer_name="Idle", consumer_key="idle-key", consumer_secret="s")
    await gauged.step()
    assert gauged.value("consumer_origins", consumer="one") == 2
    assert gauged.value("consumer_origins", consumer="Idle") is None


async def test_links_whose_line_item_was_looked_for_in_vain_are_counted_until_it_is_there(gauged):
    service = await make_service("one")
    await make_assignment(service)
    missing = OutcomeService.filter(id=service.id)
    await missing.update(wanted_for="{}", look_failures=SHOWN_FAILURES - 1, look_error="HTTP 404")
    await gauged.step()
    assert gauged.value("missing_line_items", consumer="one") is None
    await missing.update(look_failures=SHOWN_FAILURES)
    await gauged.step()
    assert gauged.value("missing_line_items", consumer="one") == 1
    await missing.update(found_id=service.id, look_failures=0)
    await gauged.step()
    assert gauged.value("missing_line_items", consumer="one") is None


async def test_a_position_that_stays_while_entries_wait_is_a_standstill_until_it_moves(gauged):
    await read_position()
    await gauged.stream.add({"type": "x"})
    last = await gauged.stream.add({"type": "x"})
    await gauged.step()
    assert (gauged.standstill.trouble, gauged.value("intake_stalled")) == (None, 0)
    while gauged.seconds < STANDSTILL:
        gauged.seconds += 10
        await gauged.step()
    assert gauged.standstill.trouble.startswith("intake: 2 events to apply")
    assert gauged.value("intake_stalled") == 1
    await move_position(0, last)
    await gauged.step()
    assert (gauged.standstill.trouble, gauged.value("intake_stalled")) == (None, 0)


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


def names(gauged) -> set[str]:
    """The consumers of which anything is shown."""
    return {
        sample.labels["consumer"]
        for family in gauged.metrics.registry.collect()
        for sample in family.samples
        if "consumer" in sample.labels
    }


@pytest.mark.parametrize("how", ["removed", "renamed"])
async def test_nothing_is_shown_any_more_of_a_campus_that_was_removed_or_renamed(gauged, how):
    await make_assignment()
    (consumer,) = await LtiConsumer.all()
    name, metrics = consumer.consumer_name, gauged.metrics
    await gauged.step()
    # What attempts record.
    metrics.outcomes.labels(name, "leaf", "retried").inc()
    for family in (metrics.in_flight, metrics.last_success, metrics.clock_offset, metrics.certificate_until):
        family.labels(name).set(1)
    metrics.request_seconds.labels(name).observe(1)
    metrics.parked.labels(name, "learner").inc()
    await gauged.step()
    assert names(gauged) == {name}
    if how == "removed":
        await consumer.delete()
    else:
        await LtiConsumer.filter(id=consumer.id).update(consumer_name="another")
    await gauged.step()
    assert names(gauged) == ({"another"} if how == "renamed" else set())
    # An attempt that was under way ends.
    metrics.last_success.labels(name).set(2)
    await gauged.step()
    assert name not in names(gauged)


async def test_a_scrape_during_a_reading_sees_every_consumer(gauged):
    await make_assignment()
    await gauged.step()
    labels = {"consumer": "campus", "consumer_key": "key"}
    assert gauged.value("consumer_info", **labels) == 1
    reading = asyncio.create_task(gauged.step())
    while not reading.done():
        assert gauged.value("consumer_info", **labels) == 1
        assert gauged.value("consumer_origins", consumer="campus") == 1
        await asyncio.sleep(0)
    await reading

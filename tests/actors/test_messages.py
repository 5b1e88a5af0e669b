"""Wake-ups on real Redis servers: perishable, at most one under way, and never a grade's only chance."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
import structlog
from dramatiq import Message

from actors.outcomes import MAX_NAMED, Outcomes, named_in
from daemon.queue.broker import dramatiq_broker
from models.assignment import WAKE_MS, Debounce, Wake, bump, sweep, wake_bumped
from models.db.clock import Clock
from tests.models.rows import make_assignment

NAMESPACE = "test"
PARTITIONS = 4
NOW = 1_700_000_000_000
DEBOUNCE = Debounce(delay_ms=900_000, ceiling_ms=3_600_000)

on_one_engine = pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)


class Tools:
    """As much of the tools as a wake-up needs."""

    def __init__(self) -> None:
        # A measured clock that stands still.
        self.clock = Clock(lambda: NOW / 1000)
        self.clock._offset_ms = 0.0


class Waker:
    """Sends wake-ups and looks at what Redis then holds."""

    def __init__(self, url: str) -> None:
        self.broker = dramatiq_broker(url, NAMESPACE)
        self.outcomes = Outcomes(self.broker, cast("Any", Tools()), partitions=PARTITIONS)

    async def wake(self, *wakes: Wake) -> None:
        await self.outcomes.wake(wakes)

    def queues(self) -> dict[str, list[Message[Any]]]:
        """The messages on each queue that has any."""
        keys = sorted(key.decode() for key in self.broker.client.scan_iter(f"{NAMESPACE}:*.msgs"))
        return {
            key.removeprefix(f"{NAMESPACE}:").removesuffix(".msgs"): [
                Message.decode(data) for data in self.broker.client.hvals(key)
            ]
            for key in keys
        }

    def messages(self) -> list[Message[Any]]:
        return [message for messages in self.queues().values() for message in messages]


@pytest.fixture
async def waker(redis_url):
    waker = Waker(redis_url)
    yield waker
    await asyncio.to_thread(waker.broker.close)


@pytest.mark.parametrize("assignment_id", [1, 4, 7, 2**63 - 1])
async def test_a_wake_up_goes_to_the_queue_of_its_assignment_and_names_it_and_its_version(waker, assignment_id):
    await waker.wake(Wake(assignment_id, 3, "leaf", NOW))
    ((queue, (message,)),) = waker.queues().items()
    assert queue == message.queue_name == f"outcomes.{assignment_id % PARTITIONS}"
    assert (message.actor_name, message.args, message.kwargs) == ("send_leaf_outcome", (assignment_id, 3), {})


@pytest.mark.parametrize(("kind", "actor"), [("leaf", "send_leaf_outcome"), ("composite", "send_composite_outcome")])
async def test_each_kind_has_its_actor(waker, kind, actor):
    await waker.wake(Wake(1, 1, kind, NOW))
    assert [message.actor_name for message in waker.messages()] == [actor]


async def test_a_wake_up_for_later_is_delayed_until_then(waker):
    await waker.wake(Wake(1, 1, "composite", NOW + 900_000), Wake(1, 1, "leaf", NOW), Wake(5, 2, "leaf", NOW - 5))
    queues = waker.queues()
    assert {queue: len(messages) for queue, messages in queues.items()} == {"outcomes.1": 1, "outcomes.1.DQ": 1}
    (delayed,) = queues["outcomes.1.DQ"]
    assert 0 <= delayed.options["eta"] - delayed.message_timestamp - 900_000 < 1_000
    assert all("eta" not in message.options for message in queues["outcomes.1"])


async def test_no_wake_ups_are_no_trouble(waker):
    await waker.wake()
    assert waker.messages() == []


async def test_an_event_wakes_through_redis_and_a_second_one_before_it_is_served_does_not(empty_database, waker):
    assignment = await make_assignment(sent_version=1)
    for now in (NOW, NOW + 1):
        await bump(assignment, kind="leaf", now=now, debounce=DEBOUNCE)
        wake = await wake_bumped(assignment, now=now)
        await waker.wake(*([] if wake is None else [wake]))
    assert [message.args for message in waker.messages()] == [(assignment, 2)]
    assert await sweep(now=NOW + WAKE_MS - 1, most=10) == []


@on_one_engine
async def test_steady_work_below_a_composite_has_one_alarm_at_a_time(empty_database, waker):
    assignment = await make_assignment(sent_version=1, composite=True)
    for now in range(NOW, NOW + 50_000, 1000):
        await bump(assignment, kind="composite", now=now, debounce=DEBOUNCE)
        wake = await wake_bumped(assignment, now=now)
        await waker.wake(*([] if wake is None else [wake]))
    assert list(waker.queues()) == [f"outcomes.{assignment % PARTITIONS}.DQ"]
    assert len(waker.messages()) == 1


@on_one_engine
async def test_while_redis_is_down_nothing_is_raised_and_the_sweep_wakes_later(empty_database, redis_server, waker):
    assignment = await make_assignment(sent_version=1)
    redis_server.stop()
    await bump(assignment, kind="leaf", now=NOW, debounce=DEBOUNCE)
    wake = await wake_bumped(assignment, now=NOW)
    assert wake is not None
    with structlog.testing.capture_logs() as logs:
        await waker.wake(wake)
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("wake-ups could not be sent; the sweep will", "warning")
    ]

    redis_server.start()
    assert await sweep(now=NOW + WAKE_MS - 1, most=10) == [], "it may yet be under way"
    await waker.wake(*await sweep(now=NOW + WAKE_MS, most=10))
    assert [message.args for message in waker.messages()] == [(assignment, 2)]


async def test_one_message_names_the_assignments_of_its_kind_queue_and_time_in_their_order(waker):
    await waker.wake(*(Wake(number, 10 + number, "leaf", NOW) for number in (9, 1, 5, 2)))
    assert sorted(message.args for message in waker.messages()) == [(2, 12), (9, 19, 1, 11, 5, 15)]
    assert named_in((9, 19, 1, 11, 5, 15)) == [(9, 19), (1, 11), (5, 15)]


async def test_a_message_names_no_more_than_it_may(waker):
    await waker.wake(*(Wake(PARTITIONS * number, 1, "leaf", NOW) for number in range(MAX_NAMED + 1)))
    assert sorted(len(named_in(message.args)) for message in waker.messages()) == [1, MAX_NAMED]


async def test_those_who_are_due_within_a_second_are_woken_together_and_none_too_early(waker):
    times = (NOW + 5_001, NOW + 5_999, NOW + 6_001)
    await waker.wake(*(Wake(PARTITIONS, number, "composite", at) for number, at in enumerate(times)))
    named = {message.args: message.options["eta"] - message.message_timestamp for message in waker.messages()}
    assert set(named) == {(PARTITIONS, 0, PARTITIONS, 1), (PARTITIONS, 2)}
    assert named[PARTITIONS, 0, PARTITIONS, 1] >= 5_999
    assert named[PARTITIONS, 2] >= 6_001


def test_arguments_of_another_release_are_left_to_the_actor():
    assert named_in((1, 2, 3)) == [(1, 2, 3)]
    assert named_in(()) == [()]

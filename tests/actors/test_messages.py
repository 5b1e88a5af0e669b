"""Messages on real Redis servers: they name assignments of one partition, and no grade depends on one."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog
from dramatiq import Message

from actors.dependencies import Dependencies
from actors.send_outcomes import DELAY_STEP_MS, MAX_IDS_A_MESSAGE, Outcomes
from daemon.queue.broker import dramatiq_broker
from models.changes import Change, Debounce, Dirty, change
from models.db.clock import Clock
from models.due import Due, Share, pick
from tests.actors.sending import on_one_engine
from tests.models.rows import make_assignment, read_row

NAMESPACE = "test"
PARTITIONS = 4
NOW = 1_700_000_000_000
DEBOUNCE = Debounce(delay_ms=900_000, ceiling_ms=3_600_000)


class Messenger:
    """Sends messages, and shows what Redis then holds. Of the dependencies messages need the clock and a limit."""

    def __init__(self, url: str, max_connections: int = 8) -> None:
        self.broker = dramatiq_broker(url, NAMESPACE)
        clock = Clock(lambda: NOW / 1000)
        clock._offset_ms = 0.0
        settings = SimpleNamespace(max_connections=max_connections)
        dependencies = cast("Dependencies", SimpleNamespace(clock=clock, settings=settings))
        self.outcomes = Outcomes(self.broker, dependencies, partitions=PARTITIONS)

    async def dirty(self, *dirty: Dirty) -> None:
        await self.outcomes.enqueue_dirty(dirty)

    async def due(self, *ids: int, kind: Any = "leaf") -> None:
        await self.outcomes.enqueue_due([Due(one, 1, kind) for one in ids])

    def queues(self) -> dict[str, list[Message[Any]]]:
        """The messages on each queue that has any."""
        keys = sorted(key.decode() for key in self.broker.client.scan_iter(f"{NAMESPACE}:*.msgs"))
        messages = {key: list(map(Message.decode, self.broker.client.hvals(key))) for key in keys}
        return {key.removeprefix(f"{NAMESPACE}:").removesuffix(".msgs"): found for key, found in messages.items()}

    def messages(self) -> list[Message[Any]]:
        return [message for messages in self.queues().values() for message in messages]

    def named(self) -> list[list[int]]:
        return sorted(message.args[0] for message in self.messages())


@pytest.fixture
async def messenger(redis_url):
    messenger = Messenger(redis_url)
    yield messenger
    await asyncio.to_thread(messenger.broker.close)


def leaf(assignment_id: int, due_at: int = NOW) -> Dirty:
    return Dirty(assignment_id, "leaf", due_at, first=True)


def composite(assignment_id: int, due_at: int, *, first: bool = True) -> Dirty:
    return Dirty(assignment_id, "composite", due_at, first)


# --- Partitions ---


def test_a_queue_for_each_partition_is_declared(valkey_url):
    broker = Messenger(valkey_url).broker
    assert broker.get_declared_queues() == {"outcomes.0", "outcomes.1", "outcomes.2", "outcomes.3"}
    broker.close()


# --- What a message is ---


@pytest.mark.parametrize("assignment_id", [1, 4, 7, 2**63 - 1])
@pytest.mark.parametrize(("kind", "actor"), [("leaf", "send_leaf_outcome"), ("composite", "send_composite_outcome")])
async def test_a_message_goes_to_the_actor_and_queue_of_its_assignment_and_names_it(
    messenger, assignment_id, kind, actor
):
    await messenger.due(assignment_id, kind=kind)
    await messenger.dirty(Dirty(assignment_id, kind, NOW, first=True))
    ((queue, messages),) = messenger.queues().items()
    assert queue == f"outcomes.{assignment_id % PARTITIONS}"
    for message in messages:
        assert (message.queue_name, message.actor_name) == (queue, actor)
        assert (message.args, message.kwargs) == (([assignment_id],), {})
    assert len(messages) == 2


async def test_one_message_names_the_assignments_of_its_kind_and_queue_in_their_order(messenger):
    await messenger.due(9, 1, 5, 2)
    assert messenger.named() == [[2], [9, 1, 5]]


async def test_a_message_names_no_more_than_it_may(messenger):
    await messenger.due(*(PARTITIONS * number for number in range(MAX_IDS_A_MESSAGE + 1)))
    assert sorted(map(len, messenger.named())) == [1, MAX_IDS_A_MESSAGE]


# --- When it comes ---


async def test_a_message_for_later_is_delayed_until_then(messenger):
    await messenger.dirty(composite(1, NOW + 900_000), leaf(1), leaf(5, NOW - 5))
    queues = messenger.queues()
    assert {queue: len(messages) for queue, messages in queues.items()} == {"outcomes.1": 1, "outcomes.1.DQ": 1}
    (delayed,) = queues["outcomes.1.DQ"]
    assert 0 <= delayed.options["eta"] - delayed.message_timestamp - 900_000 < 1_000
    assert queues["outcomes.1"][0].args == ([1, 5],)
    assert "eta" not in queues["outcomes.1"][0].options


async def test_those_that_are_due_within_a_second_are_named_together_and_none_too_early(messenger):
    assert DELAY_STEP_MS == 1000
    times = (NOW + 5_001, NOW + 5_999, NOW + 6_001)
    await messenger.dirty(*(composite(PARTITIONS * number, at) for number, at in enumerate(times, start=1)))
    named = {
        tuple(message.args[0]): message.options["eta"] - message.message_timestamp for message in messenger.messages()
    }
    assert set(named) == {(4, 8), (12,)}
    assert named[4, 8] >= 5_999
    assert named[12,] >= 6_001


async def test_a_composite_that_was_pending_before_has_its_message(messenger):
    await messenger.dirty(composite(1, NOW + 60_000, first=False))
    await messenger.due()
    assert messenger.messages() == []


async def test_a_composite_that_a_ceiling_made_due_gets_one_at_once(messenger):
    await messenger.dirty(composite(1, NOW, first=False))
    assert messenger.named() == [[1]]
    assert "eta" not in messenger.messages()[0].options


@pytest.mark.parametrize(("connections", "named"), [(0, [[3]]), (1, [[1], [3]]), (2, [[1], [2], [3]])])
async def test_no_more_due_assignments_are_named_than_connections_are_free_and_the_rest_is_backlog(
    valkey_url, connections, named
):
    messenger = Messenger(valkey_url, max_connections=connections)
    await messenger.dirty(leaf(1), composite(2, NOW), composite(3, NOW + 60_000))
    assert messenger.named() == named
    assert messenger.outcomes.backlog == (connections < 2)
    await asyncio.to_thread(messenger.broker.close)


async def test_while_campuses_wait_for_connections_leaves_are_left_to_the_dispatcher(messenger):
    messenger.outcomes.contended = True
    await messenger.dirty(leaf(1), composite(2, NOW + 60_000))
    assert messenger.named() == [[2]]
    assert messenger.outcomes.backlog


# --- With the database ---


async def test_each_change_of_a_leaf_has_a_message(empty_database, messenger):
    assignment = await make_assignment(sent_version=1)
    for now in (NOW - 1, NOW):
        await messenger.dirty(*await change([Change(assignment, "leaf")], now=now, debounce=DEBOUNCE))
    assert messenger.named() == [[assignment], [assignment]]


@on_one_engine
async def test_steady_work_below_a_composite_has_one_delayed_message(empty_database, messenger):
    assignment = await make_assignment(sent_version=1, composite=True)
    for now in range(NOW, NOW + 50_000, 1000):
        await messenger.dirty(*await change([Change(assignment, "composite")], now=now, debounce=DEBOUNCE))
    assert list(messenger.queues()) == [f"outcomes.{assignment % PARTITIONS}.DQ"]
    assert len(messenger.messages()) == 1


@on_one_engine
async def test_while_redis_is_down_nothing_is_raised_and_the_dispatcher_finds_the_row(
    empty_database, redis_server, messenger
):
    assignment = await make_assignment(sent_version=1)
    redis_server.stop()
    dirty = await change([Change(assignment, "leaf")], now=NOW, debounce=DEBOUNCE)
    with structlog.testing.capture_logs() as logs:
        await messenger.dirty(*dirty)
    (entry,) = logs
    assert (entry["event"], entry["log_level"], entry["messages"]) == ("messages.not_sent", "warning", 1)

    redis_server.start()
    row = await read_row(assignment)
    due = await pick([Share(row["campus_id"], 10)], now=NOW)
    assert due == [Due(assignment, row["campus_id"], "leaf")]
    await messenger.outcomes.enqueue_due(due)
    assert messenger.named() == [[assignment]]


# --- Hostile messages ---

GARBAGE = [None, 7, "7", {"7": 1}, (7,), ["7"], [7, None], [7.0], [True], [[7]], [7, "8"]]


@pytest.mark.parametrize("named", GARBAGE, ids=repr)
async def test_a_message_that_names_anything_else_is_refused(messenger, named):
    with pytest.raises(TypeError, match="a message names a list of assignment ids"):
        await messenger.outcomes.send(named)


async def test_a_message_that_names_too_many_is_refused_before_anything_is_taken(sending, lms, leaf):
    for named in ([leaf] * (MAX_IDS_A_MESSAGE + 1), [leaf, *range(10_000, 20_000)]):
        with pytest.raises(TypeError, match="64 at most"):
            await sending.send(*named)
    assert lms.requests == []
    assert sending.outcomes.free == sending.dependencies.settings.max_connections
    await sending.send(2**63 - 1, *([leaf] * (MAX_IDS_A_MESSAGE - 1)))
    assert len(lms.requests) == 1, "each is claimed once"


@pytest.mark.parametrize("number", [0, -1, 2**63, 2**200, -(2**64)])
async def test_an_id_that_no_database_can_hold_is_refused_and_costs_no_other_message(sending, lms, leaf, number):
    refused, _ = await asyncio.gather(sending.send(number), sending.send(leaf), return_exceptions=True)
    assert isinstance(refused, TypeError)
    assert len(lms.requests) == 1

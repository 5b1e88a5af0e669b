"""Loops survive the loss of their servers, report what is wrong, and end with a bug."""

import asyncio

import pytest
import structlog
from tortoise.exceptions import OperationalError

from daemon.infra.loop import FIRST_RETRY_WAIT, MAX_RETRY_WAIT, STUCK, Loop
from daemon.infra.stop import Stop
from tests.daemon.doubles import Sleepless


@pytest.fixture
def stop():
    return Sleepless()


def rounds(*outcomes):
    """A step whose rounds end like this, each an exception or None, and which then stops the loop."""
    left = list(outcomes)

    async def step(stop):
        outcome = left.pop(0)
        if not left:
            stop.set()
        if outcome is not None:
            raise outcome

    return step


async def test_a_loop_repeats_until_it_is_stopped_and_each_round_is_a_sign_of_life(stop):
    loop = Loop("intake", rounds(None, None, None))
    assert loop.is_ticking()
    loop.ticked -= STUCK + 1
    assert not loop.is_ticking()
    await loop.run(stop)
    assert loop.is_ticking()
    assert (stop.slept, loop.trouble) == ([], None)
    await Loop("intake", rounds(ValueError("never"))).run(stop)


async def test_a_loop_whose_work_does_not_go_on_is_not_ticking():
    goes_on = True
    loop = Loop("queue", rounds(None), progresses=lambda: goes_on)
    assert loop.is_ticking()
    goes_on = False
    assert not loop.is_ticking()


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError("no"), TimeoutError(), OperationalError("database is locked")], ids=repr
)
async def test_a_loop_waits_after_a_fault_of_a_server(stop, error):
    loop = Loop("intake", rounds(error, None))
    with structlog.testing.capture_logs() as logs:
        await loop.run(stop)
    assert len(stop.slept) == 1
    assert loop.trouble is None
    assert [(line["log_level"], line["event"], line["loop"]) for line in logs] == [
        ("warning", "server unavailable, retrying", "intake"),
        ("info", "works again", "intake"),
    ]
    assert logs[0]["error"] is error


async def test_the_wait_doubles_with_jitter_up_to_a_limit_until_a_round_succeeds(stop):
    faults = [OSError("no")] * 12
    await Loop("intake", rounds(*faults, None, OSError("no"))).run(stop)
    for number, slept in enumerate(stop.slept):
        wait = min(FIRST_RETRY_WAIT * 2 ** (number % len(faults)), MAX_RETRY_WAIT)
        assert wait * 0.5 <= slept <= wait * 1.5


async def test_a_loop_shows_its_trouble_while_it_lasts(stop):
    seen = []
    step = rounds(ConnectionRefusedError("not there"), OSError("x" * 1_000), None)

    async def watched(stop):
        seen.append(loop.trouble)
        await step(stop)

    loop = Loop("intake", watched)
    await loop.run(stop)
    assert seen[:2] == [None, "database does not answer: ConnectionRefusedError: not there"]
    assert len(seen[2]) < 350, "what a server says is bounded"
    assert loop.trouble is None


@pytest.mark.parametrize(
    "bug", [TypeError("no"), KeyError("no"), ValueError("no"), RecursionError("no"), asyncio.CancelledError()], ids=repr
)
async def test_a_bug_ends_the_loop_and_so_does_cancelling_it(stop, bug):
    with pytest.raises(type(bug)) as caught:
        await Loop("intake", rounds(bug, None)).run(stop)
    assert caught.value is bug
    assert stop.slept == []


async def test_a_sleep_ends_after_its_time_or_with_the_stop():
    stop, called = Stop(), []
    stop.on_set(lambda: called.append("stop"))
    await stop.sleep(0.001)
    assert not stop.is_set()
    sleeping = asyncio.create_task(stop.sleep(60))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(sleeping, 5)
    await stop.sleep(60)
    stop.set()
    assert called == ["stop"]

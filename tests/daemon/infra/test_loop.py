"""Loops outlive the servers that they need, say what is wrong, and end with a bug."""

import asyncio

import pytest
import structlog
from tortoise.exceptions import OperationalError

from daemon.infra.loop import FIRST_RETRY_WAIT, MAX_RETRY_WAIT, STUCK, Loop
from daemon.infra.stop import Stop


class Sleepless(Stop):
    """Notes what it was asked to sleep, and does not."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


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


async def test_a_loop_goes_round_until_it_is_stopped(stop):
    loop = Loop("intake", rounds(None, None, None))
    await loop.run(stop)
    assert stop.slept == []
    assert loop.trouble is None


async def test_a_loop_that_was_stopped_before_does_nothing(stop):
    stop.set()
    await Loop("intake", rounds(ValueError("never"))).run(stop)


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError("no"), TimeoutError(), OperationalError("database is locked")], ids=repr
)
async def test_a_fault_of_a_server_is_waited_out(stop, error):
    loop = Loop("intake", rounds(error, None))
    await loop.run(stop)
    assert len(stop.slept) == 1
    assert loop.trouble is None


async def test_the_wait_doubles_with_jitter_up_to_a_limit(stop):
    await Loop("intake", rounds(*[OSError("no")] * 12)).run(stop)
    for number, slept in enumerate(stop.slept):
        wait = min(FIRST_RETRY_WAIT * 2**number, MAX_RETRY_WAIT)
        assert wait * 0.5 <= slept <= wait * 1.5


async def test_after_a_good_round_the_wait_is_short_again(stop):
    await Loop("intake", rounds(*[OSError("no")] * 9, None, OSError("no"))).run(stop)
    assert stop.slept[-1] <= FIRST_RETRY_WAIT * 1.5 < stop.slept[-2]


async def test_trouble_is_told_while_it_lasts(stop):
    seen = []
    step = rounds(ConnectionRefusedError("nobody there"), OSError("x" * 1_000), None)

    async def watched(stop):
        seen.append(loop.trouble)
        await step(stop)

    loop = Loop("intake", watched)
    await loop.run(stop)
    assert seen[:2] == [None, "database does not answer: ConnectionRefusedError: nobody there"]
    assert len(seen[2]) < 350, "what a server says is bounded"
    assert loop.trouble is None


async def test_an_outage_is_logged_once_and_so_is_its_end(stop):
    with structlog.testing.capture_logs() as logs:
        await Loop("intake", rounds(*[OSError("no")] * 5, None, None)).run(stop)
    assert [(line["log_level"], line["event"], line["loop"]) for line in logs] == [
        ("warning", "is waiting for a server", "intake"),
        ("info", "works again", "intake"),
    ]
    assert logs[0]["error"] == "OSError: no"


@pytest.mark.parametrize("bug", [TypeError("no"), KeyError("no"), ValueError("no"), RecursionError("no")], ids=repr)
async def test_a_bug_ends_the_loop(stop, bug):
    with pytest.raises(type(bug)) as caught:
        await Loop("intake", rounds(bug, None)).run(stop)
    assert caught.value is bug
    assert stop.slept == []


async def test_cancelling_is_no_fault(stop):
    with pytest.raises(asyncio.CancelledError):
        await Loop("intake", rounds(asyncio.CancelledError(), None)).run(stop)


async def test_a_loop_ticks_when_a_round_began_lately():
    loop = Loop("intake", rounds(None))
    assert loop.is_ticking()
    loop.ticked -= STUCK + 1
    assert not loop.is_ticking()
    await loop.run(Stop())
    assert loop.is_ticking()


async def test_a_sleep_ends_with_the_stop():
    stop = Stop()
    sleeping = asyncio.create_task(stop.sleep(60))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(sleeping, 5)
    await stop.sleep(60)
    assert stop.is_set()


async def test_a_sleep_ends_after_its_time():
    stop = Stop()
    await stop.sleep(0.001)
    assert not stop.is_set()

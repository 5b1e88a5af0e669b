"""Looking for line items: launches that name none, and a daemon that looks."""

from contextlib import AsyncExitStack, asynccontextmanager

from actors.breaker import next_breaker
from actors.client import Abort
from actors.line_items import LineItems
from actors.resolution import Rules
from actors.settings import Settings
from daemon.loops.line_items import LineItemLoop
from models.assignment import GradedAssignment
from models.launch import PlatformLaunch, Registration
from tests.actors.posting import open_sender
from tests.actors.sending import HOLD, TIMEOUT, fixed_clock
from tests.fakes.line_items import OneToken


def wanting(container, link="link", **changes):
    launch = Registration(
        "",
        "learner",
        "course",
        "block",
        "sub",
        container.url,
        1_767_268_800_000_000,
        resource_link_id=link,
        resource_link_title="Quiz",
        platform=PlatformLaunch("https://i", "c", is_container=True),
    )
    return {"registration": launch} | changes


async def where(assignment):
    row = await GradedAssignment.get(id=assignment).prefetch_related("outcome_service")
    assert row.outcome_service.wanted_for is None
    return row.outcome_service.lis_outcome_service_url


async def where_if_known(assignment):
    row = await GradedAssignment.get(id=assignment).prefetch_related("outcome_service")
    return None if row.outcome_service.wanted_for is not None else row.outcome_service.lis_outcome_service_url


async def look_again(daemon, seconds):
    daemon.clock.monotonic.seconds += seconds
    return await daemon.round()


def breaker_after(now, breaker, signal):
    return next_breaker(breaker, signal, now=now, max_per_campus=4, jitter=0.0)


@asynccontextmanager
async def daemons():
    """Makes daemons that look; *patience*: seconds that they wait for an answer."""
    async with AsyncExitStack() as stack:

        async def make(patience=5.0, tokens=None, *, may_send=True):
            sender = await stack.enter_async_context(open_sender(patience))
            settings = Settings(TIMEOUT, Rules(hold_seconds=HOLD, max_attempts=80), max_per_campus=4, max_connections=9)
            clock = await fixed_clock()
            looks = LineItems(sender, tokens or OneToken(), clock, lambda: settings, Abort(), breaker_after)
            return LineItemLoop(looks, clock, lambda: may_send)

        yield make

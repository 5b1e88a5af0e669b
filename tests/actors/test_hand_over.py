"""The claims that follow an attempt in the same transaction."""

from __future__ import annotations

import asyncio

from tests.actors.sending import (
    SOURCEDID,
    changed,
)
from tests.fakes import lms as fake


async def test_a_change_during_the_request_is_woken_for_at_once(sending, lms, leaf):
    hold = asyncio.Event()
    lms.behave = fake.in_turn(fake.held(hold))
    passing = asyncio.create_task(sending.send(leaf))
    await lms.until(lambda: lms.requests)
    await changed(leaf, 2, 2, sending.now)
    hold.set()
    await passing
    assert sending.woken() == [(leaf, 2)]
    await sending.send(leaf)
    assert lms.scores(SOURCEDID) == ["0.5", "1"]

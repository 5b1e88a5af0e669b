"""Stopping: no further claim, and what is under way is broken off."""

from __future__ import annotations

import asyncio

from tests.actors.sending import (
    HOLD,
    results,
)
from tests.fakes import lms as fake
from tests.models.rows import read_lines, read_row


async def test_stopping_during_a_request_is_a_doubt_and_lets_go_of_the_claim(sending, lms, leaf):
    lms.behave = fake.always(fake.held(asyncio.Event()))
    passing = asyncio.create_task(sending.send(leaf))
    await lms.until(lambda: lms.requests)
    sending.dependencies.abort.set()
    await passing
    row = await read_row(leaf)
    assert (row["claimed_until"], row["forced_version"]) == (None, 1)
    assert row["hold_until"] == sending.now + HOLD * 1000
    assert await results(leaf) == ["ambiguous"]


async def test_stopping_before_a_request_gives_the_attempt_back(sending, lms, leaf):
    sending.dependencies.abort.set()
    await sending.send(leaf)
    row = await read_row(leaf)
    assert lms.requests == []
    assert (row["attempts"], row["claimed_until"], row["hold_until"], row["not_before"]) == (0, None, 0, 0)
    assert await read_lines(leaf) == []

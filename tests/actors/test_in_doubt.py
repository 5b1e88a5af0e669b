"""Attempts after which the score may have been stored, or not."""

from typing import Any

import pytest

from actors.protocols.lti11.responses import PROCESSING_HOLD
from tests.actors.sending import HOLD, LATER, SOURCEDID, changed, on_one_engine, results
from tests.fakes import lms as fake
from tests.models.rows import read_row

IN_DOUBT = {
    "503": fake.answer(503),
    "a page": fake.html(),
    "processing": fake.processing(),
    "cut before the answer": fake.cut("before"),
    "cut in the answer": fake.cut("midway"),
    "success under 500": fake.success(status=500),
    "two codes": fake.success(
        body=fake.pox("success").replace(b"<imsx_severity>", b"<imsx_codeMajor>success</imsx_codeMajor><imsx_severity>")
    ),
}


@on_one_engine
@pytest.mark.parametrize("answer", IN_DOUBT)
async def test_an_end_in_doubt_holds_and_forces_and_sends_the_score_of_its_time_afresh(sending, lms, leaf, answer):
    lms.behave, hold = fake.in_turn(IN_DOUBT[answer]), PROCESSING_HOLD if answer == "processing" else HOLD
    await sending.send(leaf)
    row, now = await read_row(leaf), sending.now
    assert (row["sent_version"], row["forced_version"], row["attempts"]) == (0, 1, 1)
    assert row["hold_until"] == now + hold * 1000
    assert now <= row["not_before"] <= now + 15_000
    assert await results(leaf) == ["ambiguous"]
    assert sending.counted(result="ambiguous") == 1

    await changed(leaf, 2, 2, now)
    sending.tick(hold - 0.001)
    await sending.send(leaf)
    assert len(lms.requests) == 1, "sent before whatever left us had landed"
    sending.tick(0.001)
    await sending.send(leaf)
    first, second = lms.requests
    assert (first.score, second.score) == ("0.5", "1")
    assert first.nonce != second.nonce
    assert first.message_id != second.message_id
    assert first.headers["Authorization"] != second.headers["Authorization"]
    assert lms.grade(SOURCEDID, "/outcomes") == "1"


async def test_after_an_end_in_doubt_even_the_score_that_was_acknowledged_before_goes_out(sending, lms, leaf):
    lms.behave = fake.in_turn(fake.success(), fake.success(status=503))
    await sending.send(leaf)
    await changed(leaf, 2, 2, sending.now)
    await sending.send(leaf)
    await changed(leaf, 1, 2, sending.now)
    sending.tick(LATER)
    await sending.send(leaf)
    assert lms.scores(SOURCEDID) == ["0.5", "1", "0.5"]
    assert (await read_row(leaf))["sent_version"] == 3


class Broken:
    """A sender with an unforeseen fault."""

    def __init__(self) -> None:
        self.posts = 0

    async def post(self, *_args: Any, **_options: Any) -> None:
        self.posts += 1
        raise RuntimeError("never thought of")


async def test_a_fault_of_ours_after_the_request_began_is_in_doubt_and_not_repeated_for_ever(sending, leaf):
    sending.dependencies.sender = Broken()
    await sending.send(leaf)
    row = await read_row(leaf)
    assert (row["claimed_until"], row["attempts"], row["forced_version"]) == (None, 1, 1)
    assert row["hold_until"] == sending.now + HOLD * 1000
    assert await results(leaf) == ["ambiguous"]

"""The Canvas that throttles."""

import asyncio

import pytest

from tests.fakes.canvas import ThrottlingCanvas
from tests.fakes.lms import always, held, most_at_once
from tests.fakes.test_lms import send


async def test_of_thirteen_at_once_the_last_one_is_refused_without_a_time_to_come_back():
    released = asyncio.Event()
    async with ThrottlingCanvas(behave=always(held(released))) as canvas:
        sending = asyncio.gather(*(send(canvas, f"s{number}") for number in range(13)))
        await canvas.until(lambda: any(record.ended for record in canvas.throttled))
        assert [record.number for record in canvas.requests if record.ended] == [12]
        released.set()
        replies = await sending
    assert sorted(status for status, _, _ in replies) == [200] * 12 + [403]
    assert len(canvas.gradebook) == 12
    assert most_at_once(canvas.requests) == 13
    for status, text, headers in replies:
        assert "Retry-After" not in headers
        assert ("X-Request-Cost" in headers) == (status == 200)
        assert ("Rate Limit Exceeded" in text) == (status == 403)
        assert float(headers["X-Rate-Limit-Remaining"]) <= 600


async def test_one_after_the_other_is_never_refused_and_costs_next_to_nothing():
    async with ThrottlingCanvas() as canvas:
        replies = [await send(canvas, f"s{number}") for number in range(30)]
    assert {status for status, _, _ in replies} == {200}
    assert float(replies[-1][2]["X-Rate-Limit-Remaining"]) == pytest.approx(600, abs=1)

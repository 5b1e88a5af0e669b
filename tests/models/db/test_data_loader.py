"""Items that are asked for at about the same time are loaded together."""

import asyncio

import pytest

from models.db.data_loader import DataLoader


class Query:
    """Loads ten times each number once it may, and notes the batches."""

    def __init__(self, *, most: int = 200, patience: float = 10.0, overlapping: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()
        self.go.set()
        self.error: BaseException | None = None
        self.ask = DataLoader(self._run, most=most, patience=patience, overlapping=overlapping)

    async def _run(self, items):
        self.batches.append(list(items))
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return {item: 10 * item for item in items if item >= 0}


@pytest.mark.parametrize(
    ("items", "most", "batches"),
    [
        pytest.param([4], 200, [[4]], id="an item alone"),
        pytest.param([0, 1, 2, 3, 4], 200, [[0, 1, 2, 3, 4]], id="items of one turn of the loop together"),
        pytest.param([0, 1, 2, 3, 4], 2, [[0, 1], [2, 3], [4]], id="a batch has a limit"),
        pytest.param([1, 1], 200, [[1]], id="the same item once"),
        pytest.param([-1, 1], 200, [[-1, 1]], id="an item without a value"),
    ],
)
async def test_items_are_loaded_in_batches(items, most, batches):
    asked = Query(most=most)
    assert await asyncio.gather(*map(asked.ask, items)) == [10 * item if item >= 0 else None for item in items]
    assert asked.batches == batches


async def test_items_that_come_during_a_call_wait_and_are_loaded_together():
    asked = Query()
    asked.go.clear()
    first = asyncio.ensure_future(asked.ask(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    later = [asyncio.ensure_future(asked.ask(number)) for number in (2, 3)]
    await asyncio.sleep(0)
    asked.go.set()
    assert await asyncio.gather(first, *later) == [10, 20, 30]
    assert asked.batches == [[1], [2, 3]]


async def test_two_calls_are_under_way_at_a_time_where_they_may_overlap():
    asked = Query(most=2, overlapping=True)
    asked.go.clear()
    waiting = [asyncio.ensure_future(asked.ask(number)) for number in range(7)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert asked.batches == [[0, 1], [2, 3]]
    asked.go.set()
    assert await asyncio.gather(*waiting) == [0, 10, 20, 30, 40, 50, 60]
    assert asked.batches == [[0, 1], [2, 3], [4, 5], [6]]


@pytest.mark.parametrize("error", [ValueError("no"), asyncio.CancelledError()], ids=["failed", "cancelled"])
async def test_a_failure_is_of_all_in_that_batch_and_of_no_other(error):
    asked = Query()
    asked.error = error
    failed = await asyncio.gather(asked.ask(1), asked.ask(2), return_exceptions=True)
    assert [type(one) for one in failed] == [type(error)] * 2
    asked.error = None
    assert await asked.ask(3) == 30


async def test_a_call_that_does_not_end_keeps_the_next_one_waiting_for_a_while_only():
    asked = Query(patience=0.02)
    asked.go.clear()
    first = asyncio.ensure_future(asked.ask(1))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(asked.ask(2))
    while asked.batches != [[1], [2]]:
        await asyncio.sleep(0.005)
    asked.go.set()
    assert await asyncio.gather(first, second) == [10, 20]


@pytest.mark.parametrize("outcome", ["a result", "a failure"])
async def test_a_caller_that_was_cancelled_keeps_no_other_from_an_answer(outcome):
    asked = Query()
    asked.error = ValueError("no") if outcome == "a failure" else None
    asked.go.clear()
    leaves, stays = (asyncio.ensure_future(asked.ask(number)) for number in (1, 2))
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.sleep(0)
    asked.go.set()
    (answer,) = await asyncio.gather(stays, return_exceptions=True)
    assert answer == 20 if asked.error is None else isinstance(answer, ValueError)

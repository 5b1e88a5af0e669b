"""What many ask at about the same time is asked once."""

import asyncio

import pytest

from models.db.data_loader import DataLoader


class Query:
    """Answers with ten times the number once it may; notes what it was asked together."""

    def __init__(self, *, most: int = 200, patience: float = 10.0) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()
        self.go.set()
        self.error: BaseException | None = None
        self.ask = DataLoader(self._run, most=most, patience=patience)

    async def _run(self, items):
        self.batches.append(list(items))
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return {item: 10 * item for item in items if item >= 0}


async def test_one_who_asks_alone_is_answered_alone():
    asked = Query()
    assert await asked.ask(4) == 40
    assert asked.batches == [[4]]


async def test_all_who_ask_in_one_turn_of_the_loop_are_asked_for_together():
    asked = Query()
    assert await asyncio.gather(*map(asked.ask, range(5))) == [0, 10, 20, 30, 40]
    assert asked.batches == [[0, 1, 2, 3, 4]]


async def test_what_is_asked_meanwhile_waits_and_then_goes_together():
    asked = Query()
    asked.go.clear()
    first = asyncio.create_task(asked.ask(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    later = [asyncio.create_task(asked.ask(number)) for number in (2, 3)]
    await asyncio.sleep(0)
    asked.go.set()
    assert await asyncio.gather(first, *later) == [10, 20, 30]
    assert asked.batches == [[1], [2, 3]]


async def test_a_batch_has_a_limit():
    asked = Query(most=2)
    assert await asyncio.gather(*map(asked.ask, range(5))) == [0, 10, 20, 30, 40]
    assert asked.batches == [[0, 1], [2, 3], [4]]


async def test_the_same_item_is_asked_for_once_and_answered_to_each():
    asked = Query()
    assert await asyncio.gather(asked.ask(1), asked.ask(1)) == [10, 10]
    assert asked.batches == [[1]]


async def test_an_item_without_a_result_is_none():
    asked = Query()
    assert await asyncio.gather(asked.ask(-1), asked.ask(1)) == [None, 10]


async def test_a_failure_is_of_all_in_that_batch_and_of_no_other():
    asked = Query()
    asked.error = ValueError("no")
    failed = await asyncio.gather(asked.ask(1), asked.ask(2), return_exceptions=True)
    assert [str(error) for error in failed] == ["no", "no"]
    asked.error = None
    assert await asked.ask(3) == 30


async def test_a_call_that_does_not_end_keeps_the_next_one_waiting_for_a_while_only():
    asked = Query(patience=0.02)
    asked.go.clear()
    first = asyncio.create_task(asked.ask(1))
    await asyncio.sleep(0)
    second = asyncio.create_task(asked.ask(2))
    while asked.batches != [[1], [2]]:
        await asyncio.sleep(0.005)
    asked.go.set()
    assert await asyncio.gather(first, second) == [10, 20]


async def test_a_call_that_was_cancelled_leaves_no_one_waiting():
    asked = Query()
    asked.error = asyncio.CancelledError()
    (answer,) = await asyncio.gather(asked.ask(1), return_exceptions=True)
    assert isinstance(answer, asyncio.CancelledError)
    asked.error = None
    assert await asked.ask(2) == 20


@pytest.mark.parametrize("outcome", ["a result", "a failure"])
async def test_one_who_no_longer_waits_keeps_no_other_from_an_answer(outcome):
    asked = Query()
    asked.error = ValueError("no") if outcome == "a failure" else None
    asked.go.clear()
    leaves, stays = (asyncio.create_task(asked.ask(number)) for number in (1, 2))
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.sleep(0)
    asked.go.set()
    (answer,) = await asyncio.gather(stays, return_exceptions=True)
    assert answer == 20 if asked.error is None else isinstance(answer, ValueError)

"""Gathers what many tasks ask at about the same time into one call, such as one statement for many rows."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item", bound="Hashable")
Result = TypeVar("Result")

#: Items that one call gets, at most: a statement for more of them is not quicker an item, and others wait for it.
MOST = 64
#: Seconds after which a call that has not ended no longer keeps the next one waiting: its connection may be lost.
PATIENCE = 1.0


class DataLoader(Generic[Item, Result]):
    """
    Call it with one item; it answers with what *run* found for that one, or None.

    One call of *run* is under way at a time. What is asked meanwhile waits for it, and then goes together: the busier
    the loop, the larger the batches, and nobody waits for the sake of a batch.

    Args:
        run: Finds the results of several different items; those that it has none for may be absent. Called in the
            context (database connections) of whoever asked first, who must not be in a transaction.
        most: Items a call.
        patience: Seconds that the next call waits for one, at most.

    Raises:
        Exception: What *run* raised, to each of those whom it was for.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Mapping[Item, Result]]],
        *,
        most: int = MOST,
        patience: float = PATIENCE,
    ) -> None:
        self._run = run
        self._most = most
        self._patience = patience
        self._asked: dict[Item, list[asyncio.Future[Result | None]]] = {}
        self._running: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Task[None]] = set()

    async def __call__(self, item: Item) -> Result | None:
        answer: asyncio.Future[Result | None] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(item, []).append(answer)
        if self._running is None:
            self._running = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        try:
            while self._asked:
                batch = list(islice(self._asked, self._most))
                call = asyncio.create_task(self._answer({item: self._asked.pop(item) for item in batch}))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
                await asyncio.wait([call], timeout=self._patience)
        finally:
            self._running = None

    async def _answer(self, asked: Mapping[Item, Sequence[asyncio.Future[Result | None]]]) -> None:
        try:
            found = await self._run(list(asked))
        except Exception as error:  # noqa: BLE001 - it is theirs who asked
            for answer in _open(asked):
                answer.set_exception(error)
            return
        except BaseException:  # the loop ends
            for answer in _open(asked):
                answer.cancel()
            raise
        for item, answers in asked.items():
            for answer in answers:
                if not answer.done():
                    answer.set_result(found.get(item))


def _open(asked: Mapping[Item, Sequence[asyncio.Future[Result | None]]]) -> list[asyncio.Future[Result | None]]:
    return [answer for answers in asked.values() for answer in answers if not answer.done()]

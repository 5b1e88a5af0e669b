"""Gathers the items that many tasks ask for at about the same time into one call, such as one statement."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item", bound="Hashable")
ValueOf = TypeVar("ValueOf")


class DataLoader(Generic[Item, ValueOf]):
    """
    Call it with one item, and await what it returns: the value that *run* has for it, or None.

    One call of *run* is under way at a time, or two. Items that come meanwhile go into the next one together: the
    busier the loop, the larger the batches, and no item waits for a batch to fill.

    Args:
        run: Returns values by item; items without one may be missing. It runs in the context (database connections) of
            the first caller, which must not be in a transaction.
        most: Items a call. A statement for more is no quicker per item.
        overlapping: Whether two calls are, so that this process and the database are both busy.
        patience: Seconds after which the next call no longer waits for one: its connection may be lost.

    Raises:
        Exception: What *run* raised, to each caller of that batch.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Mapping[Item, ValueOf]]],
        *,
        most: int = 64,
        overlapping: bool = False,
        patience: float = 1.0,
    ) -> None:
        self._run = run
        self._most = most
        self._calls_at_a_time = 2 if overlapping else 1
        self._patience = patience
        self._waiting: dict[Item, list[asyncio.Future[ValueOf | None]]] = {}
        self._running: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Task[None]] = set()

    def __call__(self, item: Item) -> asyncio.Future[ValueOf | None]:
        answer: asyncio.Future[ValueOf | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(item, []).append(answer)
        if self._running is None:
            self._running = asyncio.create_task(self._work())
        return answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch = list(islice(self._waiting, self._most))
                call = asyncio.create_task(self._answer({item: self._waiting.pop(item) for item in batch}))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
                if len(self._calls) >= self._calls_at_a_time:
                    await asyncio.wait(self._calls, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._running = None

    async def _answer(self, batch: Mapping[Item, Sequence[asyncio.Future[ValueOf | None]]]) -> None:
        answers = [(item, answer) for item, answers in batch.items() for answer in answers]
        try:
            found = await self._run(list(batch))
        except Exception as error:  # noqa: BLE001 - it is raised to the callers
            for _, answer in answers:
                if not answer.done():
                    answer.set_exception(error)
        except BaseException:  # the loop ends
            for _, answer in answers:
                answer.cancel()
            raise
        else:
            for item, answer in answers:
                if not answer.done():
                    answer.set_result(found.get(item))

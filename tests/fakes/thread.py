"""Servers on a loop in a thread of their own, for tests that block or that watch whole processes."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def in_thread(server: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Hold *server* open in a thread; yields what it yields, and raises what it raises while it opens or closes."""
    opened: Future[tuple[T, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    closed: Future[None] = Future()

    async def hold_open() -> None:
        async with server as value:
            stop = asyncio.Event()
            opened.set_result((value, asyncio.get_running_loop(), stop))
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(hold_open())
        except BaseException as error:
            (closed if opened.done() else opened).set_exception(error)
        else:
            closed.set_result(None)

    thread = Thread(target=run, daemon=True)
    thread.start()
    value, loop, stop = opened.result()
    try:
        yield value
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
    closed.result()

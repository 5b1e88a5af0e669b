"""Running a few statements at once, no more of them than leaves connections for those who send grades."""

import asyncio
from collections.abc import Coroutine
from typing import Any

#: Of one question, which may be one of several: :data:`models.db.database.POOL` is for all.
TOGETHER = 3


async def together(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """
    What they give, in their order; none within a transaction.

    Raises:
        Exception: The first one that one of them raised. The others have ended too.
    """
    turns = asyncio.Semaphore(TOGETHER)

    async def in_turn(one: Coroutine[Any, Any, Any]) -> Any:
        async with turns:
            return await one

    found = await asyncio.gather(*map(in_turn, work), return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return found

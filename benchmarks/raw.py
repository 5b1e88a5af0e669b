"""The limit: the same bytes, signed and posted by aiohttp, without queue and database."""

from __future__ import annotations

import asyncio
import time
import uuid

import aiohttp
from yarl import URL

from actors.protocols import oauth1
from actors.protocols.basic_outcome import replace_result


async def raw(url: str, outcomes: int, concurrency: int) -> float:
    """Outcomes a second."""
    slots = asyncio.Semaphore(concurrency)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

        async def one(number: int) -> None:
            async with slots:
                body = replace_result(f"sourcedid-{number}", "0.5", message_id=uuid.uuid4().hex)
                stamp = str(int(time.time()))
                headers = oauth1.sign(url, body, key="bench", secret="secret", nonce=uuid.uuid4().hex, timestamp=stamp)
                async with session.post(URL(url, encoded=True), data=body, headers=headers) as reply:
                    await reply.read()

        started = time.perf_counter()
        await asyncio.gather(*(one(number) for number in range(outcomes)))
        return outcomes / (time.perf_counter() - started)

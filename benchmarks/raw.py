"""The limit: the same bytes, signed and posted by aiohttp, without queue and database."""

import asyncio
import secrets
import time
import uuid
from collections.abc import Callable

import aiohttp
from oauthlib.oauth1 import SIGNATURE_TYPE_AUTH_HEADER, Client
from yarl import URL

from actors.protocols.lti11 import oauth1
from actors.protocols.lti11.basic_outcome import replace_result

#: From URL and body to headers.
Signer = Callable[[str, bytes], dict[str, str]]


def oauthlib_signer(url: str, body: bytes) -> dict[str, str]:
    """oauthlib's own client, as any program would use it."""
    client = Client("bench", "secret", signature_type=SIGNATURE_TYPE_AUTH_HEADER)
    _, headers, _ = client.sign(url, "POST", body.decode(), {"Content-Type": "application/xml"})
    return dict(headers)


def our_signer(url: str, body: bytes) -> dict[str, str]:
    """What the daemon signs with."""
    stamp = str(int(time.time()))
    return oauth1.sign(url, body, key="bench", secret="secret", nonce=secrets.token_hex(16), timestamp=stamp)


async def raw(url: str, outcomes: int, concurrency: int, signer: Signer) -> float:
    """Outcomes a second."""
    slots = asyncio.Semaphore(concurrency)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

        async def one(number: int) -> None:
            async with slots:
                body = replace_result(f"sourcedid-{number}", "0.5", message_id=uuid.uuid4().hex)
                headers = signer(url, body)
                async with session.post(URL(url, encoded=True), data=body, headers=headers) as reply:
                    await reply.read()

        started = time.perf_counter()
        await asyncio.gather(*(one(number) for number in range(outcomes)))
        return outcomes / (time.perf_counter() - started)

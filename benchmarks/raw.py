"""The limit: the same bytes posted by aiohttp, signed or with a token, without queue and database."""

import asyncio
import secrets
import time
import uuid
from collections.abc import Callable

import aiohttp
from oauthlib.oauth1 import SIGNATURE_TYPE_AUTH_HEADER, Client
from yarl import URL

from actors.protocols.interface import WireScore
from actors.protocols.lti11 import oauth1
from actors.protocols.lti11.basic_outcome import replace_result
from actors.protocols.lti13.score import SCORE_TYPE, score_json

#: From URL and body to headers.
Signer = Callable[[str, bytes], dict[str, str]]

#: Where a request goes, its body and its headers.
Posted = tuple[str, bytes, dict[str, str]]

#: From the campus's URL and the number of the outcome.
Writer = Callable[[str, int], Posted]


def oauthlib_signer(url: str, body: bytes) -> dict[str, str]:
    """oauthlib's own client, as any program would use it."""
    client = Client("bench", "secret", signature_type=SIGNATURE_TYPE_AUTH_HEADER)
    _, headers, _ = client.sign(url, "POST", body.decode(), {"Content-Type": "application/xml"})
    return dict(headers)


def our_signer(url: str, body: bytes) -> dict[str, str]:
    """What the daemon signs with."""
    stamp = str(int(time.time()))
    return oauth1.sign(url, body, key="bench", secret="secret", nonce=secrets.token_hex(16), timestamp=stamp)


def signed(signer: Signer) -> Writer:
    """Requests over LTI 1.1."""

    def write(url: str, number: int) -> Posted:
        body = replace_result(f"sourcedid-{number}", "0.5", message_id=uuid.uuid4().hex)
        return url, body, signer(url, body)

    return write


def with_bearer(url: str, number: int) -> Posted:
    """A request over LTI 1.3, with an access token that is at hand."""
    body = score_json(f"sub-{number}", WireScore("0.5", int(time.time())), of_canvas=False)
    return f"{url}/scores", body, {"Authorization": "Bearer token", "Content-Type": SCORE_TYPE}


async def raw(url: str, outcomes: int, concurrency: int, write: Writer) -> float:
    """Outcomes a second."""
    slots = asyncio.Semaphore(concurrency)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

        async def one(number: int) -> None:
            async with slots:
                target, body, headers = write(url, number)
                async with session.post(URL(target, encoded=True), data=body, headers=headers) as reply:
                    await reply.read()

        started = time.perf_counter()
        await asyncio.gather(*(one(number) for number in range(outcomes)))
        return outcomes / (time.perf_counter() - started)

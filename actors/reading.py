"""Reads what an LMS holds: the score of one learner, in one request, or in a few where it answers in pages."""

import secrets
from collections.abc import Callable, Sequence

from actors.client import Abort, Sender
from actors.protocols.interface import Accepted, Held, OutcomeProtocol, RequestId, Target, WireRequest
from actors.response import BODY_LIMIT, Response
from models.db.clock import Clock

#: Pages that are read at most: what is looked for may be on the last one.
MAX_PAGES = 20
#: Bytes of a page that are read: a platform may put all of a course onto one.
PAGE_BYTES = 1024 * 1024


async def read_held(
    sender: Sender,
    protocol: OutcomeProtocol,
    target: Target,
    *,
    clock: Clock,
    in_time: Callable[[], bool],
    redacted: Sequence[str],
    abort: Abort | None = None,
) -> tuple[Held, Accepted]:
    """
    What the LMS holds, and what its last answer says beside that.

    Args:
        in_time: Whether a request may still be written.
        redacted: What must never show in a message, beside what the protocol knows.

    Raises:
        DeliveryError: The LMS did not say.
        ValueError: It said nothing that can be read; the message says why.
    """
    more: str | None = None
    for _ in range(MAX_PAGES):
        request = RequestId(clock.now() // 1000, secrets.token_hex(16), secrets.token_hex(16))
        wire = protocol.write_read(target, request, more=more)
        hidden = (*redacted, *wire.redacted)
        response = await ask(
            sender, wire, consumer_key=target.consumer_key, abort=abort, in_time=in_time, redacted=redacted
        )
        now = clock.now_utc()
        said = protocol.read_response(response, now=now, platform=target.product, redacted=hidden)
        held = protocol.read_score(response, target, redacted=hidden)
        if held.more is None:
            return held, said
        more = held.more
    raise ValueError(f"the learner is on none of its first {MAX_PAGES} pages")


async def ask(
    sender: Sender,
    wire: WireRequest,
    *,
    consumer_key: str,
    abort: Abort | None,
    in_time: Callable[[], bool],
    redacted: Sequence[str] = (),
) -> Response:
    """
    Make one request, and once more with other headers where the LMS cannot give what it was asked for (HTTP 406).

    Of a page (a GET) :data:`PAGE_BYTES` are read.

    Args:
        in_time, redacted: As in :func:`read_held`.

    Raises:
        DeliveryError: As :meth:`actors.client.Sender.send`.
    """
    headers = wire.headers
    for fallback in (wire.fallback, {}):
        response = await sender.send(
            wire.url,
            wire.body,
            headers,
            method=wire.method,
            body_limit=PAGE_BYTES if wire.method == "GET" else BODY_LIMIT,
            consumer_key=consumer_key,
            abort=abort,
            in_time=in_time,
            redacted=(*redacted, *wire.redacted),
        )
        if response.status != 406 or not fallback:
            break
        headers = headers | fallback
    return response

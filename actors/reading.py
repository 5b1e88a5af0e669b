"""Reads the score that an LMS holds for one learner: one request, or a few where it answers in pages."""

import secrets
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from actors.client import Abort, Sender
from actors.protocols.interface import Accepted, Held, OutcomeProtocol, RequestId, Target, WireRequest
from actors.response import Response
from models.db.clock import Clock

#: Pages of which the learner may be on the last one.
MAX_PAGES = 20


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
        request = RequestId(clock.now() // 1000, secrets.token_hex(16), uuid.uuid4().hex)
        wire = protocol.write_read(target, request, more=more)
        hidden = (*redacted, *wire.redacted)
        response = await _ask(sender, target, wire, in_time, hidden, abort)
        if response.status == 406 and wire.fallback:
            wire = WireRequest(wire.url, wire.body, wire.headers | wire.fallback, wire.redacted, wire.method)
            response = await _ask(sender, target, wire, in_time, hidden, abort)
        now = datetime.fromtimestamp(clock.now() / 1000, UTC)
        said = protocol.read_response(response, now=now, platform=target.product, redacted=hidden)
        held = protocol.read_score(response, target, redacted=hidden)
        if held.more is None:
            return held, said
        more = held.more
    raise ValueError(f"the learner is on none of its first {MAX_PAGES} pages")


async def _ask(
    sender: Sender,
    target: Target,
    wire: WireRequest,
    in_time: Callable[[], bool],
    redacted: Sequence[str],
    abort: Abort | None,
) -> Response:
    return await sender.send(
        wire.url,
        wire.body,
        wire.headers,
        method=wire.method,
        consumer_key=target.consumer_key,
        abort=abort,
        in_time=in_time,
        redacted=redacted,
    )

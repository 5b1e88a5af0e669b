"""Which messages of a queue are taken: any client of Redis can put anything there."""

import math
from typing import Any

from dramatiq import Message

#: Bytes. The longest message that passbackd sends has some 2,000.
MAX_MESSAGE_BYTES = 16 * 1024
#: Milliseconds that a message may be delayed, as Dramatiq has it.
MAX_DELAY = 7 * 24 * 3_600_000


class RefusedMessageError(Exception):
    """A message that cannot be worked on; it says why."""


def check_message(data: bytes, queue: str, *, now_ms: float) -> None:
    """
    Refuse what would end a thread of Dramatiq's or wait for ever, before anything is done for it.

    Args:
        data: As it is stored.
        queue: The queue on which it was.
        now_ms: By this machine's clock, from which Dramatiq reckons delays.

    Raises:
        RefusedMessageError: It is refused.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise RefusedMessageError(f"it has {len(data)} bytes, more than {MAX_MESSAGE_BYTES}")
    try:
        message: Message[Any] = Message.decode(data)
    except Exception as error:
        raise RefusedMessageError(f"it cannot be read ({type(error).__name__})") from error
    if message.queue_name != queue:
        raise RefusedMessageError("it is of another queue")
    wrong = [
        name
        for name, kind in (("actor_name", str), ("message_id", str), ("args", list | tuple), ("kwargs", dict))
        if not isinstance(getattr(message, name), kind)
    ]
    if wrong or not isinstance(message.options, dict):
        raise RefusedMessageError(f"its {', '.join(wrong) or 'options'} are of another kind")
    if not isinstance(message.options.get("redis_message_id"), str):
        raise RefusedMessageError("it has no redis_message_id")
    eta = message.options.get("eta")
    if eta is not None and not _is_time(eta, now_ms + MAX_DELAY):
        raise RefusedMessageError("its time never comes")


def _is_time(eta: object, latest: float) -> bool:
    return isinstance(eta, int | float) and math.isfinite(eta) and eta <= latest

"""One request to an outcome service, written and signed afresh."""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING

from actors.errors import GiveUp
from actors.protocols.lti11 import oauth1

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.attempt import Address


def signed(write: Callable[[str], bytes], address: Address, *, now: int) -> tuple[bytes, dict[str, str]]:
    """
    Body and headers, never the same twice: platforms remember the nonces even of requests that they refuse.

    Args:
        write: Makes the body of a message identifier.
        now: Milliseconds since 1970.

    Raises:
        GiveUp: The sourcedid cannot be written in XML, or the URL not signed.
    """
    try:
        body = write(uuid.uuid4().hex)
        headers = oauth1.sign(
            address.url,
            body,
            key=address.consumer_key,
            secret=address.consumer_secret,
            nonce=secrets.token_hex(16),
            timestamp=str(now // 1000),
        )
    except ValueError as error:
        raise GiveUp(
            f"no request can be written for this assignment: {error}", scope="campus", bytes_left=False
        ) from error
    return body, headers

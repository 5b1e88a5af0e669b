"""What every version of LTI reads in an answer besides its own message. Pure."""

import math
from urllib.parse import urlsplit

from actors.redact import REASON_LIMIT, redact
from actors.response import Response
from actors.web_page import NO_TEXT, readable

#: Statuses by which a server asks to be left alone for a while (RFC 9110, 15.5.9; RFC 8470, 5.2; RFC 6585, 4).
BUSY = (408, 425, 429)

#: Canvas gives each tool 600 to spend; a request under way holds 50 of it, and 10 a second come back. With less than
#: this left, another few requests would be refused: so it is left alone for so many seconds.
LIMIT_LOW, LIMIT_PAUSE = 100.0, 1.0

#: Seconds until a limit is whole again, at most: that of D2L is one of a minute.
_LIMIT_RESET = 60.0

#: Seconds. An LMS that says that it is processing a score has put it into a queue of its own, where it may lie behind a
#: night's work; until then a newer score that we sent could be overtaken by it.
PROCESSING_HOLD = 3600.0


def reason_of(response: Response, code: str | None, said: str) -> str:
    """The reason of an error: status, code if there is one, and *said*, which is redacted already."""
    return f"HTTP {response.status}{f', {code}' if code else ''}: {said or 'no words'}"


def start(response: Response) -> str:
    """The beginning of the body for people, not yet redacted."""
    # Twice the limit, so that a sourcedid across the limit is seen whole.
    said = readable(response.body, response.header("Content-Type") or "", 2 * REASON_LIMIT)
    coding = response.header("Content-Encoding")
    return f"{said} (Content-Encoding: {coding})" if coding and said.endswith(NO_TEXT) else said


def redirect(response: Response, what: str) -> str | None:
    """Name where *what* redirects to, but no path: it may hold a sourcedid or a session. None if it does not."""
    try:
        target = urlsplit(response.header("Location") or "")
        host = target.hostname
    except ValueError:
        return None
    if not 300 <= response.status <= 399 or not host:
        return None
    return f"HTTP {response.status}: the {what} redirects to {redact(f'{target.scheme}://{host}')[:200]}"


def is_empty(response: Response) -> bool:
    """Whether there is no body but white space."""
    return not response.truncated and not response.body.strip()


def is_limited(response: Response) -> bool:
    """Whether it says that its rate limit was exceeded, as Canvas does with a 403."""
    left = _number(response, "X-Rate-Limit-Remaining")
    return (left is not None and left <= 0) or b"rate limit exceeded" in response.body.lower()


def room_after(response: Response) -> float | None:
    """Seconds for which an LMS should be left alone whose rate limit is near; None if it is not."""
    left = _number(response, "X-Rate-Limit-Remaining")
    if left is None or left >= LIMIT_LOW:
        return None
    return reset_after(response) or LIMIT_PAUSE


def reset_after(response: Response) -> float | None:
    """Seconds until the rate limit is whole again, as D2L says it, at most a minute; None if that is not said."""
    seconds = _number(response, "X-Rate-Limit-Reset")
    return None if seconds is None or seconds <= 0 else min(seconds, _LIMIT_RESET)


def _number(response: Response, header: str) -> float | None:
    try:
        number = float(response.header(header) or "nan")
    except ValueError:
        return None
    return number if math.isfinite(number) else None

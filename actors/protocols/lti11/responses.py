"""What a response means and what to do about it. Pure: no clock, no network, no database."""

import math
import re
from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.protocols.interface import Accepted
from actors.protocols.lti11.basic_outcome import Reply, read_reply
from actors.protocols.lti11.platforms import MEANINGS, Meaning, Platform, Refusal, recognise
from actors.protocols.lti11.refusals import PHRASES, WRONG_SOURCEDID, about
from actors.redact import REASON_LIMIT, redact
from actors.response import Response
from actors.web_page import NO_TEXT, readable

#: Canvas gives each tool 600 to spend; a request under way holds 50 of it, and 10 a second come back. With less than
#: this left, another few requests would be refused: so it is left alone for so many seconds.
LIMIT_LOW, LIMIT_PAUSE = 100.0, 1.0

#: Words with a slash, a question mark or an ampersand in them.
_ADDRESSES = re.compile(r"\S*[/?&]\S*")

#: Seconds. An LMS that says that it is processing a score has put it into a queue of its own, where it may lie behind a
#: night's work; until then a newer score that we sent could be overtaken by it.
PROCESSING_HOLD = 3600.0


def classify(
    response: Response, *, now: datetime, platform: Platform | None = None, redacted: Sequence[str] = ()
) -> Accepted:
    """
    Decide what an LMS's response to a score means.

    The POX envelope counts first, whatever the status code and the content type are; then the status code.

    Arguments as of :meth:`actors.protocols.interface.OutcomeProtocol.read_response`.

    Raises:
        GiveUp: The LMS will never accept this score as long as nothing changes.
        Misconfigured: The LMS accepts no score of this campus until its operator fixes something.
        TryLater: It did not store the score and may do so later.
        Ambiguous: It may have stored the score.
    """
    # What was cut off may hold a second code.
    reply = Reply(None, "", is_pox=False) if response.truncated else read_reply(response.body)
    platform = platform or recognise(response, reply)
    description = redact(reply.description, redacted)
    succeeded = 200 <= response.status <= 299
    if reply.code_major == "success" and succeeded:
        return Accepted(response.status, "success", description, _room_after(response))
    if reply.code_major is None and succeeded and _is_empty(response) and response.status in platform.stored_when_empty:
        return Accepted(response.status, None, "", _room_after(response))

    if reply.code_major in ("failure", "unsupported"):
        error_code = redact(reply.error_code or "", redacted)
        raise _refused(response, reply.code_major, error_code, description, now, platform)
    if reply.code_major in ("success", "processing"):
        # A success under an error status contradicts itself; either half may be right.
        raise Ambiguous(
            _words(response, reply.code_major, description),
            after=response.retry_after(now),
            hold=PROCESSING_HOLD if reply.code_major == "processing" else None,
            http_status=response.status,
            code_major=reply.code_major,
        )
    raise _by_status(response, reply.code_major, description or redact(_start(response), redacted), now, platform)


def _refused(
    response: Response, code_major: str, error_code: str, description: str, now: datetime, platform: Platform
) -> DeliveryError:
    """
    Read a POX failure.

    The envelope is written by the part of an LMS that stores scores, not by something in front of it, so that a
    reason that we know holds under any status code, 5xx too. A failure of unknown reason under a 5xx may be a
    handler that broke after it had stored the score: that is not known to be a refusal.
    """
    words, status = _words(response, ", ".join(filter(None, (code_major, error_code))), description), response.status
    reason, meant = _reason(error_code, description, platform), _meaning(response, platform)
    if reason == "misconfigured" or (reason is None and meant == "misconfigured"):
        return Misconfigured(words, http_status=status, code_major=code_major)
    if reason is not None:
        return GiveUp(words, scope=reason, http_status=status, code_major=code_major)
    after = response.retry_after(now)
    if status >= 500:
        return Ambiguous(words, after=after, http_status=status, code_major=code_major)
    return TryLater(
        words,
        after=after,
        bytes_left=True,
        throttled=meant == "busy",
        unexplained=meant != "busy",
        http_status=status,
        code_major=code_major,
    )


def _reason(error_code: str, description: str, platform: Platform) -> Refusal | None:
    """What the LMS refuses a score for, if that is known. Its error code is decisive over its words."""
    for known in platform.error_codes:
        if fnmatchcase(error_code, known.code):
            return known.means
    what = about(description, platform.phrases)
    return None if what is None else MEANINGS.get(what)


def _by_status(
    response: Response, code_major: str | None, said: str, now: datetime, platform: Platform
) -> DeliveryError:
    """Read a response without a code that means something."""
    status, after = response.status, response.retry_after(now)
    words = _words(response, code_major, said)
    match _meaning(response, platform):
        case "misconfigured" | "campus" if 400 <= status <= 499 and _is_of_the_sourcedid(said):
            return GiveUp(words, scope="learner", http_status=status, code_major=code_major)
        case "misconfigured":
            return Misconfigured(_redirect(response) or words, http_status=status, code_major=code_major)
        case "busy":
            return TryLater(
                words, after=after, bytes_left=True, throttled=True, http_status=status, code_major=code_major
            )
        case "campus":
            return GiveUp(words, scope="campus", http_status=status, code_major=code_major)
    if 200 <= status <= 299:
        words = f"HTTP {status} without a readable imsx_codeMajor: {said or 'no words'}"
    return Ambiguous(words, after=after, http_status=status, code_major=code_major)


def _is_of_the_sourcedid(said: str) -> bool:
    """Whether a refusal without an envelope is of one learner's sourcedid. An address may hold the word."""
    words = _ADDRESSES.sub(" ", said)
    return about(words, PHRASES) == about(words, WRONG_SOURCEDID) == "sourcedid"


def _meaning(response: Response, platform: Platform) -> Meaning:
    """What the status code means by itself."""
    for row in platform.statuses:
        if response.status in row.codes and (not row.if_limited or _is_limited(response)):
            return row.means
    return "unknown"


def _is_limited(response: Response) -> bool:
    """Whether it says that its rate limit was exceeded, as Canvas does with a 403."""
    left = _limit_left(response)
    return (left is not None and left <= 0) or b"rate limit exceeded" in response.body.lower()


def _room_after(response: Response) -> float | None:
    left = _limit_left(response)
    return None if left is None or left >= LIMIT_LOW else LIMIT_PAUSE


def _limit_left(response: Response) -> float | None:
    """Canvas's ``X-Rate-Limit-Remaining``; None if it does not say, or no number."""
    try:
        left = float(response.header("X-Rate-Limit-Remaining") or "nan")
    except ValueError:
        return None
    return left if math.isfinite(left) else None


def _is_empty(response: Response) -> bool:
    return not response.truncated and not response.body.strip()


def _words(response: Response, code_major: str | None, said: str) -> str:
    code = f", {code_major}" if code_major else ""
    return f"HTTP {response.status}{code}: {said or 'no words'}"


def _start(response: Response) -> str:
    # Twice the limit, so that a sourcedid across the limit is seen whole.
    said = readable(response.body, response.header("Content-Type") or "", 2 * REASON_LIMIT)
    coding = response.header("Content-Encoding")
    return f"{said} (Content-Encoding: {coding})" if coding and said.endswith(NO_TEXT) else said


def _redirect(response: Response) -> str | None:
    """Name where a redirect leads, but no path: it may hold a sourcedid or a session."""
    try:
        target = urlsplit(response.header("Location") or "")
        host = target.hostname
    except ValueError:
        return None
    if not 300 <= response.status <= 399 or not host:
        return None
    return f"HTTP {response.status}: the outcome service redirects to {redact(f'{target.scheme}://{host}')[:200]}"

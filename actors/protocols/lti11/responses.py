"""What an answer means and what to do about it. Pure: no clock, no network, no database."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.protocols.lti11.basic_outcome import Reply, read_reply
from actors.protocols.lti11.platforms import recognise
from actors.redact import REASON_LIMIT, clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors.protocols.lti11.platforms import Outcome, Profile, Refusal
    from actors.response import Answer

#: Canvas gives each tool 600 to spend; a request under way holds 50 of it, and 10 a second come back. With less than
#: this left, another few requests would be refused: so it is left alone for so many seconds.
LIMIT_LOW, LIMIT_PAUSE = 100.0, 1.0

#: Seconds. The longest wait that an LMS may ask for.
LONGEST_WAIT = 6 * 3600.0


#: Seconds. An LMS that says that it is processing a score has put it into a queue of its own, where it may lie behind a
#: night's work; until then a newer score that we sent could be overtaken by it.
PROCESSING_HOLD = 3600.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """The LMS said that it stored the score."""

    http_status: int
    code_major: str | None
    description: str
    #: Seconds that the LMS should be left alone, if it said that its rate limit is near.
    after: float | None = None


def judge(answer: Answer, *, now: datetime, profile: Profile | None = None, hide: Sequence[str] = ()) -> Accepted:
    """
    Decide what an LMS's answer to a score means.

    The POX envelope counts first, whatever the status code and the content type are; then the status code.

    Args:
        now: The time, with its zone, for a ``Retry-After`` that is a date; the answer's own ``Date`` goes before it.
        profile: What the operator chose; None recognises the kind of LMS from the answer.
        hide: What must never show in a reason, though the LMS may echo it: the sourcedid, the consumer secret.

    Raises:
        GiveUp: The LMS will never accept this score as things stand.
        Misconfigured: Nothing of this campus will be accepted until somebody mends something.
        TryLater: It did not store the score and may do so later.
        Ambiguous: It may have stored the score.
    """
    # What was cut off may hold a second code.
    reply = Reply(None, "", is_pox=False) if answer.truncated else read_reply(answer.body)
    profile = profile or recognise(answer, reply)
    description = clean(reply.description, hide)
    succeeded = 200 <= answer.status <= 299
    if reply.code_major == "success" and succeeded:
        return Accepted(answer.status, "success", description, _room_after(answer))
    if reply.code_major is None and succeeded and _is_empty(answer) and answer.status in profile.stored_when_empty:
        return Accepted(answer.status, None, "", _room_after(answer))

    if reply.code_major in ("failure", "unsupported"):
        error_code = clean(reply.error_code or "", hide)
        raise _refused(answer, reply.code_major, error_code, description, now, profile)
    if reply.code_major in ("success", "processing"):
        # A success under an error status contradicts itself; either half may be right.
        raise Ambiguous(
            _words(answer, reply.code_major, description),
            after=retry_after(answer, now),
            hold=PROCESSING_HOLD if reply.code_major == "processing" else None,
            http_status=answer.status,
            code_major=reply.code_major,
        )
    raise _by_status(answer, reply.code_major, description or clean(_start(answer), hide), now, profile)


def clock_offset(answer: Answer, now: datetime) -> float | None:
    """Seconds that the LMS's clock is ahead of *now*, by its ``Date`` header; None if it does not tell the time."""
    told = _date(answer.header("Date") or "")
    return None if told is None else (told - now).total_seconds()


def retry_after(answer: Answer, now: datetime) -> float | None:
    """Seconds that the answer asks us to wait, within 0 to :data:`LONGEST_WAIT`; None if it does not say."""
    asked = (answer.header("Retry-After") or "").strip()
    if asked.isascii() and asked.isdigit():
        # More digits than a wait can have are not even read: Python refuses thousands of them.
        return LONGEST_WAIT if len(asked) > 9 else min(float(asked), LONGEST_WAIT)
    until = _date(asked)
    if until is None:
        return None
    answered = _date(answer.header("Date") or "") or now
    return min(max((until - answered).total_seconds(), 0.0), LONGEST_WAIT)


def _refused(
    answer: Answer, code_major: str, error_code: str, description: str, now: datetime, profile: Profile
) -> DeliveryError:
    """
    Read a POX failure.

    The envelope is written by the part of an LMS that stores scores, not by something in front of it, so that a
    reason that we know holds under any status code, 5xx too. A failure of unknown reason under a 5xx may be a
    handler that broke after it had stored the score: that is not known to be a refusal.
    """
    words, status = _words(answer, ", ".join(filter(None, (code_major, error_code))), description), answer.status
    reason, meant = _reason(error_code, description, profile), _meaning(answer, profile)
    if reason == "misconfigured" or (reason is None and meant == "misconfigured"):
        return Misconfigured(words, http_status=status, code_major=code_major)
    if reason is not None:
        return GiveUp(words, scope=reason, http_status=status, code_major=code_major)
    after = retry_after(answer, now)
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


def _reason(error_code: str, description: str, profile: Profile) -> Refusal | None:
    """What the LMS refuses a score for, if that is known. Its error code is decisive over its words."""
    for known in profile.error_codes:
        if fnmatchcase(error_code, known.words):
            return known.means
    heard = description.lower()
    return next((reason.means for reason in profile.reasons if reason.words in heard), None)


def _by_status(answer: Answer, code_major: str | None, said: str, now: datetime, profile: Profile) -> DeliveryError:
    """Read an answer without a code that means something."""
    status, after = answer.status, retry_after(answer, now)
    words = _words(answer, code_major, said)
    match _meaning(answer, profile):
        case "misconfigured":
            return Misconfigured(_redirect(answer) or words, http_status=status, code_major=code_major)
        case "busy":
            return TryLater(
                words, after=after, bytes_left=True, throttled=True, http_status=status, code_major=code_major
            )
        case "campus":
            return GiveUp(words, scope="campus", http_status=status, code_major=code_major)
    if 200 <= status <= 299:
        words = f"HTTP {status} without a readable imsx_codeMajor: {said or 'no words'}"
    return Ambiguous(words, after=after, http_status=status, code_major=code_major)


def _meaning(answer: Answer, profile: Profile) -> Outcome:
    """What the status code means by itself."""
    for row in profile.statuses:
        if answer.status in row.codes and (not row.if_limited or _is_limited(answer)):
            return row.means
    return "unknown"


def _is_limited(answer: Answer) -> bool:
    """Whether it says that its rate limit was exceeded, as Canvas does with a 403."""
    left = _limit_left(answer)
    return (left is not None and left <= 0) or b"rate limit exceeded" in answer.body.lower()


def _room_after(answer: Answer) -> float | None:
    left = _limit_left(answer)
    return None if left is None or left >= LIMIT_LOW else LIMIT_PAUSE


def _limit_left(answer: Answer) -> float | None:
    """Canvas's ``X-Rate-Limit-Remaining``; None if it does not say, or no number."""
    try:
        left = float(answer.header("X-Rate-Limit-Remaining") or "nan")
    except ValueError:
        return None
    return left if math.isfinite(left) else None


def _is_empty(answer: Answer) -> bool:
    return not answer.truncated and not answer.body.strip()


def _words(answer: Answer, code_major: str | None, said: str) -> str:
    code = f", {code_major}" if code_major else ""
    return f"HTTP {answer.status}{code}: {said or 'no words'}"


def _start(answer: Answer) -> str:
    # Twice the limit, so that a sourcedid across the limit is seen whole.
    return answer.body[: 2 * REASON_LIMIT].decode(errors="replace")


def _redirect(answer: Answer) -> str | None:
    """Name where a redirect leads, but no path: it may hold a sourcedid or a session."""
    try:
        target = urlsplit(answer.header("Location") or "")
        host = target.hostname
    except ValueError:
        return None
    if not 300 <= answer.status <= 399 or not host:
        return None
    return f"HTTP {answer.status}: the outcome service redirects to {clean(f'{target.scheme}://{host}')[:200]}"


# All answers of a second bear the same one.
@lru_cache(maxsize=64)
def _date(text: str) -> datetime | None:
    """An HTTP date; None if it is none."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)

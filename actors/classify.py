"""What an answer means and what to do about it. Pure: no clock, no network, no database."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlsplit

from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.protocols.basic_outcome import Reply, read_reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from actors.answer import Answer

#: Seconds. The longest wait that an LMS may ask for.
LONGEST_WAIT = 6 * 3600.0

#: Characters of a reason.
REASON_LIMIT = 500

#: Characters. A shorter sourcedid is struck out only where it stands alone: "1" must not eat the digits of a reason.
_SHORT = 4

#: Characters. Where the campus's words were cut off, this much of a sourcedid at their end is struck out too.
_TAIL = 8

#: Who must act on a refusal: the learner's or the course's own affair, or something that stops the whole campus.
Verdict = Literal["learner", "course", "misconfigured"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Words that an LMS uses in a POX failure, in lower case, and what they mean."""

    words: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of LMS answers. The first reason whose words occur decides."""

    name: str
    reasons: tuple[Reason, ...] = ()
    #: Status codes that, with an empty body, mean that the score was stored.
    stored_when_empty: frozenset[int] = frozenset()


#: What no platform contradicts. Permanent reasons come first: they are whole phrases, while those that stop a campus
#: are single words.
DEFAULT = Profile(
    name="default",
    reasons=(
        Reason("no longer in course", "learner"),
        Reason("no longer in the course", "learner"),
        Reason("not in course", "learner"),
        Reason("not in the course", "learner"),
        Reason("not enrolled", "learner"),
        Reason("no longer enrolled", "learner"),
        Reason("user not found", "learner"),
        Reason("invalid sourcedid", "learner"),
        Reason("incorrect sourcedid", "learner"),
        Reason("sourcedid is invalid", "learner"),
        Reason("sourcedid invalid", "learner"),
        Reason("sourcedid hash not valid", "learner"),
        Reason("course not available", "course"),
        Reason("course is not available", "course"),
        Reason("course is invalid", "course"),
        Reason("course is concluded", "course"),
        Reason("course concluded", "course"),
        Reason("course has ended", "course"),
        Reason("assignment is invalid", "course"),
        Reason("assignment is no longer associated", "course"),
        Reason("assignment not found", "course"),
        Reason("tool is invalid", "course"),
        Reason("no points possible", "course"),
        Reason("does not accept grades", "course"),
        Reason("does not support the requested operation", "course"),
        Reason("past due", "course"),
        Reason("signature", "misconfigured"),
        Reason("consumer key", "misconfigured"),
        Reason("consumer_key", "misconfigured"),
        Reason("body hash", "misconfigured"),
        Reason("body_hash", "misconfigured"),
        Reason("timestamp", "misconfigured"),
        Reason("nonce", "misconfigured"),
        Reason("oauth", "misconfigured"),
    ),
    stored_when_empty=frozenset({204}),
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The LMS said that it stored the score."""

    http_status: int
    code_major: str | None
    description: str


def judge(answer: Answer, *, now: datetime, profile: Profile = DEFAULT, hide: Sequence[str] = ()) -> Accepted:
    """
    Decide what an LMS's answer to a score means.

    The POX envelope counts first, whatever the status code and the content type are; then the status code.

    Args:
        now: The time, with its zone, for a ``Retry-After`` that is a date; the answer's own ``Date`` goes before it.
        hide: What must never show in a reason, though the LMS may echo it: the sourcedid, the consumer secret.

    Raises:
        GiveUp: The LMS will never accept this score as things stand.
        Misconfigured: Nothing of this campus will be accepted until somebody mends something.
        TryLater: It did not store the score and may do so later.
        Ambiguous: It may have stored the score.
    """
    # What was cut off may hold a second code.
    reply = Reply(None, "", is_pox=False) if answer.truncated else read_reply(answer.body)
    description = clean(reply.description, hide)
    succeeded = 200 <= answer.status <= 299
    if reply.code_major == "success" and succeeded:
        return Accepted(answer.status, "success", description)
    if reply.code_major is None and succeeded and _is_empty(answer) and answer.status in profile.stored_when_empty:
        return Accepted(answer.status, None, "")

    if reply.code_major in ("failure", "unsupported"):
        raise _refused(answer, reply.code_major, description, now, profile)
    if reply.code_major in ("success", "processing"):
        # A success under an error status contradicts itself; either half may be right.
        raise Ambiguous(
            _words(answer, reply.code_major, description),
            after=retry_after(answer, now),
            http_status=answer.status,
            code_major=reply.code_major,
        )
    raise _by_status(answer, reply.code_major, description or clean(_start(answer), hide), now)


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


def clean(words: str, hide: Iterable[str] = ()) -> str:
    """
    Make a campus's own words fit to be stored and shown.

    Everything in *hide* is struck out, also as it looks in XML, HTML or a URL, and so is an OAuth signature; control
    characters become spaces; at most :data:`REASON_LIMIT` characters are left.
    """
    for secret in hide:
        for form in dict.fromkeys((secret, html.escape(secret, quote=False), html.escape(secret), quote(secret, ""))):
            words = _strike(words, form)
    words = re.sub(r"oauth_signature(?!_method)\W{1,6}[\w%+/.~-]+=*", "oauth_signature […]", words)
    words = "".join(character if character.isprintable() else " " for character in words)
    return " ".join(words.split())[:REASON_LIMIT]


def _refused(answer: Answer, code_major: str, description: str, now: datetime, profile: Profile) -> DeliveryError:
    """
    Read a POX failure.

    The envelope is written by the part of an LMS that stores scores, not by something in front of it, so that a
    reason that we know holds under any status code, 5xx too. A failure of unknown reason under a 5xx may be a
    handler that broke after it had stored the score: that is not known to be a refusal.
    """
    words, status = _words(answer, code_major, description), answer.status
    heard = description.lower()
    verdict = next((reason.verdict for reason in profile.reasons if reason.words in heard), None)
    if verdict == "misconfigured" or (verdict is None and (status == 401 or 300 <= status <= 399)):
        return Misconfigured(words, http_status=status, code_major=code_major)
    if verdict is not None:
        return GiveUp(words, scope=verdict, http_status=status, code_major=code_major)
    after = retry_after(answer, now)
    if status >= 500:
        return Ambiguous(words, after=after, http_status=status, code_major=code_major)
    return TryLater(
        words,
        after=after,
        bytes_left=True,
        throttled=_is_busy(answer),
        http_status=status,
        code_major=code_major,
    )


def _by_status(answer: Answer, code_major: str | None, said: str, now: datetime) -> DeliveryError:
    """Read an answer without a code that means something."""
    status, after = answer.status, retry_after(answer, now)
    words = _words(answer, code_major, said)
    if 300 <= status <= 399 or status == 401:
        return Misconfigured(_redirect(answer) or words, http_status=status, code_major=code_major)
    if _is_busy(answer):
        return TryLater(words, after=after, bytes_left=True, throttled=True, http_status=status, code_major=code_major)
    if 400 <= status <= 499:
        return GiveUp(words, scope="campus", http_status=status, code_major=code_major)
    if 200 <= status <= 299:
        words = f"HTTP {status} without a readable imsx_codeMajor: {said}"[:REASON_LIMIT]
    return Ambiguous(words, after=after, http_status=status, code_major=code_major)


def _is_busy(answer: Answer) -> bool:
    if answer.status in (408, 425, 429):
        return True
    if answer.status != 403:
        return False
    try:
        spent = float(answer.header("X-Rate-Limit-Remaining") or "1") <= 0
    except ValueError:
        spent = False
    return spent or b"rate limit exceeded" in answer.body.lower()


def _is_empty(answer: Answer) -> bool:
    return not answer.truncated and not answer.body.strip()


def _words(answer: Answer, code_major: str | None, said: str) -> str:
    code = f", {code_major}" if code_major else ""
    return f"HTTP {answer.status}{code}: {said or 'no words'}"[:REASON_LIMIT]


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


def _date(text: str) -> datetime | None:
    """An HTTP date; None if it is none."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _strike(words: str, secret: str) -> str:
    if not secret:
        return words
    if len(secret) < _SHORT:
        return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "[…]", words)
    words = words.replace(secret, "[…]")
    for length in range(min(len(secret), len(words)), _TAIL - 1, -1):
        if words.endswith(secret[:length]):
            return words[:-length] + "[…]"
    return words

"""What a response means and what to do about it. Pure: no clock, no network, no database."""

import re
from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, Omission, Omit, TryLater
from actors.protocols.answers import PROCESSING_HOLD, is_empty, is_limited, reason_of, redirect, room_after, start
from actors.protocols.interface import CLEARED, Accepted, WireScore
from actors.protocols.lti11.basic_outcome import Reply, read_reply
from actors.protocols.lti11.platforms import MEANINGS, Meaning, Platform, Refusal, recognise
from actors.protocols.refusals import PHRASES, WRONG_SOURCEDID, about
from actors.redact import redact
from actors.response import Response

#: Words with a slash, a question mark or an ampersand in them.
_ADDRESSES = re.compile(r"\S*[/?&]\S*")


#: What is said of an operation that an LMS does not have, or does not allow.
_UNSUPPORTED = re.compile(
    r"(?:\bnot |\bun|n't )(?:supported|implemented|allowed)\b|\bdo(?:es)? ?(?:not|n't) support|only replaceresult"
    r"|\bcan ?not be (?:cleared|deleted|removed)|\b(?:unknown|invalid) operation",
    re.IGNORECASE,
)


def classify(
    response: Response,
    *,
    now: datetime,
    platform: Platform | None = None,
    redacted: Sequence[str] = (),
    sent: WireScore | None = None,
) -> Accepted:
    """
    Decide what an LMS's response to a score means.

    The POX envelope counts first, whatever the status code and the content type are; then the status code.

    Arguments as of :meth:`actors.protocols.interface.OutcomeProtocol.read_response`.

    Raises:
        Omit: The LMS may take the score without something.
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
        return Accepted(response.status, "success", description, room_after(response))
    if reply.code_major is None and succeeded and is_empty(response) and response.status in platform.stored_when_empty:
        return Accepted(response.status, None, "", room_after(response))

    if reply.code_major in ("failure", "unsupported"):
        error_code = redact(reply.error_code or "", redacted)
        what = _omission(reply.code_major, error_code, description, sent)
        if what is not None:
            said = reason_of(response, reply.code_major, description)
            raise Omit(said, what=what, http_status=response.status, code_major=reply.code_major)
        raise _refused(response, reply.code_major, error_code, description, now, platform)
    if reply.code_major in ("success", "processing"):
        # A success under an error status contradicts itself; either half may be right.
        raise Ambiguous(
            reason_of(response, reply.code_major, description),
            after=response.retry_after(now),
            hold=PROCESSING_HOLD if reply.code_major == "processing" else None,
            http_status=response.status,
            code_major=reply.code_major,
        )
    raise _by_status(response, reply.code_major, description or redact(start(response), redacted), now, platform)


def _omission(code_major: str, error_code: str, description: str, sent: WireScore | None) -> Omission | None:
    """What the request may leave out, since the LMS refuses the score for it; None if it is nothing of that."""
    if sent is None:
        return None
    # Canvas refuses a time that it cannot read, or that has not come yet by its clock.
    if sent.submitted_at is not None and error_code.startswith("timestamp_"):
        return "submitted_at"
    if sent.text != CLEARED:
        return None
    # Who asks for the score in a request that has none knows no other.
    unknown = code_major == "unsupported" or _UNSUPPORTED.search(description) or about(description, PHRASES) == "campus"
    return "clear" if unknown else None


def _refused(
    response: Response, code_major: str, error_code: str, description: str, now: datetime, platform: Platform
) -> DeliveryError:
    """
    Read a POX failure.

    The envelope is written by the part of an LMS that stores scores, not by something in front of it, so that a
    reason that we know holds under any status code, 5xx too. A failure of unknown reason under a 5xx may be a
    handler that broke after it had stored the score: that is not known to be a refusal.
    """
    words, status = reason_of(response, ", ".join(filter(None, (code_major, error_code))), description), response.status
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
    words = reason_of(response, code_major, said)
    match _meaning(response, platform):
        case "misconfigured" | "campus" if 400 <= status <= 499 and _is_of_the_sourcedid(said):
            return GiveUp(words, scope="learner", http_status=status, code_major=code_major)
        case "misconfigured":
            return Misconfigured(
                redirect(response, "outcome service") or words, http_status=status, code_major=code_major
            )
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
        if response.status in row.codes and (not row.if_limited or is_limited(response)):
            return row.means
    return "unknown"

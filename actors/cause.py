"""
What a stored reason is about, so that people are shown who has to act. Pure.

The reasons are those of :mod:`actors.protocols` and :mod:`actors.transport_errors`: of a delivery record, of a parked
assignment, or of a campus's last error.
"""

import re
from functools import lru_cache
from typing import Literal

from actors.protocols.answers import BUSY
from actors.protocols.refusals import PHRASES, about, is_of_enrolment
from models.consumer import ProtocolName

#: ``away``: no answer, or none that says what became of the grade. ``busy``: it wants fewer requests. ``processing``:
#: it says that it still works on the grade. ``signature``: it refuses what the request is signed with. ``certificate``:
#: its own cannot be trusted. ``address``: it takes no grades at this URL. ``forbidden``: nothing may be sent to this
#: URL. ``content``: it refuses what is sent, for any learner. ``sourcedid``: it no longer takes that of the
#: launch. ``token``: it gives no access token until the set-up is corrected. ``token server``: it gives none
#: now. ``scope``: the launch did not offer what scores are sent with. ``enrolment``: the learner is not in the course.
#: ``learner``: it takes no more of this learner. ``activity``: the activity or its course takes no grades.
#: ``timestamp``: it holds a grade whose timestamp is newer, however late this one's is. ``unknown``: its words say
#: nothing that is known.
KnownCause = Literal[
    "away", "busy", "processing", "signature", "certificate", "address", "forbidden", "content", "sourcedid",
    "token", "token server", "scope", "enrolment", "learner", "activity", "timestamp", "unknown",
]  # fmt: skip

#: What the words of a platform's 403 are of, if they are of the access token.
_OF_TOKEN = re.compile(r"\btoken\b|\bjwt\b|\bsignature\b|\bauthentication\b|\bexpired\b", re.IGNORECASE)
#: How reasons begin that are of the token server alone.
_IN_VAIN = "no access token: "
_WITHOUT_TOKEN: tuple[tuple[str, KnownCause], ...] = (
    ("no access token can be asked for", "token"),
    ("no access token", "token server"),
    ("the platform gives an access token without the scope", "token"),
    ("the launch did not offer the scope", "scope"),
    ("the platform has no token URL", "token"),
    ("the tool has no key that may sign", "token"),
)

_WORN_OUT = re.compile(r"^\d+ attempts failed, the last one with: ")
_ANSWER = re.compile(r"HTTP (?P<status>\d{3})(?:, (?P<major>\w+)(?:, (?P<code>[^:]+))?)?: (?P<words>.*)", re.DOTALL)
_STARTS: tuple[tuple[str, KnownCause], ...] = (
    ("the timestamps of ", "timestamp"),
    ("the campus's certificate cannot be trusted", "certificate"),
    ("no connection to the campus", "away"),
    ("the connection was lost", "away"),
    ("stopped while waiting", "away"),
    ("the answer is not HTTP", "away"),
    ("no request can be written", "sourcedid"),
    ("HTTP ", "away"),
)
_CAUSES: dict[str | None, KnownCause] = {
    "request": "signature",
    "sourcedid": "sourcedid",
    "activity": "activity",
    "campus": "content",
}


@lru_cache(maxsize=1024)
def cause_of(reason: str, scope: str | None = None, protocol: ProtocolName = "lti-1.1") -> KnownCause:
    """
    What a reason is about.

    Args:
        scope: Whom the refusal concerns, where that is on record: ``learner``, ``course`` or ``campus``.
        protocol: The version of LTI that the campus speaks.
    """
    last = _WORN_OUT.sub("", reason)
    answer = _ANSWER.fullmatch(last)
    if protocol == "lti-1.3":
        of_token = _of_token_server(last)
        if of_token is not None:
            return of_token
        if answer is not None:
            return _of_platform(int(answer["status"]), answer["words"], scope, worn_out=last != reason)
    if answer is not None:
        return _of_answer(int(answer["status"]), answer["major"], answer["code"], answer["words"], scope)
    known = _by_start(last, _STARTS)
    if known is not None:
        return known
    if last != reason:
        return "away"
    return "forbidden" if scope == "campus" else "unknown"


def _by_start(reason: str, starts: tuple[tuple[str, KnownCause], ...]) -> KnownCause | None:
    return next((cause for start, cause in starts if reason.startswith(start)), None)


def _of_token_server(reason: str) -> KnownCause | None:
    """Why a platform gives no access token; None for other reasons."""
    if reason.startswith("HTTP 3") and ": the token URL redirects" in reason:
        return "token"
    if reason.startswith("HTTP ") and " of the token URL " in reason:
        return "token server"
    said = reason.removeprefix(_IN_VAIN)
    if said == reason:
        return _by_start(reason, _WITHOUT_TOKEN)
    answer = _ANSWER.fullmatch(said)
    if answer is None:
        return "token server" if _by_start(said, _STARTS) == "away" or said.startswith("a fault of") else "token"
    status = int(answer["status"])
    if _is_busy(status, answer["words"]):
        return "busy"
    return "token" if status <= 499 else "token server"


def _of_platform(status: int, words: str, scope: str | None, *, worn_out: bool) -> KnownCause:
    """Of an answer over LTI 1.3."""
    if _is_busy(status, words) or not 300 <= status <= 499:
        return "processing" if status == 202 else _of_status(status, words, None)
    match scope:
        case "course":
            return "activity"
        case _ if worn_out:
            return "unknown"
        case "learner":
            is_of_grade = about(words, PHRASES) == "learner" and not is_of_enrolment(words)
            return "learner" if is_of_grade else "enrolment"
        case "campus":
            return "content" if status in (400, 422) else "address"
        case _:
            return _of_platform_alone(status, words)


def _of_platform_alone(status: int, words: str) -> KnownCause:
    """Of a status from 300 to 499 of which it is not on record whom it concerns."""
    if status == 401 or (status == 403 and _OF_TOKEN.search(words)):
        return "signature"
    if status in (400, 422):
        return "content"
    return "unknown" if status == 403 else "address"


def _of_answer(status: int, major: str | None, code: str | None, words: str, scope: str | None) -> KnownCause:
    if major == "processing":
        return "processing"
    if major not in ("failure", "unsupported"):
        return _of_status(status, words, scope)
    said = _of_words((code or "").replace("_", " "), scope) if code else None
    said = said or _of_words(words, scope)
    if said is not None:
        return said
    if scope == "course":
        return "activity"
    by_status = _of_status(status, words, scope)
    return by_status if by_status in ("busy", "signature") or 300 <= status <= 399 else "unknown"


def _of_words(words: str, scope: str | None) -> KnownCause | None:
    what = about(words, PHRASES)
    if what == "learner":
        return "enrolment" if is_of_enrolment(words) else "learner"
    # A campus that refuses one learner's signature means that of the sourcedid.
    if what == "request" and scope == "learner":
        return "sourcedid"
    return _CAUSES.get(what)


def _of_status(status: int, words: str, scope: str | None) -> KnownCause:
    if _is_busy(status, words):
        return "busy"
    if scope == "learner":
        return "sourcedid"
    if status == 401:
        return "signature"
    return "address" if 300 <= status <= 499 else "away"


def _is_busy(status: int, words: str) -> bool:
    return status in BUSY or (status == 403 and "rate limit exceeded" in words.lower())

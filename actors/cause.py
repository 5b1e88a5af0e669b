"""
What a stored reason is about, so that people are shown who has to act. Pure.

The reasons are those of :mod:`actors.protocols` and :mod:`actors.transport_errors`: of a delivery record, of a parked
assignment, or of a campus's last error.
"""

import re
from functools import lru_cache
from typing import Literal

from actors.protocols.refusals import PHRASES, about, is_of_enrolment

#: ``away``: no answer, or none that says what became of the grade. ``busy``: it wants fewer requests. ``processing``:
#: it says that it still works on the grade. ``signature``: it refuses what the request is signed with. ``certificate``:
#: its own cannot be trusted. ``address``: it takes no grades at this URL. ``forbidden``: nothing may be sent to this
#: URL. ``content``: it refuses what is sent, for any learner. ``sourcedid``: it no longer takes that of the
#: launch. ``enrolment``: the learner is not in the course. ``learner``: it takes no more of this learner.
#: ``activity``: the activity or its course takes no grades. ``unknown``: its words say nothing that is known.
KnownCause = Literal[
    "away", "busy", "processing", "signature", "certificate", "address", "forbidden", "content", "sourcedid",
    "enrolment", "learner", "activity", "unknown",
]  # fmt: skip

_WORN_OUT = re.compile(r"^\d+ attempts failed, the last one with: ")
_ANSWER = re.compile(r"HTTP (?P<status>\d{3})(?:, (?P<major>\w+)(?:, (?P<code>[^:]+))?)?: (?P<words>.*)", re.DOTALL)
_STARTS: tuple[tuple[str, KnownCause], ...] = (
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
def cause_of(reason: str, scope: str | None = None) -> KnownCause:
    """
    What a reason is about.

    Args:
        scope: Whom the refusal concerns, where that is on record: ``learner``, ``course`` or ``campus``.
    """
    last = _WORN_OUT.sub("", reason)
    answer = _ANSWER.fullmatch(last)
    if answer is not None:
        return _of_answer(int(answer["status"]), answer["major"], answer["code"], answer["words"], scope)
    known = next((cause for start, cause in _STARTS if last.startswith(start)), None)
    if known is not None:
        return known
    if last != reason:
        return "away"
    return "forbidden" if scope == "campus" else "unknown"


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
    if status in (408, 425, 429) or (status == 403 and "rate limit exceeded" in words.lower()):
        return "busy"
    if scope == "learner":
        return "sourcedid"
    if status == 401:
        return "signature"
    return "address" if 300 <= status <= 499 else "away"

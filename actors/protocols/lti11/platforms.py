"""
How LMSs answer, as data: what their status codes, error codes and words mean. Pure.

:data:`DEFAULT` holds for every LMS; what one kind of LMS does otherwise is laid over it. Facts are from the
platforms' sources and from the wire.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from actors.profiles import PlatformName
from actors.protocols.answers import BUSY
from actors.protocols.lti11.basic_outcome import Reply
from actors.protocols.refusals import PHRASES, About, Phrase
from actors.response import Response

#: What a refusal is about: the learner, the course, this campus's set-up (or a fault of passbackd, which its other
#: grades have too), or something that stops the whole campus until its operator fixes it.
Refusal = Literal["learner", "course", "campus", "misconfigured"]

#: What an answer without a code means: a refusal, that the LMS is busy, or that the score may be stored.
Meaning = Literal["campus", "misconfigured", "busy", "unknown"]

#: By what the words of a refusal are about; nothing where that says nothing.
MEANINGS: Mapping[About, Refusal] = {
    "request": "misconfigured",
    "sourcedid": "learner",
    "learner": "learner",
    "activity": "course",
    "campus": "campus",
}


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """An LMS's own code for a refusal, in lower case, and what it means. *code* may end in a ``*``."""

    code: str
    means: Refusal


@dataclass(frozen=True, slots=True)
class StatusRule:
    """Status codes, and what an answer under them means if it has no ``imsx_codeMajor`` that means something."""

    codes: Collection[int]
    means: Meaning
    #: Holds only for an answer that says that its rate limit was exceeded.
    if_limited: bool = False


@dataclass(frozen=True, slots=True)
class Platform:
    """How one kind of LMS answers. In each table the first row that fits decides."""

    name: str
    #: Looked for in ``imsx_description``.
    phrases: tuple[Phrase, ...] = ()
    #: Status codes that, with an empty body, mean that the score was stored.
    stored_when_empty: frozenset[int] = frozenset()
    #: ``ext_canvas_error_code``; it decides before the words.
    error_codes: tuple[ErrorCode, ...] = ()
    statuses: tuple[StatusRule, ...] = ()


_STATUSES = (
    # A login page, or an address that is no longer right: an outcome service never redirects.
    StatusRule(range(300, 400), "misconfigured"),
    StatusRule((401,), "misconfigured"),
    StatusRule(BUSY, "busy"),
    StatusRule((403,), "busy", if_limited=True),
    # The wrong address, or a fault of passbackd.
    StatusRule((400, 404, 405, 415, 422), "campus"),
    # Sakai answers so, without a body, when outcomes are switched off; that is a setting of the whole server.
    StatusRule((403,), "campus"),
    StatusRule(range(400, 500), "campus"),
    # An intermediary, or a job half done: the score may be stored.
    StatusRule(range(500, 600), "unknown"),
    StatusRule(range(200, 300), "unknown"),
)

DEFAULT = Platform("default", PHRASES, frozenset({204}), (), _STATUSES)

#: ``BasicLTI::Errors`` and ``BasicOutcomes`` of Canvas, which answers failures with 422. Its words for a sourcedid with
#: a wrong signature, "Invalid signature", sound like those for a request with one; but those it answers with 401 and
#: no envelope.
CANVAS = replace(
    DEFAULT,
    name="canvas",
    error_codes=(
        ErrorCode("user_not_in_course", "learner"),
        ErrorCode("sourcedid_invalid", "learner"),
        ErrorCode("signature_invalid", "learner"),
        ErrorCode("course_not_available", "course"),
        ErrorCode("course_invalid", "course"),
        ErrorCode("assignment_invalid", "course"),
        ErrorCode("assignment_tool_mismatch", "course"),
        ErrorCode("tool_invalid", "course"),
        ErrorCode("no_points_possible", "course"),
        # What we sent is wrong, and not this learner's or course's doing: all that we send there may be.
        ErrorCode("bad_score", "campus"),
        ErrorCode("no_score", "campus"),
        ErrorCode("no_parseable_*", "campus"),
        ErrorCode("timestamp_*", "campus"),
    ),
    phrases=(
        # Of a Canvas from before there were error codes.
        Phrase("sourcedid", "^invalid signature"),
        Phrase("campus", "^invalid timestamp"),
        *PHRASES,
    ),
)

#: ``mod/lti/service.php`` of Moodle, which answers failures with 200 and text/html, and these words of its own.
MOODLE = replace(DEFAULT, name="moodle")
_WORDS_OF_MOODLE = (
    "sourcedid hash not valid",
    "tool does not accept grades",
    "message signature not valid",
    "consumer key is missing",
    "score must be numeric",
    "score not between 0.0 and 1.0",
    "invalid xml content",
    "grade replace response",
)

#: The products whose answers over LTI 1.1 are as the default has it.
_LIKE_DEFAULT: tuple[PlatformName, ...] = ("openedx", "aplus", "sakai", "d2l", "blackboard")

PLATFORMS: Mapping[PlatformName, Platform] = {
    "default": DEFAULT,
    "canvas": CANVAS,
    "moodle": MOODLE,
    **{name: replace(DEFAULT, name=name) for name in _LIKE_DEFAULT},
}


def recognise(answer: Response, reply: Reply) -> Platform:
    """The profile of the LMS that answered so; :data:`DEFAULT` if nothing gives it away."""
    if reply.is_canvas or _has_headers_of_canvas(answer):
        return CANVAS
    if _has_cookie_of_moodle(answer) or _speaks_like_moodle(answer, reply):
        return MOODLE
    return DEFAULT


def _has_headers_of_canvas(answer: Response) -> bool:
    if answer.header("X-Canvas-Meta") is not None:
        return True
    # Neither alone is Canvas's own.
    return answer.header("X-Rate-Limit-Remaining") is not None and answer.header("X-Request-Context-Id") is not None


def _has_cookie_of_moodle(answer: Response) -> bool:
    return any(
        name.lower() == "set-cookie" and value.lstrip().startswith("MoodleSession")
        for name, value in answer.headers.items()
    )


def _speaks_like_moodle(answer: Response, reply: Reply) -> bool:
    heard = reply.description.lower()
    return (
        answer.status == 200
        and (answer.header("Content-Type") or "").lower().startswith("text/html")
        and reply.code_major == "failure"
        and any(words in heard for words in _WORDS_OF_MOODLE)
    )

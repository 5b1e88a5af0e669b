"""
How LMSs answer, as data: what their status codes, error codes and words mean. Pure.

:data:`DEFAULT` holds for every LMS; what one kind of LMS does otherwise is laid over it. Facts are from the
platforms' sources and from the wire.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from actors.protocols.lti11.basic_outcome import Reply
from actors.response import Response

#: What a refusal is about: the learner, the course, this campus's set-up (or a fault of passbackd, which its other
#: grades have too), or something that stops the whole campus until its operator fixes it.
Refusal = Literal["learner", "course", "campus", "misconfigured"]

#: What an answer without a code means: a refusal, that the LMS is busy, or that the score may be stored.
Meaning = Literal["campus", "misconfigured", "busy", "unknown"]

#: As written in the configuration.
PlatformName = Literal["default", "canvas", "moodle"]


@dataclass(frozen=True, slots=True)
class Reason:
    """What an LMS says in a POX failure, in lower case, and what it means."""

    words: str
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
    #: Looked for within ``imsx_description``.
    reasons: tuple[Reason, ...] = ()
    #: Status codes that, with an empty body, mean that the score was stored.
    stored_when_empty: frozenset[int] = frozenset()
    #: ``ext_canvas_error_code``; it decides before the reasons. May end in a ``*``.
    error_codes: tuple[Reason, ...] = ()
    statuses: tuple[StatusRule, ...] = ()


#: Whole phrases about one learner or one course come first, since those that stop a campus are single words.
_REASONS = (
    Reason("no longer in course", "learner"),
    Reason("no longer in the course", "learner"),
    Reason("not in course", "learner"),
    Reason("not in the course", "learner"),
    Reason("not enrolled", "learner"),
    Reason("no longer enrolled", "learner"),
    Reason("user not found", "learner"),
    Reason("invalid sourcedid", "learner"),
    Reason("incorrect sourcedid", "learner"),  # Blackboard, when the user has left the course
    Reason("sourcedid is invalid", "learner"),
    Reason("sourcedid invalid", "learner"),
    Reason("sourcedid hash not valid", "learner"),  # Moodle: only a new launch helps
    Reason("course not available", "course"),
    Reason("course is not available", "course"),
    Reason("course is invalid", "course"),
    Reason("course is concluded", "course"),
    Reason("course concluded", "course"),
    Reason("course has ended", "course"),
    Reason("assignment is invalid", "course"),
    Reason("assignment is no longer associated", "course"),
    Reason("assignment not found", "course"),
    Reason("link not found", "course"),
    Reason("link has been deleted", "course"),
    Reason("tool is invalid", "course"),
    Reason("no points possible", "course"),
    Reason("does not accept grades", "course"),
    Reason("does not support the requested operation", "course"),
    Reason("past due", "course"),  # Open edX, which looks at it before the signature
    Reason("signature", "misconfigured"),
    Reason("consumer key", "misconfigured"),
    Reason("consumer_key", "misconfigured"),
    Reason("body hash", "misconfigured"),
    Reason("body_hash", "misconfigured"),
    Reason("timestamp", "misconfigured"),
    Reason("nonce", "misconfigured"),
    Reason("oauth", "misconfigured"),
)

_STATUSES = (
    # A login page, or an address that is no longer right: an outcome service never redirects.
    StatusRule(range(300, 400), "misconfigured"),
    StatusRule((401,), "misconfigured"),
    StatusRule((408, 425, 429), "busy"),
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

DEFAULT = Platform("default", _REASONS, frozenset({204}), (), _STATUSES)

#: ``BasicLTI::Errors`` and ``BasicOutcomes`` of Canvas, which answers failures with 422. Its words for a sourcedid with
#: a wrong signature, "Invalid signature", sound like those for a request with one; but those it answers with 401 and
#: no envelope.
CANVAS = replace(
    DEFAULT,
    name="canvas",
    error_codes=(
        Reason("user_not_in_course", "learner"),
        Reason("sourcedid_invalid", "learner"),
        Reason("signature_invalid", "learner"),
        Reason("course_not_available", "course"),
        Reason("course_invalid", "course"),
        Reason("assignment_invalid", "course"),
        Reason("assignment_tool_mismatch", "course"),
        Reason("tool_invalid", "course"),
        Reason("no_points_possible", "course"),
        # What we sent is wrong, and not this learner's or course's doing: all that we send there may be.
        Reason("bad_score", "campus"),
        Reason("no_score", "campus"),
        Reason("no_parseable_*", "campus"),
        Reason("timestamp_*", "campus"),
    ),
    reasons=(
        # Of a Canvas from before there were error codes.
        Reason("invalid signature", "learner"),
        Reason("score is not between 0 and 1", "campus"),
        Reason("no score given", "campus"),
        Reason("unable to parse result", "campus"),
        Reason("invalid timestamp", "campus"),
        *_REASONS,
    ),
)

#: ``mod/lti/service.php`` of Moodle, which answers failures with 200 and text/html.
_MOODLE_REASONS = (
    Reason("sourcedid hash not valid", "learner"),
    Reason("tool does not accept grades", "course"),
    Reason("message signature not valid", "misconfigured"),
    Reason("consumer key is missing", "misconfigured"),
    # What we sent is wrong.
    Reason("score must be numeric", "campus"),
    Reason("score not between 0.0 and 1.0", "campus"),
    Reason("invalid xml content", "campus"),
)

MOODLE = replace(DEFAULT, name="moodle", reasons=(*_MOODLE_REASONS, *_REASONS))

PLATFORMS: Mapping[PlatformName, Platform] = {"default": DEFAULT, "canvas": CANVAS, "moodle": MOODLE}

#: For people.
PROFILE_NAMES: tuple[PlatformName, ...] = get_args(PlatformName)


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
        and any(reason.words in heard for reason in _MOODLE_REASONS)
    )

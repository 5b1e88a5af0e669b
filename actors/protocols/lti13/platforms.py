"""
How platforms answer over the Assignment and Grade Services, as data. Pure.

:data:`DEFAULT` holds for every platform; what one kind does otherwise is laid over it. Facts are from the platforms'
sources and from the wire.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from actors.errors import Omission
from actors.profiles import PlatformName
from actors.protocols.answers import BUSY
from actors.protocols.refusals import About
from actors.response import Response

#: What an answer means. *passing*: refused for no known reason. *doubt*: the score may be stored, now or later.
Meaning = Literal[
    "stored", "processing", "doubt", "overtaken", "token", "busy", "passing", "learner", "course", "campus",
    "misconfigured", "new_submission", "submitted_at", "clear",
]  # fmt: skip

#: The meanings that leave out a part of the request; each has no row for a request that has no such part.
OMISSIONS: Mapping[Meaning, Omission] = {
    "new_submission": "new_submission",
    "submitted_at": "submitted_at",
    "clear": "clear",
}

#: *empty*: nothing, or JSON that holds nothing. *json*: other JSON. *html*: a page.
Body = Literal["empty", "json", "html", "text"]

_Bodies = tuple[Body, ...]
_ANY: _Bodies = ("empty", "json", "html", "text")
#: What a part of a platform that knows of grades writes; a page is from something in front of it.
_OWN: _Bodies = ("empty", "json", "text")
_NOTHING: _Bodies = ("empty",)
_PAGE: _Bodies = ("html",)
_TEXT: _Bodies = ("text",)
_STORED: _Bodies = ("empty", "json")


@dataclass(frozen=True, slots=True)
class Row:
    """Answers, and what one means that fits all of it."""

    statuses: Collection[int]
    means: Meaning
    #: Looked for in the words, in lower case.
    words: str = ""
    #: What the words are about (:func:`actors.protocols.refusals.about`).
    about: About | None = None
    bodies: _Bodies = _ANY
    #: Holds only for an answer that says that its rate limit was exceeded.
    if_limited: bool = False


@dataclass(frozen=True, slots=True)
class Platform:
    """One kind of platform. The first row that fits decides."""

    name: str
    rows: tuple[Row, ...]
    #: Whether it knows Canvas's own submission in a score.
    has_submissions: bool = False
    #: Whether results can be read there.
    has_results: bool = True


def _said(statuses: Collection[int], means: Meaning, *patterns: str) -> tuple[Row, ...]:
    return tuple(Row(statuses, means, pattern, bodies=_OWN) for pattern in patterns)


_REFUSED = (400, 403, 404, 422)

_OVERTAKEN = _said(
    (400, 412, 422),
    "overtaken",
    "before (?:the )?last updated timestamp",  # Canvas
    r"already exists? (?:for|with|at) the (?:\w+ )?timestamp|later point in time",  # Open edX
    "(?:earlier|older|stale|outdated) (?:score )?timestamp",  # Moodle
    r"timestamp\b(?![^.;]*\bbe (?:before|earlier|in the past))"
    r"[^.;]{0,80}\b(?:older|earlier|before|not (?:later|newer|after))",
    "(?:newer|more recent|later) (?:score|result|grade) (?:already )?exists",
)

_DEFAULT_ROWS = (
    Row((200, 201, 204), "stored", bodies=_STORED),
    Row((202,), "processing"),
    Row(range(200, 300), "doubt"),
    # A login page, or an address that is no longer right: these services never redirect.
    Row(range(300, 400), "misconfigured"),
    Row((401,), "token"),
    Row(BUSY, "busy"),
    Row((403,), "busy", if_limited=True),
    Row((409,), "overtaken"),
    *_OVERTAKEN,
    *_said((400, 422), "submitted_at", r"submitted.?at\b[^;]*\bfuture|future\b[^;]*submitted.?at"),
    *_said((400, 422), "passing", r"\bfuture\b"),
    # Open edX never says 401. That of a form that guards against forgery is another token.
    *_said(
        (403,),
        "token",
        r"(?<!csrf )\btoken\b|\bjwt\b|\bsignature\b|\bauthentication (?:credentials|failed|required)",
        r"^(?:it )?(?:has )?expired\b",
        r"\b(?:authentication|authori[sz]ation|credentials|access) (?:has |have )?expired",
    ),
    *_said((400, 403, 422), "new_submission", r"max(?:imum)? (?:number of )?(?:allowed )?attempts"),
    *_said((422, 403), "passing", r"\bunpublished\b|\bnot (?:yet )?published\b"),
    *_said(_REFUSED, "passing", r"try again|\btemporar|maintenance|timed? ?out|overload|deadlock"),
    *_said((400, 422), "passing", r"\b(?:internal|server|unexpected) error"),
    *_said((404,), "learner", "requested score does not exist"),  # D2L
    Row((404,), "campus", bodies=_PAGE),
    *_said(
        _REFUSED,
        "learner",
        r"does not belong to site|not enrolled|not found in (?:the |this )?course|not a student",
        r"\b(?:user|learner|student|member)s?\b[^.;]{0,80}\b(?:could not be|was not|not) found",
    ),
    Row(_REFUSED, "learner", about="learner", bodies=_OWN),
    *_said(_REFUSED, "course", "not allowed in context|invalid lti id|course (?:has |was |is )?(?:been )?concluded"),
    Row(_REFUSED, "course", about="activity", bodies=_OWN),
    *_said((400,), "learner", "could not be found"),
    # A grade that was taken back must not stay, and who takes no score without one says so in any words, or in none. 0
    # goes out once, and is refused for whatever else is wrong.
    Row((400, 422), "clear", bodies=_OWN),
    # Moodle says nothing else of a learner whom it does not know.
    Row((400,), "learner", bodies=_NOTHING),
    Row((400,), "campus", about="campus", bodies=_OWN),
    *_said(
        (400,),
        "campus",
        r"\b(?:score_?given|score_?maximum|user_?id|timestamp|comment|submission)\b|\b(?:activity|grading)_?progress\b",
        r"content[- ]type|media[- ]type|\b(?:json|required)\b|\bformat|\bfields?\b|\bparameters?\b",
        r"malformed|\bpars(?:e|ing)\b",
    ),
    Row((404,), "campus", bodies=_TEXT),
    Row((404, 410, 412), "course"),
    Row((422,), "learner", bodies=_OWN),
    Row((400, 403, 422), "passing"),
    # The wrong address, or a fault of passbackd.
    Row(range(400, 500), "campus"),
    Row(range(100, 1000), "doubt"),
)

DEFAULT = Platform("default", _DEFAULT_ROWS)
CANVAS = replace(DEFAULT, name="canvas", has_submissions=True)
#: It answers 400 to a score without one.
APLUS = replace(DEFAULT, name="aplus", rows=(Row((400,), "clear"), *_DEFAULT_ROWS), has_results=False)

PLATFORMS: Mapping[PlatformName, Platform] = {
    "default": DEFAULT,
    "canvas": CANVAS,
    "moodle": replace(DEFAULT, name="moodle"),
    "openedx": replace(DEFAULT, name="openedx"),
    "aplus": APLUS,
    "sakai": replace(DEFAULT, name="sakai"),
    "d2l": replace(DEFAULT, name="d2l"),
    "blackboard": replace(DEFAULT, name="blackboard"),
}


def profile_of(product: str | None) -> Platform:
    """The profile of a product; :data:`DEFAULT` where it is not known."""
    return next((platform for name, platform in PLATFORMS.items() if name == product), DEFAULT)


def is_canvas(answer: Response) -> bool:
    """Whether only a Canvas answers so. No other product gets anything else for what it is than its launches say."""
    # Neither of the last two is one product's own.
    return answer.header("X-Canvas-Meta") is not None or (
        answer.header("X-Request-Context-Id") is not None and answer.header("X-Rate-Limit-Remaining") is not None
    )


def fits(row: Row, status: int, body: Body, words: str, what: About | None, *, limited: bool) -> bool:
    """Whether an answer is one of the row's. *words*: in lower case. *what*: they are about."""
    return (
        status in row.statuses
        and body in row.bodies
        and (limited or not row.if_limited)
        and (row.about is None or row.about == what)
        and (not row.words or re.search(row.words, words) is not None)
    )

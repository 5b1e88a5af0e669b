"""What an answer of the Assignment and Grade Services means and what to do about it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from actors.errors import (
    Ambiguous,
    BadToken,
    DeliveryError,
    GiveUp,
    Misconfigured,
    Omit,
    Overtaken,
    TryLater,
)  # fmt: skip
from actors.protocols.answers import (
    PROCESSING_HOLD,
    is_empty,
    is_limited,
    reason_of,
    redirect,
    reset_after,
    room_after,
    start,
)  # fmt: skip
from actors.protocols.interface import CLEARED, Accepted, WireScore
from actors.protocols.json_text import NoJsonError, read_json
from actors.protocols.lti13.platforms import DEFAULT, OMISSIONS, Body, Meaning, Platform, fits, is_canvas
from actors.protocols.lti13.results import latest_time
from actors.protocols.refusals import PHRASES, about
from actors.redact import REASON_LIMIT, redact
from actors.response import Response

#: Characters of a JSON answer's words that are looked at.
_MAX_SAID = 4 * REASON_LIMIT
#: Names in JSON that say nothing themselves.
_PLAIN_NAMES = frozenset({
    "error", "errors", "message", "messages", "detail", "details", "description", "error_description", "title",
    "reason", "status", "code", "type", "non_field_errors", "@context", "__all__",
})  # fmt: skip


def classify(
    response: Response,
    *,
    now: datetime,
    platform: Platform | None = None,
    redacted: Sequence[str] = (),
    sent: WireScore | None = None,
) -> Accepted:
    """
    Decide what an answer means, by the rows of :mod:`actors.protocols.lti13.platforms`.

    *platform*: None: the default one. The other arguments are those of
    :meth:`actors.protocols.interface.OutcomeProtocol.read_response`.

    Raises:
        Overtaken: The platform holds a score that is as new or newer.
        BadToken: It refused the access token.
        Omit: It may take the score without something.
        GiveUp: It will never accept this score as long as nothing changes.
        Misconfigured: It accepts no score of this campus until its operator fixes something.
        TryLater: It did not store the score and may do so later.
        Ambiguous: It may have stored the score.
    """
    body, said = _body(response)
    if sent is None and response.status == 200 and body != "html":
        return Accepted(response.status, None, "", room_after(response))
    shown = redact(said[: 2 * REASON_LIMIT], redacted)
    meaning = _meaning(response, platform or DEFAULT, body, said, sent)
    if meaning == "stored":
        product = "canvas" if is_canvas(response) else None
        return Accepted(response.status, None, "", room_after(response), product=product)
    raise _error(response, meaning, said, reason_of(response, None, shown), now)


def _meaning(response: Response, platform: Platform, body: Body, said: str, sent: WireScore | None) -> Meaning:
    heard, limited = said[: 2 * REASON_LIMIT].lower(), is_limited(response)
    what = about(said[:REASON_LIMIT], PHRASES) if response.status >= 400 else None
    if response.status in (400, 403) and "invalid_token" in (response.header("WWW-Authenticate") or ""):
        return "token"
    for row in platform.rows:
        if _concerns(row.means, sent) and fits(row, response.status, body, heard, what, limited=limited):
            return row.means
    return "doubt"


def _concerns(means: Meaning, sent: WireScore | None) -> bool:
    """Whether an answer to this request can mean it. What was not sent can be left out no more."""
    match means:
        case "overtaken":
            return sent is not None
        case "new_submission":
            return sent is not None and bool(sent.new_submission)
        case "submitted_at":
            return sent is not None and sent.submitted_at is not None
        case "clear":
            return sent is not None and sent.text == CLEARED
    return True


def _error(response: Response, meaning: Meaning, said: str, reason: str, now: datetime) -> DeliveryError:  # noqa: PLR0911 - a case each
    status, after = response.status, response.retry_after(now)
    match meaning:
        case "overtaken":
            return Overtaken(reason, held_since=latest_time(said), http_status=status)
        case "token":
            return BadToken(reason, http_status=status)
        case "new_submission" | "submitted_at" | "clear":
            return Omit(reason, what=OMISSIONS[meaning], http_status=status)
        case "learner" | "course" | "campus":
            return GiveUp(reason, scope=meaning, http_status=status)
        case "misconfigured":
            return Misconfigured(redirect(response, "platform") or reason, http_status=status)
        case "busy":
            after = reset_after(response) if after is None else after
            return TryLater(reason, after=after, bytes_left=True, throttled=True, http_status=status)
        case "passing":
            return TryLater(reason, after=after, bytes_left=True, unexplained=True, http_status=status)
        case "processing":
            return Ambiguous(reason, after=after, hold=PROCESSING_HOLD, http_status=status, code_major="processing")
    if 200 <= status <= 299:
        reason = f"HTTP {status} that says nothing of the score: {reason.partition(': ')[2]}"
    return Ambiguous(reason, after=after, http_status=status)


def _body(response: Response) -> tuple[Body, str]:
    """What kind of body it is, and its words for people, not yet redacted."""
    if is_empty(response):
        return "empty", _own_reason(response)
    try:
        value = read_json(response)
    except NoJsonError:
        said = start(response)
        return ("html" if _is_page(response) else "text"), said
    said = _said(value)
    return ("empty" if value in ([], {}, None, "") else "json"), said or _own_reason(response)


def _is_page(response: Response) -> bool:
    head = response.body[:1024].lstrip().lower()
    return "html" in (response.header("Content-Type") or "").lower() or head.startswith(b"<") or b"<html" in head


def _own_reason(response: Response) -> str:
    """The words of the status line where they are the platform's own: Moodle has no others."""
    try:
        usual = HTTPStatus(response.status).phrase
    except ValueError:
        usual = ""
    reason = response.reason.strip()
    return "" if reason.lower() == usual.lower() else reason


def _said(value: Any) -> str:
    """The beginning of its words: each text bears the names of all that it is in, which may be much longer."""
    found, length = [], 0
    for words in _words(value):
        found.append(words)
        length += len(words)
        if length >= _MAX_SAID:
            break
    return "; ".join(found)[: _MAX_SAID + REASON_LIMIT]


def _words(value: Any) -> Iterator[str]:
    """The texts in a JSON value, with the names that say what they are of."""
    if isinstance(value, str):
        text = value.strip().rstrip(".")
        if text:
            yield text
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            label = "" if name.lower() in _PLAIN_NAMES else f"{name}: "
            for words in _words(item):
                yield label + words

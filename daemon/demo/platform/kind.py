"""What kinds of platforms differ in, as data. Here is the strict one; tests have those of products."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from daemon.demo.platform.assertion import AssertionRules
from daemon.demo.platform.gradebook import ScoreEffect
from daemon.demo.platform.rules import TimeRule
from daemon.demo.platform.scores import SentScore
from daemon.demo.platform.tokens import AgsScope, ScopePolicy


class AgsMediaType(StrEnum):
    """The media types of LTI AGS 2.0."""

    SCORE = "application/vnd.ims.lis.v1.score+json"
    RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
    LINE_ITEM = "application/vnd.ims.lis.v2.lineitem+json"
    LINE_ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"


@dataclass(frozen=True, slots=True)
class PlatformReply:
    """An answer. *reason*: the reason phrase, if it is not the usual one."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None


def json_reply(document: object, status: int = 200, content_type: str = "application/json") -> PlatformReply:
    return PlatformReply(status, json.dumps(document).encode(), content_type)


def plain_error(status: int, words: str) -> PlatformReply:
    """A refusal as the strict platform writes it."""
    return json_reply({"error": words}, status)


def oauth_error(status: int, error: str, words: str) -> PlatformReply:
    """A refused token as RFC 6749, section 5.2, has it."""
    return json_reply({"error": error, "error_description": words}, status)


#: Why a request is refused: status and words. ``{detail}`` is what exactly is wrong, or the time that is held.
STRICT_REFUSALS: Mapping[str, tuple[int, str]] = {
    "no token": (401, "there is no access token"),
    "token unknown": (401, "the access token is not valid"),
    "token expired": (401, "the access token has expired"),
    "token scope": (403, "the scopes of the access token do not allow this"),
    "address": (404, "there is nothing at this address"),
    "method": (405, "the method is not allowed"),
    "media type": (415, "the media type is not supported"),
    "not acceptable": (406, "no media type that is accepted can be given"),
    "line item": (404, "the line item does not exist"),
    "other line item": (412, "the line item is not this tool's"),
    "context": (403, "not allowed in context"),
    "course": (422, "the course has concluded"),
    "unpublished": (422, "the assignment is still unpublished"),
    "learner": (422, "the user was not found in course"),
    "enrolled": (403, "the user is not enrolled"),
    "attempts": (422, "the maximum number of allowed attempts has been reached"),
    "submitted at": (400, "submitted_at is in the future"),
    "field": (400, "{detail}"),
    "above": (400, "scoreGiven is above scoreMaximum"),
    "clear": (400, "scoreGiven is missing"),
    "broken": (500, "internal server error"),
    "older": (409, "the timestamp is before the one that is held, {detail}"),
    "equal": (409, "the timestamp is the one that is held, {detail}"),
}

#: Why a token is refused: status and OAuth's error.
STRICT_TOKEN_REFUSALS: Mapping[str, tuple[int, str]] = {
    "form": (400, "invalid_request"),
    "client": (401, "invalid_client"),
    "key": (401, "invalid_client"),
    "signature": (401, "invalid_client"),
    "audience": (400, "invalid_client"),
    "claims": (400, "invalid_client"),
    "early": (400, "invalid_client"),
    "expired": (400, "invalid_client"),
    "replay": (400, "invalid_client"),
    "scope": (400, "invalid_scope"),
}


@dataclass(frozen=True, slots=True)
class PlatformKind:
    """
    One kind of platform. The default refuses whatever a platform may refuse.

    *above*: what becomes of a score above the maximum. *clearing*: values of ``gradingProgress`` that clear the grade
    even where there is a score. *empty*: what becomes of a score without ``scoreGiven``; None: it is refused.
    *submissions*: a score is a submission, unless it says otherwise, and may say when it was made (Canvas).
    """

    name: str = "default"
    #: ``product_family_code`` of a launch.
    product_family: str = "default"
    rule: TimeRule = field(default_factory=TimeRule)
    #: After the point, of the points that are kept; None: all.
    digits: int | None = None
    assertion: AssertionRules = field(default_factory=AssertionRules)
    scopes: ScopePolicy = "all"
    #: What ``scope`` of a token's answer holds; None: the field is absent.
    says_scopes: Callable[[tuple[str, ...]], str] | None = " ".join
    #: How a token's answer writes its life.
    expires_in: Literal["number", "digits", "absent"] = "number"
    stored: PlatformReply = field(default_factory=lambda: PlatformReply(204))
    refusals: Mapping[str, tuple[int, str]] = field(default_factory=lambda: STRICT_REFUSALS)
    write_error: Callable[[int, str], PlatformReply] = plain_error
    token_refusals: Mapping[str, tuple[int, str]] = field(default_factory=lambda: STRICT_TOKEN_REFUSALS)
    write_token_error: Callable[[int, str, str], PlatformReply] = oauth_error
    above: Literal["refused", "clipped", "broken"] = "refused"
    clearing: frozenset[str] = frozenset()
    empty: Literal["clear", "result"] | None = "clear"
    submissions: bool = False
    has_results: bool = True
    filters_results: bool = True
    #: Whether a row of results that has a score has the time that the platform keeps (Moodle, as ``date('c')``).
    results_have_time: bool = False
    #: What a reader must accept: the media type by name; or also ``*/*``; or JSON or ``*/*``; None: it does not matter.
    accept_results: Literal["exact", "or any", "json"] | None = "or any"
    accept_line_items: Literal["exact", "or any", "json"] | None = "or any"
    #: How the address of a next page is written.
    link: Literal["plain", "escaped"] = "plain"
    filters_line_items: bool = True
    #: Scopes that let a tool read line items.
    reads_line_items_with: tuple[str, ...] = (AgsScope.LINE_ITEMS, AgsScope.READ_LINE_ITEMS)
    container_path: str = "/ags/{context}/lineitems"
    #: After the container's path.
    item_path: str = "/{number}"
    #: Of every line item's address.
    query: str = ""

    def effect_of(self, sent: SentScore) -> ScoreEffect | None:
        """What a score changes; None: it is refused."""
        if sent.given is None:
            return self.empty
        if sent.grading_progress in self.clearing:
            return "clear"
        return "grade" if sent.grading_progress == "FullyGraded" else "result"

    def refuse(self, why: str, detail: str = "") -> PlatformReply:
        """The answer to a request that is refused: *why* is a key of :attr:`refusals`."""
        status, words = self.refusals[why]
        return self.write_error(status, words.replace("{detail}", detail))

    def refuse_token(self, why: str, words: str) -> PlatformReply:
        """The answer to a token request that is refused: *why* is a key of :attr:`token_refusals`."""
        status, error = self.token_refusals[why]
        return self.write_token_error(status, error, words)
